"""One session of the crash tests: real kernels on one connection file, killed and started again.

What each kernel restores before its first cell is compared, values and aliasing, with what a twin that commits
nothing has after as many cells.  It must never take a state for right that is neither the one after the last
replied cell nor the one after the cell in flight.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any, NamedTuple

from helpers import crash_kernel, crash_programs
from helpers.kernel import CHANNELS, HANG_SECONDS, Kernel, Process, Result, wait_for
from holdfast.app.died import TRIAL


class Truth(NamedTuple):
    """What one number of cells must leave: the error of the last one, the namespace as lines."""

    error: str
    lines: list[str]


class Truths:
    """What the twin tells, by number of cells; it runs them in a folder of its own, beside the kernels."""

    def __init__(self, folder: Path, cells: Sequence[str]) -> None:
        folder.mkdir(mode=0o700)
        (folder / "cells.json").write_text(json.dumps(cells))
        self._errors = folder / "twin.log"
        with (folder / "cells.json").open() as given, self._errors.open("w") as errors:
            words = [sys.executable, "-P", crash_programs.__file__]
            self._twin = subprocess.Popen(
                words, cwd=folder, stdin=given, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._told: list[Truth] = []

    def __getitem__(self, count: int) -> Truth:
        assert self._twin.stdout is not None
        while len(self._told) <= count:
            line = self._twin.stdout.readline()
            assert line, f"the twin ended: {self._errors.read_text()}"
            self._told.append(Truth(*json.loads(line)))
        return self._told[count]

    def close(self) -> None:
        """End the twin: nobody asks what more cells would do."""
        assert self._twin.stdout is not None
        self._twin.kill()
        self._twin.wait()
        self._twin.stdout.close()


class CrashSession:
    """A workload, its truths, and the kernels that run it one after the other.

    `done` is the number of cells whose commit is known to have happened, by a reply or by a restore.
    """

    def __init__(self, folder: Path, what: str, cells: Sequence[str], **settings: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.what = what
        self.cells = cells
        self.truths = Truths(folder / "twin", cells)
        self.folder = folder / "life"
        self.folder.mkdir(mode=0o700)
        self.report_file = folder / "report.json"
        self.environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(folder / "home"), **settings}
        self.file: Path | None = None
        self.done = 0
        self.in_flight = False
        #: Variables whose check the last reply put off (P1's exception).
        self.unchecked: list[str] = []
        #: Seconds from the last request to its idle.
        self.latency = 0.01
        self.kernel: Kernel | None = None
        self.process: Process | None = None

    def __enter__(self) -> CrashSession:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self.process is not None:
                self.kill()
        finally:
            self.truths.close()

    def __str__(self) -> str:
        return f"{self.what}, {self.done} cells{' and one in flight' if self.in_flight else ''}"

    # ------------------------------------------------------------ lives

    def spawn(self, point: str = "", nth: int = 1) -> Process:
        """Start a kernel process on the session's connection file, and do not wait for it."""
        environment = {**self.environment, "CRASH_REPORT": str(self.report_file)}
        if point:
            environment["CRASH_POINT"] = f"{point} {nth}"
        self.report_file.unlink(missing_ok=True)
        # Two that died before their first reply would make this one begin clean: see test_crash_loop.
        for trial in (self.folder.parent / "home").rglob(TRIAL):
            trial.unlink()
        program = [crash_kernel.__file__]
        self.process = Process(self.folder, environment=environment, program=program, file=self.file)
        self.file = self.process.file
        return self.process

    def start(self, point: str = "", nth: int = 1) -> Kernel:
        """Start a kernel, and check what it restored before its first cell."""
        while True:
            process = self.spawn(point, nth)
            self._wait(process)
            if not self._lost_its_ports(process):
                break
        self.check(self._report(process))
        self.kernel = Kernel(self.folder, process=process)
        return self.kernel

    def dies(self, point: str, nth: int = 1) -> int:
        """Start a kernel that dies before its first cell; its exit status."""
        while True:
            process = self.spawn(point, nth)
            status = self.died()
            if not self._lost_its_ports(process):
                return status

    def _lost_its_ports(self, process: Process) -> bool:
        """Whether another process was given a port between two lives; then the next start chooses, as a launcher's."""
        if process.popen.poll() != 2 or "already in use" not in process.log:
            return False
        ports = dict.fromkeys((f"{channel}_port" for channel in CHANNELS), 0)
        process.file.write_text(json.dumps({**json.loads(process.file.read_text()), **ports}))
        return True

    def _wait(self, process: Process) -> None:
        wait_for(lambda: self.report_file.exists() or process.popen.poll() is not None, "what the kernel restored")

    def _report(self, process: Process) -> dict[str, Any]:
        failed = self.report_file.with_suffix(".json.failed")
        why = failed.read_text() if failed.exists() else process.log
        status = process.popen.poll()
        assert self.report_file.exists(), f"{self}: the kernel ended with {status} before it had restored: {why}"
        found: dict[str, Any] = json.loads(self.report_file.read_text())
        return found

    def check(self, report: dict[str, Any]) -> None:
        """Assert that what was restored is the state after the last replied cell, or the one in flight."""
        count = int(report["count"])
        said = report["lost"] + report["said"]
        assert self.done <= count <= self.done + self.in_flight, f"{self}: restored {count}: {said}"
        assert not said, f"{self}: {said}"
        truth = self.truths[count].lines
        difference = "\n".join(unified_diff(truth, report["lines"], "the twin", "restored", lineterm="", n=0))
        self.done, self.in_flight = count, False
        assert not difference, f"{self}, unchecked {self.unchecked}:\n{self.cells[count - 1]}\n{difference}"

    def died(self, asked: Result | None = None) -> int:
        """The kernel is dead, or about to be: take what it still replied, forget it, and return its exit status."""
        process = self.process
        assert process is not None
        status = process.popen.wait(HANG_SECONDS)
        if asked is not None:
            self._drain(asked)
        process.kill()
        if self.kernel is not None:
            self.kernel.close()
        self.kernel = self.process = None
        return status

    def kill(self, asked: Result | None = None) -> None:
        """SIGKILL from outside, in the middle of `asked` if that is given."""
        assert self.process is not None
        self.process.popen.kill()
        self.died(asked)

    # ------------------------------------------------------------ cells

    @property
    def is_over(self) -> bool:
        """Whether no cell is left."""
        return self.done == len(self.cells)

    def send(self) -> Result:
        """Send the next cell and return at once."""
        assert self.kernel is not None
        self.in_flight = True
        return self.kernel.execute(self.cells[self.done])

    def _replied(self, result: Result) -> None:
        """Check the reply of the cell in flight against the twin's."""
        self.done += 1
        self.in_flight = False
        reply, holdfast = result.reply, result.reply_message.metadata.get("holdfast", {})
        assert reply["execution_count"] == self.done, f"{self}: {reply}"
        assert reply.get("ename", "") == self.truths[self.done].error, f"{self}: {reply}"
        assert "durable" not in holdfast, f"{self}: {holdfast}"
        assert "lost" not in holdfast, f"{self}: {holdfast}"
        self.unchecked = holdfast.get("unchecked", [])

    def run(self) -> bool:
        """Run the next cell; False when the kernel died of it."""
        result = self.send()
        kernel, process = self.kernel, self.process
        assert kernel is not None
        assert process is not None
        began = time.monotonic()
        while not result.is_done:
            kernel._receive(50)
            if process.popen.poll() is not None:
                self.died(result)
                return False
            assert time.monotonic() < began + HANG_SECONDS, f"{self}: no reply to {self.cells[self.done]!r}"
        self.latency = time.monotonic() - began
        self._replied(result)
        return True

    def _drain(self, result: Result) -> None:
        """Take what the dead kernel had sent; a reply among it counts."""
        kernel = self.kernel
        assert kernel is not None
        before = -1
        while len(kernel.arrived) != before:
            before = len(kernel.arrived)
            kernel._receive(20)
        if self.in_flight and any(message.channel == "shell" for message in result.messages):
            self._replied(result)


def kill_at_random(session: CrashSession, chance: random.Random) -> str:
    """One life: some cells, then SIGKILL at an instant that chance chooses; what the kernel was doing then."""
    if chance.random() < 0.15:
        session.spawn()
        time.sleep(chance.uniform(0, 0.6))
        session.kill()
        return "start or restore"
    session.start()
    for _ in range(chance.randrange(1, 4)):
        if not session.is_over:
            assert session.run(), f"{session}: the kernel died by itself"
    how = chance.choice(("reply", "cell", "cell", "cell", "idle", "leave"))
    if how == "cell" and not session.is_over:
        result = session.send()
        time.sleep(chance.uniform(0, 1.2 * session.latency))
        session.kill(result)
        return "cell" if session.in_flight else "reply"
    if how == "idle":
        time.sleep(chance.uniform(0.25, 0.5))
    if how == "leave" and "HOLDFAST_SESSION" in session.environment:
        assert session.kernel is not None
        session.kernel.send("shutdown_request", {"restart": False}, "control")
        time.sleep(chance.uniform(0, 0.03))
        session.kill()
        return "leave"
    session.kill()
    return "idle" if how == "idle" else "after the idle"
