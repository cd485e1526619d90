"""What is registered for one mime type."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from holdfast.output.mime_formatters import (
    MimeFormatter,
    PlainFormatter,
    answers_everything,
    find_method,
    sendable,
)
from holdfast.output.pretty import Layout, Registry


class Animal:
    """A class with a subclass."""


class Dog(Animal):
    """Found by what is registered for Animal."""


class Html:
    """Has the method."""

    def _repr_html_(self) -> str:
        return "<b>"


def silent(obj: object, mime: str, error: Exception) -> None:
    """Nothing must be reported."""
    raise AssertionError(f"{mime}: {error!r}")


def html() -> MimeFormatter:
    """A formatter for text/html that reports nothing."""
    return MimeFormatter("text/html", "_repr_html_", silent)


def plain() -> PlainFormatter:
    """A formatter for text/plain with a registry of its own."""
    return PlainFormatter(silent, 1000, Registry())


def first(obj: object) -> str:
    """A printer."""
    return "first"


def second(obj: object) -> str:
    """Another."""
    return "second"


def show(obj: object, p: Layout, cycle: bool) -> None:
    """A printer for text/plain."""
    p.text("shown")


@pytest.mark.parametrize("key", [Animal, f"{__name__}.Animal"])
@pytest.mark.parametrize("obj", [Animal(), Dog()])
def test_a_printer_is_called_for_its_class(key: type | str, obj: object) -> None:
    """A printer registered by type or by dotted name makes the data, for subclasses too."""
    formatter = html()
    formatter.for_type(key, first)
    assert formatter(obj) == "first"


@pytest.mark.parametrize("key", [Animal, f"{__name__}.Animal"])
def test_registering_returns_what_was_there(key: type | str) -> None:
    """The printer before is returned; None changes nothing."""
    formatter = html()
    returned = [formatter.for_type(key, fn) for fn in (first, second, None)]
    assert (returned, formatter(Animal())) == ([None, first, second], "second")


@pytest.mark.parametrize("key", [Dog, f"{__name__}.Dog"])
@pytest.mark.parametrize("shown_before", [False, True])
def test_what_is_popped_is_gone(key: type | str, shown_before: bool) -> None:
    """`pop` returns the printer and forgets it, by type or name, before and after its class was met."""
    formatter = html()
    formatter.for_type_by_name(__name__, "Dog", first)
    if shown_before:
        formatter(Dog())
    assert (formatter.pop(key), formatter(Dog()), formatter.pop(key, None)) == (first, None, None)


@pytest.mark.parametrize("key", [Animal, f"{__name__}.Animal"])
def test_what_is_not_registered_is_a_key_error(key: type | str) -> None:
    """Looking up or popping nothing raises a KeyError that names the type."""
    formatter = html()
    for ask in (formatter.lookup_by_type, formatter.pop):
        with pytest.raises(KeyError, match=r"Animal.*text/html"):
            ask(key)


def test_lookups_find_the_printer() -> None:
    """By object, by type, by name, and with `in`."""
    formatter = html()
    formatter.for_type(Animal, first)
    found = [
        formatter.lookup(Dog()),
        formatter.lookup_by_type(Dog),
        formatter.lookup_by_type(f"{__name__}.Animal"),
        Animal in formatter,
        int in formatter,
    ]
    assert found == [first, first, first, True, False]


def test_registering_by_name_imports_nothing() -> None:
    """A printer for a class of a module that is not imported waits for it."""
    formatter = html()
    formatter.for_type_by_name("module_of_nobody", "Thing", first)
    assert (formatter(Animal()), "module_of_nobody" in sys.modules) == (None, False)


def test_a_nested_class_is_found_by_its_qualified_name() -> None:
    """Both the name and the qualified name of a class are known."""
    formatter = html()
    kind: Any = type("Inner", (), {"__qualname__": "Outer.Inner", "__module__": "m"})
    formatter.for_type_by_name("m", "Outer.Inner", first)
    assert formatter(kind()) == "first"


def test_disabled_formatters_give_nothing() -> None:
    """With `enabled` false, neither printers nor methods are asked."""
    formatter = html()
    formatter.enabled = False
    assert formatter(Html()) is None


@pytest.mark.parametrize(
    ("mime", "answer", "expected"),
    [
        ("text/html", "x", "x"),
        ("text/html", None, None),
        ("text/html", ("x", {"k": 1}), ("x", {"k": 1})),
        ("text/html", ("x", None), "x"),
        ("text/html", (None, {"k": 1}), None),
        ("text/html", b"x", "x"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("image/png", b"\x00" * 60, "A" * 80),
        ("image/png", "AAAA", "AAAA"),
        ("image/jpeg", (b"\xff", {"width": 3}), ("/w==", {"width": 3})),
        ("application/pdf", bytearray(b"%"), "JQ=="),
        ("application/json", {"a": [1]}, {"a": [1]}),
        ("application/json", ([1], {"expanded": True}), ([1], {"expanded": True})),
        ("application/vnd.x+json", 3, 3),
    ],
)
def test_answers_are_made_sendable(mime: str, answer: object, expected: object) -> None:
    """Data comes alone or with metadata; bytes become base64 without newlines; JSON stays an object."""
    formatter = MimeFormatter(mime, None, silent)
    formatter.for_type(Animal, lambda obj: answer)
    assert formatter(Animal()) == expected


@pytest.mark.parametrize(
    ("mime", "answer", "message"),
    [
        ("text/html", 3, "text/html: got int, wanted str"),
        ("image/png", [1], "image/png: got list, wanted str"),
        ("application/json", "{}", "application/json: got str, wanted dict or list"),
        ("text/html", ("x", 3), "text/html: got metadata of type int"),
    ],
)
def test_wrong_answers_are_reported(mime: str, answer: object, message: str) -> None:
    """An answer of the wrong type gives no representation, and an error that says what was wanted."""
    seen: list[str] = []
    formatter = MimeFormatter(mime, None, lambda obj, mime, error: seen.append(str(error)))
    formatter.for_type(Animal, lambda obj: answer)
    assert (formatter(Animal()), [text.startswith(message) for text in seen]) == (None, [True])


def test_markup_is_sent_as_text() -> None:
    """A subclass of `str` is sent as exactly `str`: the encoder knows no other."""

    class Markup(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "wrong"

    data = sendable("text/html", Markup("<b>"))
    assert (data, type(data)) == ("<b>", str)


class Magic:
    """Answers to every name."""

    def __getattr__(self, name: str) -> object:
        return lambda *args, **kwargs: "boo"


class Hostile:
    """Raises for every name but those that Python itself asks for."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(name)


