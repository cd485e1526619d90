"""What was stored under another Python, or under other versions of packages: what is done about it, and said.

It must never be silent: functions and classes that were built from source, objects that were made to fit, and what
does not work any more are named.  What was stored under the same versions costs one comparison a record.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from holdfast.durable.components import name_of
from holdfast.durable.kinds import is_class
from holdfast.durable.pickling.lost import LostValueError, words
from holdfast.durable.reports import Lost

_MODULE = type.__dict__["__module__"]
_QUALNAME = type.__dict__["__qualname__"]
PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"


class Versions:
    """The notes of one restore or checkout.

    A load adds to `built` (functions without code for this Python), `met` (classes of libraries that streams of other
    versions name) and `dropped` (object, attribute: what its class has no more).
    """

    def __init__(self) -> None:
        self.built: list[Any] = []
        self._ids: set[int] = set()
        self.met: set[type] = set()
        self.dropped: list[tuple[object, str]] = []
        self._known: dict[frozenset[tuple[str, str]], frozenset[str]] = {}
        self._changed: set[str] = set()

    def differ(self, modules: Mapping[str, str]) -> bool:
        """Whether any of the modules has another version now."""
        key = frozenset(modules.items())
        if key not in self._known:
            from holdfast.durable.pickling.modules import versions

            now = versions(modules)
            self._known[key] = frozenset(name for name, then in key if now.get(name, then) != then)
            self._changed |= self._known[key]
        return bool(self._known[key])

    def is_other(self, definition: object) -> bool:
        """Whether a definition is not what is stored any more: code was built, methods were written again."""
        if not self.built:
            return False
        from holdfast.durable.pickling.generated import is_hollow

        if len(self._ids) != len(self.built):
            self._ids = set(map(id, self.built))
        # One that is hollow now goes with the next collection: nothing leads to it.
        return is_class(definition) or (id(definition) in self._ids and not is_hollow(definition))

    def mend(self, objects: Mapping[str, object]) -> list[Lost]:
        """Make the methods of dataclasses again that could not be made before; those that cannot be made at all."""
        if not self.built:
            return []
        from holdfast.durable.pickling.generated import mend

        return [
            (f"{_QUALNAME.__get__(cls)}.{name}", "function", f"its dataclass cannot write it under {PYTHON}")
            for cls in objects.values()
            if is_class(cls)
            for name in mend(cls)
        ]

    def rebuilt(self, values: Mapping[str, object], namespace: dict[str, object]) -> list[Lost]:
        """Functions and classes of the notebook that were built from source, by what the user calls them."""
        built = [function for function in self.built if function.__globals__ is namespace]
        if not built:
            return []
        from holdfast.durable.pickling.paths import paths

        variables = _variables(values)
        classes = {_QUALNAME.__get__(value): name for name, value in variables.items() if is_class(value)}
        found: dict[str, Lost] = {}
        for function, place in zip(built, paths(variables, [(one, "") for one in built]), strict=True):
            owner = function.__qualname__.rpartition(".")[0]
            if not place and owner and not owner.endswith("<locals>"):
                name = classes.get(owner, owner)
                found.setdefault(name, (name, "class", f"its methods were built from their source by {PYTHON}"))
            elif not function.__qualname__.startswith("__create_fn__."):
                name = place or function.__qualname__
                found.setdefault(name, (name, "function", f"built from its source by {PYTHON}"))
        return sorted(found.values())

    def fit(self, values: Mapping[str, object]) -> tuple[list[Lost], list[Lost]]:
        """Make objects of libraries fit their classes: what was done, and what could not be."""
        classes = [cls for cls in self.met if self._is_other(cls)]
        if not classes and not self.dropped:
            return [], []
        from holdfast.durable.pickling.fitting import fit
        from holdfast.durable.pickling.paths import paths

        notes = fit(classes)
        made = [
            (obj, f"{name} is new in {self._version(obj)}, and as in a new object") for obj, name, ok in notes if ok
        ]
        made += [(obj, f"{name} is not in {self._version(obj)} any more") for obj, name in self.dropped]
        unmade = [
            (obj, f"{name} is new in {self._version(obj)}, and not known of it") for obj, name, ok in notes if not ok
        ]
        places = iter(paths(_variables(values), [(obj, _kind(obj)) for obj, _ in (*made, *unmade)]))
        said, lost = (sorted({(next(places), _kind(obj), words) for obj, words in part}) for part in (made, unmade))
        return said, lost

    def broken(self, value: object) -> str:
        """Why a value that was stored under another version does not work under this one; "" if it seems to."""
        if not self._changed:
            return ""
        from holdfast.durable.reducers.registry import check_of

        check = check_of(type(value))
        if check is None or not self._is_other(type(value)):
            return ""
        try:
            check(value)
        except Exception as error:
            why = error.reason if isinstance(error, LostValueError) else words(error)
            return f"it was stored under another version of {_top(type(value))}: {why}"
        return ""

    def _is_other(self, cls: type) -> bool:
        """Whether the class's library has another version than a stream that names it."""
        top = _top(cls)
        return top in self._changed or ("Python" in self._changed and top in sys.stdlib_module_names)

    def _version(self, obj: object) -> str:
        top = next((_top(cls) for cls in type(obj).__mro__ if self._is_other(cls)), "")
        return PYTHON if top in sys.stdlib_module_names else f"this version of {top}"


def _variables(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for key, value in values.items() if (name := name_of(key)) is not None}


def _top(cls: type) -> str:
    return str(_MODULE.__get__(cls)).partition(".")[0]


def _kind(obj: object) -> str:
    return str(_QUALNAME.__get__(type(obj)))
