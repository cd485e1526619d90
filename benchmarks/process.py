"""One kernel process and everything it starts, seen from outside: clocks, memory, signals, its end.

It must never leave a process behind: each is killed with its descendants when its block ends or at exit.
Linux only: clocks and memory of other processes are read from the accounts of the operating system.
"""

from __future__ import annotations

import atexit
import errno
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kernels import Kernel
from benchmarks.wire import Json

MEBI = 1024.0  # /proc counts in KiB
_living: set[KernelProcess] = set()


@dataclass(frozen=True)
class Memory:
    """MiB of a process and its descendants.

    PSS divides a page among the processes that map it, USS leaves shared pages out.
    """

    rss: float
    pss: float
    uss: float


class KernelProcess:
    """A kernel that has been spawned; `spawned_at` (seconds of `perf_counter`) is taken just before."""

    def __init__(self, kernel: Kernel, scratch: Path) -> None:
        self.kernel = kernel
        folder = scratch / f"{kernel.name}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        self.connection = new_connection(kernel.name)
        connection_file = folder / "connection.json"
        connection_file.write_text(json.dumps(self.connection))
        self._log = folder / "log.txt"
        with self._log.open("wb") as log:
            self.spawned_at = time.perf_counter()
            self._popen = subprocess.Popen(
                kernel.command(str(connection_file)),
                cwd=folder,
                env=environment(kernel, scratch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _living.add(self)

    @property
    def pid(self) -> int:
        """The process id of the kernel, which is also its process group."""
        return self._popen.pid

    def alive(self) -> bool:
        """Whether the process has not ended yet."""
        return self._popen.poll() is None

    def cpu_seconds(self) -> float:
        """CPU time of all threads, ended ones included, of the kernel and its living descendants."""
        return cpu_seconds(self.pid)

    def memory(self) -> Memory:
        """What the kernel and its descendants hold now."""
        totals = {"Rss": 0.0, "Pss": 0.0, "Private_Clean": 0.0, "Private_Dirty": 0.0}
        for pid in descendants(self.pid):
            for name, kib in _fields(Path(f"/proc/{pid}/smaps_rollup")).items():
                if name in totals:
                    totals[name] += kib / MEBI
        private = totals["Private_Clean"] + totals["Private_Dirty"]
        return Memory(totals["Rss"], totals["Pss"], private)

    def peak_rss(self) -> float:
        """The highest RSS the kernel process has had, in MiB."""
        return _fields(Path(f"/proc/{self.pid}/status"))["VmHWM"] / MEBI

    def threads(self) -> int:
        """How many threads the kernel process has."""
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def interrupt(self) -> None:
        """SIGINT to the process group, as jupyter_client sends it."""
        os.killpg(self.pid, signal.SIGINT)

    def seconds_until_gone(self, timeout: float) -> float | None:
        """How long the process still lived, from this call on; None when it outlived the timeout."""
        started = time.perf_counter()
        pidfd = os.pidfd_open(self.pid)
        try:
            poller = select.poll()
            poller.register(pidfd, select.POLLIN)
            gone = bool(poller.poll(timeout * 1000))
        finally:
            os.close(pidfd)
        return time.perf_counter() - started if gone else None

    def last_words(self) -> str:
        """The last line the kernel wrote to its terminal, for the reason of an `n/a`."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:120] if lines else "no output"

    def kill(self) -> None:
        """Kill the kernel and its descendants, wait for it; harmless when it is gone."""
        if self.alive():
            for pid in descendants(self.pid):
                with _gone_is_fine():
                    os.kill(pid, signal.SIGKILL)
        with _gone_is_fine():
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        _living.discard(self)


@atexit.register
def kill_all() -> None:
    """Kill every kernel that is still there."""
    for process in list(_living):
        process.kill()


@contextmanager
def spawned(kernel: Kernel, scratch: Path) -> Iterator[KernelProcess]:
    """A kernel process that is dead when the block ends."""
    process = KernelProcess(kernel, scratch)
    try:
        yield process
    finally:
        process.kill()


def new_connection(name: str) -> Json:
    """The content of a connection file with five free ports of the loopback device.

    The ports are held together until all are known, then let go: a kernel binds them a moment later.
    """
    keys = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    with ExitStack() as held:
        ports = {}
        for key in keys:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[key] = probe.getsockname()[1]
    return {
        "ip": "127.0.0.1",
        "transport": "tcp",
        "key": secrets.token_hex(16),
        "signature_scheme": "hmac-sha256",
        "kernel_name": name,
        **ports,
    }


def environment(kernel: Kernel, scratch: Path) -> dict[str, str]:
    """The variables a kernel is started with: ours without those that steer Python or Jupyter, and a home.

    In that home neither settings nor caches nor sessions of the person at the keyboard take part.
    """
    steering = ("PYTHON", "JUPYTER", "JPY_", "IPYTHON", "HOLDFAST", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    home = scratch / "homes" / kernel.name
    home.mkdir(parents=True, exist_ok=True)
    variables["HOME"] = str(home)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        variables.pop(name, None)
    variables["PATH"] = f"{Path(kernel.argv[0]).parent}{os.pathsep}{variables.get('PATH', '')}"
    variables["JPY_PARENT_PID"] = str(os.getpid())
    if kernel.name == "bare":
        variables["PYTHONPATH"] = str(Path(__file__).parents[1])
    return variables | kernel.env


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads, ended ones included, of a process and its living descendants."""
    return sum(_cpu_clock(one) for one in descendants(pid))


def descendants(pid: int) -> list[int]:
    """The process and its living descendants."""
    found = [pid]
    for parent in found:
        with _gone_is_fine():
            for task in os.listdir(f"/proc/{parent}/task"):
                children = Path(f"/proc/{parent}/task/{task}/children").read_text()
                found.extend(int(child) for child in children.split())
    return found


def _cpu_clock(pid: int) -> float:
    """The CPU clock of a process, numbered as `clock_getcpuclockid` does it.

    It counts nanoseconds, where /proc/PID/stat has steps of 10 ms.
    """
    seconds = 0.0
    with _gone_is_fine():
        seconds = time.clock_gettime((~pid << 3) | 2)
    return seconds


def _fields(path: Path) -> dict[str, float]:
    """The numbers of a /proc file of `Name:  123 kB` lines."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {words[0].rstrip(":"): float(words[1]) for words in pairs if len(words) > 1 and words[1].isdigit()}


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """The process, or one of its threads, may end between two looks at it."""
    try:
        yield
    except OSError as error:
        # EINVAL is what the clock of a process that is gone says.
        if error.errno not in (errno.ESRCH, errno.ENOENT, errno.EINVAL):
            raise
