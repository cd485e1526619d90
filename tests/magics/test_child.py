"""Processes of cells: their output, their interrupt, their end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.kernel import wait_for
from helpers.magic import MagicKernel
from holdfast.magics import child as module
from holdfast.magics import pipes
from holdfast.magics.child import Child, shell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")


@pytest.fixture
def child() -> Child:
    """A child that is not started."""
    return Child(MagicKernel())


def alive(pid: int) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def family(group: int) -> list[int]:
    """The living processes of a group."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal() and _group(entry) == group]


def _group(pid: str) -> int:
    try:
        state, _parent, group, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return int(group) if state != "Z" else -1


def sleeps(child: Child) -> int:
    """How many `sleep` its family has.

    A signal is meant for one of them, and can miss it (seen with dash):
    1. the shell writes the line that a test waits for, and forks;
    2. the signal meets the fork, where the shell's handler does nothing;
    3. the fork becomes the `sleep` that was to get it, and the shell waits for that.
    """
    return 0 if child.process is None else sum(_name(pid) == "sleep" for pid in family(child.process.pid))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def interrupt_when(parts: list[str], text: str, begun: Callable[[], bool] = lambda: True) -> threading.Thread:
    """Send SIGINT to this process, as the kernel gets it, once `text` was written and `begun` is true."""

    def wait() -> None:
        wait_for(lambda: text in "".join(parts) and begun(), text)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def unix(text: str) -> str:
    """With plain ends of lines: those of a terminal are tested once."""
    return text.replace("\r\n", "\n")


def test_both_streams_come_in_their_order(child: Child) -> None:
    """One sink for both keeps the order in which they were written."""
    parts: list[str] = []
    assert child.run("echo a; echo b >&2; echo c; exit 3", [parts.append]) == 3
    assert unix("".join(parts)) == "a\nb\nc\n"


def test_streams_can_be_told_apart(child: Child) -> None:
    """Two sinks get one each."""
    out: list[str] = []
    err: list[str] = []
    child.run("echo a; echo b >&2; echo c", [out.append, err.append])
    assert (unix("".join(out)), unix("".join(err))) == ("a\nc\n", "b\n")


def test_a_signal_is_a_negative_status(child: Child) -> None:
    """As `subprocess` says it."""
    assert child.run("kill -9 $$", [lambda text: None]) == -9


def test_a_missing_program_is_an_error(child: Child) -> None:
    """Nothing was started, and nothing is left open."""
    with pytest.raises(FileNotFoundError):
        child.run(["/no/such/program"], [lambda text: None])


def test_its_keyboard_is_empty(child: Child) -> None:
    """What asks gets the end of the file, on standard input and on the terminal."""
    parts: list[str] = []
    child.run(
        "cat; read x; echo got:$x; (read y </dev/tty) 2>/dev/null || echo no tty", [parts.append], on_terminal=True
    )
    assert unix("".join(parts)) == "got:\nno tty\n"


def test_a_terminal_has_80_columns(child: Child) -> None:
    """Programs see a terminal of this width, and lines end as on one."""
    parts: list[str] = []
    child.run([sys.executable, "-c", "import os; print(os.get_terminal_size(1), os.isatty(2), os.isatty(0))"],
              [parts.append], on_terminal=True)  # fmt: skip
    assert "".join(parts) == "os.terminal_size(columns=80, lines=24) True False\r\n"


