"""The text of a cell, and the name it is compiled under."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.executor import source
from holdfast.executor.source import SEED, Sources, dedented, lines_of, murmur2


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


#: What JupyterLab 4.5 computes: (text, seed, hash).
HASHES = [
    ("", 0, 0),
    ("", 1, 1540447798),
    ("a", 0x9747B28C, 2731586172),
    ("ab", 0x9747B28C, 316155434),
    ("abc", 0x9747B28C, 479470107),
    ("abcd", 0x9747B28C, 2971317748),
    ("x = 1\nprint(x)", 0x9747B28C, 1194197881),
    ("größe = '∑'  # 😀", 0xC70F6907, 517809572),
]


@pytest.mark.parametrize(("text", "seed", "value"), HASHES)
def test_murmur2_is_the_hash_of_frontends(text: str, seed: int, value: int) -> None:
    """They compute it in JavaScript, of the UTF-8 of the text."""
    assert murmur2(text.encode(), seed) == value


def test_a_name_is_the_hash_of_the_text(sources: Sources) -> None:
    """Each text has its own name, and the same one whenever it runs again."""
    first, other, again = sources.register("x", 1), sources.register("y", 2), sources.register("x", 3)
    assert first == again == f"/tmp/holdfast_test/{murmur2(b'x', SEED)}.py"
    assert other != first


def test_a_text_run_again_has_its_newest_label(sources: Sources) -> None:
    """Two cells of one text share a file name: what fails in it is said to be in the newer one."""
    name = sources.register("x", 1)
    sources.register("y", 2)
    sources.register("x", 3)
    assert sources.labels[name] == "Cell In[3]"
    assert list(linecache.cache)[-1] == name


def test_an_indented_cell_is_named_as_it_was_written(sources: Sources) -> None:
    """Frontends hash what stands in the cell; Python reads it without the indent."""
    name = sources.register("    x = 1", 1)
    assert name == f"/tmp/holdfast_test/{murmur2(b'    x = 1', SEED)}.py"
    assert linecache.getlines(name) == ["x = 1"]


def test_two_texts_of_one_hash_have_two_names(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback must not quote another cell."""
    monkeypatch.setattr(source, "murmur2", lambda data, seed: 7)
    names = [sources.name(code) for code in ("x", "y", "z", "y")]
    assert names == [f"/tmp/holdfast_test/{stem}.py" for stem in ("7", "7_2", "7_3", "7_2")]


def test_a_very_long_text_is_named_quickly(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all of it is hashed, and two that differ in the middle are told apart."""
    sizes: list[int] = []

    def murmur2(data: bytes, _seed: int) -> int:
        sizes.append(len(data))
        return 7

    monkeypatch.setattr(source, "murmur2", murmur2)
    texts = [f"{'x' * 100_000}{middle}{'x' * 100_000}" for middle in "ab"]
    names = [sources.name(text) for text in texts]
    assert names == [f"/tmp/holdfast_test/long_{stem}.py" for stem in ("7", "7_2")]
    assert max(sizes) < 40_000


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
