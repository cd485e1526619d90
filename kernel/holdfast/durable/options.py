"""Options of pandas and numpy that cells have set: how frames and arrays are shown, mostly.

It must never import one of them, nor keep what it chose by itself: only what differs from its own defaults counts.

Neither says publicly what an option was registered with; where the name by which it is found here is gone, nothing is
kept and nothing fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Pandas:
    """What `pd.set_option`, `pd.options` and their kin have set."""

    name = "pandas options"

    def __init__(self) -> None:
        #: The options when last looked at, and those of them that count.
        self._seen: tuple[dict[str, Any], dict[str, object]] = {}, {}

    def now(self) -> object:
        """Option to value, None for none."""
        config: Any = sys.modules.get("pandas._config.config")
        whole, registered = getattr(config, "_global_config", None), getattr(config, "_registered_options", None)
        if type(whole) is not dict or type(registered) is not dict:
            return None
        if whole != self._seen[0]:
            found = {name: value for name, value in _flat(whole, "") if name in registered}
            kept = {name: value for name, value in found.items() if value != registered[name].defval}
            self._seen = _copy(whole), kept
        return self._seen[1] or None

    def put(self, value: Mapping[str, object]) -> bool:
        """Set them; False where pandas is not loaded."""
        return _quietly("pandas", lambda pandas: [pandas.set_option(name, one) for name, one in value.items()])

    def reset(self) -> None:
        """Make them what they were at first."""
        found: Any = self.now() or {}
        _quietly("pandas", lambda pandas: [pandas.reset_option(name) for name in found])


class Numpy:
    """What `np.set_printoptions` has set."""

    name = "numpy print options"

    def now(self) -> object:
        """Option to value, None for none."""
        first = self._first()
        if first is None:
            return None
        now: dict[str, object] = sys.modules["numpy"].get_printoptions()
        # "legacy" is a number inside, and a text where one sets it.
        names = now.keys() & first.keys() - {"legacy"}
        return {name: now[name] for name in sorted(names) if now[name] != first[name]} or None

    @staticmethod
    def _first() -> dict[str, object] | None:
        module = sys.modules.get("numpy._core.printoptions")
        found = getattr(module, "default_format_options_dict", None)
        return found if type(found) is dict else None

    def put(self, value: Mapping[str, object]) -> bool:
        """Set them; False where numpy is not loaded."""
        return _quietly("numpy", lambda numpy: numpy.set_printoptions(**value))

    def reset(self) -> None:
        """Make them what they were at first."""
        found: Any = self.now() or {}
        first = self._first() or {}
        self.put({name: first[name] for name in found})


def _quietly(library: str, change: Callable[[Any], object]) -> bool:
    """Make a change by a library that is loaded; what it says of names that will go is nobody's cell's business."""
    module = sys.modules.get(library)
    if module is None:
        return False
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        change(module)
    return True


def _flat(options: Mapping[str, Any], before: str) -> Iterator[tuple[str, object]]:
    for name, value in options.items():
        if type(value) is dict:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _copy(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _copy(value) if type(value) is dict else value for name, value in options.items()}
