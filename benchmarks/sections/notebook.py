"""A notebook of trivial cells through nbclient, the client that runs notebooks in practice.

It must never be read as kernel time alone: nbclient and jupyter_client work for each cell as well.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.client import Unanswered
from benchmarks.kernels import Kernel
from benchmarks.process import environment
from benchmarks.results import Metric

WHOLE = Metric("notebook.whole", "100-cell notebook through nbclient: kernel start and cells")
CELL = Metric("notebook.cell", "… cells alone, per cell")
METRICS = (WHOLE, CELL)

NOTEBOOK_SECONDS = 120.0


def run(bench: Bench) -> None:
    """One notebook, once; the first cell, which bears first-time costs, is not counted among the cells."""
    whole, cells = asyncio.run(asyncio.wait_for(execute(bench), NOTEBOOK_SECONDS))
    bench.record(WHOLE, whole * 1000)
    bench.record(CELL, cells / (bench.sizes.notebook - 1) * 1000)


async def execute(bench: Bench) -> tuple[float, float]:
    """Seconds of all, and of all cells but the first."""
    # nbclient takes half a second to import, and no other section needs it.
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal
    from nbformat.v4 import new_code_cell, new_notebook

    folder = bench.scratch / "kernelspecs"
    export(bench.kernel, folder)
    specs = KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name=bench.kernel.name, kernel_spec_manager=specs)
    cells = [new_code_cell(f"x{number} = {number}\nx{number}") for number in range(bench.sizes.notebook)]
    client = NotebookClient(new_notebook(cells=cells), km=manager, timeout=30)
    options = {
        "env": environment(bench.kernel, bench.scratch),
        "cwd": str(bench.scratch),
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    started = first_done = time.perf_counter()
    try:
        async with client.async_setup_kernel(**options):
            for index, cell in enumerate(cells):
                await client.async_execute_cell(cell, index)
                if index == 0:
                    first_done = time.perf_counter()
            ended = time.perf_counter()
    except (CellControlSignal, RuntimeError, KeyError) as error:
        # nbclient says with RuntimeError that a kernel died, with KeyError that a reply lacks a field.
        raise Unanswered(f"nbclient: {str(error).strip().splitlines()[-1]}") from None
    finally:
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
    shown = [output["data"]["text/plain"] for output in cells[-1].outputs if "data" in output]
    if shown != [str(len(cells) - 1)] and bench.kernel.name != "akernel":  # akernel sends values as a stream
        raise Unanswered(f"the last cell shows {shown}")
    return ended - started, ended - first_done


def export(kernel: Kernel, folder: Path) -> None:
    """Write a kernelspec with the very command line the other sections use."""
    spec = {"argv": list(kernel.argv), "display_name": kernel.name, "language": "python", "env": kernel.env}
    target = folder / kernel.name
    target.mkdir(parents=True, exist_ok=True)
    (target / "kernel.json").write_text(json.dumps(spec))
