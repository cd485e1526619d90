"""What is not a container: classes, functions, exceptions, patterns, objects in general."""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from typing import Any

import pytest

from holdfast.output.pretty import Layout, PrettyPrinter, RawStringLiteral, RawText, pretty


class Bare:
    """No `__repr__`."""

    class Inner:
        """A nested class."""

        def method(self, a: object, *rest: object, key: int = 3) -> None:
            """A method."""


class Named:
    """A `__repr__`."""

    def __repr__(self) -> str:
        return "Named!"


class Both(Bare, Named):
    """Inherits a `__repr__` from its second base."""


class BareList(Bare, list[Any]):
    """A list whose first base is not one."""


class Loud(type):
    """A metaclass with a `__repr__`."""

    def __repr__(cls) -> str:
        return f"LOUD {cls.__name__}"


class OfLoud(metaclass=Loud):
    """A class shown by its metaclass."""


class Colour(enum.Enum):
    """An enum."""

    RED = 1


@dataclasses.dataclass
class Data:
    """A dataclass."""

    a: int = 1
    b: str = "x"


class OurError(Exception):
    """An error of the user's."""


class Branch:
    """Shown by `_repr_pretty_`, with groups."""

    def __init__(self, *children: object) -> None:
        self.children = children

    def _repr_pretty_(self, p: Layout, cycle: bool) -> None:
        if cycle:
            p.text("Branch(...)")
            return
        with p.group(7, "Branch(", ")"):
            for index, child in p.limited(self.children):
                if index:
                    p.text(",")
                    p.breakable()
                p.pretty(child)


class BranchWithRepr(Branch):
    """The nearer class wins: `__repr__` here, `_repr_pretty_` above."""

    def __repr__(self) -> str:
        return "repr"


class NamedBranch(Named):
    """The nearer class wins: `_repr_pretty_` here, `__repr__` above."""

    def _repr_pretty_(self, p: Layout, cycle: bool) -> None:
        p.text("pretty")


class Proxy:
    """Claims to be a list."""

    __class__ = list  # type: ignore[assignment]

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> object:
        return iter([1, 2])


class Liar:
    """Claims to be of a class that is none."""

    __class__ = 3  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "liar"


class Failing:
    """Its `repr` raises."""

    def __repr__(self) -> str:
        raise ZeroDivisionError("in repr")


def function(x: int, y: object = 1, *, z: str = "a") -> list[int]:
    """A function with all sorts of arguments."""
    return []


def of_main(obj: Any) -> Any:
    """The same as if it had been defined in a cell."""
    obj.__module__ = "__main__"
    return obj


M = __name__
LETTERS = "ab"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (int, "int"),
        (type, "type"),
        (dict, "dict"),
        (ValueError, "ValueError"),
        (Bare, f"{M}.Bare"),
        (Bare.Inner, f"{M}.Bare.Inner"),
        (of_main(type("P", (), {})), "__main__.P"),
        (type("NoModule", (), {"__module__": None}), "NoModule"),
        (OfLoud, "LOUD OfLoud"),
        (re.Pattern, "re.Pattern"),
        ([int, Bare], f"[int, {M}.Bare]"),
        (list[int], "list[int]"),
        (dict[str, list[int]], "dict[str, list[int]]"),
        (int | None, "int | None"),
        (Colour, "<enum 'Colour'>"),
    ],
)
def test_classes(obj: object, expected: str) -> None:
    """A class is shown by its name, without `<class ...>`."""
    assert pretty(obj) == expected


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (len, "<function len(obj, /)>"),
        ([].append, "<function list.append(object, /)>"),
        (dict.fromkeys, "<function dict.fromkeys(iterable, value=None, /)>"),
        (function, f"<function {M}.function(x: 'int', y: 'object' = 1, *, z: 'str' = 'a') -> 'list[int]'>"),
        (of_main(lambda x, y=1: x), "<function __main__.<lambda>(x, y=1)>"),
        (
            Bare.Inner.method,
            f"<function {M}.Bare.Inner.method(self, a: 'object', *rest: 'object', key: 'int' = 3) -> 'None'>",
        ),
        (functools.partial(int, base=2), "functools.partial(<class 'int'>, base=2)"),
    ],
)
def test_functions(obj: object, expected: str) -> None:
    """A function is shown with its module, name and arguments."""
    assert pretty(obj) == expected


def test_a_function_without_a_signature() -> None:
    """Where Python does not know the arguments, none are shown."""
    function_of_two_kinds = dir  # takes no argument or one, which no signature can say
    assert pretty(function_of_two_kinds) == "<function dir>"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (ValueError(), "ValueError()"),
        (ValueError("x", 1), "ValueError('x', 1)"),
        (OurError("x"), f"{M}.OurError('x')"),
        (OSError(2, "no"), "FileNotFoundError(2, 'no')"),
        (ValueError("x" * 70, "y"), f"ValueError('{'x' * 70}',\n           'y')"),
    ],
)
def test_exceptions(obj: object, expected: str) -> None:
    """An exception is shown as the call that makes it."""
    assert pretty(obj) == expected


