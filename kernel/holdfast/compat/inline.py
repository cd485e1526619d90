"""The package `matplotlib_inline` as this kernel answers for it: the backend of that name is ours.

It must never import the real one, which brings IPython with it, nor matplotlib before somebody asks for the backend.

Libraries and notebooks import `set_matplotlib_formats` and `flush_figures` from there, and give the module's name to
matplotlib.  Where the package is installed it stays what it is, but for its two modules.
"""

from __future__ import annotations

import sys

from holdfast.compat import figures, finder
from holdfast.compat.figures import InlineSettings as InlineBackend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["InlineBackend", "install", "uninstall"]

_PACKAGE = "matplotlib_inline"
#: Whose modules stand for whose.
_MODULES = {
    f"{_PACKAGE}.backend_inline": "holdfast.compat.matplotlib_backend",
    f"{_PACKAGE}.config": __name__,
}


class _InlineFinder:
    """A meta-path finder (importlib.abc.MetaPathFinder) for that package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of ours, and of the package where it is not installed; None for all others."""
        if fullname != _PACKAGE and fullname not in _MODULES:
            return None
        from importlib.machinery import ModuleSpec, PathFinder

        if fullname == _PACKAGE and (installed := PathFinder.find_spec(fullname, path)) is not None:
            return installed
        loader: Loader = _Loader()  # type: ignore[assignment]  # looks like one, without that import
        return ModuleSpec(fullname, loader, origin="Holdfast", is_package=fullname == _PACKAGE)


class _Loader:
    """Puts ours in the place of a module (importlib.abc.Loader)."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        """Ours is what the import returns."""
        from importlib import import_module

        ours = _MODULES.get(module.__name__)
        if ours is not None:
            sys.modules[module.__name__] = import_module(ours)
            return
        for name in _MODULES:
            import_module(name)


_FINDER = _InlineFinder()


def install() -> None:
    """Make ours the backend when matplotlib is imported, and answer for the package from now on."""
    finder.when_imported("matplotlib.backends.registry", figures.name_backend)
    finder.when_imported("matplotlib", figures.select)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Take the finder out; for tests."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
