"""The kernel's real hands in this process: driver, machine, runner, subshells, comms, the end."""

from __future__ import annotations

import atexit
import linecache
import threading
from collections.abc import Callable
from contextvars import Context
from typing import Any

import comm
import pytest

from helpers.hands import HANG_SECONDS, MemoryKernel
from helpers.messages import Seen
from helpers.workshop import Notes, Unstoppable
from holdfast.app.hands import Hands, finisher
from holdfast.engine.memory import MemoryEngine
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job
from holdfast.executor.runner import ExitRequested, Runner, Stoppable
from holdfast.executor.source import Sources
from holdfast.language.history import History
from holdfast.machine.events import Asked, Published
from holdfast.namespace.namespace import Namespace
from holdfast.output.comms import Comms
from holdfast.stdin.prompts import Prompts
from holdfast.wire.contents import ErrorReply
from holdfast.wire.message import Message


class Interrupted(Unstoppable):
    """Counts the interrupts that would have been sent."""

    sent = 0

    def send(self) -> None:
        """Noted."""
        self.sent += 1

    def expect(self) -> None:
        """Nothing."""


class Shown(Notes):
    """Values are published as results, as in a kernel."""

    post: Callable[[object], None]

    def show(self, job: Job, value: object, last: bool = True) -> None:
        """See `executor.runner.Surroundings`."""
        assert isinstance(job.token, Message)
        content = {"execution_count": job.count, "data": {"text/plain": repr(value)}, "metadata": {}}
        self.post(Published(job.token, "execute_result", content))


class RealKernel(MemoryKernel):
    """The main loop is the test's own thread; the client is a function that `serve` runs in another one."""

    def __init__(self) -> None:
        super().__init__()
        mailbox = self.driver.mailbox
        self.namespace, self.sources = Namespace(), Sources("/tmp/holdfast_hands")
        self.loop, self.history, self.interrupts = UserLoop(), History(), Interrupted()
        self.notes = Shown(self.sources)
        self.notes.post = mailbox.post
        self.comms = Comms(lambda *message: mailbox.post(Published(None, *message[:3])))
        self.engine = MemoryEngine(lambda: 0.0)
        self.prompts = Prompts(lambda: self.engine, lambda: (self.main.running.token, True, "p"), self._ask)  # type: ignore[union-attr]
        self._done = finisher(mailbox, lambda: 0.0)
        self.main = self._make_runner(self.loop, Context(), self.interrupts)
        self.hands = Hands(  # type: ignore[assignment]
            self.loop,
            self._make_runner,
            self.main,
            self.interrupts,
            mailbox,
            self.comms,
            self.prompts,
            self.history,
            lambda token: ErrorReply("NotThere", token.msg_type),
        )

    def _make_runner(self, loop: Any, context: Context, stoppable: Stoppable) -> Runner:
        return Runner(self.namespace, self.sources, loop, context, stoppable, self.notes, self._done)

    def _ask(self, token: object, prompt: str, password: bool) -> None:
        assert isinstance(token, Message)
        self.driver.mailbox.post(Asked(token, prompt, password))

    def serve(self, client: Callable[[], None]) -> None:
        """Run until the client is done and the kernel has left; what the client raises is raised here."""
        errors: list[BaseException] = []

        def run() -> None:
            try:
                client()
            except BaseException as error:
                errors.append(error)
            finally:
                if not self.is_ending:
                    self.put("shutdown_request", channel="control")

        self.driver.start(self.transport, self.hands, {})  # type: ignore[arg-type]
        thread = threading.Thread(target=run)
        thread.start()
        self.loop.drive()
        thread.join()
        assert self.driver.join(HANG_SECONDS)
        self.loop.close()
        for name in self.sources.labels:
            linecache.cache.pop(name, None)
        if errors:
            raise errors[0]
        assert self.bugs() == []

    def cell(self, code: str, **header: str) -> dict[str, object]:
        """Run a cell; the content of its reply."""
        return _reply(self.request("execute_request", {"code": code}, **header)).content

    def create_subshell(self) -> str:
        """A new subshell's id."""
        return str(_reply(self.request("create_subshell_request", channel="control")).content["subshell_id"])


