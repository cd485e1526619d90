"""How the last process of a session ended: the cell that ran then, and why it died.

It must never cost a cell more than one write that nobody waits for, and never keep a kernel from starting: what
cannot be read or written here is not said.

The mark of the running cell is not synced: it outlives the process, not the machine.  It holds the number of the
commit that the cell follows; a commit with a higher number ends it, so nothing has to be removed.

    running   line 1: the cgroup's file of memory events and its count of kills at the start
              line 2: number of the last commit, count of the cell, its first line
    fault     what Python's faulthandler wrote when a fatal signal came
"""

from __future__ import annotations

import os
import re

from holdfast.durable.reports import Death

RUNNING, FAULT = "running", "fault"
#: Bytes of each line of the mark; what is longer is cut.
_LINE = 512
_CELL_FILE = re.compile(rb'File "[^"\n]*[/\\]holdfast_\d+[/\\]cell_\d+\.py", line (\d+)')
_FATAL = re.compile(rb"Fatal Python error: ([^\n]+)")


class Watch:
    """Marks the cells of one kernel.  Made when the session is opened, after `read`."""

    def __init__(self, folder: str, cgroup: str = "/proc/self/cgroup", mounted: str = "/sys/fs/cgroup") -> None:
        self._mark = _opened(folder, RUNNING)
        self._fault = _opened(folder, FAULT)
        events = memory_events(cgroup, mounted)
        self._write(0, b"%s %d" % (os.fsencode(events), kills(events)) if events else b"")
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
                os.lseek(self._mark, line * _LINE, os.SEEK_SET)
                os.write(self._mark, text[: _LINE - 1].ljust(_LINE - 1) + b"\n")
            except OSError:  # a full disk: the commit says so
                pass


def read(folder: str, number: int) -> Death:
    """What the process before this one died of, when `number` is the last commit; an empty one if unknown."""
    mark, fault = _content(folder, RUNNING), _content(folder, FAULT)
    start, cell = mark[:_LINE].strip(), mark[_LINE:].strip().split(b" ", 2)
    count, code = 0, ""
    if len(cell) >= 2 and cell[0] == b"%d" % number and cell[1].isdigit():
        count = int(cell[1])
        code = "".join(c if c.isprintable() else "?" for c in b"".join(cell[2:]).decode("utf-8", "replace"))
    reason = _of_fault(fault)
    if not reason:
        events, _, before = start.rpartition(b" ")
        if events and before.isdigit() and kills(os.fsdecode(events)) > int(before):
            reason = "out of memory (the system killed a process of its cgroup since it started)"
    return Death(count, _shortened(code), reason)


def _of_fault(trace: bytes) -> str:
    fatal = _FATAL.search(trace)
    if fatal is None:
        return ""
    name = fatal[1].decode("ascii", "replace")
    where = _CELL_FILE.search(trace, fatal.end())
    return f"{name}, in line {int(where[1])}" if where is not None else name


def _shortened(code: str) -> str:
    return code if len(code) <= 60 else f"{code[:59]}…"


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