def test_an_exception_in_itself() -> None:
    """An exception among its own arguments is shown as dots."""
    error = ValueError()
    error.args = (error,)
    assert pretty(error) == "ValueError(ValueError(...))"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (re.compile("a"), "re.compile(r'a', re.UNICODE)"),
        (re.compile(r"\d\\", re.I | re.M), r"re.compile(r'\d\\', re.IGNORECASE|re.MULTILINE|re.UNICODE)"),
        (re.compile(rb"\s"), r"re.compile(rb'\s')"),
        (RawText("text"), "text"),
        (RawStringLiteral("\\n"), r"r'\n'"),
        (slice(1, None), "slice(1, None, None)"),
        (range(3), "range(0, 3)"),
        (..., "Ellipsis"),
        (NotImplemented, "NotImplemented"),
        ("a\nb", r"'a\nb'"),
        ("x" * 200, repr("x" * 200)),
        (b"\x00" * 50, repr(b"\x00" * 50)),
        (bytearray(b"x"), "bytearray(b'x')"),
        (Colour.RED, "<Colour.RED: 1>"),
        (Data(), "Data(a=1, b='x')"),
        (Named(), "Named!"),
        (Both(), "Named!"),
        (BareList([1, 2]), "[1, 2]"),
        (Branch(), "Branch()"),
        (Branch(1, [2]), "Branch(1, [2])"),
        (Branch("x" * 40, "y" * 40), f"Branch('{'x' * 40}',\n       '{'y' * 40}')"),
        ([Branch(1), {"k": Branch(2)}], "[Branch(1), {'k': Branch(2)}]"),
        (BranchWithRepr(), "repr"),
        (NamedBranch(), "pretty"),
        (Proxy(), "[1, 2]"),
        (Liar(), "liar"),
    ],
)
def test_values(obj: object, expected: str) -> None:
    """The nearest of registered printer, `_repr_pretty_` and `__repr__` shows an object."""
    assert pretty(obj) == expected


@pytest.mark.parametrize(
    ("obj", "pattern"),
    [
        (Bare(), rf"<{M}\.Bare at 0x[0-9a-f]+>"),
        (of_main(type("P", (), {}))(), r"<__main__\.P at 0x[0-9a-f]+>"),
        (zip([1]), r"<zip at 0x[0-9a-f]+>"),
        (map(str, []), r"<map at 0x[0-9a-f]+>"),
        (object(), r"<object at 0x[0-9a-f]+>"),
        ([zip()], r"\[<zip at 0x[0-9a-f]+>\]"),
        ((n for n in LETTERS), r"<generator object <genexpr> at 0x[0-9a-f]+>"),
        (super(Both, Both()), rf"<super: {M}\.Both, Named!>"),
        (Bare().__class__.__init__, r"<slot wrapper '__init__' of 'object' objects>"),
    ],
)
def test_objects_without_a_repr(obj: object, pattern: str) -> None:
    """An object without a `__repr__` is shown by its class and address, with no word `object`."""
    assert re.fullmatch(pattern, pretty(obj))


def test_an_object_in_itself_knows() -> None:
    """`cycle` is true for the second sight of an object."""
    branch = Branch()
    branch.children = (branch,)
    assert pretty(branch) == "Branch(Branch(...))"


@pytest.mark.parametrize("obj", [Failing(), [Failing()], {"a": [Failing()]}, Branch(Failing())])
def test_what_a_repr_raises_is_raised(obj: object) -> None:
    """The error of a `repr` reaches the caller, from any depth."""
    with pytest.raises(ZeroDivisionError, match="in repr"):
        pretty(obj)


def test_a_printer_is_whole_after_an_error() -> None:
    """A `repr` that raises leaves no group open."""
    p = PrettyPrinter()
    with pytest.raises(ZeroDivisionError):
        p.pretty(Failing())
    assert (len(p.group_stack), p.indentation, p.stack) == (1, 0, [])


def test_a_repr_set_later_is_used() -> None:
    """A `__repr__` given to a class after its objects were shown is used from then on."""
    kind: Any = type("Later", (), {})
    obj = kind()
    before = pretty(obj)
    kind.__repr__ = lambda self: "later"
    assert (before.startswith("<"), pretty(obj)) == (True, "later")


def test_a_repr_pretty_that_is_not_callable_is_passed_over() -> None:
    """`_repr_pretty_ = None` in a class is no method."""
    kind: Any = type("Off", (), {"_repr_pretty_": None, "__repr__": lambda self: "off"})
    assert pretty(kind()) == "off"
