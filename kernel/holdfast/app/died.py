"""How the last process of a session ended: the cell that ran then, and why it died.

It must never cost a cell more than one write that nobody waits for, and never keep a kernel from starting: what
cannot be read or written here is not said.

The mark of the running cell is not synced: it outlives the process, not the machine.  It holds the number of the
commit that the cell follows; a commit with a higher number ends it, so nothing has to be removed.

    running   line 1: the cgroup's file of memory events and its count of kills at the start
              line 2: number of the last commit, count of the cell, its first line
              line 3: which boot of the machine it is
              line 4: kB in use by the process, kB available and in all, as of a second or two before
              line 5: whether there are widgets, the user's threads and tasks
    line 6: that it was asked to leave and could not do so as it should, because the cell did not end: for what
    fault     what Python's faulthandler wrote when a fatal signal came
    trial     how many kernels have restored this session one after the other without a reply
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import Sequence

from holdfast.durable.reports import ENDED, RESTARTED, WIDGETS, Death

RUNNING, FAULT, TRIAL = "running", "fault", "trial"
#: Deaths after which a session is not restored again.
TRIES = 2
#: Of the memory there is, the part that must be available for a death not to be for want of it.
_SHORT = 0.05
#: Threads of ours, and those of pools, which wait for work.
_NOT_THEIRS = ("holdfast-", "asyncio_", "ThreadPoolExecutor")
#: Threads and tasks that are named.
_MOST = 10
#: Bytes of each line of the mark; what is longer is cut.
_LINE = 512
# Compiled when a death is looked into, not by every kernel that starts.
_CELL_FILE = rb'File "[^"\n]*[/\\]ipykernel_\d+[/\\][^"/\\]+\.py", line (\d+)'
_BOOT = rb"[0-9a-f-]{36}"
_FATAL = rb"Fatal Python error: ([^\n]+)"


class Watch:
    """Marks the cells of one kernel.  Made when the session is opened, after `read`."""

    def __init__(
        self, folder: str, cgroup: str = "/proc/self/cgroup", mounted: str = "/sys/fs/cgroup", proc: str = "/proc"
    ) -> None:
        self._mark = _opened(folder, RUNNING)
        self._fault = _opened(folder, FAULT)
        self._proc = proc
        self._live: Sequence[str] = ()
        self._events = events = memory_events(cgroup, mounted)
        self._write(0, b"%s %d" % (os.fsencode(events), kills(events)) if events else b"")
        self._write(2, _boot(proc))
        self._watches = False
        import faulthandler

        # Whoever asked for the traces (`python -X faulthandler`) gets them where they belong.
        if self._fault >= 0 and not faulthandler.is_enabled():
            faulthandler.enable(self._fault, all_threads=False)
            self._watches = True
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        """What kills a child did not kill the kernel: its trace belongs below the cell."""
        if self._watches:
            import faulthandler

            faulthandler.enable(2)

    def begin(self, number: int, count: int, code: str) -> None:
        """Cell `count` starts after commit `number`."""
        first = code.lstrip()[:200].partition("\n")[0].rstrip()
        self._write(1, b"%d %d %s" % (number, count, first.encode("utf-8", "replace")))

    def clear(self) -> None:
        """No cell runs, though none was committed (the disk is full, say)."""
        self._write(1, b"")

    def sample(self, running: bool, loop: asyncio.AbstractEventLoop) -> None:
        """Note which threads and tasks of the user's are alive and, while a cell runs, the memory; from any thread."""
        if running:
            self._write(3, b"%d %d %d" % memory(self._proc, self._events))
        names = [*widgets(), *threads(), *tasks(loop)]
        if names != self._live:
            self._live = names
            more = [f"and {len(names) - _MOST} more"] if len(names) > _MOST else []
            self._write(4, ", ".join([*names[:_MOST], *more]).encode("utf-8", "replace"))

    def leave(self, restart: bool) -> None:
        """The kernel leaves without its main thread, so the session is not closed; from any thread."""
        self._write(5, (RESTARTED if restart else ENDED).encode())

    def close(self) -> None:
        """The kernel leaves as it should."""
        if self._watches:
            import faulthandler

            faulthandler.disable()
        for descriptor in (self._mark, self._fault):
            if descriptor >= 0:
                os.close(descriptor)
        self._mark = self._fault = -1
        self._watches = False

    def _write(self, line: int, text: bytes) -> None:
        if self._mark >= 0:
            try:
                whole = text[: _LINE - 1].ljust(_LINE - 1) + b"\n"
                if hasattr(os, "pwrite"):
                    os.pwrite(self._mark, whole, line * _LINE)
                else:
                    os.lseek(self._mark, line * _LINE, os.SEEK_SET)
                    os.write(self._mark, whole)
            except OSError:  # a full disk: the commit says so
                pass


