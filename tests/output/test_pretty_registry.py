"""Printers registered by class and by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from holdfast.output.pretty import REGISTRY, Layout, Printer, Registry, for_type, for_type_by_name, pretty


class Animal:
    """A class with a subclass."""


class Dog(Animal):
    """Shown like an Animal until something nearer is registered."""


class Cat(Animal):
    """Has a `__repr__`, which is nearer than a printer for Animal."""

    def __repr__(self) -> str:
        return "cat"


def says(text: str) -> Printer:
    """A printer that writes `text`."""

    def show(obj: object, p: Layout, cycle: bool) -> None:
        p.text(text)

    return show


def upper(obj: object, p: Layout, cycle: bool) -> None:
    """A printer for values that are shown by their `repr` otherwise."""
    p.text(f"<{obj!r}>")


@pytest.mark.parametrize(
    ("kind", "obj", "expected"),
    [
        (Animal, Animal(), "!"),
        (Animal, Dog(), "!"),
        (Animal, Cat(), "cat"),
        (Cat, Cat(), "!"),
        (Animal, [Dog(), 1], "[!, 1]"),
        (object, Animal(), "!"),
        (object, 1, "1"),
        (object, [Dog()], "[!]"),
        (int, 1, "!"),
        (int, [1, "a", [2]], "[!, 'a', [!]]"),
        (int, {1: 2}, "{!: !}"),
        (int, {1}, "{!}"),
        (int, True, "True"),
        (bool, True, "!"),
        (type(None), [None], "[!]"),
        (float, (1.5, 1), "(!, 1)"),
        (str, {"a": 1}, "{!: 1}"),
        (list, [1], "!"),
        (list, {"a": [1]}, "{'a': !}"),
        (dict, [{}], "[!]"),
        (type, [int, Animal], "[!, !]"),
    ],
)
def test_a_registered_printer_is_used(kind: type, obj: object, expected: str) -> None:
    """A printer shows its class and subclasses wherever they stand, unless something nearer does."""
    registry = Registry()
    registry.for_type(kind, says("!"))
    assert pretty(obj, registry=registry) == expected


@pytest.mark.parametrize(
    ("obj", "expected"), [(Dog(), "by name"), ([Dog()], "[by name]"), (Animal(), None), (Cat(), "cat")]
)
def test_a_class_is_found_by_name(obj: object, expected: str | None) -> None:
    """A printer registered by name shows the class that has this module and name."""
    registry = Registry()
    registry.for_type_by_name(__name__, "Dog", says("by name"))
    shown = pretty(obj, registry=registry)
    assert shown == expected if expected else "by name" not in shown


def test_registering_by_name_imports_nothing() -> None:
    """The module of a class registered by name is not imported."""
    import sys

    registry = Registry()
    registry.for_type_by_name("xdrlib_of_nobody", "Thing", says("x"))
    pretty(Animal(), registry=registry)
    assert "xdrlib_of_nobody" not in sys.modules


def test_the_printer_before_is_returned() -> None:
    """Registering returns what was there; None changes nothing."""
    registry = Registry()
    first, second = says("1"), says("2")
    returned = [registry.for_type(Dog, fn) for fn in (first, second, None, None)]
    assert (returned, pretty(Dog(), registry=registry)) == ([None, first, second, second], "2")


def test_the_printer_before_is_returned_by_name() -> None:
    """The same for names."""
    registry = Registry()
    first, second = says("1"), says("2")
    returned = [registry.for_type_by_name("m", "n", fn) for fn in (first, second, None)]
    assert returned == [None, first, second]


@pytest.mark.parametrize(("kind", "obj", "expected"), [(int, [1], "[1]"), (list, [1], "[1]"), (Dog, [Cat()], "[cat]")])
def test_what_is_forgotten_is_as_before(kind: type, obj: object, expected: str) -> None:
    """A built-in type gets its own printer again."""
    registry = Registry()
    registry.for_type(kind, says("!"))
    registry.forget(kind)
    assert (pretty(obj, registry=registry), registry.custom) == (expected, set())


def test_a_name_is_forgotten_after_it_was_met() -> None:
    """Forgetting a name works before and after its class was shown."""
    registry = Registry()
    registry.for_type_by_name(__name__, "Cat", says("!"))
    before = pretty(Cat(), registry=registry)
    registry.forget_name(__name__, "Cat")
    assert (before, pretty(Cat(), registry=registry)) == ("!", "cat")


@pytest.mark.parametrize(("kind", "custom"), [(int, False), (list, False), (Animal, False), (Dog, True), (Cat, False)])
def test_built_in_printers_are_not_custom(kind: type, custom: bool) -> None:
    """Only what somebody registered counts as custom."""
    registry = Registry()
    registry.for_type(Dog, says("!"))
    assert registry.is_custom(kind) is custom


def test_a_copy_goes_its_own_way() -> None:
    """What is registered in a copy does not reach the original."""
    original = Registry()
    original.for_type(Dog, says("dog"))
    copied = original.copy()
    copied.for_type(int, upper)
    shown = [pretty([Dog(), 1], registry=registry) for registry in (original, copied)]
    assert shown == ["[dog, 1]", "[dog, <1>]"]


def test_a_metaclass_that_lies_about_names_does_no_harm() -> None:
    """A class whose name cannot be asked for is shown all the same."""

    class Liar(type):
        @property
        def __module__(cls) -> str:  # type: ignore[override]
            raise RuntimeError("no module")

    kind: Any = Liar("K", (), {"__repr__": lambda self: "k"})
    assert pretty(kind()) == "k"


@pytest.mark.parametrize(
    "register",
    [lambda fn: for_type(Dog, fn), lambda fn: for_type_by_name(__name__, "Dog", fn)],
    ids=["type", "name"],
)
def test_the_module_functions_reach_every_printer(register: Callable[[Printer], object]) -> None:
    """`for_type` and `for_type_by_name` register for the whole process."""
    register(says("woof"))
    try:
        assert pretty([Dog()]) == "[woof]"
    finally:
        REGISTRY.forget(Dog)
        REGISTRY.forget_name(__name__, "Dog")
