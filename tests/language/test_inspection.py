"""Descriptions of the object at the cursor."""

from __future__ import annotations

import functools
import linecache
import re
import wave
from typing import Any

import numpy as np
import pandas as pd
import pytest

from holdfast.language.inspection import inspect_request


class Base:
    def inherits(self) -> None:
        """Said by the base."""


class Thing(Base):
    """A thing.

    In two paragraphs.
    """

    touched: list[str] = []

    def __init__(self, size: int, name: str = "x") -> None:
        """Make a thing."""

    def __repr__(self) -> str:
        self.touched.append("repr")
        raise ZeroDivisionError

    def __getattr__(self, name: str) -> object:
        self.touched.append(name)
        raise AttributeError(name)

    @property
    def prop(self) -> int:
        """What it computes."""
        self.touched.append("prop")
        return 1

    def inherits(self) -> None: ...
    def method(self, a: int, *, b: object = None) -> str:
        """Do it."""
        return ""


@functools.lru_cache
def cached(n: int) -> int:
    """Remembered."""
    return n


NAMESPACE: dict[str, Any] = {
    "Thing": Thing,
    "thing": Thing(1),
    "cached": cached,
    "big": np.zeros((1000, 1000)),
    "long": "x" * 10**7,
    "many": list(range(10**5)),
    "df": pd.DataFrame({"a": [1, 2]}),
    "wave": wave,
}


def shown(code: str, level: int = 0, pos: int | None = None) -> dict[str, str]:
    """The fields of a reply that found something, {} for one that did not."""
    reply: Any = inspect_request(code, len(code) if pos is None else pos, level, NAMESPACE)
    assert reply["status"] == "ok"
    assert reply["metadata"] == {}
    if not reply["found"]:
        assert reply["data"] == {}
        return {}
    parts = re.split(r"(?m)^\x1b\[31m([^:]+):\x1b\[39m\s*", reply["data"]["text/plain"])
    return dict(zip(parts[1::2], (text.rstrip("\n") for text in parts[2::2]), strict=True))


FIELDS = [
    ("Thing", "Init signature", "Thing(size: int, name: str = 'x')"),
    ("Thing", "Docstring", "A thing.\n\nIn two paragraphs."),
    ("Thing", "Init docstring", "Make a thing."),
    ("Thing", "Type", "type"),
    ("thing.method", "Signature", "method(a: int, *, b: object = None) -> str"),
    ("thing.method", "Type", "method"),
    ("thing.method(1, ", "Docstring", "Do it."),
    ("thing.method(1, unknown_name", "Docstring", "Do it."),
    ("thing.method(1)", "Docstring", "Do it."),
    ("thing.inherits", "Docstring", "Said by the base."),
    ("thing.prop", "Type", "property"),
    ("thing.prop", "Docstring", "What it computes."),
    ("thing", "Type", f"{__name__}.Thing"),
    ("cached", "Signature", "cached(n: int) -> int"),
    ("cached", "Docstring", "Remembered."),
    ("big", "String form", "<numpy.ndarray, shape (1000, 1000), dtype float64>"),
    ("big", "Length", "1000"),
    ("many", "String form", "[0, 1, 2, 3, 4, 5, ...]"),
    ("many", "Length", "100000"),
    ("df", "String form", "<pandas.DataFrame, shape (2, 1)>"),
    ("df.a", "Type", "pandas.Series"),
    ("len", "Signature", "len(obj, /)"),
    ("'abc'.upper", "Signature", "upper()"),
    ("thing.method?", "Docstring", "Do it."),
    ("?thing.method", "Docstring", "Do it."),
    ("import wave; wave.open", "File", wave.__file__),
    ("print(len(", "Signature", "len(obj, /)"),
    ("for", "Type", "keyword"),
    ("wave", "String form", f"<module 'wave' from {wave.__file__!r}>"),
    ("many[3]", "String form", "3"),
    ("df['a']", "Type", "pandas.Series"),
    ("many[unknown_]", "Type", "list"),
]


