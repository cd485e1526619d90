"""Cell text to code objects: what is shown, what is awaited, what is refused."""

from __future__ import annotations
import __future__

import ast
import asyncio
import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.executor.compile import Unit, compile_cell


def _run(code: str, **names: object) -> tuple[object, dict[str, object]]:
    """The value of the last expression, and the namespace."""
    unit, ns = compile_cell(code, "cell"), dict(names)
    if unit.body is not None:
        exec(unit.body, ns)
    value = eval(unit.last, ns) if unit.last is not None else None
    return (asyncio.run(value) if inspect.iscoroutine(value) else value), ns


@pytest.mark.parametrize(
    ("code", "value", "shows"),
    [
        ("1 + 1", 2, True),
        ("x = 3\nx", 3, True),
        ("x = 3; x", 3, True),
        ("(1,\n 2)", (1, 2), True),
        ("'a' 'b'", "ab", True),
        ("1;", 1, False),
        ("1 ;", 1, False),
        ("1;  # a comment", 1, False),
        ("1  # a comment; with a semicolon", 1, True),
        ("'a;b'", "a;b", True),
        ("(1);", 1, False),
        ("((1)) ;", 1, False),
        ("(\n1\n);", 1, False),
        ("(\n1\n)  # ;", 1, True),
        ("(1  # ;\n)", 1, True),
        ("(1  # ;\n);", 1, False),
        ("1 \\\n;", 1, False),
        ("1;\n# the end\n", 1, False),
        ("1\n# ;\n", 1, True),
        ("'é' ;", "é", False),
        ("'\U0001f600';", "\U0001f600", False),
        ("'\\\n';", "", False),
        ("1;\r\n", 1, False),
        ("1;\r# old Mac\r", 1, False),
        ("'a\x0cb';", "a\x0cb", False),
        ("'a\u2028b';", "a\u2028b", False),
        ("'a\u2028b'", "a\u2028b", True),
        ("1;2", 2, True),
        ("x = [1,\n2];x", [1, 2], True),
    ],
)
def test_the_last_expression_is_the_value(code: str, value: object, shows: bool) -> None:
    """It is evaluated, and shown unless a semicolon follows it."""
    assert (_run(code)[0], compile_cell(code, "cell").shows) == (value, shows)


@pytest.mark.parametrize(
    "code", ["", "\n\n", "# only a comment", "  \n# a\n\t\n", "\x0c", "pass", "x = 1", "def f(): 1", "if 1:\n    5"]
)
def test_a_cell_that_ends_in_a_statement_shows_nothing(code: str) -> None:
    """It has no last expression; an empty one has no code at all."""
    unit = compile_cell(code, "cell")
    assert (unit.last, unit.shows) == (None, False)
    if not code.strip() or code.lstrip().startswith("#"):
        assert unit.body is None


@pytest.mark.parametrize(
    ("code", "is_async"),
    [
        ("1", False),
        ("await f()", True),
        ("x = await f()", True),
        ("x = 1\nawait f()", True),
        ("async for x in f(): pass", True),
        ("async with f(): pass", True),
        ("[x async for x in f()]", True),
        ("async def f(): await g()", False),
        ("lambda: 1", False),
        ("x = (i for i in range(3))", False),
    ],
)
def test_top_level_await_makes_a_cell_async(code: str, is_async: bool) -> None:
    """`await`, `async for`, `async with` and asynchronous comprehensions at the top level, nothing else."""
    assert compile_cell(code, "cell").is_async is is_async


def test_an_async_body_binds_globals() -> None:
    """Names that an async cell binds are the namespace's, not locals of a wrapper."""

    async def answer() -> int:
        return 42

    unit, ns = compile_cell("x = await answer()", "cell"), {"answer": answer}
    assert unit.body is not None
    asyncio.run(eval(unit.body, ns))
    assert ns["x"] == 42  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("1 +* 2", SyntaxError),
        ("def f(:", SyntaxError),
        ("  x = 1\n y = 2", IndentationError),
        ("if 1:\n\tx\n        y", TabError),
        ("return 1", SyntaxError),
        ("yield 1", SyntaxError),
        ("def f(): await g()", SyntaxError),
        ("break", SyntaxError),
        ("\x00", SyntaxError),
        ("'\ud800'", UnicodeEncodeError),
        ("x = '\udcff'", UnicodeEncodeError),
        ("(" * 10_000, SyntaxError),
        ("from __future__ import nonsense", SyntaxError),
        ("x = " + "9" * 5000, SyntaxError),
    ],
)
def test_what_cannot_be_compiled_raises(code: str, error: type[Exception]) -> None:
    """The compiler's own exceptions, and nothing worse."""
    with pytest.raises(error):
        compile_cell(code, "cell")


