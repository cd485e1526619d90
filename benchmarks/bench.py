"""One kernel's turn at one section: starts its processes, keeps its values, turns failures into reasons.

It must never let one kernel's failure end the run: what a section has not recorded becomes an Absent.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.client import KernelDied, RawClient, Unanswered, connected
from benchmarks.kernels import Kernel
from benchmarks.process import KernelProcess, spawned
from benchmarks.results import Absent, Metric, Results, Value


@dataclass(frozen=True)
class Sizes:
    """How much of each thing is done in one round."""

    starts: int = 5
    cells: int = 300
    errors: int = 40
    tracebacks: int = 3
    pipelined: int = 1000
    lines: int = 100_000
    megabytes: int = 50
    completions: int = 30
    names: int = 100_000
    interrupts: int = 3
    notebook: int = 100

    def quick(self) -> Sizes:
        """A tenth or so: to see that all works, not to quote."""
        return replace(
            self,
            starts=1,
            cells=50,
            errors=5,
            tracebacks=1,
            pipelined=100,
            lines=10_000,
            megabytes=5,
            completions=5,
            names=10_000,
            interrupts=1,
            notebook=10,
        )


@dataclass(frozen=True)
class Session:
    """A started kernel and a client that hears all its channels."""

    process: KernelProcess
    client: RawClient


class Bench:
    """The kernel whose turn it is in this round, and where its values go."""

    def __init__(self, kernel: Kernel, turn: int, sizes: Sizes, scratch: Path, results: Results) -> None:
        self.kernel = kernel
        self.sizes = sizes
        self.scratch = scratch
        self._turn = turn
        self._results = results

    def record(self, metric: Metric, value: Value) -> None:
        """Keep this round's value of a metric."""
        self._results.record(metric, self.kernel.name, self._turn, value)

    def taken(self, metric: Metric) -> Value:
        """This round's value of a metric; KeyError where there is none yet."""
        return self._results.of(metric, self.kernel.name)[self._turn]

    @contextmanager
    def trying(self, *metrics: Metric) -> Iterator[None]:
        """A block whose failure concerns these metrics alone; a dead kernel ends the section as well."""
        try:
            yield
        except Unanswered as reason:
            for metric in metrics:
                self.record(metric, Absent(str(reason)))
        except KernelDied as death:
            for metric in metrics:
                self.record(metric, Absent(str(death)))
            raise

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A fresh kernel that has answered its first request; killed at the end of the block."""
        with spawned(self.kernel, self.scratch) as process:
            try:
                with connected(process.connection, process.alive) as client:
                    yield Session(process, client)
            except KernelDied:
                print(f"{self.kernel.name} died, its last words: {process.last_words()}", file=sys.stderr)
                raise

    def section(self, metrics: tuple[Metric, ...], run: Callable[[Bench], None]) -> None:
        """Run a section; every metric of it has a value or a reason afterwards."""
        reason = "not measured"
        try:
            run(self)
        except (Unanswered, KernelDied, OSError) as error:
            reason = str(error)
        for metric in metrics:
            self.record(metric, Absent(reason))
