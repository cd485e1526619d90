"""Printers for what is not a container: classes, functions, exceptions, patterns, and objects in general.

They must never swallow what a `repr` raises: the caller decides what is shown then.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from holdfast.output.pretty.calls import Call, RawStringLiteral, RawText

if TYPE_CHECKING:
    import re
    from types import BuiltinFunctionType, FunctionType, SimpleNamespace

    from holdfast.output.pretty.layout import Layout

__all__ = [
    "class_of",
    "default_printer",
    "exception_printer",
    "function_printer",
    "namespace_printer",
    "pattern_printer",
    "repr_printer",
    "super_printer",
    "type_printer",
    "write_lines",
]

#: The flags a pattern shows, in this order.
_FLAGS = ("IGNORECASE", "LOCALE", "MULTILINE", "DOTALL", "UNICODE", "VERBOSE", "DEBUG")


def class_of(obj: object) -> type:
    """The class `obj` claims to be of, as proxies do; its type when the claim is no class or raises."""
    try:
        claimed: object = obj.__class__
    except Exception:
        return type(obj)
    return claimed if isinstance(claimed, type) else type(obj)


def repr_printer(obj: object, p: Layout, cycle: bool) -> None:
    """`repr(obj)`; its lines are indented like the place they stand in."""
    write_lines(repr(obj).splitlines(), p)


def write_lines(lines: list[str], p: Layout) -> None:
    """Write lines that cannot be broken, each indented like the place they stand in."""
    with p.group():
        for index, line in enumerate(lines):
            if index:
                p.break_()
            p.text(line)


def default_printer(obj: object, p: Layout, cycle: bool) -> None:
    """`<__main__.P at 0x7f...>` for an object whose class has no `__repr__` of its own."""
    kind = class_of(obj)
    if getattr(kind, "__repr__", None) is not object.__repr__:
        repr_printer(obj, p, cycle)
        return
    p.begin_group(1, "<")
    p.pretty(kind)
    p.text(f" at 0x{id(obj):x}")
    if cycle:
        p.text(" ...")
    p.end_group(1, ">")


def type_printer(obj: type, p: Layout, cycle: bool) -> None:
    """`int` for a built-in class, `__main__.P` for another, `repr` where the metaclass has a `__repr__`."""
    owner = next((meta for meta in type.mro(type(obj)) if "__repr__" in vars(meta)), type)
    if owner is not type:
        repr_printer(obj, p, cycle)
        return
    module = _attribute(obj, "__module__")
    name = _attribute(obj, "__qualname__") or _attribute(obj, "__name__") or "<unknown type>"
    p.text(name if not module or module == "builtins" else f"{module}.{name}")


def function_printer(obj: FunctionType | BuiltinFunctionType, p: Layout, cycle: bool) -> None:
    """`<function __main__.f(x, y=1)>`; without the arguments where Python does not know them."""
    module = _attribute(obj, "__module__")
    name = _attribute(obj, "__qualname__") or obj.__name__
    prefix = f"{module}." if module and module != "builtins" else ""
    p.text(f"<function {prefix}{name}{_arguments(obj)}>")


def exception_printer(obj: BaseException, p: Layout, cycle: bool) -> None:
    """`ValueError('x')`, `__main__.MyError(1, 2)`."""
    kind = obj.__class__
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    p.pretty(Call(name, RawText("...")) if cycle else Call(name, *getattr(obj, "args", ())))


def super_printer(obj: super, p: Layout, cycle: bool) -> None:
    """`<super: __main__.A, <__main__.B at 0x7f...>>`."""
    p.begin_group(8, "<super: ")
    p.pretty(getattr(obj, "__thisclass__"))  # noqa: B009  (typeshed does not know it)
    p.text(",")
    p.breakable()
    p.pretty(getattr(obj, "__self__"))  # noqa: B009
    p.end_group(8, ">")


def pattern_printer(obj: re.Pattern[str] | re.Pattern[bytes], p: Layout, cycle: bool) -> None:
    """`re.compile(r'\\d+', re.UNICODE)`."""
    import re

    literal = RawStringLiteral(obj.pattern)
    if not obj.flags:
        p.pretty(Call("re.compile", literal))
        return
    flags = "|".join(f"re.{name}" for name in _FLAGS if obj.flags & getattr(re, name))
    p.pretty(Call("re.compile", literal, RawText(flags)))


def namespace_printer(obj: SimpleNamespace, p: Layout, cycle: bool) -> None:
    """`namespace(a=1, b=2)`."""
    p.pretty(Call("namespace", RawText("...")) if cycle else Call("namespace", **vars(obj)))


def _attribute(obj: object, name: str) -> str | None:
    """An attribute that ought to be text; None where it is missing, raises, or is something else."""
    try:
        value = getattr(obj, name, None)
    except Exception:
        return None
    return value if isinstance(value, str) else None


def _arguments(obj: FunctionType | BuiltinFunctionType) -> str:
    """The signature as text, empty where Python does not know it."""
    # Imported here: the first cell must not wait for `inspect`.
    from inspect import signature

    try:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            # PEP 649: names in annotations that are not defined must not make a function unshowable.
            return str(signature(obj, annotation_format=Format.FORWARDREF))
        return str(signature(obj))
    except (ValueError, TypeError):
        return ""
