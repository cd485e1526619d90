"""The text of a cell, and the name it is compiled under."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.executor.source import Sources, dedented, lines_of


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x = 1\n", "x = 1\n"),
        ("", ""),
        ("\n\n", "\n\n"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2"),
        ("\tif x:\n\t\ty", "if x:\n\ty"),
        ("\n\n    x = 1\n    y = 2", "\n\nx = 1\ny = 2"),
        ("# comment\n    x = 1\n    y = 2", "# comment\nx = 1\ny = 2"),
        ("    # comment\n    x = 1", "# comment\nx = 1"),
        ("    if x:\n        y\n    z", "if x:\n    y\nz"),
        ("    x = 1\n\n    y = 2\n", "x = 1\n\ny = 2\n"),
        ("    x = 1\r\n    y = 2\r\n", "x = 1\ny = 2\n"),
        ("x = 1\n    y = 2", "x = 1\n    y = 2"),
        ("    x = 1\ny = 2", "x = 1\ny = 2"),
        ("    x = 'a\u2028    b'", "x = 'a\u2028    b'"),
    ],
)
def test_a_pasted_cell_loses_its_indent(code: str, text: str) -> None:
    """The indent of the first line of code goes from every line that has it; nothing else changes."""
    assert dedented(code) == text


@given(st.text(st.sampled_from("ab \t\n\r\x0c\x1c\u2028#'")))
def test_the_number_of_lines_stays(code: str) -> None:
    """Errors name lines of the cell as it was typed."""
    assert len(lines_of(dedented(code))) == len(lines_of(code))


@pytest.mark.parametrize("odd", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_lines_end_where_the_compiler_ends_them(odd: str) -> None:
    """Characters at which only `str.splitlines` splits do not shift the lines of a traceback."""
    assert lines_of(f"x = '{odd}'\ny\rz\r\nlast") == [f"x = '{odd}'\n", "y\n", "z\n", "last"]


@pytest.fixture
def sources() -> Iterator[Sources]:
    """Sources whose entries do not stay behind."""
    made = Sources("/tmp/holdfast_test")
    yield made
    for name in made.labels:
        linecache.cache.pop(name, None)


def test_each_cell_has_a_name_of_its_own(sources: Sources) -> None:
    """The same text run twice, and silent cells of one count, are told apart."""
    names = [sources.register("x", 1) for _ in range(3)]
    assert names == [f"/tmp/holdfast_test/cell_{n}.py" for n in (1, 2, 3)]


def test_a_cell_is_labelled_by_its_number(sources: Sources) -> None:
    """People know it as `Cell In[7]`."""
    name = sources.register("x", 7)
    assert sources.labels == {name: "Cell In[7]"}


def test_the_text_is_read_through_linecache(sources: Sources) -> None:
    """Also after `checkcache`, which drops files that are not there."""
    name = sources.register("first\nsecond", 1)
    linecache.checkcache(name)
    linecache.checkcache()
    assert linecache.getlines(name) == ["first\n", "second"]


def test_inspect_finds_the_source_of_a_function(sources: Sources) -> None:
    """`inspect.getsource` works for what a cell defines."""
    code = "x = '\x0c'\n\ndef f():\n    return 5\n"
    ns: dict[str, object] = {}
    exec(compile(code, sources.register(code, 1), "exec"), ns)
    assert inspect.getsource(ns["f"]) == "def f():\n    return 5\n"  # type: ignore[arg-type]
