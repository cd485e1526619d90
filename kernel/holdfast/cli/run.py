"""`holdfast run`: execute a notebook on the kernel and write what came out.

It must never lose what ran: whatever stops the run (an error, a timeout, Ctrl-C, a dead kernel), the cells
executed so far are written before the exit code is returned.
"""

from __future__ import annotations

import asyncio
import atexit
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.cli import document, launch
from holdfast.cli.progress import Watch, first_line
from holdfast.cli.refusal import Refusal
from holdfast.cli.watchful import WatchfulClient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbformat import NotebookNode

SKIP = "skip-execution"
FAILED = 1
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asked for.  `timeout` is in seconds a cell; None waits for ever."""

    notebook: Path
    out: Path | None = None
    timeout: int | None = None
    allow_errors: bool = False
    parameters: Sequence[tuple[str, str]] = ()
    kernel: str | None = None
    cwd: Path | None = None
    quiet: bool = False


@dataclass(kw_only=True)
class Outcome:
    """How a run went.  `code` is the exit code; `problem` says in a line what stopped it."""

    code: int = 0
    problem: str = ""
    seconds: float = 0.0
    ran: int = 0
    failed_cells: list[NotebookNode] = field(default_factory=list)


def runnable(notebook: NotebookNode) -> int:
    """Return how many cells a run executes: code cells with content that are not tagged to be skipped."""
    return sum(
        cell.cell_type == "code" and bool(cell.source.strip()) and SKIP not in cell.metadata.get("tags", ())
        for cell in notebook.cells
    )


class Runner:
    """One run of one notebook: nbclient does the work, this decides what its signals and errors mean."""

    def __init__(self, notebook: NotebookNode, options: Options, watch: Watch) -> None:
        self._options = options
        self._watch = watch
        self._outcome = Outcome()
        self._stop: signal.Signals | None = None
        self._task: asyncio.Task[Any] | None = None
        self._in_cell = False
        where = options.cwd if options.cwd is not None else options.notebook.resolve().parent
        self._client = WatchfulClient(
            notebook,
            km=launch.manager(options.kernel or launch.NAME),
            timeout=options.timeout,
            allow_errors=options.allow_errors,
            resources={"metadata": {"path": str(where)}},
            on_cell_execute=self._on_execute,
            on_cell_executed=self._on_executed,
        )

    async def run(self) -> Outcome:
        """Execute all cells; never raises for what cells, the kernel or a signal did."""
        started = time.perf_counter()
        self._task = asyncio.ensure_future(self._client.async_execute(cleanup_kc=True))
        # 1. The task's first step installs nbclient's signal handlers, which kill the kernel and so lose what
        #    the cell printed.  2. It suspends to start the kernel.  3. Ours replace them, before any cell.
        await asyncio.sleep(0)
        self._take_signals()
        try:
            await self._task
        except CellExecutionError as error:
            self._fail(f"a cell failed: {error.ename}: {error.evalue}".partition("\n")[0])
        except CellTimeoutError:
            self._fail(f"a cell ran for more than {self._options.timeout} s and was stopped")
        except (DeadKernelError, asyncio.CancelledError):
            self._fail("the kernel died")
        except RuntimeError as error:  # jupyter_client's word for a kernel that did not start
            self._fail(str(error) or type(error).__name__)
        finally:
            await self._leave_nothing()
        self._outcome.seconds = time.perf_counter() - started
        return self._outcome

    def _fail(self, problem: str) -> None:
        """Note why the run ended; a signal that asked for it explains every error that follows."""
        codes = {signal.SIGINT: (INTERRUPTED, "interrupted"), signal.SIGTERM: (TERMINATED, "terminated")}
        self._outcome.code, self._outcome.problem = (FAILED, problem) if self._stop is None else codes[self._stop]

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGINT, self._on_interrupt)
            loop.add_signal_handler(signal.SIGTERM, self._on_terminate)
        except (NotImplementedError, RuntimeError):
            pass  # no signals on this platform or thread: the run just cannot be stopped by one

    async def _leave_nothing(self) -> None:
        """Stop the kernel that nbclient leaves running when it is stopped while the kernel starts."""
        # After a failed start nbclient leaves this behind, to fail once more when the process ends.
        atexit.unregister(self._client._cleanup_kernel)
        manager = self._client.km
        if manager is not None and manager.has_kernel:
            await ensure_async(manager.shutdown_kernel(now=True))

    def _on_interrupt(self) -> None:
        """First Ctrl-C: interrupt the cell, so that its traceback is kept.  Second: stop now."""
        if self._stop is not None or not self._in_cell:
            self._stop = signal.SIGINT
            self._on_terminate()
            return
        self._stop = signal.SIGINT
        self._client.force_raise_errors = True  # also a cell that may fail ends the run now
        self._interrupting = asyncio.ensure_future(self._interrupt())

    async def _interrupt(self) -> None:
        if self._client.km is not None:
            await ensure_async(self._client.km.interrupt_kernel())

    def _on_terminate(self) -> None:
        if self._stop is None:
            self._stop = signal.SIGTERM
        if self._task is not None:
            self._task.cancel()

    def _on_execute(self, cell: NotebookNode, cell_index: int) -> None:
        self._in_cell = True
        self._watch.begin(cell.source)

    def _on_executed(self, cell: NotebookNode, cell_index: int, execute_reply: Any) -> None:
        failed = execute_reply is not None and execute_reply["content"].get("status") != "ok"
        self._in_cell = False
        self._outcome.ran += 1
        if failed:
            self._outcome.failed_cells.append(cell)
        self._watch.end(failed=failed)


def run(options: Options) -> int:
    """Execute a notebook, write the result and print a summary; return the exit code.

    0: every cell did what it may; 1: a cell failed, timed out or killed the kernel; 130 and 143: stopped by a
    signal.  Raises `Refusal` before anything starts for what cannot be run.
    """
    other = options.kernel not in (None, launch.NAME)
    notebook = document.read(options.notebook, any_language=other)
    document.inject(notebook, options.parameters)
    out = document.destination(options.notebook, options.out)
    if options.cwd is not None and not options.cwd.is_dir():
        raise Refusal(f"there is no folder {str(options.cwd)!r}", "give --cwd one that exists")
    errors = Console(stderr=True)
    total = runnable(notebook)
    with Watch(errors, total, quiet=options.quiet) as watch:
        outcome = asyncio.run(Runner(notebook, options, watch).run())
    document.join_streams(notebook)
    document.write(notebook, out)
    if outcome.problem:
        _print_failure(errors, outcome)
    if not options.quiet:
        _print_summary(Console(), notebook, outcome, total, out)
    return outcome.code


def _print_failure(console: Console, outcome: Outcome) -> None:
    """Print why a run stopped: the traceback of the failing cell where there is one."""
    if outcome.failed_cells:
        cell = outcome.failed_cells[-1]
        console.print(Text.assemble(("failed in the cell: ", "bold"), first_line(cell.source)))
        for output in cell.outputs:
            if output.output_type == "error":
                console.print(Text.from_ansi("\n".join(output.traceback)), soft_wrap=True)
    console.print(Text(f"holdfast run: {outcome.problem}", style="bold red"), soft_wrap=True)


def _print_summary(console: Console, notebook: NotebookNode, outcome: Outcome, total: int, out: Path) -> None:
    """Print what a run did, as a small table on stdout."""
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    errors = sum(output.output_type == "error" for output in outputs)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("cells", f"{outcome.ran} of {total}")
    table.add_row("seconds", f"{outcome.seconds:.2f}")
    table.add_row("outputs", str(len(outputs)))
    table.add_row("errors", str(errors))
    table.add_row("written to", Text(str(out)))
    console.print(table)
