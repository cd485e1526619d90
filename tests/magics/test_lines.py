"""Where a cell is no Python."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.magics.lines import scan


def _found(code: str) -> list[tuple[str, str]]:
    return [(place.kind, code[place.start : place.stop]) for place in scan(code).found]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("", []),
        ("%a\n%b", [("line", "%a"), ("line", "%b")]),
        ("x = (1,\n% y)\n%z", [("line", "%z")]),
        ("'''\n%a\n'''\n%b", [("line", "%b")]),
        ('"""\\"""\n%a\n"""\n%b', [("line", "%b")]),
        ("x = 1 \\\n  % y\n%z", [("line", "%z")]),
        ("# it's\n%m", [("line", "%m")]),
        ("# (\n%m", [("line", "%m")]),
        ("# \\\n%m", [("line", "%m")]),
        ("it's no Python\n%session", [("line", "%session")]),
        ("d[\n'a\n%x", []),
        ("]\n%x", [("line", "%x")]),
        ("rb'\\'\n%x", [("line", "%x")]),
        ("%a 'b\n%c", [("line", "%a 'b"), ("line", "%c")]),
        ("!a (\n!b", [("line", "!a ("), ("line", "!b")]),
        ("!a \\\n b\nc", [("line", "!a \\\n b")]),
        ("\\\n%a", [("line", "%a")]),
        ("x = !a 'b\nc", [("value", "!a 'b")]),
        ("x = %a\ny=%b", [("value", "%a"), ("value", "%b")]),
        ("x = \\\n !a", [("value", "!a")]),
        ("x['='] = !a", [("value", "!a")]),
        ("if x: y = !a", [("value", "!a")]),
        ("f(x=!a)", []),
        ("x == !a", []),
        ("x += !a", []),
        ("x := !a", []),
        ("x = 3 != 4", []),
        ("x %= 3", []),
        ("a %b", []),
        ("x?\ny??", [("help", "x?"), ("help", "y??")]),
        ("f(x?", []),
        ("x?  # why", []),
        ("x = a?", [("help", "x = a?")]),
        ("?x", [("line", "?x")]),
    ],
)
def test_what_is_no_python_is_found(code: str, found: list[tuple[str, str]]) -> None:
    """At the beginning of a statement, after the `=` of an assignment, and before a question mark at the end."""
    assert _found(code) == found


@pytest.mark.parametrize(
    "string",
    [
        "f'{a}'",
        "f'{a!r:>{b}}'",
        "f'{{'",
        "f'}}{{{a}}}'",
        "f'{x['a']}'",
        "f'{'\\''}'",
        "f'{\n a\n}'",
        "f'{f'{f'{1}'}'}'",
        "f'''{\n# ' }\na}'''",
        "f'{x:%H:%M}'",
        "f'{x:\\'>5}'",
        "f'{x:\">5}'",
        "f'{a[1:2]}'",
        "f'{(lambda y: 1)}'",
        "f'\\N{DIGIT ONE}'",
        "rf'\\{a}'",
        "rf'\\N{a}'",
        "f'\\'{a}'",
        "f'''{a:\n}'''",
        "f'{x!=y}'",
        "f'{x:=5}'",
        "f'{ {1: 2}[1] }'",
        'f"{"a" "b"}"',
        "f'{a=}'",
    ],
)
def test_an_f_string_ends_where_python_says(string: str) -> None:
    """Nested ones of 3.12, format specifications, named characters and doubled braces."""
    ast.parse(f"a = x = y = b = 1\n({string})")
    assert _found(f"{string}\n%m\n'") == [("line", "%m")]
    assert _found(f"({string}\n%m)") == []


@pytest.mark.parametrize(
    ("code", "outer"),
    [
        ("%a", [True]),
        ("if x:\n    %a", [True]),
        ("def f():\n    %a\n%b", [False, True]),
        ("def f():\n    if x:\n        %a\n    %b\n\n%c", [False, False, True]),
        ("class A:\n  %a\nif x:\n  %b", [False, True]),
        ("async def f():\n\t%a\nx\n%b", [False, True]),
        ("def f(): x = !a\n!b", [False, True]),
        ("define = 1\n%a", [True]),
    ],
)
def test_where_await_could_stand(code: str, outer: list[bool]) -> None:
    """Outside functions and classes, in blocks too."""
    assert [place.outer for place in scan(code).found] == outer


@pytest.mark.parametrize(
    ("code", "awaits"),
    [
        ("await x", True),
        ("x = [await y]", True),
        ("async for x in y: pass", True),
        ("async with x: pass", True),
        ("async def f():\n    await x", False),
        ("async def f():\n    await x\nawait f()", True),
        ("'await x'", False),
        ("# await x", False),
        ("awaited = 1", False),
    ],
)
def test_whether_the_cell_awaits(code: str, awaits: bool) -> None:
    """At top level, in Python's own text."""
    assert scan(code).awaits is awaits


@given(st.text(alphabet="af'\"\\\n#()[]{}:% =!?N", max_size=80))
def test_any_text_is_scanned(code: str) -> None:
    """Whatever the text, places are in order and inside it."""
    ends = [end for place in scan(code).found for end in (place.start, place.stop)]
    assert ends == sorted(ends)
    assert not ends or ends[-1] <= len(code)


@pytest.mark.parametrize(
    "unit", ["%a\\\n", "f'{", "'", '"""', "=", "= ", "?", "a?", "x = !", "\\\n", "(", "f'{x:{", "{", "%", "\\N{", "+="]
)
def test_hostile_text_is_read_once(unit: str) -> None:
    """Four times the text is at most some ten times the characters looked at: nothing is read again and again."""

    def steps(times: int) -> int:
        count = 0

        def trace(*_given: object) -> object:
            nonlocal count
            count += 1
            return trace

        code = unit * times
        before = sys.gettrace()
        sys.settrace(trace)  # type: ignore[arg-type]
        try:
            scan(code)
        finally:
            sys.settrace(before)
        return count

    assert steps(2000) <= 10 * steps(500)
