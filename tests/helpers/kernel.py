"""A real kernel process and a client that speaks the wire protocol to it, for tests of what users see.

It must never import anything of the kernel's: signing, framing and parsing are written again here, so that a
mistake on one side is not repeated on the other.  It must never wait without a limit, and never leave a
process behind: `Process.end` fails the test when the kernel or a child of its has to be killed.

Rejected: jupyter_client's KernelManager and client (it picks ports before the kernel binds them, polls the
heartbeat, hides late output and malformed messages); the conformance tests use it, as its users do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
import pytest
import zmq

from helpers import ports

#: A hang guard, never an expectation: two cores are shared with other work, and others' machines are slower.
HANG_SECONDS: Final = 60.0
CHANNELS: Final = ("shell", "iopub", "stdin", "control", "hb")
DELIMITER: Final = b"<IDS|MSG>"
_PAUSE_SECONDS: Final = 0.005
_MARK: Final = "HOLDFAST_TEST_KERNEL_ID"

#: Contents and headers are JSON as it comes; each test knows the shape of what it looks at.
Json = dict[str, Any]


def wait_for[T](found: Callable[[], T], what: str, seconds: float = HANG_SECONDS) -> T:
    """Return the first true value of `found`; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain for {what}")
        time.sleep(_PAUSE_SECONDS)
    return value


class Message(NamedTuple):
    """One message from the kernel; `parent` is the msg_id of what it answers, "" for none."""

    channel: str
    msg_type: str
    parent: str
    content: Json
    header: Json
    parent_header: Json
    metadata: Json
    buffers: list[bytes]


