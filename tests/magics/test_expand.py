"""What is filled in for `{expression}` and `$name`; as ipykernel does it unless a comment says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.magics.expand import expand, variables_of_caller

VARIABLES: dict[str, object] = {
    "x": "X",
    "n": 3,
    "f": 1.5,
    "d": {"k": "v", "a b": "w"},
    "l": [1, 2],
    "o": SimpleNamespace(a="A", b=[1, 2]),
    "quoted": "it's",
    "empty": "",
    "none": None,
    "path": PurePosixPath("/data/a"),
    "double": lambda value: value * 2,
    "größe": 5,
    "Broken": type("Broken", (), {"a": property(lambda self: 1 / 0)})(),
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{x}", "X"),
        ("$x", "X"),
        ("$x$n", "X3"),
        ("$x/y; $n", "X/y; 3"),
        ("{ x }", "X"),
        ("{n+1}", "4"),
        ("{d['k']}", "v"),
        ('{d["a b"]}', "w"),
        ("{l[0]} {l[-1]}", "1 2"),
        ("{l[0:1]}", "[1]"),
        ("{o.a} {o.b[1]}", "A 2"),
        ("$o.a $o.b", "A [1, 2]"),
        ("$d['k']", "{'k': 'v', 'a b': 'w'}['k']"),
        ("{double(x)}", "XX"),
        ("{len(l)}", "2"),
        ("{[i for i in l]}", "[1, 2]"),
        ("{dict(a=n)}", "{'a': 3}"),
        ("{n if n else 2}", "3"),
        ("{quoted} {empty}|{none} $none", "it's |None None"),
        ("{x!r} {x!s}", "'X' X"),
        ("{{x}}", "{x}"),
        ("{{{x}}}", "{X}"),
        ("{x}{{y}}", "X{y}"),
        ("{{}}", "{}"),
        ("$$x", "$x"),
        ("$$$x", "$$x"),
        ("$$", "$$"),
        ("${x}y", "$Xy"),
        ("'{x}'", "'X'"),
        ("'$x'", "'$x'"),
        ('"$x"', '"X"'),
        ("\"'$x'\"", "\"'$x'\""),
        ("it's $x", "it's X"),
        ("'a' $x 'b'", "'a' X 'b'"),
        ("echo '$x' {x}", "echo '$x' X"),
        ("$(echo $x) `echo {x}`", "$(echo X) `echo X`"),
        ("%d {n}", "%d 3"),
        ("a\n{x}", "a\nX"),
        ("\\$x", "\\X"),
        ("$größe", "5"),
    ],
)
def test_what_is_filled_in(text: str, expanded: str) -> None:
    """Names, attributes, items, calls, in any quotes; a dollar not between single ones."""
    assert expand(text, VARIABLES) == expanded


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        # ipykernel knows no format specifications (what follows a colon can only be a slice there).
        ("{f:.2f} {n:03d} {x:>{n}}", "1.50 003   X"),
        # It leaves the whole text as it is when one piece of it cannot be evaluated.
        ("{x} {undefined}", "X {undefined}"),
        ("$x $HOME", "X $HOME"),
        ("$x.txt", "X.txt"),
        ("$path.txt $path.name", "/data/a.txt a"),
        ("{x}}", "X}"),
        # It takes `1` and `'a'` for expressions, and a builtin's name for a variable.
        ("$1 {2} {'a'}", "$1 {2} {'a'}"),
        ("awk '{print}' {x}", "awk '{print}' X"),
        # It evaluates a tuple, which in a shell is one word for each.
        ("{x,n}", "{x,n}"),
    ],
)
def test_what_is_filled_in_otherwise_than_in_ipykernel(text: str, expanded: str) -> None:
    """Where that cannot take a working text from anybody."""
    assert expand(text, VARIABLES) == expanded


@pytest.mark.parametrize(
    "text",
    [
        *("{undefined}", "$undefined", "$HOME", "${HOME}", "{}", "{ }", "{", "}", "{x", "x}", "$", "{x=}", "$o.zz"),
        *("find . -exec ls {} \\;", "echo {a,b}", "echo {1..3}", "awk '{print $1}'", "{1/0}", "{x;n}", "{x!z}"),
        *(
            "{n:zz}",
            "{d[k]}",
            "{*l}",
            "{await x}",
            "{lambda: 1}",
            "\\{x\\}",
            '{"a": 1}',
            '{"a": {"b": [1]}}',
            "$Broken.a",
        ),
    ],
)
def test_what_stays(text: str) -> None:
    """What names nothing, is no Python, or fails."""
    assert expand(text, VARIABLES) == text


def test_a_name_inside_a_comprehension_is_found() -> None:
    """Also one of the function that the magic stands in."""
    assert expand("{' '.join(x for _ in range(n))}", VARIABLES) == "X X X"


@given(st.text(alphabet="{}$'xn.!:[] =\"\\\n", max_size=60))
def test_any_text_is_expanded(text: str) -> None:
    """Whatever stands there, it does not fail."""
    assert isinstance(expand(text, VARIABLES), str)


@given(st.text(alphabet="abc %-'\"\\\n", max_size=60))
def test_other_text_is_left_alone(text: str) -> None:
    """Without braces and dollars there is nothing to fill in."""
    assert expand(text, VARIABLES) == text


def _namespace() -> dict[str, object]:
    """Variables of a session whose `magic()` stands for a module of ours between the caller and us."""
    namespace: dict[str, object] = {"a": 0, "b": 2}
    ours: dict[str, object] = {"__name__": "holdfast.some", "variables_of_caller": variables_of_caller, "n": namespace}
    exec("def magic():\n    local = 1\n    return variables_of_caller(n)", ours)
    namespace["magic"] = ours["magic"]
    return namespace


def test_the_variables_of_a_function_come_first() -> None:
    """Then the session's; modules of ours between them have none."""
    namespace = _namespace()
    exec("def f(a):\n    return magic()\nfound = f(1)", namespace)
    found = namespace["found"]
    assert isinstance(found, Mapping)
    assert (found["a"], found["b"], "local" in found) == (1, 2, False)


def test_at_top_level_the_variables_are_the_sessions() -> None:
    """Without a copy, however many there are."""
    namespace = _namespace()
    exec("found = magic()", namespace)
    assert namespace["found"] is namespace
