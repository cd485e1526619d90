"""What a cell runs inside: when managers are entered and left, and what becomes of the cell's value and error."""

from __future__ import annotations

import pytest

from helpers.workshop import Workshop


class Manager:
    """Notes when it is entered and left."""

    def __init__(self, name: str, log: list[object], takes_value: bool = False) -> None:
        self.name = name
        self.log = log
        self.takes_value = takes_value

    def __enter__(self) -> None:
        self.log.append(f"+{self.name}")

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        self.log.append(f"-{self.name}" if error is None else f"-{self.name} {type(error).__name__}")
        return True


@pytest.mark.parametrize("code", ["5", "import asyncio; await asyncio.sleep(0); 5"])
def test_the_value_is_shown_where_it_is_taken(code: str) -> None:
    """Managers that do not take the value are left before it is shown, the others after."""
    with Workshop() as shop:
        log: list[object] = []
        shop.notes.managers = [Manager("capture", log, takes_value=True), Manager("time", log)]
        shop.notes.on_show = log.append
        assert shop.run(code).ename == ""
        assert log == ["+capture", "+time", "-time", 5, "-capture"]


@pytest.mark.parametrize("code", ["1 / 0", "import asyncio; await asyncio.sleep(0); 1 / 0"])
def test_an_error_is_told_and_not_swallowed(code: str) -> None:
    """Every manager sees the error, and the cell fails with it."""
    with Workshop() as shop:
        log: list[object] = []
        shop.notes.managers = [Manager("one", log), Manager("two", log)]
        assert shop.run(code).ename == "ZeroDivisionError"
        assert log == ["+one", "+two", "-two ZeroDivisionError", "-one ZeroDivisionError"]


def test_a_manager_that_cannot_be_entered_ends_the_cell() -> None:
    """Those that were entered are left, and the cell's code does not run."""

    class Refusing(Manager):
        def __enter__(self) -> None:
            raise ValueError("no")

    with Workshop() as shop:
        log: list[object] = []
        shop.notes.managers = [Manager("one", log), Refusing("two", log)]
        assert shop.run("ran = True").ename == "ValueError"
        assert log == ["+one", "-one ValueError"]
        assert "ran" not in shop.ns


def test_a_cell_without_a_value_leaves_all() -> None:
    """A cell that ends in a statement has nothing to show."""
    with Workshop() as shop:
        log: list[object] = []
        shop.notes.managers = [Manager("one", log, takes_value=True)]
        assert shop.run("x = 5").ename == ""
        assert (log, shop.ns["x"]) == (["+one", "-one"], 5)
