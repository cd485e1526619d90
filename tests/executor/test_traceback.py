"""Reports of syntax errors, chains, groups and messages, as a notebook shows them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from helpers.tracebacks import CELL, HIDDEN, LABELS, RULE, failure, plain, shown, title
from holdfast.executor.traceback import report

if TYPE_CHECKING:
    from pathlib import Path


# --- syntax errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 +", "  Cell In[3], line 1\n    1 +\n       ^\nSyntaxError: invalid syntax"),
        (
            "def f():\n    return 1\nreturn 5",
            "  Cell In[3], line 3\n    return 5\n    ^^^^^^^^\nSyntaxError: 'return' outside function",
        ),
        ("  x = 1", "  Cell In[3], line 1\n    x = 1\n    ^\nIndentationError: unexpected indent"),
        ("é = 'ü' 5", "  Cell In[3], line 1\n    é = 'ü' 5\n            ^\nSyntaxError: invalid syntax"),
        (
            "日 = 1\nif 1:\n  日; yield",
            "  Cell In[3], line 3\n    日; yield\n        ^^^^^\nSyntaxError: 'yield' outside function",
        ),
        (
            "if 1:\n\tx = = 2",
            "  Cell In[3], line 2\n    x = = 2\n        ^\nSyntaxError: invalid syntax",
        ),
    ],
)
def test_a_syntax_error_of_the_cell_has_no_frames(source: str, expected: str) -> None:
    """What does not compile shows its line, a caret and the message."""
    assert shown(source) == expected


#: Python 3.12 has no question mark there.
MARK = "?" if sys.version_info >= (3, 13) else ""


def test_a_syntax_error_of_user_code_has_frames_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing a broken file shows the cell's frame and the place in the file."""
    (tmp_path / "broken_of_ours.py").write_text("x = 1\ny = (\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shown("import broken_of_ours") == "\n".join(
        [
            RULE,
            title("SyntaxError"),
            "Cell In[3], line 1",
            "----> 1 import broken_of_ours",
            "",
            "  File ~/broken_of_ours.py:2",
            "    y = (",
            "        ^",
            "SyntaxError: '(' was never closed",
        ]
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("'mine'", "SyntaxError: mine"),
        ("", "SyntaxError: None"),
        ("'m', ('f.py', None, 1, 'x', None, None)", "SyntaxError: m (f.py)"),
        ("'m', ('<s>', 3, 0, 'x y', 3, 0)", "  File <s>:3\n    x y\nSyntaxError: m"),
        ("'m', ('<s>', 3, 99, 'x', 3, 200)", "  File <s>:3\n    x\n     ^\nSyntaxError: m"),
        ("'m', ('<s>', 3, 2, 'abcd', 9, 1)", "  File <s>:3\n    abcd\n     ^^^\nSyntaxError: m"),
        ("'m', ('<s>', 'three', 'x', 7, [], ())", "SyntaxError: m (<s>)"),
        ("'m', (5, -3, -1, 'x', {}, -9)", "  File <string>:-3\n    x\nSyntaxError: m"),
    ],
)
def test_a_syntax_error_made_by_hand(arguments: str, expected: str) -> None:
    """Fields of a SyntaxError may be missing or of any type."""
    text = shown(f"raise SyntaxError({arguments})")
    last = text.rpartition("\n\n")[2]
    if arguments:
        assert last == expected
    else:
        assert last in {expected, "SyntaxError: <no detail available>"}


# --- chains and groups -------------------------------------------------------------------------

CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\n\nDuring handling of the above exception, another exception occurred:\n\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("try: {}['k']\nexcept KeyError as e: raise ValueError('v') from e", ["KeyError: 'k'", CAUSE]),
        ("try: {}['k']\nexcept KeyError as e: raise ValueError('v')", ["KeyError: 'k'", CONTEXT]),
        ("try: {}['k']\nexcept KeyError as e: raise ValueError('v') from None", []),
    ],
)
def test_chained_exceptions_come_oldest_first(source: str, expected: list[str]) -> None:
    """A cause or a context stands above, joined by the standard sentence; `from None` hides it."""
    text = shown(source)
    assert text.startswith(RULE)
    assert text.endswith("ValueError: v")
    assert [part for part in ["KeyError: 'k'", CAUSE, CONTEXT] if part in text] == expected
    if expected:
        assert "".join([*expected, title("ValueError")]) in text


def test_cycles_in_chains_end() -> None:
    """An exception that causes itself, or a ring of them, is shown once each."""
    alone, first, second = ValueError("alone"), KeyError("first"), TypeError("second")
    alone.__cause__ = alone
    first.__cause__, second.__context__ = second, first
    assert plain(report(alone, {}, ())).count("ValueError: alone") == 1
    text = plain(report(first, {}, ()))
    assert [text.count(word) for word in ("KeyError: 'first'", "TypeError: second")] == [1, 1]


def test_a_very_long_chain_is_cut() -> None:
    """Of ten thousand causes the thirty newest are shown."""
    exc: BaseException | None = None
    for number in range(10_000):
        following = ValueError(number)
        following.__cause__ = exc
        exc = following
    assert exc is not None
    text = plain(report(exc, {}, ()))
    assert "[... 9970 earlier exceptions not shown ...]" in text
    assert re.findall(r"ValueError: (\d+)", text) == [str(n) for n in range(9970, 10_000)]


