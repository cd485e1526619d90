"""`IPython.core.magic`: decorators and the class that extensions and notebooks make magics with.

It must never keep magics of its own: what is made here goes into the kernel's registry.
"""

from __future__ import annotations

import getopt
import os
from collections.abc import Callable
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.errors import UsageError
from holdfast.compat.ipython.splitting import arg_split
from holdfast.compat.ipython.values import Struct

__all__ = [
    "Bunch",
    "Magics",
    "cell_magic",
    "line_cell_magic",
    "line_magic",
    "magics_class",
    "needs_local_scope",
    "no_var_expand",
    "on_off",
    "output_can_be_silenced",
    "record_magic",
    "register_cell_magic",
    "register_line_cell_magic",
    "register_line_magic",
]

type Function = Callable[..., Any]

#: The attribute under which a decorated method says what it is, until its class is complete: {kind: name}.
MARK = "_holdfast_magic"
#: Attributes of functions, by the names that extensions set and read them.
NEEDS_SCOPE = "needs_local_scope"
NO_EXPANSION = "_ipython_magic_no_var_expand"
SILENCED = "_ipython_magic_output_can_be_silenced"


class Bunch:
    """An object with attributes."""


def needs_local_scope[F: Function](function: F) -> F:
    """The magic gets the variables of where it stands, as `local_ns`."""
    setattr(function, NEEDS_SCOPE, True)
    return function


def no_var_expand[F: Function](function: F) -> F:
    """`{name}` and `$name` in the magic's line stay as they are."""
    setattr(function, NO_EXPANSION, True)
    return function


def output_can_be_silenced[F: Function](function: F) -> F:
    """A semicolon at the end of the magic's line keeps its value from being shown."""
    setattr(function, SILENCED, True)
    return function


class Magics:
    """Magics that share a state: derive from it, decorate the class with `magics_class` and its methods.

    `magics` has, by kind (line, cell) and name, the methods; on the class their names.
    """

    magics: dict[str, dict[str, Any]] = {}
    registered = False
    shell: Any = None

    def __init__(self, shell: Any = None, **kwargs: Any) -> None:
        if not type(self).registered:
            raise ValueError(f"{type(self).__name__} has no magics: decorate the class with @magics_class")
        self.shell = shell
        self.options_table: dict[str, str] = {}
        for name, value in kwargs.items():
            if name not in ("parent", "config"):
                setattr(self, name, value)
        table = type(self).magics
        self.magics = {
            kind: {name: getattr(self, given) if isinstance(given, str) else given for name, given in found.items()}
            for kind, found in table.items()
        }

    def arg_err(self, function: Function) -> None:
        """Print how a magic is used."""
        print(f"Error in arguments:\n{function.__doc__ or 'it has no description'}")

    def default_option(self, function: str, option: str) -> None:
        """Options that a magic's line has when it says nothing else."""
        self.options_table[function] = option

    def parse_options(
        self, arg_str: str, opt_str: str, *long_opts: str, preserve_non_opts: bool = False, **kw: Any
    ) -> tuple[Struct, Any]:
        """(options, the rest) of a magic's line, by `getopt`'s rules: `opt_str` as "ab:", `long_opts` as "long=".

        `mode` is "string" (the rest as text, the default) or "list"; with `list_all` every option's value is a list;
        `posix` and `strict` say how quotes are read. UsageError: an option that is not known.
        """
        mode = kw.get("mode", "string")
        if mode not in ("string", "list"):
            raise ValueError(f"the mode of options is 'string' or 'list', not {mode!r}")
        words = arg_split(arg_str, posix=kw.get("posix", os.name == "posix"), strict=kw.get("strict", True))
        try:
            found, rest = getopt.getopt(words, opt_str, [*long_opts])
        except getopt.GetoptError as error:
            wanted = " ".join([*(f"-{letter}" for letter in opt_str if letter != ":"), *(f"--{n}" for n in long_opts)])
            raise UsageError(f"{error.msg}; allowed are: {wanted}") from None
        options = Struct()
        for option, value in found:
            name = option.lstrip("-")
            if name in options:
                before = options[name]
                options[name] = [*before, value] if isinstance(before, list) else [before, value]
            else:
                options[name] = [value] if kw.get("list_all") else value
        if mode == "list":
            return options, rest
        return options, _rest_as_written(arg_str, len(words) - len(rest)) if preserve_non_opts else " ".join(rest)


