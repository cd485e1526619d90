"""`%config`: reads and sets options by the names that notebooks know.

It must never take an option that it does not have for one that it has: only those that would do nothing here are
accepted without a word.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import Any, get_args

from holdfast.errors import CellError
from holdfast.magics.options import Interactivity
from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

#: Other names of an object of ours.
_ALSO = {
    "ZMQInteractiveShell": "InteractiveShell",
    "TerminalInteractiveShell": "InteractiveShell",
    "Inlinebackend": "InlineBackend",
}
#: Objects of other kernels, whose options mean nothing here; what is set is remembered.
_WITHOUT_EFFECT = (
    "Application",
    "AliasManager",
    "BaseIPythonApplication",
    "Completer",
    "DisplayFormatter",
    "ExecutePreprocessor",
    "HistoryAccessor",
    "HistoryManager",
    "IPCompleter",
    "IPKernelApp",
    "IPythonKernel",
    "LoggingMagics",
    "MagicsManager",
    "NotebookApp",
    "PlainTextFormatter",
    "PrefilterManager",
    "ProfileDir",
    "ScriptMagics",
    "ServerApp",
    "StoreMagics",
    "ZMQDisplayPublisher",
)
#: Options of the shell that have no effect here.
_SHELL_WITHOUT_EFFECT = (
    "autocall",
    "autoindent",
    "autoawait",
    "cache_size",
    "color_info",
    "colors",
    "display_page",
    "enable_html_pager",
    "history_length",
    "history_load_length",
    "logfile",
    "logstart",
    "loop_runner",
    "object_info_string_level",
    "quiet",
    "separate_in",
    "separate_out",
    "show_rewritten_input",
    "sphinxify_docstring",
    "warn_venv",
    "wildcards_case_sensitive",
)
#: The values that an option of the shell can have.
_CHOICES: dict[str, tuple[object, ...]] = {
    "ast_node_interactivity": get_args(Interactivity),
    "xmode": ("Plain", "Context", "Verbose", "Minimal"),
    "automagic": (True, False),
    "pdb": (True, False),
}


class UnknownOption(CellError):
    """`%config` was asked for what there is not."""

    def __init__(self, what: str, nearest: str) -> None:
        super().__init__(what, nearest)
        self.what = what
        self.nearest = nearest

    def __str__(self) -> str:
        return f"%config: there is no {self.what}: " + (self.nearest or "%config alone lists what there is")


def line(_name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    config = Config(kernel)

    def magic(rest: str) -> object:
        """Read and set options.

        %config                                          what has options
        %config InlineBackend                            the options of one, and their values
        %config InlineBackend.figure_format              the value of one option
        %config InlineBackend.figure_format = 'retina'   set it; the value is Python
        """
        left, equals, right = rest.partition("=")
        name, dot, option = left.strip().partition(".")
        if dot and not equals:
            return config.value(name, option)
        if dot:
            config.set(name, option, right.strip().rstrip(";"))
        elif rest:
            config.show(name)
        else:
            config.show_all()
        return None

    return magic


class Config:
    """The options of one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        #: What was set and has no effect, by (object, option).
        self._remembered: dict[tuple[str, str], object] = {}

    def show_all(self) -> None:
        """Print what has options."""
        print("There are options of:", *(f"    {name}" for name in sorted(self._kernel.configurables)), sep="\n")
        print("%config NAME shows them.")

    def show(self, name: str) -> None:
        """Print the options of one object."""
        target = self._target(name)
        for option in _options(target):
            print(f"{name}.{option} = {getattr(target, option)!r}")

    def value(self, name: str, option: str) -> object:
        """That of an option."""
        if self._has_no_effect(name, option):
            return self._remembered.get((name, option))
        return getattr(self._found(name, option), option)

    def set(self, name: str, option: str, text: str) -> None:
        """Set an option to what Python makes of a text, or to the text itself where it makes nothing of it."""
        try:
            value = eval(text, self._kernel.namespace)
        except (NameError, SyntaxError):
            value = text
        if self._has_no_effect(name, option):
            self._remembered[name, option] = value
            return
        if _ALSO.get(name, name) not in self._kernel.configurables and not self._near(name):
            # An extension's, set before it is loaded: the cells below work without it.
            print(f"%config: {name}.{option} has no effect, since there is no {name}", file=sys.stderr)
            return
        target = self._found(name, option)
        value = self._checked(name, option, value)
        try:
            setattr(target, option, value)
        except Exception as error:  # libraries have errors of their own for it
            raise BadWords("%config", f"{name}.{option} cannot be {value!r}: {error}") from None

    def _checked(self, name: str, option: str, value: object) -> object:
        """The value as an option of the shell takes it: one of a few, whose letters' case does not count."""
        choices = _CHOICES.get(option, ()) if self._target(name) is self._kernel.options else ()
        if not choices:
            return value
        for choice in choices:
            if choice == value or (isinstance(value, str) and str(choice).lower() == value.lower()):
                return choice
        raise BadWords("%config", f"{name}.{option} cannot be {value!r}; it can be {', '.join(map(repr, choices))}")

    def _has_no_effect(self, name: str, option: str) -> bool:
        if _ALSO.get(name, name) == "InteractiveShell":
            return option in _SHELL_WITHOUT_EFFECT
        return name in _WITHOUT_EFFECT and name not in self._kernel.configurables

    def _target(self, name: str) -> Any:
        objects = self._kernel.configurables
        found = objects.get(_ALSO.get(name, name))
        if found is None:
            near = self._near(name)
            raise UnknownOption(name, f"do you mean {near[0]}?" if near else "")
        return found

    def _near(self, name: str) -> list[str]:
        return get_close_matches(name, [*self._kernel.configurables, *_WITHOUT_EFFECT], 1, 0.8)

    def _found(self, name: str, option: str) -> Any:
        """The object, if it has the option."""
        target = self._target(name)
        known = _options(target)
        if option not in known:
            near = get_close_matches(option, known, 1)
            hint = f"do you mean {name}.{near[0]}?" if near else f"%config {name} lists those that there are"
            raise UnknownOption(f"{name}.{option}", hint)
        return target


def _options(target: Any) -> list[str]:
    """The names of an object's options."""
    traits = getattr(target, "trait_names", None)
    if callable(traits):  # an object of a library
        return sorted(traits(config=True))
    names = {*dir(type(target)), *getattr(target, "__dict__", ())}
    return sorted(name for name in names if not name.startswith("_") and not callable(getattr(target, name)))
