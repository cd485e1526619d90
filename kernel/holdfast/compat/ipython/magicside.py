"""The managers of the shell: its magics, extensions, aliases and configurables.

It must never keep a registry of its own: what is registered here is in the kernel's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.adapting import ForeignMagic
from holdfast.compat.ipython.errors import UsageError
from holdfast.compat.ipython.parts import Part
from holdfast.magics.builtin.extensions import OURS, Extensions

__all__ = ["AliasManager", "Configurables", "ExtensionManager", "MagicsManager"]

type Function = Callable[..., Any]


class MagicsManager(Part):
    """`get_ipython().magics_manager`."""

    path = "magics_manager"

    def __init__(self) -> None:
        #: Instances of the classes that were registered, by the name of the class.
        self.registry: dict[str, Any] = {}
        self._foreign: dict[str, dict[str, ForeignMagic]] = {"line": {}, "cell": {}}

    @property
    def magics(self) -> dict[str, dict[str, Function]]:
        """All magics by kind (line, cell) and name, as functions of (line) or (line, cell)."""
        registry = current.kernel().magics
        return {
            "line": {name: self._line(name) for name in registry.names()},
            "cell": {name: self._cell(name) for name in registry.cell_names()},
        }

    @property
    def auto_magic(self) -> bool:
        """Whether `cd x` means `%cd x`."""
        return current.kernel().options.automagic

    @auto_magic.setter
    def auto_magic(self, value: bool) -> None:
        current.kernel().options.automagic = bool(value)

    def lsmagic(self) -> dict[str, list[str]]:
        """The names of all magics by kind."""
        return {kind: sorted(found) for kind, found in self.magics.items()}

    def find(self, kind: str, name: str) -> Function | None:
        """The function of a magic; None where there is none of that kind and name."""
        registry = current.kernel().magics
        if kind == "line":
            return self._line(name) if registry.find(name) is not None else None
        return self._cell(name) if registry.find_cell(name) is not None or name in registry.cell_names() else None

    def register(self, *magic_objects: Any) -> None:
        """Register what classes derived from `Magics`, or instances of such, have as magics."""
        for given in magic_objects:
            if not getattr(given, "registered", False):
                raise ValueError(f"{given!r} has no magics: decorate its class with @magics_class")
            one = given(shell=current.shell()) if isinstance(given, type) else given
            self.registry[type(one).__name__] = one
            for kind, found in one.magics.items():
                for name, function in found.items():
                    self._register(kind, name, getattr(one, function) if isinstance(function, str) else function)

    def register_function(self, func: Function, magic_kind: str = "line", magic_name: str | None = None) -> None:
        """Register a function of (line), (line, cell), or (line, cell=None) for the kind "line_cell"."""
        if magic_kind not in ("line", "cell", "line_cell"):
            raise ValueError(f"a magic is of kind 'line', 'cell' or 'line_cell', not {magic_kind!r}")
        for kind in ("line", "cell") if magic_kind == "line_cell" else (magic_kind,):
            self._register(kind, magic_name or func.__name__, func)

    def register_alias(
        self, alias_name: str, magic_name: str, magic_kind: str = "line", magic_params: str | None = None
    ) -> None:
        """Make another name for a magic, with words that come first if there are any."""
        before = f"{magic_params} " if magic_params else ""
        shell = current.shell()

        def line(rest: str) -> Any:
            return shell.run_line_magic(magic_name, before + rest)

        def cell(rest: str, body: str) -> Any:
            return shell.run_cell_magic(magic_name, before + rest, body)

        self._register(magic_kind, alias_name, line if magic_kind == "line" else cell)

    def _register(self, kind: str, name: str, function: Function) -> None:
        magic = self._foreign[kind][name] = ForeignMagic(function)
        registry, hooks = current.kernel().magics, current.edges().hooks
        if hooks.report is None:  # such magics may raise a UsageError, which is shown as one line
            hooks.report = current.shell().report_error
        (registry.register if kind == "line" else registry.register_cell)(name, magic)

    def _line(self, name: str) -> Function:
        if name in self._foreign["line"]:
            return self._foreign["line"][name].function
        return lambda line="": current.kernel().magics(name, line)

    def _cell(self, name: str) -> Function:
        if name in self._foreign["cell"]:
            return self._foreign["cell"][name].function
        return lambda line="", cell="": current.kernel().magics.cell(name, line, cell)


class ExtensionManager(Part):
    """`get_ipython().extension_manager`: modules that register what they have when they are loaded."""

    path = "extension_manager"

    @property
    def loaded(self) -> set[str]:
        """The names of those that are loaded, by `%load_ext` too."""
        return current.kernel().magics.extensions

    def load_extension(self, module_str: str) -> str | None:
        """Import a module and call its `load_ipython_extension(shell)`.

        None, or why not: "already loaded" or "no load function".
        """
        if module_str in self.loaded:
            return "already loaded"
        if module_str in OURS:
            Extensions(current.kernel()).load(module_str)
            return None
        from importlib import import_module

        return self._call(import_module(module_str), "load_ipython_extension", module_str)

    def unload_extension(self, module_str: str) -> str | None:
        """Call its `unload_ipython_extension(shell)`; None, or why not: "not loaded" or "no unload function"."""
        if module_str not in self.loaded:
            return "not loaded"
        module = sys.modules.get(module_str)
        function = getattr(module, "unload_ipython_extension", None)
        if function is None:
            return "no unload function"
        function(current.shell())
        self.loaded.discard(module_str)
        return None

    def reload_extension(self, module_str: str) -> str | None:
        """Load it again, its code included."""
        module = sys.modules.get(module_str)
        if module is None or module_str not in self.loaded:
            return self.load_extension(module_str)
        from importlib import reload

        self.unload_extension(module_str)
        return self._call(reload(module), "load_ipython_extension", module_str)

    def _call(self, module: Any, name: str, module_str: str) -> str | None:
        function = getattr(module, name, None)
        if function is None:
            return "no load function"
        function(current.shell())
        self.loaded.add(module_str)
        return None


class AliasManager(Part):
    """`get_ipython().alias_manager`: names for commands of the shell."""

    path = "alias_manager"

    def __init__(self) -> None:
        self._aliases: dict[str, str] = {}

    @property
    def aliases(self) -> list[tuple[str, str]]:
        """(name, command) of each."""
        return sorted(self._aliases.items())

    def define_alias(self, name: str, cmd: str) -> None:
        """Make `%name rest` run the command, with the rest after it or in the places of `%s` and `%l`."""
        self._aliases[name] = cmd
        shell = current.shell()
        shell.register_magic_function(lambda rest: shell.system_raw(_filled(cmd, rest)), "line", name)

    soft_define_alias = define_alias

    def is_alias(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name in self._aliases

    def get_alias(self, name: str) -> str | None:
        """Its command."""
        return self._aliases.get(name)


def _filled(command: str, rest: str) -> str:
    if "%l" in command:
        return command.replace("%l", rest)
    words = rest.split()
    places = command.count("%s")
    if places > len(words):
        raise UsageError(f"{command!r} wants {places} words, got {len(words)}")
    for word in words[:places]:
        command = command.replace("%s", word, 1)
    return " ".join([command, *words[places:]])


class Configurables(list[Any]):
    """What has options; `%config` finds by the name of its class what libraries append."""

    def __init__(self) -> None:
        super().__init__([current.shell()])

    def append(self, configurable: Any, /) -> None:
        """Add one."""
        super().append(configurable)
        cls, known = type(configurable), current.kernel().configurables
        before = known.get(cls.__name__, configurable)
        if type(before).__module__ == cls.__module__:  # an older one of theirs, never one of ours
            known[cls.__name__] = configurable
