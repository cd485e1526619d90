"""Printers for the containers: one item a line when they are too wide for one line.

They must never call `repr` on a container: its items could not be laid out then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Protocol

from holdfast.output.pretty.calls import Call, RawText

if TYPE_CHECKING:
    from collections import Counter, OrderedDict, UserList, defaultdict, deque

    from holdfast.output.pretty.layout import Layout

__all__ = [
    "counter_printer",
    "defaultdict_printer",
    "deque_printer",
    "mapping_printer",
    "ordereddict_printer",
    "sequence_printer",
    "set_printer",
    "sorted_if_possible",
    "userlist_printer",
]


class _Printer[T](Protocol):
    def __call__(self, obj: T, p: Layout, cycle: bool, /) -> None: ...


def sorted_if_possible(items: Iterable[object]) -> list[object]:
    """The items in their order, else in that of their `str`, else as they come."""
    found = list(items)
    try:
        return sorted(found)  # type: ignore[type-var]
    except Exception:
        pass
    try:
        return sorted(found, key=str)
    except Exception:
        return found


def sequence_printer(opening: str, closing: str) -> _Printer[list[object] | tuple[object, ...]]:
    """A printer for lists and tuples: `[1, 2]`, `(1,)`, `[...]` inside itself."""

    def show(obj: list[object] | tuple[object, ...], p: Layout, cycle: bool) -> None:
        if cycle:
            p.text(f"{opening}...{closing}")
            return
        p.begin_group(len(opening), opening)
        for index, item in p.limited(obj):
            if index:
                p.text(",")
                p.breakable()
            p.pretty(item)
        if isinstance(obj, tuple) and len(obj) == 1:
            p.text(",")
        p.end_group(len(opening), closing)

    return show


def set_printer(opening: str, closing: str) -> _Printer[AbstractSet[object]]:
    """A printer for sets: sorted where that is possible and they are not cut short."""

    def show(obj: AbstractSet[object], p: Layout, cycle: bool) -> None:
        if cycle:
            p.text(f"{opening}...{closing}")
            return
        if not len(obj):
            p.text(f"{type(obj).__name__}()")
            return
        p.begin_group(len(opening), opening)
        cut = p.max_seq_length and len(obj) >= p.max_seq_length
        for index, item in p.limited(obj if cut else sorted_if_possible(obj)):
            if index:
                p.text(",")
                p.breakable()
            p.pretty(item)
        p.end_group(len(opening), closing)

    return show


def mapping_printer(opening: str, closing: str) -> _Printer[Mapping[object, object]]:
    """A printer for mappings, in the order of their keys: `{'b': 1, 'a': 2}`."""

    def show(obj: Mapping[object, object], p: Layout, cycle: bool) -> None:
        if cycle:
            p.text("{...}")
            return
        p.begin_group(len(opening), opening)
        for index, key in p.limited(obj.keys()):
            if index:
                p.text(",")
                p.breakable()
            p.pretty(key)
            p.text(": ")
            p.pretty(obj[key])
        p.end_group(len(opening), closing)

    return show


def defaultdict_printer(obj: defaultdict[object, object], p: Layout, cycle: bool) -> None:
    """`defaultdict(int, {'a': 1})`."""
    name = obj.__class__.__name__
    p.pretty(Call(name, RawText("...")) if cycle else Call(name, obj.default_factory, dict(obj)))


def ordereddict_printer(obj: OrderedDict[object, object], p: Layout, cycle: bool) -> None:
    """`OrderedDict([('a', 1)])`."""
    name = obj.__class__.__name__
    if cycle:
        p.pretty(Call(name, RawText("...")))
    elif len(obj):
        p.pretty(Call(name, list(obj.items())))
    else:
        p.pretty(Call(name))


def counter_printer(obj: Counter[object], p: Layout, cycle: bool) -> None:
    """`Counter({'a': 2, 'b': 1})`, the most common first."""
    name = obj.__class__.__name__
    if cycle:
        p.pretty(Call(name, RawText("...")))
    elif len(obj):
        p.pretty(Call(name, dict(obj.most_common())))
    else:
        p.pretty(Call(name))


def deque_printer(obj: deque[object], p: Layout, cycle: bool) -> None:
    """`deque([1, 2], maxlen=5)`."""
    name = obj.__class__.__name__
    if cycle:
        p.pretty(Call(name, RawText("...")))
    elif obj.maxlen is not None:
        p.pretty(Call(name, list(obj), maxlen=obj.maxlen))
    else:
        p.pretty(Call(name, list(obj)))


def userlist_printer(obj: UserList[object], p: Layout, cycle: bool) -> None:
    """`UserList([1, 2])`."""
    name = obj.__class__.__name__
    p.pretty(Call(name, RawText("...")) if cycle else Call(name, obj.data))