def test_without_a_terminal_left_it_writes_to_a_pipe(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no terminals any more still runs commands."""

    def none_left() -> tuple[int, int]:
        raise OSError("out of pty devices")

    monkeypatch.setattr(os, "openpty", none_left)
    parts: list[str] = []
    child.run("echo a", [parts.append], on_terminal=True)
    assert parts == ["a\n"]


def test_characters_are_put_together(child: Child) -> None:
    """A character that comes in two pieces is one; bytes that are none are replaced."""
    parts: list[str] = []
    first = "import sys, time; out = sys.stdout.buffer; out.write(b'\\xff\\xc3'); out.flush(); input(); "
    reader, writer = os.pipe()

    def sink(text: str) -> None:
        parts.append(text)
        if len(parts) == 1:
            os.write(writer, b"\n")

    with open(reader, "rb") as stdin:
        child.run([sys.executable, "-c", first + "out.write(b'\\xa9\\n')"], [sink], stdin=stdin)
    os.close(writer)
    assert parts == ["�", "é\n"]


def test_what_stays_in_the_background_is_not_waited_for(child: Child) -> None:
    """The command is over at once; what it left goes on writing to the same sink."""
    parts: list[str] = []
    reader, writer = os.pipe()
    with open(reader, "rb") as stdin:
        child.run("exec 3<&0; (read x <&3; echo late) & echo now", [parts.append], stdin=stdin)
    assert unix("".join(parts)) == "now\n"
    os.write(writer, b"go\n")
    os.close(writer)
    wait_for(lambda: unix("".join(parts)) == "now\nlate\n", "the line of the process in the background")
    wait_for(lambda: child not in module._attached, "the end of its output")


def test_what_stays_in_the_background_ends_with_the_kernel(child: Child) -> None:
    """As if its terminal was closed, unless it ignores that."""
    parts: list[str] = []
    child.run("sleep 100 & echo $!", [parts.append])
    pid = int("".join(parts))
    assert alive(pid)
    module._hang_up()
    wait_for(lambda: not alive(pid), "the end of the process in the background")
    wait_for(lambda: child not in module._attached, "the end of its output")


def test_a_child_that_closes_its_streams_is_waited_for(child: Child) -> None:
    """The end of its output is not its own end."""
    assert child.run("exec >&- 2>&-; sleep 0.05; exit 4", [lambda text: None]) == 4


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo ready; sleep 100; echo no", "ready\n"),
        ("sleep 100 & echo ready; sleep 100", "ready\n"),
        ("trap 'echo bye; exit' INT; echo ready; sleep 100", "ready\nbye\n"),
    ],
)
def test_an_interrupt_ends_all_of_it(child: Child, command: str, said: str) -> None:
    """The cell is interrupted, the child had its say, and nothing of its family is left."""
    parts: list[str] = []
    thread = interrupt_when(parts, "ready", lambda: sleeps(child) == command.count("sleep"))
    with pytest.raises(KeyboardInterrupt):
        child.run(command, [parts.append], on_terminal=True)
    thread.join()
    assert unix("".join(parts)) == said
    assert child.process is not None
    assert family(child.process.pid) == []


def test_what_ignores_an_interrupt_is_ended(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """First asked, then told, then killed."""
    monkeypatch.setattr(module, "GRACE", 0.05)
    parts: list[str] = []
    thread = interrupt_when(parts, "ready")
    with pytest.raises(KeyboardInterrupt):
        child.run("trap '' INT TERM; echo ready; while :; do sleep 0.01; done", [parts.append])
    thread.join()
    assert child.status == -signal.SIGKILL


def test_an_awaited_child_lets_the_loop_go_on(child: Child) -> None:
    """A task that the child waits for runs meanwhile."""
    reader, writer = os.pipe()
    parts: list[str] = []

    async def answer() -> None:
        while "ready" not in "".join(parts):
            await asyncio.sleep(0.001)
        os.write(writer, b"5\n")
        os.close(writer)

    async def both() -> int:
        task = asyncio.create_task(answer())
        with open(reader, "rb") as stdin:
            status = await child.awaited("echo ready; read n; exit $n", [parts.append], stdin=stdin)
        await task
        return status

    assert asyncio.run(both()) == 5


def test_a_cancelled_child_is_ended(child: Child) -> None:
    """The task ends when nothing of the child lives any more."""
    parts: list[str] = []

    async def cancelled() -> None:
        task = asyncio.create_task(child.awaited("echo ready; sleep 100", [parts.append]))
        while not sleeps(child):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert child.process is not None
    assert child.process.returncode == -signal.SIGINT


def test_a_sink_that_fails_ends_the_child(child: Child) -> None:
    """Nothing of it is left, and the error comes through."""

    def full(text: str) -> None:
        raise BufferError(text)

    with pytest.raises(BufferError, match="ready"):
        child.run("echo ready; sleep 100", [full])
    group = child.process.pid if child.process is not None else 0
    # The shell's own child is killed with it, and may need a moment to go.
    wait_for(lambda: family(group) == [], "the end of all of it")


def test_megabytes_are_read_as_they_come(child: Child) -> None:
    """More than any pipe holds, in pieces of bounded size."""
    sizes: list[int] = []
    code = "import sys\nfor _ in range(200): sys.stdout.write('x' * 49_999 + '\\n')"
    child.run([sys.executable, "-c", code], [lambda text: sizes.append(len(text))], on_terminal=True)
    assert sum(sizes) == 10_000_000 + 200  # the ends of its lines
    assert max(sizes) <= pipes._CHUNK * pipes._READS


def test_where_pipes_cannot_be_waited_for_threads_read(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of Windows: its own kind of process group, the text in the system's code page."""
    started: dict[str, object] = {}
    popen = subprocess.Popen

    def start(command: str, **how: object) -> subprocess.Popen[bytes]:
        started.update(how)
        how.pop("creationflags")
        return popen(command, **how)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    for where in (module, pipes):
        monkeypatch.setattr(where, "WINDOWS", True)
    monkeypatch.setattr("locale.getencoding", lambda: "cp1252")
    parts: list[str] = []
    assert child.run("printf 'caf\\351'; exit 7", [parts.append], on_terminal=True) == 7
    assert unix("".join(parts)) == "café"
    assert (started["creationflags"], started["shell"]) == (512, True)


def test_on_windows_an_interrupt_is_a_break(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the process is ended."""
    sent: list[object] = []

    class Process:
        pid = 0
        returncode: int | None = None

        def send_signal(self, number: object) -> None:
            sent.append(number)

        def kill(self) -> None:
            sent.append("kill")

        def poll(self) -> None:
            """It lives."""

    monkeypatch.setattr(module, "WINDOWS", True)
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    child.process = Process()  # type: ignore[assignment]
    child._take_measure()
    child._take_measure()
    assert sent == [1, "kill"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [("/bin/sh", "/bin/sh"), ("/no/such/shell", None), ("/usr/sbin/nologin", None), ("/", None), ("", None)],
)
def test_the_shell_is_the_persons_own(monkeypatch: pytest.MonkeyPatch, found: str, expected: str | None) -> None:
    """If it is one."""
    monkeypatch.setenv("SHELL", found)
    assert shell() == expected
