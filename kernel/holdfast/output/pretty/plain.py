"""A short cut for built-in containers that hold nothing but built-in values: most of what cells show.

It must never run a user's code, nor differ from the engine by a character: a property test compares them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from holdfast.output.pretty.containers import sorted_if_possible

if TYPE_CHECKING:
    from holdfast.output.pretty.registry import Registry

__all__ = ["plain"]

#: Deeper than this is left to the engine, which knows recursion when it sees it.
_DEEPEST = 30


class _Node:
    """A container measured: its brackets, a dict's keys, its items (text or nodes), its width on one line."""

    __slots__ = ("closing", "items", "labels", "opening", "width")

    width: int

    def __init__(self, opening: str, closing: str, labels: list[str] | None, items: list[str | _Node]) -> None:
        self.opening = opening
        self.closing = closing
        self.labels = labels
        self.items = items
        width = len(opening) + len(closing) + 2 * (len(items) - 1)
        if labels is not None:
            width += sum(map(len, labels))
        for item in items:
            width += len(item) if isinstance(item, str) else item.width
        self.width = width


def plain(obj: object, max_width: int, max_seq_length: int, registry: Registry) -> str | None:
    """The layout of `obj`, or None when it holds something that has to be looked at more closely.

    `max_width` in columns; `max_seq_length` in items, 0 for all.
    """
    node = _measure(obj, max_seq_length, registry, 0)
    if node is None or isinstance(node, str):
        return node
    out: list[str] = []
    _lay_out(node, 0, 0, 0, max_width, out)
    return "".join(out)


def _measure(obj: object, limit: int, registry: Registry, depth: int) -> str | _Node | None:
    kind = type(obj)
    if kind in registry.verbatim:
        return repr(obj)
    if kind not in registry.plain or depth > _DEEPEST:
        return None
    if isinstance(obj, dict):
        return _measure_dict(obj, limit, registry, depth)
    if isinstance(obj, list):
        return _measure_items(obj, "[", "]", limit, registry, depth)
    if isinstance(obj, tuple):
        return _measure_items(obj, "(", ",)" if len(obj) == 1 else ")", limit, registry, depth)
    assert isinstance(obj, (set, frozenset))
    if not obj:
        return f"{kind.__name__}()"
    shown = obj if limit and len(obj) >= limit else _sorted(obj, registry)
    if shown is None:
        return None
    opening, closing = ("{", "}") if kind is set else ("frozenset({", "})")
    return _measure_items(shown, opening, closing, limit, registry, depth)


def _sorted(obj: set[object] | frozenset[object], registry: Registry) -> list[object] | None:
    """The items in order; None when comparing them could run a user's code."""
    if registry.verbatim.issuperset(map(type, obj)):
        return sorted_if_possible(obj)
    return None


def _measure_items(
    obj: list[object] | tuple[object, ...] | set[object] | frozenset[object],
    opening: str,
    closing: str,
    limit: int,
    registry: Registry,
    depth: int,
) -> str | _Node | None:
    if not obj:
        return opening + closing
    cut = bool(limit) and len(obj) > limit
    shown = list(islice(obj, limit)) if cut else obj
    items = _measure_each(shown, limit, registry, depth)
    if items is None:
        return None
    if cut:
        items.append("...")
    return _Node(opening, closing, None, items)


def _measure_each(
    shown: list[object] | tuple[object, ...] | set[object] | frozenset[object],
    limit: int,
    registry: Registry,
    depth: int,
) -> list[str | _Node] | None:
    items: list[str | _Node] = []
    if registry.verbatim.issuperset(map(type, shown)):
        items.extend(map(repr, shown))
        return items
    for item in shown:
        measured = _measure(item, limit, registry, depth + 1)
        if measured is None:
            return None
        items.append(measured)
    return items


def _measure_dict(obj: dict[object, object], limit: int, registry: Registry, depth: int) -> str | _Node | None:
    if not obj:
        return "{}"
    cut = bool(limit) and len(obj) > limit
    keys = list(islice(obj, limit)) if cut else list(obj)
    # A key that is a tuple could be broken over lines: that is left to the engine.
    if not registry.verbatim.issuperset(map(type, keys)):
        return None
    values = list(islice(obj.values(), limit)) if cut else list(obj.values())
    items = _measure_each(values, limit, registry, depth)
    if items is None:
        return None
    labels = [f"{key!r}: " for key in keys]
    if cut:
        labels.append("")
        items.append("...")
    return _Node("{", "}", labels, items)


def _lay_out(node: _Node, indentation: int, column: int, behind: int, max_width: int, out: list[str]) -> None:
    """Add `node` to `out`, which stands at `column`; `behind` columns of text follow on the same line.

    What follows counts, as it does in the engine: a list breaks when only the bracket behind it is too much.
    """
    if column + node.width + behind <= max_width:
        _write_flat(node, out)
        return
    indentation += len(node.opening)
    column += len(node.opening)
    separator = ",\n" + " " * indentation
    last = len(node.items) - 1
    out.append(node.opening)
    for index, item in enumerate(node.items):
        if index:
            out.append(separator)
            column = indentation
        label = node.labels[index] if node.labels is not None else ""
        if label:
            out.append(label)
        if isinstance(item, str):
            out.append(item)
        else:
            after = behind + len(node.closing) if index == last else 1
            _lay_out(item, indentation, column + len(label), after, max_width, out)
    out.append(node.closing)


def _write_flat(node: _Node, out: list[str]) -> None:
    out.append(node.opening)
    for index, item in enumerate(node.items):
        if index:
            out.append(", ")
        if node.labels is not None:
            out.append(node.labels[index])
        if isinstance(item, str):
            out.append(item)
        else:
            _write_flat(item, out)
    out.append(node.closing)