@dataclass
class Result:
    """What a request led to, as far as it has arrived: late output of its threads and tasks adds to it."""

    msg_id: str
    messages: list[Message]
    #: What the cell asked on stdin: (prompt, password).
    asked: list[tuple[str, bool]] = field(default_factory=list)
    _prompts: list[Message] = field(default_factory=list, repr=False)
    _looked: int = field(default=0, repr=False)
    _replied: bool = field(default=False, repr=False)
    _state: str = field(default="", repr=False)

    def _look(self) -> None:
        """Take note of what is new; a cell may lead to 100,000 messages, so no message is looked at twice."""
        for message in self.messages[self._looked :]:
            if message.channel in ("shell", "control"):
                self._replied = True
            elif message.msg_type == "status":
                self._state = message.content["execution_state"]
            elif message.msg_type == "input_request":
                self._prompts.append(message)
        self._looked = len(self.messages)

    @property
    def prompts(self) -> list[Message]:
        """The prompts of the cell."""
        self._look()
        return self._prompts

    @property
    def reply(self) -> Json:
        """The content of the reply."""
        return self.reply_message.content

    @property
    def reply_message(self) -> Message:
        """The reply with its headers, metadata and buffers."""
        return next(m for m in self.messages if m.channel in ("shell", "control"))

    @property
    def is_done(self) -> bool:
        """Whether the reply and the idle status are here."""
        self._look()
        return self._replied and self._state == "idle"

    @property
    def states(self) -> list[str]:
        """The execution states published for this request."""
        return [m.content["execution_state"] for m in self.messages if m.msg_type == "status"]

    def of_type(self, *msg_types: str) -> list[Message]:
        """The iopub messages of these types, in order."""
        return [m for m in self.messages if m.channel == "iopub" and m.msg_type in msg_types]

    @property
    def outputs(self) -> list[Message]:
        """What a notebook would keep, in order: all iopub messages but status and execute_input."""
        return [m for m in self.messages if m.channel == "iopub" and m.msg_type not in ("status", "execute_input")]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Kind and text of each output; pieces of one stream are one, as clients join them."""
        shown: list[tuple[str, str]] = []
        for message in self.outputs:
            content = message.content
            if message.msg_type != "stream":
                shown.append((message.msg_type, content.get("data", {}).get("text/plain", "")))
            elif shown and shown[-1][0] == content["name"]:
                shown[-1] = (content["name"], shown[-1][1] + content["text"])
            else:
                shown.append((content["name"], content["text"]))
        return shown

    @property
    def stdout(self) -> str:
        """What was printed."""
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        """What was written to stderr."""
        return self._stream("stderr")

    def _stream(self, name: str) -> str:
        return "".join(m.content["text"] for m in self.of_type("stream") if m.content["name"] == name)

    @property
    def result(self) -> str | None:
        """The text/plain of the execute_result."""
        found = self.of_type("execute_result")
        return str(found[-1].content["data"]["text/plain"]) if found else None

    @property
    def error(self) -> str | None:
        """The name of the exception on iopub, None for a cell that ended well."""
        found = self.of_type("error")
        return str(found[-1].content["ename"]) if found else None

    @property
    def traceback(self) -> str:
        """The traceback on iopub as one text, without colours."""
        import re

        found = self.of_type("error")
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(found[-1].content["traceback"])) if found else ""


class Client:
    """One client of a running kernel: its own session, its own sockets."""

    def __init__(self, connection: Mapping[str, Any], *, public_key: str | None = None) -> None:
        self.connection = dict(connection)
        self.session = secrets.token_hex(8)
        self._sent = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._channels: dict[Any, str] = {}
        self._monitors: list[zmq.Socket[bytes]] = []
        self.sockets: dict[str, zmq.Socket[bytes]] = {}
        #: Everything that arrived, in the order of its arrival per channel.
        self.arrived: list[Message] = []
        self._by_parent: defaultdict[str, list[Message]] = defaultdict(list)
        public_key = public_key or connection.get("curve_publickey")
        for channel, kind in (
            ("shell", zmq.DEALER),
            ("control", zmq.DEALER),
            ("stdin", zmq.DEALER),
            ("iopub", zmq.SUB),
        ):
            socket = self._context.socket(kind)
            socket.linger = 0
            socket.reconnect_ivl = 10  # a kernel that comes back to the ports of its file may not be there yet
            self._configure(socket, kind, public_key)
            self._monitors.append(socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED))
            socket.connect(self.address(channel))
            self.sockets[channel] = socket
            self._channels[socket] = channel
            self._poller.register(socket, zmq.POLLIN)

    def _configure(self, socket: zmq.Socket[bytes], kind: int, public_key: str | None) -> None:
        socket.rcvhwm = 0
        if public_key:
            own_public, own_secret = zmq.curve_keypair()
            socket.curve_serverkey = public_key.encode()
            socket.curve_publickey, socket.curve_secretkey = own_public, own_secret
        if kind == zmq.SUB:
            socket.subscribe(b"")
        else:
            # The kernel sends a prompt to the identity that sent the cell.
            socket.identity = self.session.encode()

    def address(self, channel: str) -> str:
        """The ZeroMQ address of a channel."""
        separator = "-" if self.connection["transport"] == "ipc" else ":"
        port = self.connection[f"{channel}_port"]
        return f"{self.connection['transport']}://{self.connection['ip']}{separator}{port}"

    def connect(self, seconds: float = HANG_SECONDS) -> None:
        """Wait until every channel works: a finished handshake on each, and the welcome on iopub.

        Rejected: zmq.IMMEDIATE, with which a socket is writable once it is connected; such a socket drops what
        it has received and not yet handed out when the kernel ends, which looks like a lost shutdown_reply.
        """
        for socket, monitor in zip(self.sockets.values(), self._monitors, strict=True):
            if not monitor.poll(int(seconds * 1000)):
                pytest.fail(f"the kernel's {self._channels[socket]} channel does not accept a connection")
            socket.disable_monitor()
            monitor.close(0)
        self._monitors.clear()
        self.until(self._is_greeted, "the iopub welcome and the state after it", seconds)

    def _is_greeted(self) -> bool:
        types = [m.msg_type for m in self.arrived if m.channel == "iopub"]
        return "iopub_welcome" in types and "status" in types[types.index("iopub_welcome") :]

    def close(self) -> None:
        """Close the sockets."""
        for monitor in self._monitors:
            monitor.close(0)
        self._context.destroy(linger=0)

    # ------------------------------------------------------------ frames

    def sign(self, parts: Sequence[bytes]) -> bytes:
        """The signature of header, parent header, metadata and content."""
        key = str(self.connection["key"]).encode()
        return hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode() if key else b""

    def header(self, msg_type: str, **changes: object) -> Json:
        """A header as clients write it, with `changes` to its fields."""
        self._sent += 1
        return {
            "msg_id": f"{self.session}_{self._sent}",
            "msg_type": msg_type,
            "session": self.session,
            "username": "tester",
            "date": datetime.now(UTC).isoformat(),
            "version": "5.4",
            **changes,
        }

    def send(
        self,
        msg_type: str,
        content: Mapping[str, object] | bytes,
        channel: str = "shell",
        *,
        header: Mapping[str, object] | None = None,
        metadata: Mapping[str, object] | None = None,
        parent: Mapping[str, object] | None = None,
        buffers: Iterable[bytes] = (),
    ) -> Result:
        """Send a request and return at once; bytes as content are sent as they are."""
        whole = self.header(msg_type) | dict(header or {})
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        parts = [json.dumps(whole).encode(), json.dumps(parent or {}).encode(), json.dumps(metadata or {}).encode()]
        parts.append(body)
        self.sockets[channel].send_multipart([DELIMITER, self.sign(parts), *parts, *buffers])
        msg_id = str(whole["msg_id"])
        return Result(msg_id, self._by_parent[msg_id])

    def _receive(self, milliseconds: int) -> None:
        for socket, _ in self._poller.poll(milliseconds):
            frames = socket.recv_multipart()
            at = frames.index(DELIMITER)
            signature, *parts = frames[at + 1 : at + 6]
            assert hmac.compare_digest(signature, self.sign(parts)), "the kernel's signature is wrong"
            header, parent, metadata, content = (json.loads(part) for part in parts)
            parent_id = str(parent.get("msg_id", ""))
            message = Message(
                self._channels[socket],
                header["msg_type"],
                parent_id,
                content,
                header,
                parent,
                metadata,
                frames[at + 6 :],
            )
            self.arrived.append(message)
            self._by_parent[parent_id].append(message)

    # ------------------------------------------------------------ waiting

    def until[T](self, found: Callable[[], T], what: str, seconds: float = HANG_SECONDS) -> T:
        """Receive until `found` returns something true, and return it; fails the test after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (value := found()):
            left = deadline - time.monotonic()
            if left <= 0:
                tail = "\n".join(f"  {m.channel} {m.msg_type} {str(m.content)[:200]}" for m in self.arrived[-8:])
                pytest.fail(f"waited {seconds:g} s in vain for {what}; the last messages were:\n{tail}")
            self._receive(int(left * 1000) + 1)
        return value

    def finish(self, result: Result, answers: Iterable[str] = (), seconds: float = HANG_SECONDS) -> Result:
        """Wait for the reply and the idle of a request, answering its prompts in order."""
        remaining = iter(answers)

        def done() -> bool:
            for message in result.prompts[len(result.asked) :]:
                result.asked.append((message.content["prompt"], message.content["password"]))
                self.answer(next(remaining))
            return result.is_done

        self.until(done, f"the reply to {result.msg_id} and its idle", seconds)
        return result

    def silence(self) -> None:
        """Receive what the kernel has sent so far: a round trip on control and on iopub."""
        self.request("kernel_info_request", {}, "control")

    # ------------------------------------------------------------ requests

    def execute(self, code: str, **content: Any) -> Result:
        """Send a cell and return at once; `content` replaces fields of the request, `header` of its header."""
        header = content.pop("header", None)
        metadata = content.pop("metadata", None)
        whole = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True}
        whole["stop_on_error"] = True
        return self.send("execute_request", {**whole, **content}, header=header, metadata=metadata)

    def run(self, code: str, *, answers: Iterable[str] = (), seconds: float = HANG_SECONDS, **content: Any) -> Result:
        """Run a cell to its end."""
        return self.finish(self.execute(code, **content), answers, seconds)

    def request(
        self, msg_type: str, content: Mapping[str, object] | bytes, channel: str = "shell", **more: Any
    ) -> Result:
        """Send a request and wait for its reply and idle."""
        return self.finish(self.send(msg_type, content, channel, **more))

    def start(self, code: str, sign_of_life: str = "ready", **content: Any) -> Result:
        """Send a cell and return when it has printed `sign_of_life`."""
        result = self.execute(code, **content)
        self.until(lambda: sign_of_life in result.stdout, f"{sign_of_life!r} from {code!r}")
        return result

    def answer(self, value: str) -> None:
        """Answer the prompt that is open."""
        self.send("input_reply", {"value": value, "status": "ok"}, "stdin")

    def wait_for_prompt(self, result: Result) -> str:
        """Wait until the cell asks, and return what it asks."""
        found = self.until(lambda: result.prompts, "an input_request")
        return str(found[-1].content["prompt"])