class Trial:
    """Counts kernels that die before their first reply after a restore; the count outlives them.

    The user's Restart and a shutdown are no deaths: whoever leaves on request calls `end`.  Thread-safe.
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, TRIAL)
        text = _content(folder, TRIAL).strip()
        #: Kernels that have died so, one after the other, up to this one.
        self.deaths = int(text) if text.isdigit() and len(text) < 4 else 0

    def begin(self) -> None:
        """The session is about to be restored: as long as no reply is sent, this kernel counts too."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self._path, flags, 0o600)
            os.write(descriptor, b"%d\n" % (self.deaths + 1))
            os.close(descriptor)
        except OSError:  # a full disk: this start is not counted
            return

    def end(self) -> None:
        """The kernel has lived, or leaves because it was asked to."""
        try:
            os.unlink(self._path)
        except OSError:
            return


#: The trial of this process, from the restore to the first reply.
_trial: Trial | None = None


def on_trial(trial: Trial) -> None:
    """The session of `trial` is about to be restored in this process."""
    global _trial
    forgive()
    _trial = trial
    trial.begin()


def forgive() -> None:
    """The kernel lives, or leaves because it was asked to; thread-safe, and nothing the second time."""
    global _trial
    trial, _trial = _trial, None
    if trial is not None:
        trial.end()


def was_restarted(folder: str) -> bool:
    """Whether the process before this one was to begin anew, and had to leave without its main thread."""
    return _asked(_content(folder, RUNNING)) == RESTARTED.encode()


def _asked(mark: bytes) -> bytes:
    return mark[5 * _LINE : 6 * _LINE].strip()


def read(folder: str, number: int, proc: str = "/proc") -> Death:
    """What the process before this one died of, when `number` is the last commit; an empty one if unknown."""
    mark, fault = _content(folder, RUNNING), _content(folder, FAULT)
    start, running, boot, sample, live = (mark[n * _LINE : (n + 1) * _LINE].strip() for n in range(5))
    cell = running.split(b" ", 2)
    count, code = 0, ""
    if len(cell) >= 2 and cell[0] == b"%d" % number and cell[1].isdigit():
        count = int(cell[1])
        code = _printable(b"".join(cell[2:]))
    reason = _of_fault(fault) or _of_kills(start) or _of_boot(boot, proc)
    if not reason and count and _asked(mark):
        reason = "it was shut down, and the cell did not end"
    if not reason and count:
        reason = _of_memory(sample)
    named = live.startswith((b"thread ", b"task ", WIDGETS.encode()))
    return Death(count, _shortened(code), reason, _printable(live) if named else "")


def _printable(text: bytes) -> str:
    return "".join(char if char.isprintable() else "?" for char in text.decode("utf-8", "replace"))


def _of_kills(start: bytes) -> str:
    events, _, before = start.rpartition(b" ")
    if events and before.isdigit() and kills(os.fsdecode(events)) > int(before):
        return "out of memory (the system killed a process of its cgroup since it started)"
    return ""