def _rest_as_written(text: str, options: int) -> str:
    """What follows the first words of a text, as it stands there."""
    rest = text
    for word in arg_split(text, posix=False, strict=False)[:options]:
        rest = rest[rest.find(word) + len(word) :]
    return rest.lstrip()


def magics_class[C: type](cls: C) -> C:
    """Make the decorated methods of a class derived from `Magics` its magics."""
    table: dict[str, dict[str, Any]] = {"line": {}, "cell": {}}
    for base in reversed(cls.__mro__):
        for attribute, value in vars(base).items():
            for kind, name in getattr(value, MARK, {}).items():
                table[kind][name] = attribute
    cls.registered = True  # type: ignore[attr-defined]
    cls.magics = table  # type: ignore[attr-defined]
    return cls


def record_magic(table: dict[str, dict[str, Any]], kind: str, name: str, function: Any) -> None:
    """Put a magic into a table of them; `kind` is "line", "cell" or "line_cell"."""
    for one in _kinds(kind):
        table[one][name] = function


def _kinds(kind: str) -> tuple[str, ...]:
    if kind not in ("line", "cell", "line_cell"):
        raise ValueError(f"a magic is of kind 'line', 'cell' or 'line_cell', not {kind!r}")
    return ("line", "cell") if kind == "line_cell" else (kind,)


def _marked(kind: str, given: Any) -> Any:
    """A method that says what it is, or a decorator that makes it do so under a name."""
    if isinstance(given, str):
        return lambda function: _mark(kind, function, given)
    if not callable(given):
        raise TypeError(f"decorate a method with it, or give the name of the magic, not {given!r}")
    return _mark(kind, given, getattr(given, "__name__", "magic"))


def _mark(kind: str, function: Any, name: str) -> Any:
    setattr(function, MARK, {**getattr(function, MARK, {}), **dict.fromkeys(_kinds(kind), name)})
    return function


def line_magic(given: Any) -> Any:
    """Makes a method a line magic: `@line_magic`, or `@line_magic("name")`."""
    return _marked("line", given)


def cell_magic(given: Any) -> Any:
    """Makes a method a cell magic: `@cell_magic`, or `@cell_magic("name")`."""
    return _marked("cell", given)


def line_cell_magic(given: Any) -> Any:
    """Makes a method both: `@line_cell_magic`, or `@line_cell_magic("name")`; as a line magic it gets no cell."""
    return _marked("line_cell", given)


def _registered(kind: str, given: Any) -> Any:
    """A function that is now a magic, or a decorator that makes it one under a name."""
    if isinstance(given, str):
        return lambda function: _register(kind, function, given)
    if not callable(given):
        raise TypeError(f"decorate a function with it, or give the name of the magic, not {given!r}")
    return _register(kind, given, getattr(given, "__name__", "magic"))


def _register(kind: str, function: Any, name: str) -> Any:
    shell = current.shell()
    if shell is None:
        raise NameError("a magic can be registered in a cell of a Holdfast kernel only")
    shell.register_magic_function(function, kind, name)
    return function


def register_line_magic(given: Any) -> Any:
    """Makes a function of (line) a line magic: `@register_line_magic`, or with a name."""
    return _registered("line", given)


def register_cell_magic(given: Any) -> Any:
    """Makes a function of (line, cell) a cell magic: `@register_cell_magic`, or with a name."""
    return _registered("cell", given)


def register_line_cell_magic(given: Any) -> Any:
    """Makes a function of (line, cell=None) both: `@register_line_cell_magic`, or with a name."""
    return _registered("line_cell", given)


def on_off(tag: object) -> str:
    """`ON` or `OFF`."""
    return "ON" if tag else "OFF"
