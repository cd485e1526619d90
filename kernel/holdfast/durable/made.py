"""What is remembered of a component that was looked at: where its memory lies, what the next look takes, its record.

It must never hold a value of the user's that takes room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from holdfast.durable.components import Component
from holdfast.durable.draft import Draft
from holdfast.durable.plan import Group, Survey
from holdfast.durable.reports import Meta

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Pickled
    from holdfast.durable.spared import Place

_NUMBERS, _SHORT = frozenset({int, float, bool, complex}), 1024


def made(version: int, group: Group, hoists: dict[int, str], bound: dict[str, int]) -> Component:
    """A component as it was walked now, of which nothing is stored yet."""
    component = Component(version, group.roots)
    component.hoists, component.bound = dict(hoists), bound
    component.tokens, component.refers = frozenset(group.tokens), frozenset(group.refers)
    component.children, component.leads = frozenset(group.children.values()), frozenset(group.leads)
    return component


def pinned(values: dict[str, object]) -> object:
    """The value of a component whose one root leads to a number or a short text: holding it costs little."""
    if len(values) == 1:
        (value,) = values.values()
        kind = type(value)
        if kind in _NUMBERS or (kind is str and len(value) < _SHORT):  # type: ignore[arg-type]
            return value
    return None


def spared(
    draft: Draft, survey: Survey, pickled: Pickled, roots: frozenset[str]
) -> tuple[tuple[Place | None, ...], Sequence[bytes | None], bool]:
    """Where the buffers lie, the fingerprints of those that are spared, and whether one of them is in doubt."""
    if not pickled.buffers:
        return (), (), False
    from holdfast.durable.spared import LIKELY, WORTH, place

    places = tuple(map(place, pickled.buffers))
    told: list[bytes | None] = [None] * len(places)
    doubted = False
    if draft.spare is None or sum(buffer.nbytes for buffer in pickled.buffers) < WORTH:
        return places, told, doubted
    for old in survey.touched:
        sure = draft.spare(old.roots | roots) if any(old.places) else 0
        if not sure:
            continue
        before = {one.address: (one, prints) for one, prints in zip(old.places, old.prints, strict=True) if one}
        for number, now in enumerate(places):
            then = before.get(now.address) if now is not None else None
            if now is not None and then is not None and then[0].same(now):
                told[number] = then[1]
                doubted = doubted or sure == LIKELY
    return places, told, doubted


def price(pickled: Pickled, group: Group, measured: float, told: Sequence[bytes | None]) -> float:
    """What the next check will take: as measured, unless something else (a collection, another process) had the CPU."""
    measured += 1e-10 * sum(buffer.nbytes for buffer, one in zip(pickled.buffers, told, strict=True) if one)
    size = 5e-5 + 2e-7 * pickled.size + 2e-6 * len(group.ids) + 2e-6 * len(group.roots)
    return min(measured, size + 5e-10 * sum(buffer.nbytes for buffer in pickled.buffers))


def meta(component: Component) -> bytes:
    """What its record says about itself."""
    return msgspec.json.encode(
        Meta(
            roots=sorted(component.roots),
            hoists=sorted(component.hoists.values()),
            tokens=sorted(component.tokens),
            children=sorted(component.children),
            digest=component.digest,
            prints=list(component.prints),
            seconds=round(component.seconds, 6),
            cell=component.cell,
            lost=list(component.lost),
            reopened=list(component.reopened),
            modules=dict(component.modules),
        )
    )