@pytest.mark.parametrize(("obj", "expected"), [(Magic(), True), (Hostile(), True), (Html(), False), (1, False)])
def test_objects_that_answer_everything_are_known(obj: object, expected: bool) -> None:
    """A name that nobody has tells mocks and proxies from objects that mean what they answer."""
    assert answers_everything(obj) is expected


class OnClass:
    """A class method is bound to the class, and may be asked of it."""

    @classmethod
    def _repr_html_(cls) -> str:
        return "class"


class Meta(type):
    """A method of a metaclass shows its classes."""

    def _repr_html_(cls) -> str:
        return "meta"


class OfMeta(metaclass=Meta):
    """Shown by Meta."""


class NotCallable:
    """The name is taken by something else."""

    _repr_html_ = "text"


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        (Html(), True),
        (Html, False),
        (OnClass, True),
        (OfMeta, True),
        (NotCallable(), False),
        (Hostile(), False),
        (1, False),
    ],
)
def test_methods_are_found(obj: object, found: bool) -> None:
    """A method of an instance counts; a plain method looked up on its class does not."""
    assert (find_method(obj, "_repr_html_") is not None) is found


@pytest.mark.parametrize("key", [Animal, f"{__name__}.Animal"])
def test_plain_printers_get_the_layout(key: type | str) -> None:
    """Printers for text/plain are called with the layout, and show objects inside containers too."""
    formatter = plain()
    formatter.for_type(key, show)
    assert (formatter(Dog()), formatter([Dog()])) == ("shown", "[shown]")


@pytest.mark.parametrize("key", [int, "builtins.int"])
def test_plain_built_in_types_are_restored(key: type | str) -> None:
    """`pop` gives a built-in type its own printer again."""
    formatter = plain()
    formatter.for_type(int, show)
    before = formatter([1])
    assert (before, formatter.pop(key), formatter([1])) == ("[shown]", show, "[1]")


def test_plain_counts_only_what_somebody_registered() -> None:
    """The printers that come with it do not count as registered, but are found."""
    formatter = plain()
    formatter.for_type(Animal, show)
    values: tuple[object, ...] = (Dog(), [], 1)
    counted = [formatter.registered(obj) for obj in values]
    assert (counted, callable(formatter.lookup_by_type(list))) == ([True, False, False], True)


@pytest.mark.parametrize(
    ("form", "obj", "expected"),
    [
        ("%.3f", 3.14159, "3.142"),
        ("%.3f", [1.0, {"a": 2.0}, 3], "[1.000, {'a': 2.000}, 3]"),
        ("%e", (1.0,), "(1.000000e+00,)"),
        ("", [3.14159], "[3.14159]"),
    ],
)
def test_floats_are_shown_in_the_format(form: str, obj: object, expected: str) -> None:
    """A float format holds for floats wherever they stand, and for nothing else."""
    formatter = plain()
    formatter.float_format = "%.1f"
    formatter.float_format = form
    assert formatter(obj) == expected


def test_floats_of_numpy_are_shown_in_the_format() -> None:
    """numpy's float64 follows the format, and its own `repr` comes back."""
    import numpy as np

    formatter = plain()
    shown = []
    for form in ("%.2f", ""):
        formatter.float_format = form
        shown.append(formatter(np.float64(1.5)))
    assert shown == ["1.50", repr(np.float64(1.5))]


@pytest.mark.parametrize("form", ["%d %d", "no", "%z", "%s %"])
def test_a_format_that_fits_no_float_is_refused(form: str) -> None:
    """A wrong float format is an error that quotes it, and changes nothing."""
    formatter = plain()
    with pytest.raises(ValueError, match="cannot format a float"):
        formatter.float_format = form
    assert (formatter.float_format, formatter(1.5)) == ("", "1.5")
