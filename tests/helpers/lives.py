"""Kernels of one session, one after the other, each ended as its test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.kernel import Kernel, Process
from holdfast.durable.listing import history
from holdfast.durable.store.port import LogEntry


class Lives:
    """Kernels of one session, one after the other."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self.home = folder / "home"
        self._environment = {
            "HOLDFAST_DURABILITY": "process",
            "HOLDFAST_HOME": str(self.home),
            "HOLDFAST_SESSION": "tested",
            # Whoever runs the tests may want traces of a crash; the kernels are to keep their own.
            "PYTHONFAULTHANDLER": "",
            **environment,
        }

    @contextmanager
    def kernel(self) -> Iterator[Kernel]:
        """A kernel; it must have ended in the block, or else is shut down."""
        kernel = Kernel(self._folder, environment=self._environment)
        try:
            yield kernel
            if not kernel.is_over:
                kernel.shut_down()
        finally:
            kernel.process.kill()
            kernel.close()

    def log(self) -> list[LogEntry]:
        """Its commits so far, read beside its kernel."""
        return list(history(self.home, "tested")[1])

    def audited(self, name: str) -> list[LogEntry]:
        """Audits that found a variable changed."""
        return [entry for entry in self.log() if entry.status == "audit" and name in entry.bound]

    @staticmethod
    def kill(kernel: Kernel) -> None:
        """SIGKILL from outside."""
        kernel.process.kill()
        kernel.is_over = True

    @staticmethod
    def die_in(kernel: Kernel, code: str) -> None:
        """Run a cell that ends the process."""
        kernel.execute(code)
        kernel.process.wait()
        kernel.is_over = True

    def dies_at_start(self) -> None:
        """A kernel that is dead before it has restored the session."""
        process = Process(self._folder, environment=self._environment)
        try:
            process.wait()
        finally:
            process.kill()
