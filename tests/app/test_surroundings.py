"""The hint for cells that hold up background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.app.surroundings import BlockingAround
from holdfast.executor.compile import compile_cell
from holdfast.executor.outcome import Job

JOB = Job(None, "", 1)


def _hints(code: str, *, seconds: float, tasks: int = 1, times: int = 1) -> None:
    """Run the step around a cell that takes so long, beside so many tasks."""
    unit = compile_cell(code, "cell.py")
    clock: Iterator[float] = iter([0.0, seconds] * times)

    async def main() -> None:
        alive = [asyncio.create_task(asyncio.sleep(60)) for _ in range(tasks)]
        step = BlockingAround(cast("Any", lambda: SimpleNamespace(unit=unit)), lambda: next(clock))
        for _ in range(times):
            step.before(JOB)
            step.after(JOB, False)
        for task in alive:
            task.cancel()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import time\ntime.sleep(9)", ["time.sleep held up 1 background task(s) for 3 s", "%%thread"]),
        ("import asyncio\nasyncio.run(main())", ["asyncio.run held up 1 background task(s) for 3 s", "`await`"]),
        ("from asyncio import run\nrun(main())", ["asyncio.run", "`await`"]),
        ("import anyio\nanyio.run(main)", ["anyio.run", "`await`"]),
    ],
)
def test_the_way_out_is_named(capsys: pytest.CaptureFixture[str], code: str, words: list[str]) -> None:
    """A thread for what blocks, `await` for what runs a loop of its own."""
    _hints(code, seconds=3)
    said = capsys.readouterr().err
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("code", "seconds", "tasks"),
    [("asyncio.run(main())", 1, 1), ("asyncio.run(main())", 3, 0), ("await main()", 3, 1), ("print(1)", 3, 1)],
)
def test_nothing_is_said_where_nobody_waits(
    capsys: pytest.CaptureFixture[str], code: str, seconds: float, tasks: int
) -> None:
    """Not for a short cell, without tasks, for an async cell, or where nothing is known to block."""
    _hints(code, seconds=seconds, tasks=tasks)
    assert capsys.readouterr().err == ""


def test_it_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Once for each function."""
    _hints("asyncio.run(main())", seconds=3, times=3)
    assert capsys.readouterr().err.count("asyncio.run") == 1
