"""The durable session of a kernel, without a kernel around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from helpers.messages import message
from holdfast.app.banner import RestoreBanner
from holdfast.app.promises import CellPromises
from holdfast.app.session import DurableSession, bound_names
from holdfast.app.settings import Settings
from holdfast.clock import Clock
from holdfast.durable.overview import Overview
from holdfast.durable.restore import Restorer
from holdfast.executor.compile import compile_cell
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Runner
from holdfast.namespace.namespace import Namespace


class Kernel:
    """A session on a folder, and as much of a kernel as it asks for."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.runner = SimpleNamespace(running=None, unit=None, mode="")
        self.loop = UserLoop()
        self.namespace = Namespace()
        clock = Clock()
        self.session = DurableSession(
            Settings(durability="process"),
            {"HOLDFAST_HOME": str(folder), "HOLDFAST_SESSION": "tested"},
            "kernel.json",
            self.namespace,
            lambda: cast(Runner, self.runner),
            RestoreBanner(self._publish),
            clock,
            self.loop,
            CellPromises("k", "process", clock, self.said.append),
        )

    def _publish(self, msg_type: str, content: Mapping[str, Any], metadata: Mapping[str, object]) -> None:
        text = content["text"] if msg_type == "stream" else content["data"]["text/plain"]
        self.said += text.splitlines()

    def cell(self, count: int, code: str, mode: str = "") -> Mapping[str, object]:
        """Run and commit a cell; what its reply says."""
        self.runner.unit, self.runner.mode = compile_cell(code, f"<cell {count}>"), mode
        job = Job(message("execute_request", {"code": code}), code, count)
        self.session.before(job)
        if mode != "bg":
            exec(code, self.namespace.dict)
        self.session.after(job, False)
        said: list[Mapping[str, object]] = []
        self.session.commit(count, lambda note, reason: said.append(note))
        return said[0]

    def show(self) -> list[str]:
        """What the first cell of a person shows."""
        self.session._banner.before(Job(message("execute_request", {"code": "1", "allow_stdin": True}), "1", 9))
        return self.said

    def turn(self) -> None:
        """Let the loop do what waits."""
        self.loop._leaving = False
        self.loop.call_soon(self.loop.leave)
        self.loop.drive()

    def end(self) -> None:
        """Leave."""
        self.session.close(restart=False)
        self.loop._leaving = True
        self.loop.close()


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[list[Kernel]]:
    """Two lives of one session: take the first, end it, then take the second."""
    made: list[Kernel] = [Kernel(tmp_path), Kernel(tmp_path)]
    yield made
    for kernel in made:
        kernel.end()


def test_a_restore_that_fails_leaves_the_session_alone(kernels: list[Kernel], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the bug, the kernel starts, says what happened and keeps nothing; mended, it restores everything."""
    first, second = kernels
    first.session.open()
    first.cell(1, "x = [1]")
    first.session.close(restart=False)
    with monkeypatch.context() as patch:
        patch.setattr(Restorer, "restore", lambda self: 1 / 0)
        assert first.session.open() == 0
        assert first.show()[-1].startswith("this session could not be restored and is left as it is, nothing is kept")
        assert str(first.session.overview()).endswith("a bug in Holdfast: ZeroDivisionError('division by zero')")
        assert first.session.session is None
    assert second.session.open() == 1
    assert second.namespace.dict["x"] == [1]


def test_names_of_a_background_cell_are_pending(kernels: list[Kernel]) -> None:
    """Its reply leaves before it has bound them."""
    kernel = kernels[0]
    kernel.session.open()
    assert kernel.cell(1, "import os as late\nlate.x = 1\ndel gone", mode="bg") == {"pending": ["gone", "late"]}
    assert kernel.cell(2, "x = 1") == {}


def test_what_ended_beside_is_committed_at_once(kernels: list[Kernel]) -> None:
    """While another cell waits, what that one can change is left to it."""
    kernel = kernels[0]
    kernel.session.open()
    kernel.cell(1, "x = 1")
    overview = cast(Overview, kernel.session.overview())
    kernel.namespace.dict.update(late=[1], other=[2])
    kernel.runner.unit = compile_cell("await wait(other)", "<cell 2>")
    kernel.runner.running = None
    kernel.session.before(Job(message("execute_request", {"code": ""}), "", 2))
    kernel.session.ended_in_background(Job(None, "", 1), compile_cell("late = [1]; other.append(2)", "<cell 1>"), False)
    kernel.turn()
    assert [(entry.status, entry.names) for entry in overview.log()] == [("ok", ("x",)), ("background", ("late",))]
    assert {row.name: row.state for row in overview.variables()}["other"] == "pending"


def test_in_a_transaction_what_ended_beside_waits(kernels: list[Kernel]) -> None:
    """The main thread's cell decides first what becomes durable."""
    kernel = kernels[0]
    kernel.session.open()
    kernel.cell(1, "x = 1")
    overview = cast(Overview, kernel.session.overview())
    kernel.session.transactions()
    kernel.namespace.dict["late"] = [1]
    kernel.runner.running = object()
    unit = compile_cell("late = [1]", "<cell 1>")
    kernel.session.ended_in_background(Job(None, "late = [1]", 1), unit, False)
    kernel.turn()
    assert [entry.status for entry in overview.log()] == ["ok"]
    kernel.runner.running = None
    kernel.session.ended_in_background(Job(None, "late = [1]", 1), unit, False)
    kernel.turn()
    assert [(entry.status, entry.names) for entry in overview.log()] == [
        ("ok", ("x",)), ("background", ("late",)), ("background", ()),
    ]  # fmt: skip


def test_names_that_a_cell_binds() -> None:
    """By any statement; attributes and items of what it binds are not names."""
    unit = compile_cell("a = 1\nimport os\nfor i in []: pass\ndef f(): inner = 1\nb.c = d[0] = 1\na", "<cell>")
    assert (bound_names(unit), bound_names(None)) == (["a", "f", "i", "os"], [])