def _reply(seen: list[Seen]) -> Seen:
    return next(message for message in seen if message.is_reply)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> RealKernel:
    """A kernel whose end runs no exit handler of this process, and whose `comm` is put back."""
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: None)
    monkeypatch.setattr(comm, "create_comm", comm.create_comm)
    monkeypatch.setattr(comm, "get_comm_manager", comm.get_comm_manager)
    return RealKernel()


def test_cells_are_run_and_remembered(kernel: RealKernel) -> None:
    """Result, reply and history, from the request to the wire."""

    def client() -> None:
        seen = kernel.request("execute_request", {"code": "x = 20\nx + 1"})
        assert [m.content["data"] for m in seen if m.msg_type == "execute_result"] == [{"text/plain": "21"}]
        assert _reply(seen).content["status"] == "ok"
        failed = kernel.cell("1 / 0")
        assert (failed["status"], failed["ename"], failed["execution_count"]) == ("error", "ZeroDivisionError", 2)

    kernel.serve(client)
    entries = kernel.history.request("tail", True, True, 0, 0, None, 5, None, False)
    assert [tuple(entry[2]) for entry in entries] == [("x = 20\nx + 1", "21"), ("1 / 0", None)]  # type: ignore[arg-type]


def test_cells_that_wait_run_in_order(kernel: RealKernel) -> None:
    """Sync and async ones, each after the one before."""

    def client() -> None:
        kernel.put("execute_request", {"code": "import asyncio\nlog = []"})
        for n in range(10):
            kernel.put(
                "execute_request", {"code": f"log.append({n})\nawait asyncio.sleep(0)" if n % 2 else f"log.append({n})"}
            )
        assert kernel.cell("assert log == list(range(10))")["status"] == "ok"

    kernel.serve(client)


def test_a_subshell_runs_while_the_main_cell_waits_for_it(kernel: RealKernel) -> None:
    """One namespace, two threads."""

    def client() -> None:
        kernel.cell("import threading\nevent = threading.Event()")
        name = kernel.create_subshell()
        kernel.put("execute_request", {"code": "seen = event.wait(60)"})
        assert kernel.cell("event.set()", subshell_id=name)["status"] == "ok"
        assert kernel.cell("assert seen")["status"] == "ok"

    kernel.serve(client)


def test_a_deleted_subshell_leaves_nobody_waiting(kernel: RealKernel) -> None:
    """The cell that runs in it ends, what waits is refused, its comm messages are served elsewhere."""

    def client() -> None:
        kernel.cell("import threading\ngo = threading.Event(); begun = threading.Event()")
        name = kernel.create_subshell()
        kernel.put("execute_request", {"code": "begun.set(); go.wait(60)"}, subshell_id=name)
        kernel.put("execute_request", {"code": "never = 1"}, subshell_id=name)
        kernel.put("comm_msg", {"comm_id": "none"}, subshell_id=name)
        kernel.cell("begun.wait(60)")
        deleted = kernel.request("delete_subshell_request", {"subshell_id": name}, "control")
        assert _reply(deleted).content["status"] == "ok"
        kernel.cell("go.set()")
        kernel.wait_for(lambda seen: sum(m.msg_type == "execute_reply" for m in seen) == 5)
        assert _reply(kernel.request("list_subshell_request", channel="control")).content["subshell_id"] == []
        assert kernel.cell("assert 'never' not in globals()")["status"] == "ok"

    kernel.serve(client)


def test_a_cell_that_stops_a_subshells_loop_does_not_end_it(kernel: RealKernel) -> None:
    """The next cell in it is replied to."""

    def client() -> None:
        name = kernel.create_subshell()
        kernel.cell("import asyncio\nasyncio.get_running_loop().stop()", subshell_id=name)
        assert kernel.cell("1", subshell_id=name)["status"] == "ok"

    kernel.serve(client)


