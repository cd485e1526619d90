"""Tracebacks as `%xmode` has them."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator

import pytest

from holdfast.executor.traceback import report

FILE = "/cells/styles.py"
CODE = """\
def f(a, *rest, k=2, **more):
    return a / 0
class Bad:
    def __repr__(self):
        raise ValueError
f(1, 5, z=3)
"""


@pytest.fixture(autouse=True)
def source() -> Iterator[None]:
    """`linecache` has it."""
    linecache.cache[FILE] = (len(CODE), None, CODE.splitlines(keepends=True), FILE)
    yield
    del linecache.cache[FILE]


def shown(code: str, mode: str) -> str:
    """The traceback of a cell that fails, without colours."""
    try:
        exec(compile(code, FILE, "exec"), {})
    except Exception as error:
        error = error.with_traceback(error.__traceback__.tb_next if error.__traceback__ else None)
        text = "\n".join(report(error, {FILE: "Cell In[3]"}, (), mode).traceback)
        return re.sub(r"\x1b\[[\d;]*m", "", text)
    raise AssertionError("the code did not fail")


def test_plain_has_one_line_for_each_frame() -> None:
    """Without a rule, and without the lines around."""
    assert shown(CODE, "Plain") == (
        "Traceback (most recent call last):\n\n"
        "  Cell In[3], line 6\n    f(1, 5, z=3)\n\n"
        "  Cell In[3], line 2 in f\n    return a / 0\n\n"
        "ZeroDivisionError: division by zero"
    )


def test_minimal_has_the_error_alone() -> None:
    """Its last line, without what led to it."""
    code = "try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise ValueError('so') from e\n"
    assert shown(code, "Minimal") == "ValueError: so"


def test_minimal_says_where_a_syntax_error_is() -> None:
    """It is all that there is to say."""
    assert "Cell In[3], line 1\n    def(" in shown("def(\n", "Minimal")


def test_verbose_has_the_values_of_arguments() -> None:
    """In the line that names the function."""
    text = shown(CODE, "Verbose")
    assert "Cell In[3], line 2, in f(a=1, k=2, *rest=(5,), **more={'z': 3})\n" in text
    assert "----> 2     return a / 0" in text


def test_a_value_that_cannot_be_shown_costs_only_its_own_place() -> None:
    """Its class is named."""
    text = shown(CODE.replace("f(1, 5, z=3)", "f(Bad())"), "Verbose")
    assert re.search(r"in f\(a=<Bad instance at 0x\w+>, k=2, \*rest=\(\), \*\*more=\{\}\)", text)


def test_long_values_are_cut() -> None:
    """A traceback stays one that can be read."""
    text = shown(CODE.replace("f(1, 5, z=3)", "f('x' * 10**6)"), "Verbose")
    assert len(text) < 2000


def test_context_is_as_always() -> None:
    """The default: lines around, names of arguments."""
    text = shown(CODE, "Context")
    assert text.startswith("-" * 75)
    assert "in f(a, *rest, k, **more)" in text
