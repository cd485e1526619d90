"""Reading cell text up to a cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.language import text
from holdfast.language.text import Step

OPEN = [
    ("", False, False, ""),
    ("f(x, [", False, False, "(["),
    ("f(x)", False, False, ""),
    ("d['ke", True, False, "["),
    ("'a' + \"b", True, False, ""),
    ("'''a\nb", True, False, ""),
    ("'a\nb", False, False, ""),
    ("# it's (", False, True, ""),
    ("x # c\n(", False, False, "("),
    ("f'{x", False, False, ""),
    ("f'a{x[", False, False, "["),
    ("f'{{x", True, False, ""),
    ("f'{x}y", True, False, ""),
    ("f'{x:>", False, False, ""),
    ("f'{x:{w}}' + (", False, False, "("),
    ("f'{a['k']}'(", False, False, "("),
    (r"'\'(", True, False, ""),
    (r"r'\'(", True, False, ""),
    (r"'\\'(", False, False, "("),
    ("f(\ndef g(", False, False, "("),
    ("(]", False, False, "("),
    ("x'a", True, False, ""),
]


@pytest.mark.parametrize(("code", "string", "comment", "brackets"), OPEN)
def test_scan_tells_what_is_open(code: str, string: bool, comment: bool, brackets: str) -> None:
    """Strings, comments and brackets that are open at the end are told apart."""
    result = text.scan(code)
    found = (result.string is not None, result.comment, "".join(frame.kind for frame in result.brackets))
    assert found == (string, comment, brackets)


CHAINS = [
    ("os", "name:os"),
    ("os.path", "name:os attr:path"),
    ("a . b", "name:a attr:b"),
    ("(a\n  .b", "name:a attr:b"),
    ("a\n  .b", ""),
    ("a(1, [2]).b", "name:a call: attr:b"),
    ("d['k'][0].x", "name:d item:'k' item:0 attr:x"),
    ("'abc'.x", "text:'abc' attr:x"),
    ("return [1]", ""),
    ("1.5", ""),
    ("", ""),
    (".x", ""),
    ("if", ""),
    ("\U0001d400.x", "name:A attr:x"),
    ("été.x", "name:été attr:x"),
]


@pytest.mark.parametrize(("code", "steps"), CHAINS)
def test_chain_before_reads_backwards(code: str, steps: str) -> None:
    """The chain that ends at the end of the text comes apart into its steps."""
    found = text.chain_before(text.scan(code), len(code))
    assert " ".join(map(repr, found[1] if found else [])) == steps


@pytest.mark.parametrize(
    ("code", "start"),
    [("abc", 0), ("a.bc", 2), ("x+1a", 4), ("12", 2), ("", 0), ("été", 0), ("x\U0001f600y", 2), ("名前", 0)],
)
def test_word_before_finds_the_identifier(code: str, start: int) -> None:
    """Positions count code points, numbers and symbols are no part of a name."""
    assert text.word_before(code, len(code)) == start


def test_steps_compare_by_value() -> None:
    """Two steps of the same kind and text are equal, others are not."""
    assert Step("attr", "x") == Step("attr", "x")
    assert Step("attr", "x") != Step("name", "x")


@given(st.text(alphabet="ab.()[]{}'\"#\\\n:;f =\U0001f600é", max_size=60))
def test_scan_never_raises(code: str) -> None:
    """Any text at all is scanned to its end, with positions inside it."""
    result = text.scan(code)
    text.chain_before(result, len(code))
    assert all(0 <= start < stop <= len(code) for start, stop in result.strings)
    assert 0 <= result.statement <= len(code)


def test_scan_keeps_to_its_end() -> None:
    """What stands after the end has no say."""
    assert text.scan("f(x) 'a", 4).string is None
