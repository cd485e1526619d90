"""What cells and comm callbacks may do to the runner, and what it does to them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator

import pytest

from helpers.workshop import Unstoppable, Workshop
from holdfast.executor.outcome import Outcome


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A fresh runner."""
    with Workshop() as made:
        yield made


@pytest.mark.parametrize(
    "code",
    [
        "globals().clear()",
        "import builtins\nvars(builtins).clear()",
        "del __builtins__",
        "__builtins__ = {}",
        "__builtins__ = None",
        "import builtins\ndel builtins.BaseException, builtins.isinstance, builtins.print",
        "import builtins\nbuiltins.__import__ = None",
        "import builtins\nbuiltins.__build_class__ = 5",
        "__name__ = 5",
        "import sys\nsys.modules.pop('__main__', None)",
        "import asyncio\nasyncio.get_running_loop().stop()",
        "import asyncio\nasyncio.get_running_loop().close()",
        "import asyncio\nawait asyncio.sleep(0)\nasyncio.get_running_loop().stop()",
        "globals()[5] = 5; globals()[''] = 6; globals()[None] = 7",
        "import builtins\nvars(builtins).clear()\nraise 5",
        "import sys\nsys.excepthook = sys.displayhook = None",
        "class M(type):\n    def __getattribute__(s, n): raise SystemExit\nclass A(metaclass=M): pass\nA",
    ],
)
def test_the_next_cell_works(shop: Workshop, code: str) -> None:
    """Whatever one cell breaks, the next one runs, shows and imports."""
    import builtins

    kept, hooks = dict(vars(builtins)), (sys.excepthook, sys.displayhook, sys.modules["__main__"])
    try:
        shop.run(code)
        assert shop.value("import math\nmath.floor(2.5) + len('ab')") == 4
    finally:
        vars(builtins).update(kept)
        sys.excepthook, sys.displayhook, sys.modules["__main__"] = hooks


def _call(shop: Workshop, function: Callable[[], None]) -> None:
    shop.runner.submit_call(lambda: shop.runner.call("comm", function))
    shop.loop.call_soon_threadsafe(shop.loop.leave)
    shop.loop._leaving = False
    shop.loop.drive()


def test_a_call_of_a_comm_runs_in_the_context_of_the_cells(shop: Workshop) -> None:
    """It sees their context variables, and its output belongs to its own message."""
    shop.run("import contextvars\nv = contextvars.ContextVar('v')\nv.set(5)")
    got: list[object] = []
    _call(shop, lambda: got.append(shop.ns["v"].get()))  # type: ignore[attr-defined]
    assert (got, shop.notes.entered) == ([5], ["comm"])


@pytest.mark.parametrize("error", [ValueError("callback"), SystemExit("callback"), KeyboardInterrupt("callback")])
def test_a_call_that_fails_is_shown(shop: Workshop, error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no reply to be an error in."""

    def fail() -> None:
        raise error

    _call(shop, fail)
    assert "callback" in capsys.readouterr().err
    assert shop.run("1") == Outcome()


def test_an_interrupted_await_is_a_keyboardinterrupt() -> None:
    """A cancellation that an interrupt caused is shown as what the person did."""

    class Stopped(Unstoppable):
        cause = KeyboardInterrupt()

    with Workshop(lambda _: Stopped(), asyncio=asyncio) as shop:
        assert shop.run("raise asyncio.CancelledError").ename == "KeyboardInterrupt"
