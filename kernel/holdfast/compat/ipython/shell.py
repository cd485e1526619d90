"""The shell object that libraries expect of a notebook's kernel: what `get_ipython()` gives.

It must never be more than a face: variables, magics, printers, history and output are the kernel's own.

Its class has the name that libraries look for (rich, pandas, tqdm, plotly take others for a terminal); everything else
about it says whose it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.calling import HasMagics
from holdfast.compat.ipython.parts import Made, Part
from holdfast.compat.ipython.running import RunsCode
from holdfast.compat.ipython.values import Struct

if TYPE_CHECKING:
    from holdfast.compat.ipython.completing import Completer, CustomCompleters
    from holdfast.compat.ipython.displaying import DisplayFormatter, DisplayHook, DisplayPublisher
    from holdfast.compat.ipython.events import EventManager
    from holdfast.compat.ipython.kernelside import Parents, ShellKernel
    from holdfast.compat.ipython.magicside import AliasManager, Configurables, ExtensionManager, MagicsManager
    from holdfast.compat.ipython.recall import HistoryManager
    from holdfast.compat.ipython.tracing import AutoFormattedTB, SyntaxTB
    from holdfast.compat.ipython.transforming import Transformers

__all__ = ["InteractiveShell", "ShellClass", "TerminalInteractiveShell", "ZMQInteractiveShell", "set_interactivity"]


class ShellClass(type):
    """The class of the shell's classes: `InteractiveShell.ast_node_interactivity = "all"` sets the option."""

    @property
    def ast_node_interactivity(cls) -> str:
        """Which expressions of a cell are shown."""
        return current.kernel().options.ast_node_interactivity

    @ast_node_interactivity.setter
    def ast_node_interactivity(cls, value: str) -> None:
        set_interactivity(value)


def set_interactivity(value: str) -> None:
    """Choose which expressions of a cell are shown.  ValueError: it is none of the choices."""
    choices = ("all", "last", "last_expr", "none", "last_expr_or_assign")
    if value not in choices:
        raise ValueError(f"ast_node_interactivity is one of {', '.join(map(repr, choices))}, not {value!r}")
    current.kernel().options.ast_node_interactivity = value  # type: ignore[assignment]  # it is one of them


def _page(text: Any, start: int = 0, screen_lines: int = 0) -> None:
    """Show a text in the frontend's pager."""
    from holdfast.compat.ipython.texts import page

    page(text, start, screen_lines)


