"""Modules whose files were edited, loaded again: what `%autoreload` does before each cell.

It must never leave a module half new: where its code fails, all of it is as it was, and it is said once.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from importlib.util import cache_from_source
from types import ModuleType
from typing import Any

from holdfast.magics.patching import Patcher

#: The kernel and what it stands on: another version of these in the middle of a session would end it.
_NEVER = frozenset(
    "holdfast zmq msgspec jupyter_client jupyter_core comm debugpy jedi parso psutil resonate blake3 xxhash "
    "cloudpickle tornado traitlets ipykernel IPython __main__ __mp_main__ builtins".split()
)
_STANDARD = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (_STANDARD + "site-packages", _STANDARD + "dist-packages")

#: Time and size of a file when its module was loaded.
_Stamp = tuple[int, int]
_UNKNOWN = (0, 0)
#: Nanoseconds by which a file's time may lag behind the clock.
_GRAIN = 10_000_000


class Reloader:
    """Knows the files of the loaded modules, and what of them is to be watched."""

    def __init__(self) -> None:
        #: Modules to watch where not all are, and not to watch where all are.
        self.marked: set[str] = set()
        self.skipped: set[str] = set()
        self._stamps: dict[str, tuple[str, _Stamp]] = {}
        #: Files that are looked at no more: there is no source of theirs.
        self._without: set[str] = set()
        #: When it last looked, in nanoseconds.
        self._looked = time.time_ns()

    def look(self, late: bool = False) -> None:
        """Take note of the files of modules that are new.

        `late`: they may have been imported a while ago.  A file that was written since the last look counts as edited
        then: loading it once more than needed does less harm than not at all.
        """
        since = self._looked - _GRAIN if late else None
        self._looked = time.time_ns()
        for name, module in list(sys.modules.items()):
            if name in self._stamps or name in self._without or not isinstance(module, ModuleType):
                continue
            path = _source(name, module)
            stamp = _stamp(path) if path else None
            if path is None or stamp is None:
                self._without.add(name)
            else:
                self._stamps[name] = path, stamp if since is None or stamp[0] < since else _UNKNOWN

    def changed(self, everything: bool) -> list[tuple[str, ModuleType]]:
        """The modules whose files are others than before, what others import first; all, or those marked."""
        self.look(late=True)
        found = []
        for name, (path, stamp) in self._stamps.items():
            if name in self.skipped or not (everything or name in self.marked):
                continue
            now = _stamp(path)
            module = sys.modules.get(name)
            if now is not None and now != stamp and module is not None:
                # Told once, whether loading it works or not.
                self._stamps[name] = path, now
                found.append((name, module))
        return found[::-1]


def _source(name: str, module: ModuleType) -> str | None:
    """The file of a module's source; None for what is not to be loaded again."""
    if name.partition(".")[0] in _NEVER or getattr(module, "__spec__", None) is None:
        return None
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or not path.endswith(".py"):
        return None
    return None if path.startswith(_STANDARD) and not path.startswith(_INSTALLED) else path


def _stamp(path: str) -> _Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def reload(module: ModuleType) -> tuple[dict[str, Any], dict[str, Any]]:
    """Load a module again, its old functions and classes taking on the new code.

    What could not take it, by name: (old objects, new ones).  Raises what the module's code raises; then everything is
    as it was.
    """
    variables = module.__dict__
    before = dict(variables)
    _forget_bytecode(module)
    try:
        importlib.reload(module)
    except BaseException:
        variables.clear()
        variables.update(before)
        raise
    patcher = Patcher()
    replaced: dict[str, Any] = {}
    for name, old in before.items():
        new = variables.get(name)
        if old is new or not _is_of(old, module) or not _is_of(new, module):
            continue
        if patcher.patch(old, new):
            variables[name] = old
        elif isinstance(old, type) or callable(old):
            replaced[name] = old
    _settle(patcher.classes)
    return replaced, {name: variables[name] for name in replaced}


def _is_of(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _forget_bytecode(module: ModuleType) -> None:
    """The compiled file counts as fresh when the source has its size and second: edits come faster than that."""
    try:
        os.unlink(cache_from_source(module.__file__ or ""))
    except (OSError, NotImplementedError, ValueError):
        return


def _settle(classes: dict[type, type]) -> None:
    """What the module's code has made of a new class is of the old one, which is the one that stays."""
    if not classes:
        return
    for holder in gc.get_referrers(*classes):
        if holder is classes:
            continue
        old = classes.get(type(holder))
        if old is not None:
            _set_class(holder, old)
        elif type(holder) is dict:
            _replace(holder, classes, list(holder.items()))
        elif type(holder) is list:
            _replace(holder, classes, list(enumerate(holder)))


def _set_class(holder: Any, cls: type) -> None:
    try:
        object.__setattr__(holder, "__class__", cls)
    except TypeError:
        return


def _replace(holder: Any, classes: dict[type, type], items: list[tuple[Any, Any]]) -> None:
    for key, value in items:
        if isinstance(value, type) and value in classes:
            holder[key] = classes[value]
