"""`holdfast doctor`: does this installation work, and if not, what to do.

It must never change anything: it reads, starts one kernel in a folder of its own, and stops it.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.paths import jupyter_runtime_dir
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.cli import launch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_client.manager import AsyncKernelManager

PACKAGES = ("pyzmq", "jupyter-client", "msgspec", "resonate-sdk", "jedi", "nbclient")
START_SECONDS = 30.0


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was found, whether that is well, and what to do if not."""

    subject: str
    found: str
    well: bool = True
    remedy: str = ""


def versions() -> Iterable[Finding]:
    """Report Python, Holdfast and the packages that the kernel stands on."""
    old = sys.version_info < (3, 12)
    yield Finding(
        "python",
        f"{platform.python_version()} at {sys.executable}",
        not old,
        "use Python 3.12 or later" if old else "",
    )
    for package in ("holdfast", *PACKAGES):
        try:
            yield Finding(package, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding(package, "not installed", False, f"pip install {package}")


def kernelspec(specs: KernelSpecManager) -> Finding:
    """Report whether Jupyter finds a kernelspec of ours, and whether its interpreter exists."""
    here = "run `holdfast install --user`, or install Holdfast into the environment Jupyter runs in"
    folder = specs.find_kernel_specs().get(launch.NAME)
    if folder is None:
        return Finding("kernelspec", "Jupyter does not list Holdfast", False, here)
    try:
        interpreter = json.loads(Path(folder, "kernel.json").read_text(encoding="utf-8"))["argv"][0]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return Finding("kernelspec", f"{folder}/kernel.json cannot be used: {error!r}", False, here)
    if shutil.which(interpreter) is None:
        return Finding("kernelspec", f"{folder} starts {interpreter}, which is not there", False, here)
    return Finding("kernelspec", folder)


def runtime_folder() -> Finding:
    """Report whether connection files can be written where Jupyter writes them."""
    folder = Path(jupyter_runtime_dir())
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            "runtime folder",
            f"{folder} cannot be written",
            False,
            "set JUPYTER_RUNTIME_DIR to a folder you own, or correct its permissions",
        )
    return Finding("runtime folder", str(folder))


def sessions_folder() -> Finding:
    """Report where sessions are kept, and whether that is a disk of this machine."""
    from holdfast.app.sessions import advice, where

    remedy = advice()
    return Finding("sessions", f"{where()} (on the network)" if remedy else where(), True, remedy)


def kernel(make: Callable[[], AsyncKernelManager] = launch.manager) -> Finding:
    """Start a kernel, run `1+1` on it and stop it."""
    remedy = "run `python -P -m holdfast -f /tmp/k.json` to see why it stops"
    with tempfile.TemporaryFile("w+") as stderr:
        started = time.perf_counter()
        try:
            answer = asyncio.run(_one_and_one(make(), stderr.fileno()))
        except Exception as error:
            stderr.seek(0)
            last = stderr.read().strip().rpartition("\n")[2]
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            return Finding("kernel", f"did not answer: {last or reason}", False, remedy)
    if answer != "2":
        return Finding("kernel", f"1+1 gave {answer!r}", False, "please report this")
    return Finding("kernel", f"1+1 = 2, {time.perf_counter() - started:.2f} s from start to stop")


async def _one_and_one(manager: AsyncKernelManager, stderr: int) -> str:
    """Return the text/plain of `1+1`; raises what the client raises when the kernel does not answer."""
    shown: list[str] = []

    def keep(message: dict[str, dict[str, dict[str, str]]]) -> None:
        shown.append(message["content"].get("data", {}).get("text/plain", ""))

    await manager.start_kernel(stderr=stderr)
    client = manager.client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=START_SECONDS)
        await client.execute_interactive("1+1", allow_stdin=False, output_hook=keep, timeout=START_SECONDS)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel()
    return next((text for text in shown if text), "")


def doctor() -> int:
    """Print every finding; return 0 when all is well, else 1."""
    findings = [*versions(), kernelspec(KernelSpecManager()), runtime_folder(), sessions_folder(), kernel()]
    console = Console()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark = Text("ok", style="green") if finding.well else Text("!!", style="bold red")
        table.add_row(mark, finding.subject, Text(finding.found))
        if finding.remedy:
            table.add_row("", "", Text(finding.remedy, style="yellow"))
    console.print(table)
    wrong = sum(not finding.well for finding in findings)
    console.print("all is well" if not wrong else f"{wrong} wrong: do what the yellow lines say")
    return int(bool(wrong))
