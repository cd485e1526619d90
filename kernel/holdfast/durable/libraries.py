"""What a library's own modules hold and its values refer to: it joins nothing, and nobody is told by it.

It must never name an object that only the user's values hold.

One empty list (the default of a setting) is in every artist of matplotlib, one path in every marker, one converter in
every axis with dates: all figures of a notebook would be one component, stored again with each new one.  Each
figure's stream has a copy of its own instead.
"""

from __future__ import annotations

import sys
from typing import Any

from holdfast.durable.kinds import ATOMS

_PLAIN = (list, dict, set)


class Held:
    """Ids of such objects, which are kept alive: no other object can take one."""

    def __init__(self) -> None:
        self._ids: dict[int, int] = {}
        self._objects: list[object] = []
        self._done: set[str] = set()
        self._modules = 0

    def ids(self) -> dict[int, int]:
        """A new dict with each id as a key."""
        matplotlib: Any = sys.modules.get("matplotlib")
        if matplotlib is None:
            return {}
        if self._modules != len(sys.modules):
            self._modules = len(sys.modules)
            self._scan()
        found = dict(self._ids)
        # What is made at its first use, and what the user may set: asked for each time.
        settings = getattr(matplotlib, "rcParams", None)
        if isinstance(settings, dict):
            for value in dict.values(settings):
                if type(value) is list and all(id(type(one)) in ATOMS for one in value):
                    found[id(value)] = -1
        path = vars(getattr(sys.modules.get("matplotlib.path"), "Path", object))
        found.update((id(path[name]), -1) for name in _MADE if path.get(name) is not None)
        return found

    def _scan(self) -> None:
        numpy: Any = sys.modules.get("numpy")
        artist: Any = getattr(sys.modules.get("matplotlib.artist"), "Artist", None)
        plain = (*_PLAIN, numpy.ndarray) if numpy is not None else _PLAIN
        found: list[object] = []
        for name, module in list(sys.modules.items()):
            if name.startswith("matplotlib") and name not in self._done and module is not None:
                self._done.add(name)
                held = list(vars(module).values())
                for one in list(held):
                    if isinstance(one, type) and one.__module__ == name:
                        held += vars(one).values()
                found += held
        units: Any = sys.modules.get("matplotlib.units")
        found += getattr(units, "registry", {}).values()
        kinds: dict[type, bool] = dict.fromkeys(plain, True)
        for one in found:
            cls = type(one)
            if cls not in kinds:
                own = str(cls.__module__).startswith("matplotlib")
                kinds[cls] = own and not issubclass(cls, (type, artist) if artist else type)
            if kinds[cls] and id(one) not in self._ids:
                self._ids[id(one)] = -1
                self._objects.append(one)


_MADE = ("_unit_rectangle", "_unit_circle", "_unit_circle_righthalf")
held = Held()
