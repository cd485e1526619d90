"""Looking at live objects without running their code."""

from __future__ import annotations

import enum
import functools
import types
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pytest

from holdfast.language import objects
from holdfast.language.objects import MISSING, Ref

calls: list[str] = []


class Meta(type):
    def __getattribute__(cls, name: str) -> object:
        calls.append(f"meta {name}")
        return super().__getattribute__(name)


class Hostile(metaclass=Meta):
    data = 1

    def __init__(self) -> None:
        object.__setattr__(self, "own", 5)

    def __getattr__(self, name: str) -> object:
        calls.append(f"getattr {name}")
        raise ZeroDivisionError

    def __getattribute__(self, name: str) -> object:
        calls.append(f"getattribute {name}")
        return object.__getattribute__(self, name)

    @property
    def computed(self) -> str:
        calls.append("property")
        raise ZeroDivisionError

    @functools.cached_property
    def cached(self) -> list[int]:
        calls.append("cached")
        return []

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        calls.append("class")
        return int

    def __repr__(self) -> str:
        calls.append("repr")
        return "hostile"

    def __len__(self) -> int:
        calls.append("len")
        return 3

    def method(self) -> int:
        return 1


@pytest.fixture(autouse=True)
def _forget() -> None:
    calls.clear()


@pytest.mark.parametrize("name", ["own", "data", "computed", "cached", "method", "absent", "__class__", "__dict__"])
def test_attribute_runs_nothing(name: str) -> None:
    """No attribute of a class that records every access is had by running its code."""
    value = Hostile()
    calls.clear()
    ref = Ref(value)
    objects.attribute(ref, name)
    objects.member(ref, name)
    objects.names(ref)
    assert calls == []


def test_attribute_finds_what_is_stored() -> None:
    """Instance and class attributes are the objects themselves."""
    ref = Ref(Hostile())
    own, data = objects.attribute(ref, "own"), objects.attribute(ref, "data")
    assert own is not None
    assert data is not None
    assert (own.value, data.value) == (5, 1)


def test_namespaces_have_what_was_put_into_them() -> None:
    """types.SimpleNamespace keeps its dictionary in a field of its own, which is read as it is."""

    class Settings(types.SimpleNamespace):
        pass

    for namespace in (types.SimpleNamespace(depth=3), Settings(depth=3)):
        assert objects.instance_dict(namespace) == {"depth": 3}
        found = objects.attribute(Ref(namespace), "depth")
        assert found is not None
        assert found.value == 3


def test_dicts_with_attributes_have_their_items() -> None:
    """`self.__dict__ = self`; its own methods are not called."""

    class Attributes(dict[str, object]):
        def __init__(self, **items: object) -> None:
            super().__init__(**items)
            self.__dict__ = self

        def __iter__(self) -> Iterator[str]:
            raise AssertionError

    found = objects.attribute(Ref(Attributes(depth=3)), "depth")
    assert found is not None
    assert found.value == 3


@pytest.mark.parametrize("axis", ["index", "columns"])
def test_the_axes_of_a_frame_are_read(axis: str) -> None:
    """They are there already; of a frame that is not there, nothing is known."""
    frame = pd.DataFrame({"a": [1]}, index=["x"])
    found = objects.attribute(Ref(frame), axis)
    assert found is not None
    assert found.value is getattr(frame, axis)
    assert objects.attribute(Ref(of=pd.DataFrame), axis) is None


def test_attribute_of_a_property_is_its_annotated_class() -> None:
    """A property that says what it returns stands for an instance of that."""
    found = objects.attribute(Ref(Hostile()), "computed")
    assert found is not None
    assert (found.of, found.value) == (str, MISSING)


def test_cached_property_is_read_once_it_is_cached() -> None:
    """A cached value is in the instance's dictionary and needs no call."""

    class Holder:
        @functools.cached_property
        def cached(self) -> list[int]:
            return [1]

    holder = Holder()
    assert holder.cached == [1]
    found = objects.attribute(Ref(holder), "cached")
    assert found is not None
    assert found.value == [1]


def test_data_descriptors_hide_the_instance() -> None:
    """A property goes before an entry of the instance's dictionary, as in Python."""
    value = Hostile()
    object.__getattribute__(value, "__dict__")["computed"] = 3
    found = objects.attribute(Ref(value), "computed")
    assert found is not None
    assert found.value is MISSING