def test_comms_reach_the_users_callbacks(kernel: RealKernel) -> None:
    """Opened by the frontend, with the keys that libraries read; a callback that fails harms nobody."""
    got: list[dict[str, Any]] = []
    kernel.namespace.dict["got"] = got

    def client() -> None:
        kernel.cell(
            "import comm\ndef target(made, message):\n    got.append(message)\n    made.on_msg(lambda message: 1 / 0)\n"
            "comm.get_comm_manager().register_target('t', target)"
        )
        kernel.request(
            "comm_open", {"comm_id": "c", "target_name": "t", "data": {"n": 1}}, metadata={"m": 1}, buffers=[b"b"]
        )
        kernel.request("comm_msg", {"comm_id": "c", "data": {}})
        kernel.request("comm_open", {"comm_id": "d", "target_name": "nobody"})
        kernel.wait_for(lambda seen: any(m.msg_type == "comm_close" and m.content["comm_id"] == "d" for m in seen))
        assert kernel.cell("1")["status"] == "ok"

    kernel.comms.adopt(comm)
    kernel.serve(client)
    (opened,) = got
    assert (opened["content"]["data"], opened["metadata"], opened["buffers"]) == ({"n": 1}, {"m": 1}, [b"b"])
    assert (opened["msg_type"], opened["header"]["msg_type"]) == ("comm_open", "comm_open")


def test_a_prompt_is_answered_over_stdin(kernel: RealKernel) -> None:
    """The cell waits on the main thread while the kernel thread brings the answer."""
    kernel.namespace.dict["ask"] = kernel.prompts.input

    def client() -> None:
        kernel.put("execute_request", {"code": "name = ask('? ')"})
        kernel.wait_for(lambda seen: any(m.msg_type == "input_request" for m in seen))
        kernel.put("input_reply", {"value": "Ada"}, "stdin")
        assert kernel.cell("assert name == 'Ada'")["status"] == "ok"

    kernel.serve(client)


def test_an_interrupt_reaches_the_main_thread_and_all_subshells(kernel: RealKernel) -> None:
    """The subshell's cell ends; the main one's interrupt is sent."""

    def client() -> None:
        name = kernel.create_subshell()
        kernel.cell("import threading\nbegun = threading.Event()")
        kernel.put("execute_request", {"code": "begun.set()\nwhile True: pass"}, subshell_id=name)
        kernel.cell("begun.wait(60)")
        kernel.request("interrupt_request", channel="control")
        kernel.wait_for(lambda seen: any(m.content.get("ename") == "KeyboardInterrupt" for m in seen if m.is_reply))
        assert kernel.cell("1", subshell_id=name)["status"] == "ok"

    kernel.serve(client)
    assert kernel.interrupts.sent >= 1


def test_exit_in_a_cell_ends_the_kernel_after_its_reply(kernel: RealKernel) -> None:
    """The cell ends well, and the kernel leaves by itself."""
    kernel.namespace.dict["exit"] = ExitRequested

    def client() -> None:
        kernel.is_ending = True
        assert kernel.cell("raise exit()")["status"] == "ok"

    kernel.serve(client)
    assert any("exit()" in line for line in kernel.logged)


def test_exit_handlers_run_before_the_shutdown_reply(kernel: RealKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the main thread, and one that fails does not keep the kernel."""
    ran: list[tuple[bool, list[str]]] = []

    def handlers() -> None:
        types = [message.msg_type for message in kernel.seen()]
        ran.append((threading.current_thread() is threading.main_thread(), types))
        raise SystemExit("in an exit handler")

    monkeypatch.setattr(atexit, "_run_exitfuncs", handlers)
    kernel.serve(lambda: None)
    ((on_main, types),) = ran
    assert (on_main, "shutdown_reply" in types) == (True, False)
    assert [m.msg_type for m in kernel.seen()][-2:] == ["shutdown_reply", "status"]