@pytest.mark.parametrize(("code", "label", "text"), FIELDS)
def test_fields(code: str, label: str, text: str) -> None:
    """Each kind of object shows the fields that people know."""
    assert shown(code)[label] == text


@pytest.mark.parametrize("code", ["unknown_name_", "", "# len", "'len", "1 + ", "1.5", "thing.absent"])
def test_nothing_is_found(code: str) -> None:
    """Where there is no object, the reply says so and is no error."""
    assert shown(code) == {}


@pytest.mark.parametrize("pos", [0, 3, 6])
def test_cursor_anywhere_in_the_name(pos: int) -> None:
    """The whole name that the cursor touches is meant."""
    assert shown("cached + 1", pos=pos)["Docstring"] == "Remembered."


def test_cursor_in_a_chain_means_the_part_before_it() -> None:
    """On `thing` of `thing.method` the object is `thing`."""
    assert shown("thing.method", pos=2)["Type"].endswith("Thing")


def test_only_levels_above_0_show_source() -> None:
    """Level 1 shows the source in place of the docstring."""
    assert "Source" not in shown("thing.method")
    assert '"""Do it."""' in shown("thing.method", 1)["Source"]
    assert shown("Thing", 1)["Source"].startswith("class Thing(Base):")
    assert "@functools.lru_cache" in shown("cached", 1)["Source"]
    assert shown("len", 1)["Docstring"] == "Return the number of items in a container."


@pytest.mark.parametrize("body", ["    def m(self): pass\n", "    x = 1\n"])
def test_classes_of_cells_have_source(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of a cell is found in linecache, by its methods or by its line."""
    name = "/tmp/ipykernel_1/7.py"
    source = f"x = 1\n@str\nclass Other: pass\nclass Cell:\n{body}y = 2\n"
    monkeypatch.setitem(linecache.cache, name, (len(source), None, source.splitlines(True), name))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), namespace)
    reply: Any = inspect_request("Cell", 4, 1, namespace)
    assert f"class Cell:\n{body.rstrip()}" in reply["data"]["text/plain"]
    assert "y = 2" not in reply["data"]["text/plain"]


def test_no_code_of_the_object_runs() -> None:
    """Neither `__repr__` nor `__getattr__` nor a property is called, at any level."""
    Thing.touched.clear()
    for code in ("thing", "thing.prop", "thing.absent", "thing.method", "[thing]"):
        for level in (0, 1):
            shown(code, level)
    assert Thing.touched == []


def test_run_repr_shows_the_objects_own_text() -> None:
    """Told to, it calls `__repr__`, and names one that fails."""
    reply: Any = inspect_request("thing", 5, 0, NAMESPACE, run_repr=True)
    assert "whose repr raises ZeroDivisionError" in reply["data"]["text/plain"]


def test_large_values_are_cut() -> None:
    """The text of a reply does not grow with the value."""
    reply: Any = inspect_request("long", 4, 0, NAMESPACE)
    assert len(reply["data"]["text/plain"]) < 5_000
    assert "10000000" in reply["data"]["text/plain"]


@pytest.mark.parametrize("pos", [-1, 4])
def test_cursor_out_of_range_is_refused(pos: int) -> None:
    """A cursor that is not in the code is an error that says so."""
    with pytest.raises(ValueError, match="outside the code"):
        inspect_request("len", pos, 0, {})


def test_docstrings_that_are_not_text_do_not_spoil_the_reply() -> None:
    """A docstring with a lone surrogate is sent with a replacement, one that is no string is left out."""

    def odd() -> None: ...

    odd.__doc__ = "a\ud800b"
    reply: Any = inspect_request("odd", 3, 0, {"odd": odd})
    assert "a?b" in reply["data"]["text/plain"]
    odd.__doc__ = 5  # type: ignore[assignment]
    assert inspect_request("odd", 3, 0, {"odd": odd})["found"] is True
