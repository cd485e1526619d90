"""The example notebooks through nbclient: what durability adds to the wall time of a notebook.

It must never measure one mode after another: each notebook is run in every mode before the next round begins, and
the order turns.  A wall time is that of a person at `jupyter execute`: kernel start and all cells.  The CPU time of
the kernel says on a busy machine what the wall time cannot.

Part of `python -m benchmarks.durability`, sections gallery (the notebooks that show the kernel) and whole-gallery
(those of newcomers, too, as far as their libraries are installed).
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kernels import ROOT, Kernel, NoKernel, find
from benchmarks.modes import kernels, scratch
from benchmarks.process import cpu_seconds, environment
from benchmarks.sections.notebook import export

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

ROUNDS = 10
WHOLE_ROUNDS = 3
CELL_SECONDS = 60
#: Wall and CPU seconds of one run.
Taken = tuple[float, float]


def gallery(gigabytes: float) -> None:
    """Ten rounds over `notebooks/` with durability off, process and full, and with ipykernel."""
    known = kernels()
    try:
        known["ipykernel"] = find("ipykernel")
    except NoKernel as reason:
        print(f"gallery: no ipykernel: {reason}")
    _rounds(sorted((ROOT / "notebooks").glob("*.ipynb")), known, ROUNDS)


def whole_gallery(gigabytes: float) -> None:
    """Three rounds over all notebooks whose libraries are installed, with durability off and full."""
    known = {name: kernel for name, kernel in kernels().items() if name in ("off", "full")}
    notebooks = [path for path in sorted((ROOT / "notebooks").glob("**/*.ipynb")) if _can_run(path)]
    _rounds(notebooks, known, WHOLE_ROUNDS)


def _can_run(notebook: Path) -> bool:
    """Whether everything that it imports is there."""
    text = notebook.read_text("utf-8")
    names = set(re.findall(r'^ *"(?:from|import) ([a-z_]+)', text, re.MULTILINE)) - {"IPython"}
    magics = re.search(r"ipympl|line_profiler|watermark|Cython", text)
    return magics is None and all(importlib.util.find_spec(name) is not None for name in names)


def _rounds(notebooks: Sequence[Path], known: dict[str, Kernel], rounds: int) -> None:
    taken: dict[str, dict[str, list[Taken]]] = {notebook.stem: {name: [] for name in known} for notebook in notebooks}
    order = list(known)
    with scratch() as folder:
        for kernel in known.values():
            export(kernel, folder / "kernelspecs")
        for turn in range(-1, rounds):
            for notebook in notebooks:
                for name in order:
                    one = asyncio.run(executed(notebook, known[name], folder))
                    if turn >= 0:  # the first may compile what was edited
                        taken[notebook.stem][name].append(one)
            order.append(order.pop(0))
    for stem, by_name in taken.items():
        told(f"gallery: {stem}", by_name)
    told("gallery: all of them", {name: _sums([by[name] for by in taken.values()]) for name in known})
    print(f"gallery: load now {os.getloadavg()[0]:.1f}")


def _sums(runs: Sequence[Sequence[Taken]]) -> list[Taken]:
    """Round by round what all notebooks took."""
    return [(sum(wall for wall, _ in turn), sum(cpu for _, cpu in turn)) for turn in zip(*runs, strict=True)]


def told(what: str, taken: Mapping[str, Sequence[Taken]]) -> None:
    """Print a line per kernel: median times, and the medians of their ratios to `off`, round by round."""
    for name, pairs in taken.items():
        line = f"{what:28} {name:10}"
        for label, which in (("wall", 0), ("CPU", 1)):
            times = [pair[which] for pair in pairs]
            ratios = [one / base[which] for one, base in zip(times, taken["off"], strict=True)]
            line += f" {label} {statistics.median(times) * 1e3:6.0f} ms x{statistics.median(ratios):.3f}"
            line += f" ({min(ratios):.2f}-{max(ratios):.2f})"
        print(line, flush=True)


async def executed(notebook: Path, kernel: Kernel, folder: Path) -> Taken:
    """Run a notebook on a kernel of its own; the seconds it took."""
    # nbclient takes half a second to import, and no other section needs it.
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    specs = KernelSpecManager(kernel_dirs=[str(folder / "kernelspecs")], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name=kernel.name, kernel_spec_manager=specs)
    read = nbformat.read(notebook, as_version=4)
    client = NotebookClient(read, km=manager, timeout=CELL_SECONDS, allow_errors=True)
    options = {
        "env": environment(kernel, folder) | {"MPLCONFIGDIR": str(ROOT / ".cache" / "matplotlib")},
        "cwd": str(folder),
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    started = time.perf_counter()
    try:
        async with client.async_setup_kernel(**options):
            for index, cell in enumerate(read.cells):
                await client.async_execute_cell(cell, index)
            return time.perf_counter() - started, cpu_seconds(_pid(manager))
    finally:
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _pid(manager: AsyncKernelManager) -> int:
    pid: int = getattr(manager.provisioner, "pid", 0)
    return pid
