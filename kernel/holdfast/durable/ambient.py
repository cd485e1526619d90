"""The state around the variables: working folder, import path, environment, random states, filters, options.

It must never load a module to ask it, and never keep what was so before any cell ran.

Each kind is a root of its own (`@a<kind>`) whose value is plain data; it is stored when it differs from what it
was at the last commit.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.durable.options import Numpy, Pandas

#: Set for the kernel by whoever starts it, or by its debugger; not by cells.
_OURS = (b"JPY_", b"HOLDFAST_", b"JUPYTER_", b"PYDEVD_")
_STATES = {"@arandom": "random state", "@anumpy": "numpy random state"}
_NO_OPTIONS: dict[str, object] = {"@apandas": None, "@aprint": None}
_BACKEND = frozenset({"backend", "backend_fallback", "interactive", "toolbar"})
_ENVIRON: Mapping[bytes, bytes] = getattr(os.environ, "_data", {})


class Ambient:
    """Reads the state, tells what changed since the last commit, and puts a state back."""

    def __init__(self) -> None:
        self._path = list(sys.path)
        self._environ = dict(_ENVIRON)
        self._filters = list(warnings.filters)
        self._cwd = _cwd()
        #: matplotlib's rcParams when last looked at, and those of them that count.
        self._params: tuple[dict[str, object], dict[str, object]] = {}, {}
        #: Options of other libraries: made when the first of these is there.
        self._options: dict[str, Pandas | Numpy] = {}
        self._begun: Mapping[str, object] = self._now()
        self._last: dict[str, object] = dict(self._begun)
        #: Values of the roots that differ from the start.
        self.values: dict[str, object] = {}

    def _now(self) -> dict[str, object]:
        options = {**_NO_OPTIONS, **{key: library.now() for key, library in self._libraries().items()}}
        drawing = self._drawing()
        return {"@aplace": self._place(), "@arandom": _random(), "@anumpy": _numpy(), "@arcparams": drawing, **options}

    def _libraries(self) -> dict[str, Pandas | Numpy]:
        if not self._options and "numpy" in sys.modules:
            from holdfast.durable.options import Numpy, Pandas

            self._options = {"@apandas": Pandas(), "@aprint": Numpy()}
        return self._options

    def _drawing(self) -> object:
        """The rcParams that differ from those matplotlib began with, the choice of a backend left out."""
        names = vars(sys.modules["matplotlib"]) if "matplotlib" in sys.modules else {}
        params, first = names.get("rcParams"), names.get("rcParamsOrig")
        if not isinstance(params, dict) or not isinstance(first, dict):
            return None
        whole = dict.copy(params)
        if whole != self._params[0]:
            begun = dict.copy(first)
            self._params = whole, {k: v for k, v in whole.items() if k not in _BACKEND and v != begun.get(k)}
        return self._params[1] or None

    def changed(self) -> list[str]:
        """The roots whose value differs from that at the last call."""
        now = self._now()
        changed = [key for key, value in now.items() if value != self._last[key]]
        for key in changed:
            self.values[key] = self._last[key] = now[key]
        return changed

    def listed(self) -> list[tuple[str, str]]:
        """What cells changed, in words; names only of the environment, whose values may be secrets."""
        place = self._place()
        found = [("working folder", str(place["cwd"]))] if "cwd" in place else []
        found += [("import path", path) for path in place.get("path", ())]  # type: ignore[attr-defined]
        changed = [*place.get("set", ()), *place.get("unset", ())]  # type: ignore[misc]
        found += [("environment", os.fsdecode(name)) for name in sorted(changed)]
        if "filters" in place:
            found.append(("warnings filters", f"{len(warnings.filters)}"))
        found += [(what, "kept") for key, what in _STATES.items() if self.values.get(key) is not None]
        drawing = self.values.get("@arcparams")
        if isinstance(drawing, dict) and drawing:
            found.append(("matplotlib rcParams", " ".join(sorted(drawing))))
        for key, library in self._libraries().items():
            options = self.values.get(key)
            if isinstance(options, dict) and options:
                found.append((library.name, " ".join(sorted(options))))
        return found

    def _place(self) -> dict[str, object]:
        environ = _ENVIRON
        place: dict[str, object] = {}
        cwd = _cwd()
        if cwd != self._cwd:
            place["cwd"] = cwd
        if sys.path != self._path:
            added = [(at, path) for at, path in enumerate(sys.path) if path not in self._path]
            place["path"], place["at"] = [path for _, path in added], [at for at, _ in added]
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
            self._put(key, value, done)
        self._follow(values)
        return done

    def switch(self, values: Mapping[str, object], changed: Iterable[str]) -> list[str]:
        """Put these states back, those named in `changed`; what `values` lack, as it was before any cell ran."""
        done: list[str] = []
        for key in changed:
            if key == "@aplace":
                self._leave_place()
            elif key == "@arcparams" and self._drawing() is not None:
                names = vars(sys.modules["matplotlib"])
                first = dict.copy(names["rcParamsOrig"])
                names["rcParams"].update({name: value for name, value in first.items() if name not in _BACKEND})
            elif (library := self._libraries().get(key)) is not None:
                library.reset()
            self._put(key, values.get(key, self._begun.get(key)), done)
        self._follow(values)
        return done

    def _leave_place(self) -> None:
        start = self._environ
        sys.path[:] = self._path
        for name in [name for name in _ENVIRON if name not in start and not name.startswith(_OURS)]:
            os.environ.pop(os.fsdecode(name), None)
        back = {k: v for k, v in start.items() if _ENVIRON.get(k) != v and not k.startswith(_OURS)}
        _restore_place({"cwd": self._cwd, "filters": self._filters, "set": back}, [])

    @contextmanager
    def at(self, place: object) -> Generator[None]:
        """Working folder, import path and environment of `place`, while what may import modules is loaded."""
        if not isinstance(place, dict):
            yield
            return
        cwd, path, environ = _cwd(), list(sys.path), dict(_ENVIRON)
        touched = [*place.get("set", ()), *place.get("unset", ())]
        try:
            _restore_place({**place, "filters": None}, [])
            yield
        finally:
            # What the modules themselves added stays.
            sys.path[:] = [one for one in sys.path if one in path or one not in place.get("path", ())]
            back = {name: environ[name] for name in touched if name in environ}
            _restore_place({"cwd": cwd, "set": back, "unset": [one for one in touched if one not in back]}, [])

    def _follow(self, values: Mapping[str, object]) -> None:
        """Take what is so now for what was so at the last commit.  The dict stays the same: `Roots` reads it."""
        kept = dict(values)
        self.values.clear()
        self.values.update(kept)
        self._last = self._now()

    def _put(self, key: str, value: object, done: list[str]) -> None:
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
            elif key == "@arcparams" and isinstance(value, dict) and "matplotlib" in sys.modules:
                vars(sys.modules["matplotlib"])["rcParams"].update(value)
                done.append("matplotlib rcParams")
            elif isinstance(value, dict) and (library := self._libraries().get(key)) and library.put(value):
                done.append(library.name)
        except Exception as error:
            done.append(f"not restored: {key[2:]} ({error})")


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
    paths: list[str] = place.get("path", [])  # type: ignore[assignment]
    # Earlier stores do not say where they stood.
    for at, path in zip(place.get("at") or [len(sys.path)] * len(paths), paths, strict=True):  # type: ignore[call-overload]
        if path not in sys.path:
            sys.path.insert(at, path)
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
