"""Where statements can begin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.magics.lines import statement_lines


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("", [0]),
        ("a\nb", [0, 1]),
        ("x = (1,\n% y)\nz", [0, 2]),
        ("'''\n%a\n'''\n%b", [0, 3]),
        ('"""\\"""\n%a\n"""\n%b', [0, 3]),
        ("x = 1 \\\n  % y\n%z", [0, 2]),
        ("# it's\n%m", [0, 1]),
        ("f'{a}'\n%q", [0, 1]),
        ("it's no Python\n%session", [0, 1]),
        ("d[\n'a\n%x", [0]),
        ("]\n%x", [0, 1]),
        ("rb'\\'\n%x", [0, 1]),
    ],
)
def test_a_logical_line_begins(code: str, lines: list[int]) -> None:
    """Lines inside strings, brackets and after a backslash begin nothing."""
    assert list(statement_lines(code)) == lines


@given(st.text(alphabet="a'\"\\\n#()[]{}% ", max_size=60))
def test_any_text_is_scanned(code: str) -> None:
    """Whatever the text, line numbers grow and stay inside it."""
    lines = list(statement_lines(code))
    assert lines == sorted(set(lines))
    assert lines[-1] <= code.count("\n")
