"""The state around the variables: working folder, import path, environment, random states, warnings filters.

It must never load a module to ask it, and never keep what was so before any cell ran.

Each kind is a root of its own (`@a<kind>`) whose value is plain data; it is stored when it differs from what it
was at the last commit.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping

#: Set for the kernel by whoever starts it, not by cells.
_OURS = (b"JPY_", b"HOLDFAST_", b"JUPYTER_")
_ENVIRON: Mapping[bytes, bytes] = getattr(os.environ, "_data", {})


class Ambient:
    """Reads the state, tells what changed since the last commit, and puts a state back."""

    def __init__(self) -> None:
        self._path = list(sys.path)
        self._environ = dict(_ENVIRON)
        self._filters = list(warnings.filters)
        self._cwd = _cwd()
        self._last: dict[str, object] = {"@aplace": self._place(), "@arandom": _random(), "@anumpy": _numpy()}
        #: Values of the roots that differ from the start.
        self.values: dict[str, object] = {}

    def changed(self) -> list[str]:
        """The roots whose value differs from that at the last call."""
        now = {"@aplace": self._place(), "@arandom": _random(), "@anumpy": _numpy()}
        changed = [key for key, value in now.items() if value != self._last[key]]
        for key in changed:
            self.values[key] = self._last[key] = now[key]
        return changed

    def _place(self) -> dict[str, object]:
        environ = _ENVIRON
        place: dict[str, object] = {}
        cwd = _cwd()
        if cwd != self._cwd:
            place["cwd"] = cwd
        if sys.path != self._path:
            place["path"] = [p for p in sys.path if p not in self._path]
        if environ != self._environ:
            start = self._environ
            place["set"] = {k: v for k, v in environ.items() if start.get(k) != v and not k.startswith(_OURS)}
            place["unset"] = [k for k in start if k not in environ and not k.startswith(_OURS)]
        if warnings.filters != self._filters:
            place["filters"] = list(warnings.filters)
        return place

    def restore(self, values: Mapping[str, object]) -> list[str]:
        """Put states back that `values` of earlier kernels hold; what was done, in words."""
        done: list[str] = []
        for key, value in values.items():
            try:
                if key == "@aplace" and isinstance(value, dict):
                    _restore_place(value, done)
                elif key == "@arandom" and value is not None:
                    import random

                    random.setstate(value)  # type: ignore[arg-type]
                    done.append("random state")
                elif key == "@anumpy" and isinstance(value, tuple):
                    import numpy as np

                    name, keys, *rest = value
                    np.random.set_state((name, np.frombuffer(keys, "u4"), *rest))
                    done.append("numpy random state")
            except Exception as error:
                done.append(f"not restored: {key[2:]} ({error})")
        self.values = dict(values)
        self._last = {"@aplace": self._place(), "@arandom": _random(), "@anumpy": _numpy()}
        return done


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was removed under us
        return ""


def _random() -> object:
    random = sys.modules.get("random")
    return random.getstate() if random is not None else None


def _numpy() -> object:
    module = sys.modules.get("numpy.random.mtrand")
    if module is None:
        return None
    name, keys, *rest = module.get_state()
    # Another generator than the default one is the user's own object.
    return (name, keys.tobytes(), *rest) if name == "MT19937" else None


def _restore_place(place: Mapping[str, object], done: list[str]) -> None:
    cwd = place.get("cwd")
    if isinstance(cwd, str) and os.path.isdir(cwd):
        os.chdir(cwd)
        done.append(f"working folder {cwd}")
    for path in place.get("path", ()):  # type: ignore[attr-defined]
        if path not in sys.path:
            sys.path.append(path)
            done.append(f"import path {path}")
    for name, value in place.get("set", {}).items():  # type: ignore[attr-defined]
        os.environ[os.fsdecode(name)] = os.fsdecode(value)
        done.append(f"environment {os.fsdecode(name)}")
    for name in place.get("unset", ()):  # type: ignore[attr-defined]
        os.environ.pop(os.fsdecode(name), None)
    filters = place.get("filters")
    if isinstance(filters, list):
        warnings.resetwarnings()
        for one in reversed(filters):
            warnings.filters.insert(0, one)  # type: ignore[attr-defined]
        done.append("warnings filters")