class InteractiveShell(HasMagics, RunsCode, Part, metaclass=ShellClass):
    """A shell; there is one in a kernel, `InteractiveShell.instance()`."""

    colors = "neutral"
    autoindent = True
    autocall = 0
    quiet = False
    autoawait = True
    banner1 = banner2 = ""
    active_eventloop: str | None = None
    pylab_gui_select: str | None = None

    events: Made[EventManager] = Made("events:EventManager")
    display_formatter: Made[DisplayFormatter] = Made("displaying:DisplayFormatter")
    display_pub: Made[DisplayPublisher] = Made("displaying:DisplayPublisher")
    displayhook: Made[DisplayHook] = Made("displaying:DisplayHook")
    history_manager: Made[HistoryManager] = Made("recall:HistoryManager")
    magics_manager: Made[MagicsManager] = Made("magicside:MagicsManager")
    extension_manager: Made[ExtensionManager] = Made("magicside:ExtensionManager")
    alias_manager: Made[AliasManager] = Made("magicside:AliasManager")
    configurables: Made[Configurables] = Made("magicside:Configurables")
    Completer: Made[Completer] = Made("completing:Completer")
    custom_completers: Made[CustomCompleters] = Made("completing:CustomCompleters")
    kernel: Made[ShellKernel] = Made("kernelside:ShellKernel")
    InteractiveTB: Made[AutoFormattedTB] = Made("tracing:AutoFormattedTB")
    SyntaxTB: Made[SyntaxTB] = Made("tracing:SyntaxTB")
    _parents: Made[Parents] = Made("kernelside:Parents")
    _transformers: Made[Transformers] = Made("transforming:Transformers")

    def __init__(self) -> None:
        self.meta = Struct()
        self.hooks = Struct(show_in_pager=_page)
        self._config: Any = None

    #: With the real IPython imported: a class of theirs that the shell passes for.
    face: type | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self).face or type(self)

    @classmethod
    def instance(cls, *args: object, **kwargs: object) -> Any:
        """The shell of this kernel."""
        return current.shell()

    @classmethod
    def initialized(cls) -> bool:
        """Whether this is a kernel."""
        return current.edges_or_none() is not None

    def get_ipython(self) -> Any:
        """The shell itself."""
        return self

    def __repr__(self) -> str:
        return "<Holdfast's shell, as get_ipython() gives it>"

    # ------------------------------------------------------------ variables

    @property
    def user_ns(self) -> dict[str, Any]:
        """The user's variables."""
        kernel = current.kernel()
        # Whoever asks for the dict may change what the cell's own code does not mention.
        kernel.touched()
        return kernel.namespace

    @property
    def user_global_ns(self) -> dict[str, Any]:
        """The user's variables: there is one dict."""
        return self.user_ns

    @property
    def user_ns_hidden(self) -> dict[str, Any]:
        """The names in it that are not the user's."""
        found = current.kernel().namespace
        return {name: found[name] for name in list(found) if name.startswith("_") or name in ("In", "Out", "input")}

    @property
    def user_module(self) -> Any:
        """The module whose dict that is."""
        return sys.modules["__main__"]

    @property
    def execution_count(self) -> int:
        """The number of the cell that comes next, as with IPython's: one more than that of the running one."""
        inputs = current.kernel().namespace.get("In")
        return len(inputs) if isinstance(inputs, list) else current.edges().execution_count() + 1

    # ------------------------------------------------------------ settings

    @property
    def config(self) -> Any:
        """Settings of an application as libraries look for them: a section "IPKernelApp", with the connection file."""
        loader = sys.modules.get("traitlets.config.loader")
        kind = Struct if loader is None else loader.Config
        if type(self._config) is not kind:
            found = current.connection_file()
            section = kind({} if found is None else {"connection_file": found})
            self._config = kind({**(self._config or {}), "IPKernelApp": section})
        return self._config

    def _find_my_config(self, config: Any) -> Any:
        """For configurables that are made with the shell as their parent: it has nothing for them."""
        return type(config)()

    @property
    def ast_node_interactivity(self) -> str:
        """Which expressions of a cell are shown."""
        return current.kernel().options.ast_node_interactivity

    @ast_node_interactivity.setter
    def ast_node_interactivity(self, value: str) -> None:
        set_interactivity(value)

    @property
    def automagic(self) -> bool:
        """Whether `cd x` means `%cd x`."""
        return current.kernel().options.automagic

    @automagic.setter
    def automagic(self, value: bool) -> None:
        current.kernel().options.automagic = bool(value)

    @property
    def call_pdb(self) -> bool:
        """Whether an uncaught error opens the debugger."""
        return current.kernel().options.pdb

    @call_pdb.setter
    def call_pdb(self, value: bool) -> None:
        current.kernel().options.pdb = bool(value)

    pdb = call_pdb

    def observe(self, handler: object, names: object = None, type: str = "change") -> None:
        """Nothing: no setting of the shell tells of its changes."""

    unobserve = observe

    def has_trait(self, name: str) -> bool:
        """Whether there is such a setting."""
        return hasattr(self, name)

    # ------------------------------------------------------------ transformers

    @property
    def input_transformers_post(self) -> list[Callable[[list[str]], list[str]]]:
        """Functions that a cell's lines go through before they are read; append to it."""
        return self._transformers.post

    @input_transformers_post.setter
    def input_transformers_post(self, functions: list[Callable[[list[str]], list[str]]]) -> None:
        self._transformers.post[:] = functions

    @property
    def input_transformers_cleanup(self) -> list[Callable[[list[str]], list[str]]]:
        """The same, called first."""
        return self._transformers.cleanup

    @input_transformers_cleanup.setter
    def input_transformers_cleanup(self, functions: list[Callable[[list[str]], list[str]]]) -> None:
        self._transformers.cleanup[:] = functions

    @property
    def ast_transformers(self) -> list[Any]:
        """`ast.NodeTransformer`s that a cell's syntax tree goes through; append to it."""
        return self._transformers.trees

    @ast_transformers.setter
    def ast_transformers(self, transformers: list[Any]) -> None:
        self._transformers.trees[:] = transformers

    @property
    def input_transformer_manager(self) -> Any:
        """What turns a cell into Python."""
        return self._transformers

    def transform_cell(self, raw_cell: str) -> str:
        """A cell as Python."""
        return self._transformers.transform_cell(raw_cell)

    def check_complete(self, code: str) -> tuple[str, str]:
        """("complete", ""), ("invalid", ""), or ("incomplete", the indent that should follow)."""
        return self._transformers.check_complete_reply(code)

    # ------------------------------------------------------------ the frontend

    def set_next_input(self, text: str, replace: bool = False) -> None:
        """Put text into the next cell, or with `replace` into this one."""
        current.kernel().set_next_input(text, replace=replace)

    def ask_exit(self) -> None:
        """End the kernel after this cell."""
        current.edges().add_payload({"source": "ask_exit", "keepkernel": False})

    def get_parent(self) -> dict[str, Any]:
        """The message that output written here belongs to; empty outside a cell."""
        return self._parents.get()

    def set_parent(self, parent: Mapping[str, Any]) -> None:
        """What is written here belongs to that message from now on; it has to be one that `get_parent` gave."""
        self._parents.set(parent)

    @property
    def parent_header(self) -> dict[str, Any]:
        """As `get_parent` gives it."""
        return self._parents.get()

    def enable_gui(self, gui: Any = None) -> None:
        """Nothing for what needs no event loop of its own; a line on stderr for others: none of those is run here."""
        self.active_eventloop = gui
        if gui not in (None, "", "inline", "asyncio", "agg", "ipympl", "widget", "nbagg", "notebook"):
            print(f"enable_gui: this kernel runs no event loop for {gui}; windows will not react", file=sys.stderr)

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        """What `%matplotlib gui` does; (gui, backend)."""
        self.run_line_magic("matplotlib", gui or "")
        matplotlib: Any = sys.modules.get("matplotlib")
        return gui or "", str(matplotlib.get_backend()) if matplotlib is not None else "inline"

    def register_post_execute(self, func: Callable[[], object]) -> None:
        """Call a function after each cell."""
        self.events.register("post_execute", func)

    def atexit_operations(self) -> None:
        """Nothing: the kernel cleans up by itself."""

    # ------------------------------------------------------------ looking

    def complete(
        self, text: str | None, line: str | None = None, cursor_pos: int | None = None
    ) -> tuple[str, list[str]]:
        """(the text that is completed, what it can be completed to)."""
        return self.Completer.complete(text, line, cursor_pos)

    def set_hook(
        self, name: str, hook: Callable[..., Any], priority: int = 50, str_key: str | None = None, re_key: Any = None
    ) -> None:
        """Have completions come from `hook(shell, event)` too, for the name "complete_command"; others do nothing."""
        if name == "complete_command":
            self.custom_completers.add(hook, str_key, getattr(re_key, "pattern", re_key))

    def set_custom_completer(self, completer: Callable[..., Any], pos: int = 0) -> None:
        """Note a matcher."""
        self.Completer.custom_matchers.insert(pos, completer)

    def object_inspect(self, oname: str, detail_level: int = 0) -> dict[str, Any]:
        """What is known of an object: found, name, and its description as text."""
        found = current.edges().inspect(oname, detail_level)
        return {
            "name": oname,
            "found": bool(found.get("found")),
            "docstring": found.get("data", {}).get("text/plain"),
        }

    def object_inspect_mime(self, oname: str, detail_level: int = 0, omit_sections: object = ()) -> dict[str, Any]:
        """The description of an object, by MIME type.  KeyError: there is none of that name."""
        found = current.edges().inspect(oname, detail_level)
        if not found.get("found"):
            raise KeyError(oname)
        data: dict[str, Any] = found["data"]
        return data

    def object_inspect_text(self, oname: str, detail_level: int = 0) -> str:
        """The description of an object as text.  KeyError: there is none of that name."""
        return str(self.object_inspect_mime(oname, detail_level)["text/plain"])


class ZMQInteractiveShell(InteractiveShell):
    """The shell of a kernel: `get_ipython()`."""


class TerminalInteractiveShell(InteractiveShell):
    """A shell in a terminal: libraries ask whether the shell is one.  There is none here."""
