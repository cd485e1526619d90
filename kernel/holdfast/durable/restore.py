"""A session back in the namespace, before the first cell runs.

It must never put anything but the real object or a `LostValue` under a name, and never run a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter

import msgspec

from holdfast.durable.audit import Keeper
from holdfast.durable.components import Component, name_of
from holdfast.durable.loading import LoadingWorld
from holdfast.durable.pickling.lost import LostValue, fields, rename
from holdfast.durable.reports import Restored, State
from holdfast.durable.roots import LAST
from holdfast.durable.store.points import Point
from holdfast.durable.store.port import Head, Store
from holdfast.durable.timeline import Timeline
from holdfast.durable.world import Codec
from holdfast.errors import StoreError

#: Seconds spent on the index of sharing before the first cell; the rest is the audit's.
INDEXING = 0.05


class Restorer:
    """Brings the newest commit of a store back into a committer's namespace."""

    def __init__(self, committer: Keeper, store: Store, codec: Codec) -> None:
        self._committer = committer
        self._store = store
        self._codec = codec

    def restore(self) -> Restored | None:
        """Everything under its name; None for an empty store.

        Raises StoreError, having bound nothing, when the head cannot be read; a record that is damaged costs only
        what is in it.

        Runs on the main thread before the first cell.
        """
        start = perf_counter()
        head = self._store.head()
        if head is None:
            return None
        committer = self._committer
        state = self.pass_over(head)
        world = LoadingWorld(committer, self._codec, head)
        world.begin()
        # The modules of variables may be found only there.
        with committer.ambient.at(world.place()):
            for version in dict.fromkeys(version for version in head.names.values() if version):
                if version not in world.loaded:
                    world.load(version)
            world.finish()
        world.adopt()
        inputs: Sequence[tuple[int, str]] = ()
        try:
            inputs = Timeline(self._store.log()).inputs(head.number, self._store.states())
        except StoreError as error:  # an old commit was changed: no value depends on it
            world.lost.append(("In", "history", str(error)))
        kept = self._bind(head, state, world.values, inputs)
        ambient = committer.ambient.restore({k: v for k, v in world.values.items() if k.startswith("@a")})
        committer.resume(head.count, head.epoch, state)
        committer.look(INDEXING)
        committer.crash(Point.RESTORED)
        return Restored(
            head.count,
            head.epoch,
            tuple(kept),
            rebuilt=tuple(world.rebuilt),
            fitted=tuple(world.fitted),
            lost=tuple(map(committer.roots.label, world.lost)),
            reopened=tuple(world.reopened),
            unchecked=tuple(state.unchecked),
            older=tuple(sorted(name for key in state.held if key in head.names and (name := name_of(key)) is not None)),
            audited=state.audited,
            ambient=tuple(ambient),
            versions=tuple(world.changed_modules()),
            seconds=perf_counter() - start,
        )

    def pass_over(self, head: Head) -> State:
        """Go on counting where `head` stopped: no version, token or key of the session is ever used twice."""
        state = msgspec.json.decode(head.state, type=State)
        definitions, roots, publisher = (part := self._committer).definitions, part.roots, part.publisher
        definitions.next, definitions.cells.next = state.tokens, state.cells
        roots.next, publisher.next_hoist, roots.next_child = state.results, state.hoists, state.children
        publisher.next_version, part.number = head.version + 1, head.number
        return state

    def _bind(
        self, head: Head, state: State, values: Mapping[str, object], inputs: Sequence[tuple[int, str]]
    ) -> list[str]:
        keeper = self._committer
        kept = []
        with keeper.namespace.exclusively() as ns:
            bind_results(keeper, head, state, values, inputs)
            for key in dict.fromkeys((*head.names, *state.held)):
                variable = name_of(key)
                if variable is not None and key in values:
                    ns[variable] = values[key]
                    if type(values[key]) is not self._codec.lost:
                        kept.append(variable)
            note_components(keeper, keeper.index.components(), values)
        return sorted(kept)


def bind_results(
    keeper: Keeper, head: Head, state: State, values: Mapping[str, object], inputs: Sequence[tuple[int, str]]
) -> None:
    """Fill `In`, `Out`, `_` and their kin, which are empty.  The caller holds the namespace's lock."""
    ns, results, roots = keeper.namespace.dict, keeper.namespace.results, keeper.roots
    for count, code in inputs:
        results.push_input(ns, count, code)
    entries = sorted(_entry(key) for key in head.names if key.startswith("@o"))
    slots = {LAST[-number - 1]: values.get(key, "") for number, key in entries if number < 0}
    for number, key in entries:
        if key in values:
            if key not in roots.results:
                roots.adopt_result(key, values[key])
            roots.adopt_entry(number, key)
            if number > 0:
                results.push_output(ns, number, values[key])
            if type(value := values[key]) is LostValue and fields(value)[0] == key:
                rename(value, roots.label((key, "", ""))[0])
    for name, number in zip(LAST, state.last, strict=False):
        results.bound[name] = ns[name] = results.out[number] if number in results.out else slots.get(name, "")


def note_components(keeper: Keeper, components: Iterable[Component], values: Mapping[str, object]) -> None:
    """Note which objects are the roots of components that were loaded, and which large values their hubs hold."""
    roots = keeper.roots
    for key, value in values.items():
        if key.startswith("@k"):
            roots.adopt_child(key, value)
    for component in components:
        for key in component.children:
            roots.holders[key] = roots.holders.get(key, 0) + 1
        component.bound = {key: id(values.get(key)) for key in component.roots}
        component.hoists = {id(values.get(key)): key for key in component.hoists.values()}


def _entry(key: str) -> tuple[int, str]:
    number, _, root = key[2:].partition("=")
    return int(number), root
