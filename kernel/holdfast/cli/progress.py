"""What `holdfast run` shows while it works: a live bar on a terminal, a line a cell in a log, or nothing.

It must never write to stdout: that is for the summary.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 60


def first_line(source: str) -> str:
    """Return the line of a cell that tells people which cell it is: the first that holds code."""
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    best = next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")
    return best if len(best) <= WIDTH else best[: WIDTH - 1] + "…"


class Watch:
    """The progress of one run.  `begin` and `end` bracket each executed cell."""

    def __init__(self, console: Console, total: int, *, quiet: bool) -> None:
        self._console = console
        self._total = total
        self._quiet = quiet
        self._number = 0
        self._since = 0.0
        self._line = ""
        self._bar: Progress | None = None
        if console.is_terminal and not quiet:
            self._bar = Progress(
                TextColumn("[bold]cell"),
                MofNCompleteColumn(),
                BarColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[line]}", markup=False, style="dim"),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=total, line="starting the kernel")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, source: str) -> None:
        """Show a cell as running."""
        self._number += 1
        self._since = time.perf_counter()
        self._line = first_line(source)
        if self._bar is not None:
            self._bar.update(self._task, line=self._line)

    def end(self, *, failed: bool) -> None:
        """Show the running cell as done."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1)
        elif not self._quiet:
            seconds = time.perf_counter() - self._since
            place = f"[{self._number:>{len(str(self._total))}}/{self._total}]"
            mark = " failed" if failed else ""
            self._console.print(Text(f"{place} {seconds:7.2f} s{mark}  {self._line}"), soft_wrap=True, highlight=False)
