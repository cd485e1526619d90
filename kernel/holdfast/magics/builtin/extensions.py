"""`%load_ext`, `%reload_ext` and `%unload_ext`: packages that add magics of their own.

It must never load one that the kernel brings itself, under the name by which notebooks know it.

A package adds magics in its function `load_holdfast_extension(kernel)`, which gets a `magics.port.Kernel`; else in
`load_ipython_extension(shell)`, which gets the shell that `get_ipython()` gives.
"""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import Any

from holdfast.errors import CellError
from holdfast.magics.port import Kernel, LineMagic

#: What is there without being loaded.
OURS = frozenset({"autoreload", "storemagic"})


class NotLoaded(CellError):
    """An extension cannot be loaded."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"the extension {self.name} was not loaded: {self.reason}"


class Extensions:
    """The extensions of one session; which are loaded, the registry knows."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._loaded = kernel.magics.extensions

    def load(self, name: str) -> None:
        """Import it and let it register what it has."""
        if name == "autoreload":
            from holdfast.magics.builtin.reloading import watch

            watch(self._kernel)
        if name in OURS:
            return
        if name in self._loaded:
            print(f"The extension {name} is loaded already; %reload_ext {name} loads it again.")
            return
        self._begin(name, _imported(name))

    def unload(self, name: str) -> None:
        """Let it take away what it has registered."""
        if name in OURS:
            return
        if name not in self._loaded:
            print(f"The extension {name} is not loaded.")
            return
        module: Any = sys.modules.get(name)
        if hasattr(module, "unload_holdfast_extension"):
            module.unload_holdfast_extension(self._kernel)
        elif hasattr(module, "unload_ipython_extension"):
            module.unload_ipython_extension(_shell(name))
        else:
            print(f"The extension {name} cannot be unloaded: it has no function for it.")
            return
        self._loaded.discard(name)

    def reload(self, name: str) -> None:
        """Load it again, its code as it is now on disk."""
        module = sys.modules.get(name)
        if name in OURS or name not in self._loaded or module is None:
            self._loaded.discard(name)
            self.load(name)
            return
        from importlib import reload

        if hasattr(module, "unload_holdfast_extension") or hasattr(module, "unload_ipython_extension"):
            self.unload(name)
        self._begin(name, reload(module))

    def _begin(self, name: str, module: ModuleType) -> None:
        try:
            if hasattr(module, "load_holdfast_extension"):
                module.load_holdfast_extension(self._kernel)
            elif hasattr(module, "load_ipython_extension"):
                module.load_ipython_extension(_shell(name))
            else:
                print(f"The module {name} is no extension: it has no function load_ipython_extension.")
                return
        except ImportError as error:
            raise _says(name, error) from None
        finally:
            self._kernel.touched()
        self._loaded.add(name)


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    extensions = Extensions(kernel)

    def load_ext(rest: str) -> None:
        """Load a package that adds magics: %load_ext NAME."""
        extensions.load(_one(rest, "load_ext"))

    def reload_ext(rest: str) -> None:
        """Load a package that adds magics once more, its code as it is now: %reload_ext NAME."""
        extensions.reload(_one(rest, "reload_ext"))

    def unload_ext(rest: str) -> None:
        """Take away the magics of a package: %unload_ext NAME."""
        extensions.unload(_one(rest, "unload_ext"))

    return {"load_ext": load_ext, "reload_ext": reload_ext, "unload_ext": unload_ext}[name]


def _one(rest: str, magic: str) -> str:
    if len(rest.split()) != 1:
        raise NotLoaded(rest or "without a name", f"give the name of one module, as in: %{magic} autoreload")
    return rest


def _imported(name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise
        raise _says(name, error) from None


def _says(name: str, error: ImportError) -> ImportError:
    """The error with what it kept from loading; one that says so itself stays as it is."""
    if type(error) not in (ImportError, ModuleNotFoundError):
        return error
    text = f"the extension {name} cannot be loaded: {error.msg}"
    if (error.name or "").partition(".")[0] in ("IPython", "ipykernel"):
        text += "; `%pip install ipython` brings it"
    return type(error)(text, name=error.name, path=error.path)


def _shell(name: str) -> object:
    """What `get_ipython()` gives."""
    get_ipython = getattr(builtins, "get_ipython", None)
    if get_ipython is None:
        raise NotLoaded(name, "it is made for IPython, and this kernel was told not to stand in for it")
    return get_ipython()
