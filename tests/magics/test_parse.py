"""Help, line magics and modes are lowered to Python; Python itself is left alone."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.magics.parse import HELP, MAGIC, Lowered, lower, sole_magic


def _help(text: str, level: int = 0) -> str:
    return f"{HELP}({text!r}, {level})"


def _magic(name: str, rest: str = "") -> str:
    return f"{MAGIC}({name!r}, {rest!r})"


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("len?", _help("len")),
        ("?len", _help("len")),
        ("len??", _help("len", 1)),
        ("??len", _help("len", 1)),
        ("?len?", _help("len")),
        ("?len??", _help("len", 1)),
        ("  len?  ", _help("len")),
        ("? len", _help("len")),
        ("len ?", _help("len")),
        ("os.path.join?", _help("os.path.join")),
        ("x['a'].b[0]?", _help("x['a'].b[0]")),
        ("pandas.*?", _help("pandas.*")),
        ("größe?", _help("größe")),
        ("x = 1\nx?", f"x = 1\n{_help('x')}"),
        ("x?\n", f"{_help('x')}\n"),
        ("x?\n\n\n", f"{_help('x')}\n\n\n"),
        ("x?\r\n", f"{_help('x')}\n"),
        ("# why?\nx?", f"# why?\n{_help('x')}"),
    ],
)
def test_help_is_lowered(code: str, lowered: str) -> None:
    """`obj?`, `obj??` and their prefixed forms become a call of the help builtin."""
    assert lower(code).code.replace("\r", "") == lowered


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("%who", _magic("who")),
        ("%time x = 1", _magic("time", "x = 1")),
        ("  %cd ..  ", f"  {_magic('cd', '..')}"),
        ("x = 1\n%who\ny = 2", f"x = 1\n{_magic('who')}\ny = 2"),
        ("if x:\n    %who", f"if x:\n    {_magic('who')}"),
    ],
)
def test_line_magics_are_lowered(code: str, lowered: str) -> None:
    """`%name rest` at the beginning of a statement becomes a call, with its indent."""
    assert lower(code).code == lowered


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("%%thread\nx = 1", Lowered("\nx = 1", "thread")),
        ("%%bg\nx = 1", Lowered("\nx = 1", "bg")),
        ("\n\n  %%bg  \nx = 1", Lowered("\n\n\nx = 1", "bg")),
        ("%%thread\nlen?", Lowered(f"\n{_help('len')}", "thread")),
        ("%%thread", Lowered("", "thread")),
        ("%%transaction\nx = 1", Lowered("\nx = 1", "", "")),
        ("%%transaction rollback best_effort \nx = 1", Lowered("\nx = 1", "", "rollback best_effort")),
        ("%%transaction explicit\n%%thread\nx = 1", Lowered("\n\nx = 1", "thread", "explicit")),
        ("%%bg\n\n%%transaction\nlen?", Lowered(f"\n\n\n{_help('len')}", "bg", "")),
        ("%%transactions\nx", Lowered("%%transactions\nx")),
        ("%%thread now\nx", Lowered("%%thread now\nx")),
    ],
)
def test_the_first_line_says_how_to_run(code: str, lowered: Lowered) -> None:
    """It becomes a blank one, so that all others keep their numbers."""
    assert lower(code) == lowered


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = 1",
        "print('what?')",
        "x = 'what?'",
        "# what?",
        "x  # why?",
        '"""\nreally?\n"""',
        'x = """\n?end"""',
        'x = """\nend?"""\n',
        "x = 'a\\\n?b'",
        "x = (1\n% 2)",
        "x = 5 \\\n% 3",
        "x = [\n'%s'\n% 5\n]",
        "f'{x!r:?>5}'",
        "x = '''\n%who\n'''",
        "x = 1  # %%thread\n",
        "'%%thread'",
        "x = 1\n'%%bg'\n",
    ],
)
def test_python_is_left_alone(code: str) -> None:
    """A question mark or percent sign inside strings, comments, brackets and continued lines is Python's."""
    assert lower(code) == Lowered(code)


PIECES = """x ? % ' " \"\"\" ''' ( ) # = 1 x? %who %%bg { } b ; :""".split()


@given(st.lists(st.sampled_from([*PIECES, "\n", "\n", "\\\n", "r'", "if x:\n  ", "\t"]), max_size=9).map("".join))
def test_what_python_can_parse_is_not_changed(code: str) -> None:
    """No text that is valid Python loses its meaning."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return
    assert lower(code) == Lowered(code)


@given(st.text(st.sampled_from("ab?%. \n\t'\"#()[]=") | st.characters(), max_size=60))
def test_lines_keep_their_numbers(code: str) -> None:
    """No text fails, and none gains or loses a line."""
    assert lower(code).code.count("\n") == code.count("\n")


@pytest.mark.parametrize(
    ("code", "magic"),
    [
        ("%session new", "session"),
        ("  %session attach a b.ipynb  \n", "session"),
        ("# back to it\n\n%checkout 3\n# at last", "checkout"),
        ("%undo", "undo"),
        ("%session new\n%session attach a", ""),
        ("x = 1\n%session new", ""),
        ("%session new\nx = 1", ""),
        ("%%thread\nx", ""),
        ("# nothing", ""),
        ("", ""),
    ],
)
def test_a_cell_that_is_one_line_magic(code: str, magic: str) -> None:
    """And nothing else, but for comments."""
    assert sole_magic(code) == magic
