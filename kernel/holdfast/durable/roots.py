"""The values behind the keys of the manifest.

It must never bind or change anything in the user's dict; only a restore does.

`_ __ ___ _N Out In _i` are reflections of the namespace's own record of results and inputs.  A result is a root
of its own, `@r7`; which cells had it is said by manifest keys like `@o5=@r7`, so that an object displayed a
thousand times is walked once, and no entry joins another.  A reflection that the user bound is a variable.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from types import CellType

from holdfast.durable.components import key_of, name_of
from holdfast.durable.definitions import Definitions
from holdfast.durable.reports import Lost
from holdfast.namespace.namespace import Namespace
from holdfast.namespace.results import KEPT

ABSENT = object()
LAST = ("_", "__", "___")
#: What the module has before any cell runs.
MODULE = frozenset("__builtins__ __name__ __doc__ __package__ __loader__ __spec__ __warningregistry__".split())


class Roots:
    """Looks up keys in the namespace, its results and the closure cells."""

    def __init__(self, namespace: Namespace, definitions: Definitions, ambient: Mapping[str, object]) -> None:
        self._namespace = namespace
        self._ambient = ambient
        self._definitions = definitions
        #: Results that are stored: by key, and the key of each cell's.
        self.results: dict[str, object] = {}
        self.entries: dict[int, str] = {}
        self._keys: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        #: How many entries each result has.
        self._uses: dict[str, int] = {}
        self._last = [0, 0, 0]
        self.next = 1
        #: Large values of hubs, `@k5`, held weakly; how many components refer to each.
        self._children: dict[str, weakref.ref[object]] = {}
        self._child_keys: dict[int, str] = {}
        self.holders: dict[str, int] = {}
        self.next_child = 1

    def value(self, key: str) -> object:
        """The value of a key, or ABSENT."""
        name = name_of(key)
        if name is not None:
            return self._namespace.dict.get(name, ABSENT) if self.is_variable(name) else ABSENT
        if key.startswith("@c"):
            cell = self._definitions.cells.get(key)
            return _contents(cell) if cell is not None else ABSENT
        if key.startswith("@k"):
            ref = self._children.get(key)
            value = ref() if ref is not None else None
            return ABSENT if value is None else value
        return (self._ambient if key.startswith("@a") else self.results).get(key, ABSENT)

    def child(self, obj: object) -> str:
        """The key of a large value of a hub, given now if it had none."""
        key = self._child_keys.get(id(obj))
        if key is None or self.value(key) is not obj:
            key = f"@k{self.next_child}"
            self.next_child += 1
            self.adopt_child(key, obj)
        return key

    def adopt_child(self, key: str, obj: object) -> None:
        """Make a large value of a hub known."""
        self._children[key] = weakref.ref(obj)
        self._child_keys[id(obj)] = key

    def release(self, key: str) -> None:
        """No hub holds it any more."""
        self._children.pop(key, None)
        self.holders.pop(key, None)
        for number in [number for number, known in self._child_keys.items() if known == key]:
            del self._child_keys[number]

    def is_variable(self, name: str) -> bool:
        """Whether `name` is bound and the user's: not ours, not the module's, not a reflection of a result."""
        namespace = self._namespace
        value = namespace.dict.get(name, ABSENT)
        if value is ABSENT or name in MODULE:
            return False
        if name in namespace.injected:
            return namespace.injected[name] is not value
        return not namespace.results.owns(name) or self._reflection(name) is not value

    def _reflection(self, name: str) -> object:
        """What one of the namespace's own names stands for."""
        results = self._namespace.results
        bound = results.bound
        if name in bound:
            return bound[name]
        if name.startswith("_i"):
            number = int(name[2:])
            return results.inputs[number] if number < len(results.inputs) else ABSENT
        return results.out.get(int(name[1:]), ABSENT)

    def variables(self) -> Iterator[str]:
        """Every variable's key; its cost is that of the whole namespace."""
        from holdfast.namespace.results import snapshot

        for name in snapshot(self._namespace.dict):
            if type(name) is str and self.is_variable(name):
                yield key_of(name)

    def sync_results(self, whole: bool = False) -> tuple[dict[str, bool], set[str]]:
        """Follow `Out`: manifest entries added (True) or gone (False), and the keys of roots that went.

        Reads only the newest and oldest entries, unless `whole`.
        """
        out = self._namespace.results.out
        changed: dict[str, bool] = {}
        gone: set[str] = set()
        for number in [n for n in self.entries if n > 0] if whole else self._oldest(out):
            key = self.entries[number]
            if out.get(number, ABSENT) is not self.results[key]:
                self._leave(number, changed, gone)
        for number in list(out) if whole else self._newest(out):
            if type(number) is int and number > 0 and number not in self.entries:
                changed[f"@o{number}={self._enter(number, out[number])}"] = True
        self._slots(changed, gone)
        for key in [key for key in gone if key in self._uses]:
            gone.discard(key)
        for key in gone:
            self._keys.pop(id(self.results.pop(key)), None)
            self._numbers.pop(key, None)
        return changed, gone

    def label(self, part: Lost) -> Lost:
        """The same, with a result called what people call it: `Out[3].conn` for `@r7.conn`."""
        path, kind, reason = part
        start = end = path.find("@r")
        while end >= 0 and (end < start + 2 or path[end : end + 1].isdigit()):
            end += 1
        number = self._numbers.get(path[start:end]) if start >= 0 else None
        if number is None:
            return part
        name = f"Out[{number}]" if number > 0 else LAST[-number - 1]
        return path[:start] + name + path[end:], kind, reason

    def last(self) -> list[int]:
        """The cells whose results `_`, `__` and `___` showed when they were synchronised; 0 for none in `Out`."""
        return self._last

    def _number(self, value: object) -> int:
        key = self._keys.get(id(value))
        number = self._numbers.get(key, 0) if key is not None and self.results.get(key) is value else 0
        return number if self.entries.get(number) == key else 0

    def _slots(self, changed: dict[str, bool], gone: set[str]) -> None:
        """`_`, `__` and `___` that are no longer in `Out` are entries -1 to -3."""
        bound, entries = self._namespace.results.bound, self.entries
        for slot, name in enumerate(LAST, 1):
            value = bound[name]
            known = entries.get(-slot)
            if known is not None and self.results[known] is not value:
                self._leave(-slot, changed, gone)
            empty = type(value) is str and not value
            if not empty and -slot not in entries and not self._number(value):
                changed[f"@o{-slot}={self._enter(-slot, value)}"] = True
        self._last = [self._number(bound[name]) for name in LAST]

    def _leave(self, number: int, changed: dict[str, bool], gone: set[str]) -> None:
        """An entry is no longer so."""
        key = self.entries.pop(number)
        changed[f"@o{number}={key}"] = False
        gone.add(key)
        self._uses[key] -= 1
        if not self._uses[key]:
            del self._uses[key]

    def size(self) -> int:
        """How many names the dict has besides reflections; a change that no cell's code explains asks for a scan."""
        results = self._namespace.results
        return len(self._namespace.dict) - len(results.out) - min(len(results.inputs), KEPT)

    def _oldest(self, out: dict[int, object]) -> list[int]:
        dropped = []
        for number in self.entries:
            if number in out:
                break
            if number > 0:
                dropped.append(number)
        return dropped

    def _newest(self, out: dict[int, object]) -> list[int]:
        fresh = []
        for number in reversed(out):
            if number in self.entries:
                break
            fresh.append(number)
        return fresh[::-1]

    def _enter(self, number: int, value: object) -> str:
        key = self._keys.get(id(value))
        if key is None:
            key = f"@r{self.next}"
            self.next += 1
            self.adopt_result(key, value)
        self.adopt_entry(number, key)
        return key

    def forget_results(self) -> None:
        """Nothing of `Out` is known any more (a checkout fills it anew)."""
        for table in (self.results, self.entries, self._keys, self._numbers, self._uses):
            table.clear()
        self._last = [0, 0, 0]

    def adopt_result(self, key: str, value: object) -> None:
        """Make a stored result known; holding it keeps its id its own."""
        self.results[key] = value
        self._keys[id(value)] = key

    def replace_result(self, key: str, value: object) -> None:
        """Another object stands for a result (a rollback does that)."""
        self._keys.pop(id(self.results[key]), None)
        self.adopt_result(key, value)

    def adopt_entry(self, number: int, key: str) -> None:
        """Make the result of a cell known (a restore does)."""
        self.entries[number] = key
        self._numbers[key] = number
        self._uses[key] = self._uses.get(key, 0) + 1


def _contents(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return ABSENT