def _of_boot(boot: bytes, proc: str) -> str:
    now = _boot(proc)
    if now and re.fullmatch(_BOOT, boot) and boot != now:
        return "lost with the machine, which was started again since"
    return ""


def _of_memory(sample: bytes) -> str:
    parts = sample.split()
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return ""
    used, available, total = (int(part) * 1024 for part in parts)
    if available >= total * _SHORT:
        return ""
    from holdfast.durable.tables import size_text

    had = f"it used {size_text(used)}, and {size_text(available)} were left"
    return f"killed, probably for want of memory ({had} shortly before)"


def _of_fault(trace: bytes) -> str:
    fatal = re.search(_FATAL, trace)
    if fatal is None:
        return ""
    name = fatal[1].decode("ascii", "replace")
    where = re.search(_CELL_FILE, trace[fatal.end() :])
    return f"{name}, in line {int(where[1])}" if where is not None else name


def _shortened(code: str) -> str:
    return code if len(code) <= 60 else f"{code[:59]}…"


def _boot(proc: str) -> bytes:
    return _content(f"{proc}/sys/kernel/random", "boot_id").strip()


def memory(proc: str, events: str = "") -> tuple[int, int, int]:
    """kB in use by this process, kB available to it, kB in all; of the machine or, if that is less, of its cgroup."""
    fields = _content(proc, "self/statm").split()
    used = int(fields[1]) * _PAGE // 1024 if len(fields) > 1 and fields[1].isdigit() else 0
    found = {
        words[0]: int(words[1])
        for line in _content(proc, "meminfo").splitlines()
        if len(words := line.split()) > 1 and words[1].isdigit()
    }
    total, available = found.get(b"MemTotal:", 0), found.get(b"MemAvailable:", 0)
    folder = os.path.dirname(events)
    limit, current = _content(folder, "memory.max").strip(), _content(folder, "memory.current").strip()
    if limit.isdigit() and current.isdigit():
        left = max(0, int(limit) - int(current)) // 1024
        if left < available:
            total, available = int(limit) // 1024, left
    return used, available, total


def widgets() -> list[str]:
    """A word, if a page may show widgets that this process answers: comms are open."""
    find = getattr(sys.modules.get("comm"), "get_comm_manager", None)
    return [WIDGETS] if find is not None and find().comms else []


def threads() -> list[str]:
    """The user's threads that are alive, by name."""
    here = threading.main_thread()
    names = [each.name for each in threading.enumerate() if each is not here]
    return [f"thread {name}" for name in names if not name.startswith(_NOT_THEIRS)]


def tasks(loop: asyncio.AbstractEventLoop) -> list[str]:
    """The tasks of a loop but cells, by what they run."""
    names = [getattr(each.get_coro(), "__qualname__", each.get_name()) for each in asyncio.all_tasks(loop)]
    return sorted(f"task {name}" for name in names if name != "<module>" and not name.startswith("Runner."))


def memory_events(cgroup: str, mounted: str) -> str:
    """The file that counts the kills for want of memory of this process's cgroup (v2, else v1), or ""."""
    for line in _content("", cgroup).decode("utf-8", "surrogateescape").splitlines():
        _, controllers, place = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            candidates = [f"{mounted}{place}/memory.events", f"{mounted}/memory.events"]
        elif "memory" in controllers.split(","):
            candidates = [f"{mounted}/memory{place}/memory.oom_control", f"{mounted}/memory/memory.oom_control"]
        else:
            continue
        for path in candidates:
            if os.path.isfile(path):
                return path
    return ""


def kills(events: str) -> int:
    """How many processes were killed for want of memory, as the cgroup's file says; -1 when it cannot be read."""
    for line in _content("", events).splitlines():
        word, _, count = line.partition(b" ")
        if word == b"oom_kill" and count.strip().isdigit():
            return int(count)
    return -1


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _content(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            return file.read(1 << 16) or b""
    except OSError:
        return b""


def _opened(folder: str, name: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(os.path.join(folder, name), flags, 0o600)
    except OSError:
        return -1
