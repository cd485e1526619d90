"""The names that remember: `_ __ ___ _N Out` for results, `_i _ii _iii _iN In` for inputs.

It must never fail because user code deleted or rebound one of them, and never take a name back from the user:
who binds `_` (gettext does) keeps it until it is deleted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import cast

#: Numbered names (`_5`, `_i5`) kept; older ones go, so that the namespace does not grow with history.
KEPT = 1000
_LAST = ("_", "__", "___")
_LAST_IN = ("_i", "_ii", "_iii")


class Outputs(dict[int, object]):
    """`Out`: results by cell number; a result that was let go says so instead of a bare number."""

    def __missing__(self, key: object) -> object:
        raise KeyError(f"Out[{key!r}] is not there: cell {key!r} had no result, or it was let go to bound memory")


def size(value: object) -> int:
    """A cheap estimate, in bytes, of what only this value keeps alive; never runs user code for long."""
    module = type(value).__module__.partition(".")[0]
    if module in ("numpy", "torch", "cupy", "xarray", "jax"):
        nbytes = getattr(value, "nbytes", 0)
        return nbytes if isinstance(nbytes, int) else 0
    if module == "pandas" and hasattr(value, "memory_usage"):
        # Eight bytes an element: `memory_usage` of a frame makes a Series, in 0.6 ms for each one displayed.
        return 8 * int(getattr(value, "size", 0))
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(value, list | tuple | set | frozenset | dict):
        return 64 * len(value)
    return 64


class Results:
    """Our own record of results and inputs, and its reflection in the user's dict."""

    def __init__(self, limit: int) -> None:
        #: Bytes of results kept in `Out`, estimated.
        self.limit = limit
        self.out = Outputs()
        self.inputs: list[str] = [""]
        self._newest_input = ""
        self._sizes: deque[tuple[int, int]] = deque()
        self._total = 0
        #: What each of our own names stands for, whatever the user bound to it; a restore sets it.
        self.bound: dict[str, object] = {
            **dict.fromkeys((*_LAST, *_LAST_IN), ""),
            "Out": self.out,
            "In": self.inputs,
        }

    def owns(self, name: str) -> bool:
        """Whether `name` is one of ours."""
        return name in self.bound or (name[:1] == "_" and name[1:].removeprefix("i").isdecimal())

    def rebuild(self, ns: dict[str, object]) -> None:
        """Put back the names that were deleted."""
        for name, value in self.bound.items():
            if name not in ns:
                ns[name] = value

    def forget(self, ns: dict[str, object]) -> None:
        """Take every result and input back, as before the first cell; names that the user bound stay."""
        self.forget_outputs(ns)
        self.forget_inputs(ns)

    def forget_outputs(self, ns: dict[str, object]) -> None:
        """Take every result back."""
        _unbind(ns, {f"_{count}": value for count, value in self.out.items()})
        self._blank(ns, _LAST)
        self.out.clear()
        self._sizes.clear()
        self._total = 0

    def forget_inputs(self, ns: dict[str, object]) -> None:
        """Take every input back."""
        first = max(1, len(self.inputs) - KEPT)
        _unbind(ns, {f"_i{count}": code for count, code in enumerate(self.inputs[first:], first)})
        self._blank(ns, _LAST_IN)
        del self.inputs[1:]
        self._newest_input = ""

    def let_go(self, ns: dict[str, object], value: object) -> None:
        """Hold this value as a result no more."""
        counts = [count for count, result in self.out.items() if result is value]
        _unbind(ns, {f"_{count}": value for count in counts})
        for count in counts:
            del self.out[count]
        self._blank(ns, [name for name in _LAST if self.bound[name] is value])

    def _blank(self, ns: dict[str, object], names: Iterable[str]) -> None:
        for name in names:
            if ns.get(name) is self.bound[name]:
                ns[name] = ""
            self.bound[name] = ""

    def push_input(self, ns: dict[str, object], count: int, code: str) -> None:
        """Cell `count` starts."""
        inputs = self.inputs
        while len(inputs) < count:
            inputs.append("")
        if len(inputs) == count:
            inputs.append(code)
        else:
            inputs[count] = code
        # `_i` is the input before this one, as people know it: a cell needs no name for itself.
        self._shift(ns, _LAST_IN, self._newest_input)
        self._newest_input = code
        ns[f"_i{count}"] = code
        ns.pop(f"_i{count - KEPT}", None)

    def push_output(self, ns: dict[str, object], count: int, value: object) -> None:
        """Cell `count` has a result.  Showing `Out` itself is not a result: it would hold itself."""
        if value is self.out:
            return
        self._shift(ns, _LAST, value)
        self.out[count] = value
        ns[f"_{count}"] = value
        self._bound_memory(ns, count, value)

    def mark(self) -> tuple[object, ...]:
        """The results as they are, for `put_back`."""
        return [self.bound[name] for name in _LAST], dict(self.out), list(self._sizes), self._total

    def put_back(self, marked: tuple[object, ...]) -> None:
        """Forget the results since then; the names in the user's dict are the caller's."""
        last, out, sizes, total = cast("tuple[list[object], dict[int, object], list[tuple[int, int]], int]", marked)
        self.bound.update(zip(_LAST, last, strict=True))
        self.out.clear()
        self.out.update(out)
        self._sizes, self._total = deque(sizes), total

    def _shift(self, ns: dict[str, object], names: tuple[str, ...], value: object) -> None:
        bound = self.bound
        for name in names:
            ours, bound[name] = bound[name], value
            if name not in ns or ns[name] is ours:
                ns[name] = value
            value = ours

    def _bound_memory(self, ns: dict[str, object], count: int, value: object) -> None:
        """Let the oldest results go while there are too many, or too many bytes of them.

        The newest one always stays: it is what the person looks at.
        """
        try:
            estimate = size(value)
        except Exception:
            estimate = 0
        self._sizes.append((count, estimate))
        self._total += estimate
        while len(self._sizes) > 1 and (len(self._sizes) > KEPT or self._total > self.limit):
            old, freed = self._sizes.popleft()
            self._total -= freed
            if old == count:
                continue
            gone = self.out.pop(old, None)
            name = f"_{old}"
            if name in ns and ns[name] is gone:
                del ns[name]


def _unbind(ns: dict[str, object], reflections: Mapping[str, object]) -> None:
    """Delete the names that still stand for these values."""
    for name, value in reflections.items():
        if name in ns and ns[name] is value:
            del ns[name]


def snapshot(ns: Mapping[str, object]) -> dict[str, object]:
    """A shallow copy that a concurrent change of the namespace cannot break."""
    while True:
        try:
            return dict(ns)
        except RuntimeError:  # it changed size while it was copied: another thread binds names
            continue
