"""`IPython.core.magic_arguments`: options of a magic declared by decorators, and read by argparse.

It must never end the process, as argparse does.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from holdfast.compat.ipython.errors import UsageError
from holdfast.compat.ipython.splitting import arg_split

__all__ = [
    "ArgDecorator",
    "MagicArgumentParser",
    "argument",
    "argument_group",
    "construct_parser",
    "defaults",
    "kwds",
    "magic_arguments",
    "parse_argstring",
    "real_name",
]

type Function = Callable[..., Any]

_DECLARED = "_holdfast_arguments"


class MagicArgumentParser(argparse.ArgumentParser):
    """An ArgumentParser that raises UsageError, and reads a magic's line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("add_help", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """The line is wrong."""
        raise UsageError(message)

    def parse_argstring(self, argstring: str, *, partial: bool = False) -> Any:
        """The options of a line; with `partial` also the words that are none, as (options, words)."""
        words = arg_split(argstring)
        return self.parse_known_args(words) if partial else self.parse_args(words)


def construct_parser(function: Function) -> MagicArgumentParser:
    """The parser that the decorators of a function declare; its help becomes the function's docstring."""
    described = function.__doc__ and _dedented(function.__doc__)
    keywords: dict[str, Any] = {"description": described} | getattr(function, "argcmd_kwds", {})
    parser = MagicArgumentParser(real_name(function), **keywords)
    group: Any = None
    for one in getattr(function, _DECLARED, [])[::-1]:
        group = one.add_to_parser(parser, group) or group
    said = parser.format_help()
    function.__doc__ = re.sub(r"\Ausage: ", "::\n\n  %", said)
    return parser


def parse_argstring(magic_func: Any, argstring: str, *, partial: bool = False) -> Any:
    """The options of a decorated magic's line, as an object with an attribute for each; raises UsageError."""
    return magic_func.parser.parse_argstring(argstring, partial=partial)


def real_name(function: Any) -> str:
    """The name of a decorated magic."""
    name: str = getattr(function, "argcmd_name", None) or function.__name__
    return name.removeprefix("magic_")


def _dedented(text: str) -> str:
    from inspect import cleandoc

    return cleandoc(text)


class ArgDecorator:
    """A decorator that adds something to a magic's parser."""

    def __call__(self, function: Function) -> Function:
        """Note it; `magic_arguments` makes the parser."""
        setattr(function, _DECLARED, [*getattr(function, _DECLARED, []), self])
        function.has_arguments = True  # type: ignore[attr-defined]
        return function

    def add_to_parser(self, parser: MagicArgumentParser, group: Any) -> Any:
        """Add it to the parser, or to the group that was begun above; a group that begins is returned."""


class magic_arguments(ArgDecorator):  # noqa: N801 - it is used like a function
    """The outermost decorator of a magic with options; `name` is shown in its help."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __call__(self, function: Function) -> Function:
        """Make the parser."""
        function.argcmd_name = self.name  # type: ignore[attr-defined]
        function.has_arguments = True  # type: ignore[attr-defined]
        function.parser = construct_parser(function)  # type: ignore[attr-defined]
        return function


class _Declaring(ArgDecorator):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs


class argument(_Declaring):  # noqa: N801
    """An option or a word, as `ArgumentParser.add_argument` takes it."""

    def add_to_parser(self, parser: MagicArgumentParser, group: Any) -> None:
        """To the group if one was begun."""
        (parser if group is None else group).add_argument(*self.args, **self.kwargs)


class defaults(_Declaring):  # noqa: N801
    """Values of options that are not given, as `set_defaults` takes them."""

    def add_to_parser(self, parser: MagicArgumentParser, group: Any) -> None:
        """To the parser."""
        parser.set_defaults(**self.kwargs)


class argument_group(_Declaring):  # noqa: N801
    """The arguments below it belong together, as `add_argument_group` takes it."""

    def add_to_parser(self, parser: MagicArgumentParser, group: Any) -> Any:
        """A group begins."""
        return parser.add_argument_group(*self.args, **self.kwargs)


class kwds(ArgDecorator):  # noqa: N801
    """Keywords for the parser itself."""

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs

    def __call__(self, function: Function) -> Function:
        """Note them."""
        function = super().__call__(function)
        function.argcmd_kwds = self.kwargs  # type: ignore[attr-defined]
        return function
