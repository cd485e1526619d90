"""The sections of the benchmark, each with its rows and the function that measures them.

A section must never rely on another one: each starts its own kernels, so that they can take turns in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.results import Metric
from benchmarks.sections import interrupt, language, memory, notebook, output, start, warm


class Section(NamedTuple):
    """Rows, and what fills them."""

    metrics: tuple[Metric, ...]
    run: Callable[[Bench], None]


SECTIONS: dict[str, Section] = {
    "start": Section(start.METRICS, start.run),
    "warm": Section(warm.METRICS, warm.run),
    "output": Section(output.METRICS, output.run),
    "language": Section(language.METRICS, language.run),
    "interrupt": Section(interrupt.METRICS, interrupt.run),
    "memory": Section(memory.METRICS, memory.run),
    "notebook": Section(notebook.METRICS, notebook.run),
}
