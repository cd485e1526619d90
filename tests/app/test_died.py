"""How the process before ended, from what it left in the session's folder."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.app.died import (
    FAULT,
    RUNNING,
    TRIAL,
    Trial,
    Watch,
    kills,
    memory,
    memory_events,
    read,
    tasks,
    threads,
    was_restarted,
)
from holdfast.durable.reports import Death

TRACE = """Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/usr/lib/python3.13/ctypes/__init__.py", line 534 in string_at
  File "/tmp/ipykernel_123/1319617944.py", line 3 in <module>
  File "/kernel/holdfast/executor/runner.py", line 181 in _run_sync
"""


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    """A cgroup of version 2: the file that says which, and its events beside it."""
    (tmp_path / "cgroup").write_text("0::/made/up\n")
    (tmp_path / "made" / "up").mkdir(parents=True)
    events = tmp_path / "made" / "up" / "memory.events"
    events.write_text("low 0\noom 3\noom_kill 2\n")
    return events


def _watched(folder: Path) -> Watch:
    return Watch(str(folder), str(folder / "cgroup"), str(folder))


def test_the_cell_that_ran_is_named(tmp_path: Path) -> None:
    """It follows the last commit, so it is the one that was running."""
    watch = _watched(tmp_path)
    watch.begin(7, 3, "\n\nx = train(  \n  model)")
    watch.close()
    assert read(str(tmp_path), 7) == Death(3, "x = train(")


@pytest.mark.parametrize("number", [6, 8])
def test_a_cell_of_another_commit_did_not_run(tmp_path: Path, number: int) -> None:
    """A commit came after the cell began, so it had ended."""
    watch = _watched(tmp_path)
    watch.begin(7, 3, "x")
    watch.close()
    assert read(str(tmp_path), number) == Death()


@pytest.mark.parametrize("restart", [True, False])
def test_a_kernel_that_left_without_its_cell(tmp_path: Path, restart: bool) -> None:
    """It says what it was asked for; the mark of the next kernel says it no more."""
    watch = _watched(tmp_path)
    watch.begin(7, 3, "x")
    watch.leave(restart)
    watch.close()
    assert was_restarted(str(tmp_path)) is restart
    assert read(str(tmp_path), 7) == Death(3, "x", "it was shut down, and the cell did not end")
    _watched(tmp_path).close()
    assert not was_restarted(str(tmp_path))


def test_a_cell_whose_commit_failed_is_not_named(tmp_path: Path) -> None:
    """No commit says that it had ended, so the mark is taken back."""
    watch = _watched(tmp_path)
    watch.begin(7, 3, "x")
    watch.clear()
    watch.close()
    assert read(str(tmp_path), 7) == Death()


def test_a_shorter_mark_replaces_a_longer_one(tmp_path: Path) -> None:
    """Nothing of the cell before is left in it."""
    watch = _watched(tmp_path)
    watch.begin(7, 1234, "y" * 5000)
    watch.begin(8, 2, "x")
    watch.close()
    assert read(str(tmp_path), 8) == Death(2, "x")


def test_a_long_line_is_shortened(tmp_path: Path) -> None:
    """The banner is to be read; what cannot be printed is not."""
    watch = _watched(tmp_path)
    watch.begin(1, 1, "\x1b[31m" + "ü" * 300 + "\ud800")
    watch.close()
    code = read(str(tmp_path), 1).code
    assert (len(code), code[:6], code[-2:]) == (60, "?[31mü", "ü…")


def test_a_new_watch_forgets(tmp_path: Path) -> None:
    """What the process before the last one left is not told twice."""
    watch = _watched(tmp_path)
    watch.begin(7, 3, "x")
    watch.close()
    (tmp_path / FAULT).write_text(TRACE)
    _watched(tmp_path).close()
    assert read(str(tmp_path), 7) == Death()


@pytest.mark.parametrize("content", [b"", b"\0" * 2000, b"\xff\xfe x\n1 2 3", b" " * 512 + b"7 x y", b"a" * 100_000])
def test_damaged_marks_say_nothing(tmp_path: Path, content: bytes) -> None:
    """Whatever lies there, the kernel starts."""
    (tmp_path / RUNNING).write_bytes(content)
    (tmp_path / FAULT).write_bytes(content)
    assert read(str(tmp_path), 7) == Death()


def test_no_folder(tmp_path: Path) -> None:
    """Nothing can be written and nothing read: nothing is said, and nothing fails."""
    nowhere = tmp_path / "nowhere"
    watch = _watched(nowhere)
    watch.begin(1, 1, "x")
    watch.clear()
    watch.close()
    assert read(str(nowhere), 1) == Death()


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (TRACE, "Segmentation fault, in line 3"),
        ("Fatal Python error: Aborted\n\nCurrent thread 0x1:\n", "Aborted"),
        ("some text\n", ""),
    ],
)
def test_a_fatal_signal_is_the_reason(tmp_path: Path, trace: str, reason: str) -> None:
    """Its name, and the line of the cell if the cell was in it."""
    _watched(tmp_path).close()
    (tmp_path / FAULT).write_text(trace)
    assert read(str(tmp_path), 1).reason == reason


@pytest.mark.parametrize(("now", "told"), [(2, False), (3, True)])
def test_a_kill_for_want_of_memory_is_the_reason(tmp_path: Path, cgroup: Path, now: int, told: bool) -> None:
    """The cgroup's count is higher than when the process started."""
    watch = _watched(tmp_path)
    watch.begin(7, 3, "x")
    watch.close()
    cgroup.write_text(f"oom 9\noom_kill {now}\n")
    death = read(str(tmp_path), 7)
    assert (death.cell, death.reason.startswith("out of memory")) == (3, told)


