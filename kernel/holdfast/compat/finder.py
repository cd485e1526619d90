"""Runs a function right after a named module was imported, by a finder at the head of `sys.meta_path`.

It must never import anything itself, nor change what an import finds or how it fails.

The finder answers for names that somebody waits for, and for all others costs one look into a dict.  For a
name it asks the other finders and gives their spec a loader that hands everything on, takes itself out of the
module again when it runs, and then calls what waits.

Rejected:
* wrapping `builtins.__import__`: it runs for every import statement, also of loaded modules, and users and
  libraries replace it;
* setting `exec_module` on the loader found: loaders of zip files and of built-in modules are shared;
* serving namespace packages: they have no code after which to call, and are known by having no loader;
* forgetting a name once it was imported: a reload runs the module's code again and undoes what was done.
"""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    type Callback = Callable[[ModuleType], object]
    type OnError = Callable[[str, Exception], object]

__all__ = ["uninstall", "when_imported"]


def when_imported(name: str, callback: Callback, *, on_error: OnError | None = None) -> None:
    """Calls `callback(module)` each time the code of module `name` has run; at once if it is loaded already.

    A reload calls it again, so it must be harmless to repeat.  An exception of the callback goes to
    `on_error(name, exception)` and never into the user's import.  A submodule is not yet an attribute of its
    package when its callback runs; namespace packages, which have no code, are not reported.
    """
    _FINDER.waiting.setdefault(name, []).append((callback, on_error))
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    module = sys.modules.get(name)
    if module is not None:
        _call(name, module, callback, on_error)


def uninstall() -> None:
    """Forgets all names and leaves `sys.meta_path`."""
    _FINDER.waiting.clear()
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


class _Finder:
    """A meta-path finder (importlib.abc.MetaPathFinder, without importing that)."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[tuple[Callback, OnError | None]]] = {}
        self._searching: set[tuple[int, str]] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders have for a name that somebody waits for; None for all others."""
        if fullname not in self.waiting:
            return None
        # Other import hooks ask importlib for the spec, which asks us again.
        search = (get_ident(), fullname)
        if search in self._searching:
            return None
        self._searching.add(search)
        try:
            spec = self._spec_of_others(fullname, path, target)
        finally:
            self._searching.discard(search)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            # A stand-in that hands on whatever a loader is asked for.
            spec.loader = _Loader(self, fullname, spec.loader)  # type: ignore[assignment, arg-type]
        return spec

    def _spec_of_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in tuple(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(fullname, path, target) if find_spec is not None else None
            if spec is not None:
                return spec
        return None

    def ran(self, name: str, module: ModuleType) -> None:
        """Calls what waits for the module, in the order in which it was registered."""
        for callback, on_error in tuple(self.waiting.get(name, ())):
            _call(name, module, callback, on_error)


class _Loader:
    """The loader of one spec, and a call after it; looks like the loader it stands for."""

    def __init__(self, finder: _Finder, name: str, loader: Loader) -> None:
        self._finder = finder
        self._name = name
        self._loader = loader

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # importlib.resources, pkgutil and build tools ask with isinstance() what kind of loader a spec has.
        return type(self._loader)

    def __getattr__(self, name: str) -> object:
        # Not self._loader: a copy that is only half made would ask for that forever.
        return getattr(object.__getattribute__(self, "_loader"), name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the loader does it."""
        create_module = getattr(self._loader, "create_module", None)
        module: ModuleType | None = create_module(spec) if create_module is not None else None
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module by its own loader, then what waits for it; nothing waits for a failed import."""
        loader = self._loader
        for holder, attribute in ((module.__spec__, "loader"), (module, "__loader__")):
            if getattr(holder, attribute, None) is self:
                setattr(holder, attribute, loader)
        # A module made by hand from the spec, beside the imported one, is not an import.
        imported = sys.modules.get(self._name) is module
        loader.exec_module(module)
        if imported:
            # The module may have put something else in its place.
            self._finder.ran(self._name, sys.modules.get(self._name, module))


def _call(name: str, module: ModuleType, callback: Callback, on_error: OnError | None) -> None:
    try:
        callback(module)
    except Exception as error:
        if on_error is not None:
            on_error(name, error)


_FINDER = _Finder()