def _command(process: psutil.Process) -> str:
    """What a process was started with; empty when it has ended meanwhile."""
    try:
        return " ".join(process.cmdline()) or str(process.pid)
    except psutil.Error:
        return ""


class Process:
    """A kernel process, from its connection file to its end; `file` is one that an earlier kernel left."""

    def __init__(
        self,
        folder: Path,
        *,
        connection: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
        program: Sequence[str] = ("-m", "holdfast"),
        safe_path: bool = True,
        python: str | Path = sys.executable,
        file: Path | None = None,
    ) -> None:
        self.mark = secrets.token_hex(8)
        self.folder = folder
        self.file = file or folder / f"kernel-{self.mark}.json"
        self.log_file = folder / f"kernel-{self.mark}.log"
        if file is None:
            self.file.touch(mode=0o600)
            self.file.write_text(json.dumps(dict(connection) if connection is not None else fresh_connection()))
        with self.log_file.open("wb") as log:
            self.popen = subprocess.Popen(
                [python, *flags, *(["-P"] if safe_path else []), *program, "-f", str(self.file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, **(environment or {}), _MARK: self.mark},
                # As jupyter_client does: the kernel leads a group, and an interrupt goes to all of it.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        return self.popen.pid

    @property
    def log(self) -> str:
        """What the kernel wrote to its launcher's stdout and stderr."""
        return self.log_file.read_text(errors="replace")

    @cached_property
    def connection(self) -> Json:
        """The connection file once the kernel has written the ports that it chose."""

        def read() -> Json | None:
            if self.popen.poll() is not None:
                pytest.fail(f"the kernel ended with {self.popen.returncode} before it was ready: {self.log}")
            try:
                whole: Json = json.loads(self.file.read_bytes())
            except ValueError:  # it is being written
                return None
            return whole if all(whole.get(f"{channel}_port") for channel in CHANNELS) else None

        whole = wait_for(read, "the ports in the connection file")
        assert whole is not None
        return whole

    def interrupt(self) -> None:
        """SIGINT to the kernel's process group, as jupyter_client sends it."""
        os.killpg(self.pid, signal.SIGINT)

    def wait(self, seconds: float = HANG_SECONDS) -> int:
        """Wait for the process to end, and return its exit code."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the kernel did not end within {seconds:g} s; its log: {self.log}")

    def family(self) -> list[psutil.Process]:
        """The living processes that descend from this kernel, itself included, wherever their parent went."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def children(self) -> list[str]:
        """What those of its family that live were started with, but for the kernel itself."""
        others = [process for process in self.family() if process.pid != self.pid]
        return [line for process in others if (line := _command(process))]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == self.mark
        except psutil.Error:
            return False

    def kill(self) -> None:
        """End it and everything that it started, without a word."""
        for process in self.family():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.popen.wait(HANG_SECONDS)

    def end(self) -> None:
        """Fail the test when the process still runs, or left a child behind."""
        try:
            self.wait()
            # What the kernel has killed may need a moment to go.
            until = time.monotonic() + HANG_SECONDS / 2
            while (stayed := self.children()) and time.monotonic() < until:
                time.sleep(_PAUSE_SECONDS)
            assert stayed == [], f"the kernel left children behind: {stayed}"
        finally:
            self.kill()


class Kernel(Client):
    """A kernel process and its first client; a context manager that ends both and checks that they ended."""

    def __init__(
        self,
        folder: Path,
        *,
        connection: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
        process: Process | None = None,
    ) -> None:
        self.process = process or Process(folder, connection=connection, environment=environment, flags=flags)
        try:
            super().__init__(self.process.connection)
            self.connect()
        except BaseException:
            self.process.kill()
            raise
        self.is_over = False

    def interrupt(self) -> None:
        """SIGINT, as the interrupt button of a server sends it."""
        self.process.interrupt()

    def interrupt_by_message(self) -> Result:
        """An interrupt_request on the control channel."""
        return self.request("interrupt_request", {}, "control")

    def shut_down(self, *, restart: bool = False) -> Result:
        """Ask the kernel to leave, and wait until its process has ended."""
        result = self.request("shutdown_request", {"restart": restart}, "control")
        self.process.wait()
        self.is_over = True
        return result

    def another_client(self) -> Client:
        """A second client of the same kernel; close it."""
        client = Client(self.connection)
        client.connect()
        return client

    def is_fit(self) -> bool:
        """Whether the process lives and has nothing left to run."""
        if self.process.popen.poll() is not None:
            return False
        probe = self.execute("1 + 1", store_history=False)
        deadline = time.monotonic() + HANG_SECONDS
        while not probe.is_done and time.monotonic() < deadline:
            self._receive(100)
        return probe.is_done and probe.result == "2"

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if error[0] is not None:
                return
            if not self.is_over and self.process.popen.poll() is None:
                self.shut_down()
            self.process.end()
            assert self.process.popen.returncode == 0, f"the kernel's log: {self.process.log}"
        finally:
            self.process.kill()
            self.close()


class Shared:
    """One kernel for many tests, replaced when a test leaves it unfit for the next."""

    def __init__(self, make: Callable[[], Kernel]) -> None:
        self._make = make
        self.kernel = make()

    def check(self) -> None:
        """After a test: fail it when the kernel is not fit for the next one, and start another."""
        # What has arrived is of no use to the next test, and 100,000 lines of it take long to look through.
        self.kernel.arrived.clear()
        if self.kernel.is_fit():
            return
        log = self.kernel.process.log
        self.kernel.process.kill()
        self.kernel.close()
        self.kernel = self._make()
        pytest.fail(f"this test left the shared kernel dead or busy; its log: {log}")

    def end(self) -> None:
        """Shut the kernel down, and check that it goes."""
        with self.kernel:
            pass


def kept_ports() -> dict[str, int]:
    """Ports for two kernels, one after the other: nobody takes them in between."""
    return {f"{channel}_port": ports.own() for channel in CHANNELS}


def fresh_connection(**changes: object) -> Json:
    """What a launcher writes that lets the kernel choose its ports."""
    return {
        "ip": "127.0.0.1",
        "transport": "tcp",
        "key": secrets.token_hex(16),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "holdfast",
        **{f"{channel}_port": 0 for channel in CHANNELS},
        **changes,
    }