def test_a_cgroup_that_is_gone_is_no_reason(tmp_path: Path, cgroup: Path) -> None:
    """The container of the process before may not be there any more."""
    _watched(tmp_path).close()
    cgroup.unlink()
    assert read(str(tmp_path), 1) == Death()


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("0::/a/b\n", "a/b/memory.events"),
        ("0::/gone\n", "memory.events"),
        ("5:cpu,memory:/a/b\n0::/\n", "memory/a/b/memory.oom_control"),
        ("4:memory:/gone\n", "memory/memory.oom_control"),
        ("4:memory:/not/here\n3:cpu:/x\n", "memory/memory.oom_control"),
    ],
)
def test_the_cgroup_is_found(tmp_path: Path, text: str, file: str) -> None:
    """Version 2 and version 1, and what a container sees of either."""
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n")
    (tmp_path / "cgroup").write_text(text)
    found = memory_events(str(tmp_path / "cgroup"), str(tmp_path))
    assert (Path(found).resolve(), kills(found)) == ((tmp_path / file).resolve(), 5)


@pytest.mark.parametrize("text", ["", "nonsense", "4:cpu:/a\n", "0::/a\n"])
def test_no_cgroup(tmp_path: Path, text: str) -> None:
    """Where nothing counts, nothing is found."""
    (tmp_path / "cgroup").write_text(text)
    assert memory_events(str(tmp_path / "cgroup"), str(tmp_path)) == ""
    assert memory_events(str(tmp_path / "none"), str(tmp_path)) == ""