def test_a_group_is_a_tree() -> None:
    """The members of a group stand in a tree under it, with their own notes, causes and groups."""
    inner = ExceptionGroup("inner", [TypeError("t")])
    value = ValueError("v")
    value.add_note("noted")
    value.__cause__ = KeyError("k")
    assert plain(report(ExceptionGroup("outer", [value, inner, OSError("o")]), {}, ())) == "\n".join(
        [
            RULE,
            title("ExceptionGroup"),
            "ExceptionGroup: outer (3 sub-exceptions)",
            "  +-+---------------- 1 ----------------",
            "    | KeyError: 'k'",
            "    |",
            "    | The above exception was the direct cause of the following exception:",
            "    |",
            "    | ValueError: v",
            "    | noted",
            "    +---------------- 2 ----------------",
            "    | ExceptionGroup: inner (1 sub-exception)",
            "    |   +-+---------------- 1 ----------------",
            "    |     | TypeError: t",
            "    |     +------------------------------------",
            "    +---------------- 3 ----------------",
            "    | OSError: o",
            "    +------------------------------------",
        ]
    )


def test_a_wide_group_is_cut() -> None:
    """Fifteen members are shown, the rest counted, as the standard library does."""
    text = plain(report(ExceptionGroup("g", [ValueError(n) for n in range(20)]), {}, ()))
    assert re.findall(r"ValueError: (\d+)", text) == [str(n) for n in range(15)]
    assert text.endswith(
        "+---------------- ... ----------------\n    | and 5 more exceptions\n    +------------------------------------"
    )


def test_a_deep_group_is_cut() -> None:
    """Ten levels are shown, as in the standard library."""
    exc: Exception = ValueError("bottom")
    for level in range(40):
        exc = ExceptionGroup(f"g{level}", [exc])
    text = plain(report(exc, {}, ()))
    assert text.count("ExceptionGroup: ") == 11
    assert "... (max_group_depth is 10)" in text


def test_a_tree_of_groups_is_bounded_in_all() -> None:
    """Wide groups of wide groups, millions of leaves, show some hundreds of exceptions at most."""
    exc: Exception = ValueError("leaf")
    for level in range(9):
        exc = ExceptionGroup(f"g{level}", [exc] * 10)
    text = plain(report(exc, {}, ()))
    assert text.count("leaf") + text.count("ExceptionGroup: ") <= 200


# --- messages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("{}['x']", "KeyError: 'x'"),
        ("{}[()]", "KeyError: ()"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('')", "ValueError"),
        ("raise ValueError('a\\nb')", "ValueError: a\nb"),
        ("int('x ')", "ValueError: invalid literal for int() with base 10: 'x '"),
        ("prnt", "NameError: name 'prnt' is not defined. Did you mean: 'print'?"),
        ("math.pi", f"NameError: name 'math' is not defined. Did you forget to import 'math'{MARK}"),
        ("import os\nos.pth", "AttributeError: module 'os' has no attribute 'pth'. Did you mean: 'path'?"),
        ("e = ValueError('a'); e.add_note('n\\nm'); raise e", "ValueError: a\nn\nm"),
        ("e = ValueError('a'); e.__notes__ = 5; raise e", "ValueError: a\n5"),
        ("e = ValueError('a'); e.__notes__ = 'text'; raise e", "ValueError: a\n'text'"),
        ("class E(Exception): pass\nraise E('x')", "E: x"),
        ("import json\njson.loads('')", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_the_message(source: str, last: str) -> None:
    """The last lines are the class, the message, suggestions and notes, as in the standard library."""
    assert shown(source).rpartition("\n\n")[2] == last


def test_evalue_is_the_bare_message() -> None:
    """Suggestions and notes are in the traceback; `evalue` is str(exc)."""
    exc = failure("prnt")
    exc.add_note("noted")
    found = report(exc, LABELS, HIDDEN)
    assert (found.ename, found.evalue) == ("NameError", "name 'prnt' is not defined")


def test_import_errors_get_suggestions() -> None:
    """A name that is nearly one of the module's is named."""
    assert shown("from os import pth").endswith("Did you mean: 'path'?")


def test_a_huge_message_is_bounded() -> None:
    """A hundred thousand characters are kept, with a note on the rest, in both fields."""
    found = report(failure("raise ValueError('x' * 10_000_000)"), LABELS, HIDDEN)
    note = "\n[... 9900000 more characters not shown ...]"
    assert found.evalue == "x" * 100_000 + note
    assert plain(found).endswith("x" * 100_000 + note)


def test_many_huge_messages_are_bounded_together() -> None:
    """The whole report stays near a million characters."""
    big = ExceptionGroup("g", [ExceptionGroup("h", [ValueError("x" * 200_000)] * 15)] * 13)
    for _ in range(200):
        big.add_note("n" * 100_000)
    assert sum(map(len, report(big, {}, ()).traceback)) < 1_500_000


def test_text_that_is_not_utf8_can_be_sent() -> None:
    """Lone surrogates and null bytes are escaped where they could not be sent or shown."""
    exc = ValueError("lone \ud800 and \0 null")
    exc.add_note("\udfff")
    found = report(exc, {CELL: "Cell\ud800"}, ())
    assert found.evalue == "lone \\ud800 and \0 null"
    assert plain(found).endswith("ValueError: lone \\ud800 and \\x00 null\n\\udfff")
