"""Which expressions of a cell are shown: `ast_node_interactivity`."""

from __future__ import annotations

import pytest

from holdfast.executor.compile import SHOW, compile_cell


def shown(code: str, mode: str) -> list[object]:
    """What a cell shows, in order."""
    values: list[object] = []
    variables = {SHOW: values.append, "x": 5}
    unit = compile_cell(code, "<cell>", 0, mode)
    if unit.body is not None:
        exec(unit.body, variables)
    if unit.last is not None:
        value = eval(unit.last, variables)
        if unit.shows:
            values.append(value)
    return values


@pytest.mark.parametrize(
    ("mode", "code", "values"),
    [
        ("last_expr", "1\nx", [5]),
        ("last_expr", "1\ny = 2", []),
        ("all", "1\nx\n3", [1, 5, 3]),
        ("all", "1\ny = 2", [1]),
        ("all", "for i in range(2): i\nif x: x + 1", [0, 1, 6]),
        ("all", "def f(): 1\nf()\nclass C: 2", [None]),
        ("all", "1;\n2", [1, 2]),
        ("all", "1\n2;", []),
        ("all", "", []),
        ("last", "1\nfor i in range(2): i", [0, 1]),
        ("last", "1\n2", [2]),
        ("none", "1\n2", []),
        ("last_expr_or_assign", "1\ny = 7", [7]),
        ("last_expr_or_assign", "x += 1", [6]),
        ("last_expr_or_assign", "y: int = 3", [3]),
        ("last_expr_or_assign", "y: int", []),
        ("last_expr_or_assign", "a = b = 1", []),
        ("last_expr_or_assign", "a, b = 1, 2", []),
        ("last_expr_or_assign", "y = 7;", []),
        ("last_expr_or_assign", "1\n2", [2]),
        ("something else", "1\n2", []),
    ],
)
def test_what_a_cell_shows(mode: str, code: str, values: list[object]) -> None:
    """Functions and classes show nothing; a semicolon at the end silences the cell."""
    assert shown(code, mode) == values


def test_a_cell_that_awaits_is_async_in_every_mode() -> None:
    """Its expressions are awaited where they stand."""
    assert compile_cell("await x\n1", "<cell>", 0, "all").is_async


def test_lines_keep_their_numbers() -> None:
    """An error in a shown expression points to it."""
    with pytest.raises(ZeroDivisionError) as caught:
        shown("1\n\n1/0\n2", "all")
    trace = caught.value.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    assert trace is not None
    assert trace.tb_lineno == 3