# ------------------------------------------------------------ what else is known of a death


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine: its boot, and its memory in kB."""
    made = tmp_path / "proc"
    (made / "sys" / "kernel" / "random").mkdir(parents=True)
    (made / "self").mkdir()
    (made / "self" / "statm").write_text("999 2048 3 4 5 6 7\n")
    _boot(made, "11111111-2222-3333-4444-555555555555")
    _available(made, 8_000_000)
    return made


def _boot(proc: Path, name: str) -> None:
    (proc / "sys" / "kernel" / "random" / "boot_id").write_text(f"{name}\n")


def _available(proc: Path, kilobytes: int) -> None:
    (proc / "meminfo").write_text(f"MemTotal:  16000000 kB\nMemFree: 1 kB\nMemAvailable: {kilobytes} kB\nodd\n")


def _sampled(folder: Path, proc: Path, *, running: bool = True) -> None:
    watch = Watch(str(folder), str(folder / "cgroup"), str(folder), str(proc))
    watch.begin(7, 3, "x")
    loop = asyncio.new_event_loop()
    watch.sample(running, loop)
    loop.close()
    watch.close()


def test_a_machine_that_was_started_again_is_the_reason(tmp_path: Path, proc: Path) -> None:
    """Power, or a restart: the kernel went with it."""
    _sampled(tmp_path, proc)
    assert read(str(tmp_path), 7, str(proc)).reason == ""
    _boot(proc, "99999999-2222-3333-4444-555555555555")
    assert read(str(tmp_path), 7, str(proc)).reason == "lost with the machine, which was started again since"


@pytest.mark.parametrize("boot", ["", "nonsense"])
def test_a_boot_that_is_not_known_is_no_reason(tmp_path: Path, proc: Path, boot: str) -> None:
    """Where the system does not tell."""
    _boot(proc, boot)
    _sampled(tmp_path, proc)
    _boot(proc, "99999999-2222-3333-4444-555555555555")
    assert read(str(tmp_path), 7, str(proc)).reason == ""


@pytest.mark.parametrize(("available", "told"), [(8_000_000, False), (100_000, True)])
def test_want_of_memory_is_the_likely_reason(tmp_path: Path, proc: Path, available: int, told: bool) -> None:
    """When next to nothing was left a second before, and nothing else is known."""
    _available(proc, available)
    _sampled(tmp_path, proc)
    reason = read(str(tmp_path), 7, str(proc)).reason
    assert reason.startswith("killed, probably for want of memory (it used ") is told


def test_want_of_memory_between_cells_is_not_told(tmp_path: Path, proc: Path) -> None:
    """It is noted while a cell runs only."""
    _available(proc, 1)
    _sampled(tmp_path, proc, running=False)
    assert read(str(tmp_path), 7, str(proc)).reason == ""


def test_the_memory_of_a_cgroup_counts_where_it_is_less(tmp_path: Path, proc: Path, cgroup: Path) -> None:
    """A container's limit; without one, the machine's."""
    assert memory(str(proc), str(cgroup))[1:] == (8_000_000, 16_000_000)
    (cgroup.parent / "memory.max").write_text("1048576\n")
    (cgroup.parent / "memory.current").write_text("1038576\n")
    assert memory(str(proc), str(cgroup))[1:] == (9, 1024)
    (cgroup.parent / "memory.max").write_text("max\n")
    assert memory(str(proc), str(cgroup))[1:] == (8_000_000, 16_000_000)


def test_no_memory_is_known(tmp_path: Path) -> None:
    """A system without these files."""
    assert memory(str(tmp_path)) == (0, 0, 0)


def test_what_ran_beside_is_named(tmp_path: Path) -> None:
    """The user's threads and tasks; none of ours, no cell."""
    gate = threading.Event()
    poll = threading.Thread(target=gate.wait, name="poll")
    ours = threading.Thread(target=gate.wait, name="holdfast-thing")

    async def fetch() -> None:
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    task = loop.create_task(fetch())
    poll.start()
    ours.start()
    watch = _watched(tmp_path)
    watch.sample(False, loop)
    watch.close()
    found = [threads(), tasks(loop)]
    gate.set()
    for thread in (poll, ours):
        thread.join()
    loop.run_until_complete(task)
    loop.close()
    live = read(str(tmp_path), 1).live
    assert live.startswith("thread poll, task ")
    assert live.endswith("fetch")
    assert found == [["thread poll"], [live.partition(", ")[2]]]


@pytest.mark.parametrize(("comms", "live"), [({"c": object()}, "widgets"), ({}, "")])
def test_widgets_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comms: object, live: str) -> None:
    """While a comm is open, a page may show what this process answers for."""
    fake = SimpleNamespace(get_comm_manager=lambda: SimpleNamespace(comms=comms))
    monkeypatch.setitem(sys.modules, "comm", fake)
    watch, loop = _watched(tmp_path), asyncio.new_event_loop()
    watch.sample(False, loop)
    loop.close()
    watch.close()
    assert read(str(tmp_path), 1).live == live


def test_of_many_threads_ten_are_named(tmp_path: Path) -> None:
    """And how many more there are."""
    gate = threading.Event()
    many = [threading.Thread(target=gate.wait, name=f"t{n:02}") for n in range(13)]
    for thread in many:
        thread.start()
    watch, loop = _watched(tmp_path), asyncio.new_event_loop()
    watch.sample(False, loop)
    gate.set()
    for thread in many:
        thread.join()
    loop.close()
    watch.close()
    assert read(str(tmp_path), 1).live.endswith("thread t09, and 3 more")


# ------------------------------------------------------------ crash loops


def test_deaths_in_a_row_are_counted(tmp_path: Path) -> None:
    """Each kernel finds how many died before it, until one replies."""
    counted = []
    for _ in range(3):
        trial = Trial(str(tmp_path))
        counted.append(trial.deaths)
        trial.begin()
    trial.end()
    trial.end()
    assert (counted, Trial(str(tmp_path)).deaths) == ([0, 1, 2], 0)


@pytest.mark.parametrize("content", [b"", b"-1", b"two", b"9" * 5000, b"\xff"])
def test_a_damaged_count_is_none(tmp_path: Path, content: bytes) -> None:
    """Whatever lies there, the session is restored."""
    (tmp_path / TRIAL).write_bytes(content)
    assert Trial(str(tmp_path)).deaths == 0


def test_a_count_that_cannot_be_written(tmp_path: Path) -> None:
    """The kernel starts, and is not counted."""
    trial = Trial(str(tmp_path / "nowhere"))
    trial.begin()
    trial.end()
    assert trial.deaths == 0
