"""Code that a magic runs as a part of its cell: its value, its errors, and that the cell's commit sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest

from helpers.workshop import Workshop
from holdfast.executor.pieces import Pieces


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A workshop whose cells can call `run` and `run_async`."""
    with Workshop() as made:
        pieces = Pieces(lambda: made.runner, made.ns, made.sources, made.notes)
        made.ns["run"] = lambda code, filename="", line=1: pieces.run(code, filename, line)
        made.ns["run_async"] = lambda code: pieces.run_async(code, "", 1)
        yield made


def test_its_value_is_the_last_expressions(shop: Workshop) -> None:
    """As for a cell, but nothing is shown: it is handed back."""
    assert shop.run("value = run('x = 20\\nx + 1')").ename == ""
    assert (shop.ns["value"], shop.ns["x"], shop.notes.shown) == (21, 20, [])


def test_a_semicolon_hides_the_value(shop: Workshop) -> None:
    """As for a cell."""
    shop.run("value = run('5;')")
    assert shop.ns["value"] is None


def test_the_cell_takes_its_code_in(shop: Workshop) -> None:
    """What a piece binds is among what the cell's unit says that it binds."""
    shop.run("run('bound = 1'); run('other = 2')")
    unit = shop.runner.unit
    assert unit is not None
    assert {"bound", "other"} <= set(unit.names)
    assert {"bound", "other"} <= {name for code in unit.codes for name in code.co_names}


def test_a_loop_of_pieces_does_not_pile_up(shop: Workshop) -> None:
    """What says the same is taken in once: a magic in a loop costs each time what it costs once."""
    shop.run("for _ in range(50): run('again = 1')")
    unit = shop.runner.unit
    assert unit is not None
    assert len(unit.ran) == 1


def test_an_error_names_the_pieces_line(shop: Workshop) -> None:
    """A piece with the file name of a cell and a first line quotes that cell."""
    outcome = shop.run("run('1 / 0', 'somewhere.py', 7)")
    assert outcome.ename == "ZeroDivisionError"
    assert "File somewhere.py:7" in re.sub(r"\x1b\[[0-9;]*m", "", "".join(outcome.traceback))


def test_await_is_refused_where_nobody_waits(shop: Workshop) -> None:
    """The error says what to do."""
    outcome = shop.run("run('await nothing')")
    assert (outcome.ename, "at top level" in outcome.evalue) == ("Awaits", True)


def test_await_works_in_an_awaited_piece(shop: Workshop) -> None:
    """The value is that of its last expression."""
    shop.ns["asyncio"] = asyncio
    outcome = shop.run("value = await run_async('y = await asyncio.sleep(0, 5)\\ny + 1')")
    assert (outcome.ename, shop.ns["value"], shop.ns["y"]) == ("", 6, 5)


def test_futures_hold_for_later_cells(shop: Workshop) -> None:
    """`from __future__` in a piece is that of the session."""
    shop.run("run('from __future__ import annotations')")
    shop.run("def f(x: undefined): pass")
    assert shop.ns["f"].__annotations__ == {"x": "undefined"}