def test_slots_are_read() -> None:
    """A slot's C descriptor runs no code and is read; an unset one is unknown."""

    class Slotted:
        __slots__ = ("a", "b")

    value = Slotted()
    value.a = 1  # type: ignore[attr-defined]
    found = objects.attribute(Ref(value), "a")
    assert found is not None
    assert found.value == 1
    assert objects.attribute(Ref(value), "b") is None


def test_lazy_module_attributes_are_not_asked_for() -> None:
    """A module's `__getattr__` is not called; its names come from its dictionary."""
    module = types.ModuleType("lazy")
    module.__dict__.update({"here": 1, "__getattr__": lambda name: calls.append(name)})
    assert objects.attribute(Ref(module), "missing") is None
    assert "here" in objects.names(Ref(module))
    assert calls == []


def test_dir_written_for_the_class_is_asked() -> None:
    """A `__dir__` that works says what the names are."""

    class Told:
        def __dir__(self) -> list[str]:
            return ["told"]

    assert objects.names(Ref(Told())) == ["told"]


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt, TypeError])
def test_dir_that_raises_is_done_without(error: type[BaseException]) -> None:
    """A `__dir__` that raises leaves what can be found statically."""

    class Broken:
        here = 1

        def __dir__(self) -> list[str]:
            raise error

    assert "here" in objects.names(Ref(Broken()))


class Changing(Mapping[str, object]):
    """A mapping that another thread seems to change while it is walked, `times` times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        self.times -= 1
        yield "name"
        if self.times >= 0:
            raise RuntimeError("dictionary changed size during iteration")


@pytest.mark.parametrize(("times", "found"), [(0, ["name"]), (5, ["name"]), (1000, [])])
def test_keys_survive_changes(times: int, found: list[str]) -> None:
    """A mapping that changes is read again, and given up after some tries."""
    assert objects.keys(Changing(times)) == found


def test_keys_are_strings_only() -> None:
    """Keys of other types, as `globals()[1] = 2` makes them, are left out."""
    assert objects.keys({1: 2, "a": 3, None: 4}) == ["a"]  # type: ignore[dict-item]


def test_items_of_plain_containers_are_read() -> None:
    """Literal indices of built-in containers are followed, those of others are not."""

    class Custom(dict[str, int]):
        def __getitem__(self, key: str) -> int:
            calls.append(key)
            return 1

    def value(container: object, index: str) -> object:
        found = objects.item(Ref(container), index)
        return MISSING if found is None else found.value

    assert value({"a": 7}, "'a'") == 7
    assert value([1, 2], "-1") == 2
    assert value({"a": 7}, "'b'") is MISSING
    assert value({"a": 7}, "f()") is MISSING
    assert value({"a": 7}, "x" * 10_000) is MISSING
    assert value(Custom(a=1), "'a'") is MISSING
    assert calls == []


def test_calls_are_followed_by_class_and_annotation() -> None:
    """A class gives an instance, a function what it is annotated with, `Self` the receiver."""
    for function, expected in [(int, int), (_plain, str), (_optional, int), (_nothing, None)]:
        found = objects.called(Ref(function))
        assert (None if found is None else found.of) == expected
    head = objects.attribute(Ref(pd.DataFrame({"a": [1]})), "head")
    assert head is not None
    found = objects.called(head)
    assert found is not None
    assert found.of is pd.DataFrame


def _plain() -> str:
    return ""


def _optional() -> int | None:
    return None


def _nothing():  # type: ignore[no-untyped-def]
    return 1


def test_frames_offer_their_columns() -> None:
    """Columns are attributes and indices of a data frame, and stand for a series."""
    ref = Ref(pd.DataFrame({"alpha": [1], 3: [2]}))
    assert objects.columns(ref) == ["alpha"]
    for found in (objects.attribute(ref, "alpha"), objects.item(ref, "'alpha'")):
        assert found is not None
        assert found.of is pd.Series


class Colour(enum.Enum):
    RED = 1


WORDS = [
    (1, "instance"),
    (int, "class"),
    (Hostile, "class"),
    (len, "function"),
    (_plain, "function"),
    ([].append, "function"),
    (np.add, "function"),
    (np.zeros, "function"),
    (types, "module"),
    (functools.partial(print), "function"),
    (Colour.RED, "instance"),
]


@pytest.mark.parametrize(("value", "word"), WORDS)
def test_type_words_are_jedis(value: object, word: str) -> None:
    """Values are named in jedi's words, without asking them."""
    calls.clear()
    assert objects.type_word(value) == word
    assert calls == []
