"""Whether a cell is complete."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.language import is_complete as module
from holdfast.magics.parse import lower

COMPLETE = [
    "", "   ", "# comment", "1", "x = 1\n", "print('hello, world')", "def f(x):\n  return x*2\n\n\n",
    "for i in x:\n    y\n", "for i in x:\n    y\n    ", "for i in x:\n    y\nz", "if 1: pass", "await x",
    "async with a as b:\n  pass\n", "async for i in x:\n  pass\n", "[i async for i in x]", "%time x", "!ls 'it",
    "x?", "x??", "?x", "x = !ls 'it", "d[0] = %sql x", "a = (1\n % b)", "x %= 2", "%%bash\nls\n", "x is 1",
    r"'\d'", r"f'\d{x}\N{EM DASH}'", "1if x else 2", "x = 5 # it's", "f'{x!r:>{w}}'", "x \\\n\n",
    "é = '\U0001f600'", "'''a\n\nb'''", "!ls \\\n -l", "x = !ls \\\n -l\ny", "%%time?", "# why\n%%bash\nls\n",
    ">>> x = 1\n... y", "In [1]: x", "if x:\n    !ls 'it\n", "f(x).y = %m 'it", "?", "x['a b']?",
]  # fmt: skip
INCOMPLETE = [
    ("print('''hello", ""), ("def f(x):\n  x*2", "  "), ("for i in x:", "    "), ("for i in x:\n    y", "    "),
    ("for x in y: # c", "    "), ("if x:\n    for i in (1, 2):", "        "), ("if x:\n    return", ""),
    ("if a:\n        x = 1\n        break", "    "), ("@foo", ""), ("class A:\n    @property", "    "),
    ("x = 1 + \\", "    "), ("x = (", "    "), ("x = [\n  1,", "    "), ("x = {'a':\n", "    "), ("'abc\\", ""),
    ("async def f():", "    "), ("async with a as b:", "    "), ("try:\n  x\n", "  "), ("f'''{x", ""),
    ("match x:\n  case 1:", "      "), ("%%bash", ""), ("%%bash\nls", ""), ("if x:\n    %time y", "    "),
    ("if a:\n\tb:int", "\t"), ("a = (1\n % b", "    "), ("def f():\n    '''doc", ""),
    ("!ls \\", ""), ("%m a \\\n b \\", ""), ("x = !ls \\", ""), ("# why\n%%bash\nls", ""), (">>> if x:", "    "),
    ("for i in x:\n    !ls {i}", "    "), ("def f():\n    x = !echo 'it", "    "),
]  # fmt: skip
INVALID = [
    "import = 7q", "foo(]", ")", "'abc", "x = 1 = 2", "import = (", "\ud800", "\0", "x\0y", "(" * 10_000, "1 +",
    "if 1:\n  x\n y", "else:", "x x?y",
]  # fmt: skip


def is_complete(code: str) -> dict[str, object]:
    """As the kernel asks it."""
    return module.is_complete(code, lambda text: lower(text).code)


@pytest.mark.parametrize("code", COMPLETE)
def test_complete(code: str) -> None:
    """Cells that can run as they are."""
    assert is_complete(code) == {"status": "complete"}


@pytest.mark.parametrize(("code", "indent"), INCOMPLETE)
def test_incomplete(code: str, indent: str) -> None:
    """Cells that go on, with the indent of the next line."""
    assert is_complete(code) == {"status": "incomplete", "indent": indent}


@pytest.mark.parametrize("code", INVALID)
def test_invalid(code: str) -> None:
    """Cells that no further line can mend."""
    assert is_complete(code) == {"status": "invalid"}


def test_size_has_an_end() -> None:
    """Text above the limit is not read, and a long one is read in pieces with the same answer."""
    assert is_complete("x = 1\n" * 200_000) == {"status": "unknown"}
    assert is_complete("x = 1\n" * 20_000) == {"status": "complete"}
    assert is_complete("x = 1\n" * 20_000 + "for i in x:")["status"] == "incomplete"
    assert is_complete("x = 1\n" * 20_000 + "y = = 2\n" + "x = 1\n" * 20_000) == {"status": "invalid"}


def test_one_statement_too_large_to_parse_is_unknown() -> None:
    """A statement that would hold the GIL for long is not parsed; an open bracket is seen all the same."""
    items = "[" + "1, " * 60_000
    assert is_complete(items + "]") == {"status": "unknown"}
    assert is_complete(items)["status"] == "incomplete"


def test_warning_filters_are_not_touched() -> None:
    """Nothing warns, and the process's filters are the same object with the same entries."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = warnings.filters
        before = list(filters)
        for code in (r"'\d'", "1if x else 2", "x is 1", r"f'\d{x}'", r"b'\d'", "assert (x, 'm')"):
            assert is_complete(code) == {"status": "complete"}
        assert warnings.filters is filters
        assert list(filters) == before


@given(st.text(alphabet="ab:()[]{}'\"#\\\n %?!@=1f\t\U0001f600\ud800", max_size=60))
def test_never_raises(code: str) -> None:
    """Any text has one of the four answers, and an indent only when incomplete."""
    found = is_complete(code)
    assert found["status"] in ("complete", "incomplete", "invalid", "unknown")
    assert ("indent" in found) == (found["status"] == "incomplete")
