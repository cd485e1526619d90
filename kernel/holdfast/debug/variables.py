"""The notebook's variables as DAP variables, while no thread stands still (then debugpy answers).

It must never change anything, and never grow without bounds: values are described in one line, of a long container
the first items are shown, and what was handed out is forgotten with the next look at the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import ModuleType
from typing import Any

from holdfast.debug.messages import Json

#: References of ours start here, far above debugpy's, which count up from 1.
FIRST = 1 << 30
#: Children shown of one value.
_MOST = 500
#: Shown without children: they have none, or (classes, modules) more than anybody wants to see.
_LEAVES = (type(None), int, float, complex, str, bytes, bytearray, range, type, ModuleType)


_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset)
#: What every notebook has: the history, and what the kernel puts there.
_OURS = re.compile(r"In|Out|input|exit|quit|get_ipython|_{1,3}|_\d+|_i+\d*|_[iod]h")


def is_ours(name: str) -> bool:
    """Whether a notebook has this variable from the start, or from its history of results."""
    return _OURS.fullmatch(name) is not None


class Variables:
    """`describe` makes one line of a value, `attributes` gives an instance's own dictionary; neither runs its code."""

    def __init__(self, describe: Callable[[object], str], attributes: Callable[[object], Mapping[str, object]]) -> None:
        self._describe = describe
        self._attributes = attributes
        self._values: dict[int, object] = {}

    def globals(self, namespace: Mapping[str, object]) -> list[Json]:
        """The user's own names, sorted; those with a leading underscore are left out.

        References that were handed out before are no longer valid.
        """
        self._values = {}
        names = [name for name in tuple(namespace) if type(name) is str and name[:1] != "_" and not is_ours(name)]
        names.sort(key=lambda name: (name.casefold(), name))
        return [self._variable(name, namespace.get(name)) for name in names]

    def children(self, reference: int) -> list[Json] | None:
        """What the value of a reference consists of; None for a reference that is not valid."""
        if reference not in self._values:
            return None
        return [self._variable(name, value) for name, value in islice(self._parts(self._values[reference]), _MOST)]

    def _variable(self, name: str, value: object) -> Json:
        reference = 0
        if next(self._parts(value), None) is not None:
            reference = FIRST + len(self._values)
            self._values[reference] = value
        return {
            "name": name,
            "value": self._describe(value),
            "type": type(value).__name__,
            "evaluateName": name,
            "variablesReference": reference,
        }

    def _parts(self, value: object) -> Iterator[tuple[str, object]]:
        """Names and values of the children; a container that a thread changes meanwhile ends early."""
        try:
            if isinstance(value, dict):
                for key, item in dict.items(value):
                    yield self._describe(key), item
            elif (base := next((kind for kind in _SEQUENCES if isinstance(value, kind)), None)) is not None:
                for n, item in enumerate(base.__iter__(value)):
                    yield str(n), item
            elif not isinstance(value, _LEAVES):
                yield from tuple(self._attributes(value).items())
        except RuntimeError:
            return
