"""How the process before ended, from what it left in the session's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.app.died import FAULT, RUNNING, Watch, kills, memory_events, read
from holdfast.durable.reports import Death

TRACE = """Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/usr/lib/python3.13/ctypes/__init__.py", line 534 in string_at
  File "/tmp/holdfast_123/cell_4.py", line 3 in <module>
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