@pytest.mark.parametrize("code", ["-" * 50_000 + "1", "[" * 150 + "]" * 150, "x = 1\n" * 100_000, "1" + "+1" * 20_000])
def test_huge_cells_are_compiled_or_refused(code: str) -> None:
    """Deep nesting and much code end in a unit or an ordinary exception, never in a crash."""
    try:
        assert isinstance(compile_cell(code, "cell"), Unit)
    except (SyntaxError, RecursionError, MemoryError):
        return


@given(st.text())
def test_no_text_raises_anything_unexpected(code: str) -> None:
    """Any text compiles or raises what is documented."""
    try:
        compile_cell(code, "cell")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return


# ---------------------------------------------------------------- from __future__


def test_a_future_import_holds_for_later_cells() -> None:
    """The flags of one cell are handed to the next, as in the REPL."""
    first = compile_cell("from __future__ import annotations", "cell")
    assert first.flags == __future__.annotations.compiler_flag
    second = compile_cell("def f(x: not_a_name): pass", "cell", first.flags)
    ns: dict[str, object] = {}
    assert second.body is not None
    exec(second.body, ns)
    assert ns["f"].__annotations__ == {"x": "not_a_name"}
    assert second.flags == first.flags


def test_a_future_import_holds_for_the_rest_of_its_cell() -> None:
    """The last expression is compiled apart from the statements, and still under their flags."""
    unit = compile_cell("from __future__ import annotations\n(lambda: 1)", "cell")
    assert unit.last is not None
    assert unit.last.co_flags & __future__.annotations.compiler_flag


def test_our_own_future_imports_do_not_leak_in() -> None:
    """This package's `from __future__ import annotations` is not the user's."""
    ns = _run("def f(x: int): pass")[1]
    assert ns["f"].__annotations__ == {"x": int}


def test_nested_functions_set_no_flag() -> None:
    """CO_NESTED shares its bit with an old future feature: it must not be carried on."""
    assert compile_cell("def f():\n    def g(): pass\n    return g", "cell").flags == 0


# ---------------------------------------------------------------- what a unit says


def test_it_names_the_globals_that_the_cell_mentions() -> None:
    """Each once, those of the statements and of the last expression."""
    assert compile_cell("a = b\nc(a)", "cell").names == ("b", "a", "c")


def test_the_code_carries_the_cells_file_name() -> None:
    """Tracebacks and `inspect` find the cell by it."""
    unit = compile_cell("x = 1\nx", "the/cell.py")
    assert unit.body is not None
    assert unit.last is not None
    assert (unit.body.co_filename, unit.last.co_filename) == ("the/cell.py", "the/cell.py")


def test_lines_are_those_of_the_cell() -> None:
    """An error in the last expression is on its own line."""
    with pytest.raises(ZeroDivisionError) as caught:
        _run("\n\nx = 0\n1 / x")
    assert caught.traceback[-1].lineno == 3


def test_the_syntax_tree_is_kept() -> None:
    """Steps around the cell read it (blocking calls)."""
    assert isinstance(compile_cell("time.sleep(1)", "cell").tree, ast.Module)


@pytest.mark.parametrize("code", ["x = 5\nassert x == 5, 'text'", "__debug__"])
def test_assertions_and_debug_are_on(code: str) -> None:
    """A cell is compiled as `python` without `-O` would."""
    assert _run(code)[0] in (None, True)


@pytest.mark.parametrize("last", ["", "\n1 + 1"])
def test_a_future_import_may_follow_other_statements(last: str) -> None:
    """As in kernels that compile a cell statement by statement; it holds for the cell and for later ones."""
    unit = compile_cell(f"import sys\nfrom __future__ import annotations\ndef f(x: undefined): pass{last}", "c.py")
    assert unit.body is not None
    names: dict[str, Any] = {}
    exec(unit.body, names)
    assert names["f"].__annotations__ == {"x": "undefined"}
    assert {"sys", "annotations"} <= set(names)
    assert unit.flags


def test_a_future_import_in_a_function_stays_an_error() -> None:
    """Nothing is moved out of a function."""
    with pytest.raises(SyntaxError, match="from __future__ imports must"):
        compile_cell("def f():\n    from __future__ import annotations", "c.py")
