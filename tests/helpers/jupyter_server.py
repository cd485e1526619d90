"""A jupyter_server of the tests' own: notebooks, sessions and kernels by its REST interface, cells by the wire.

It must never be reachable from outside: it listens on loopback, behind a token that is new each time.

Rejected: its websocket (a client of our own or a package more, for what the connection file gives at once).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from helpers.kernel import Client, wait_for
from helpers.peers import KERNEL, Household, PeerEnvironment

START_TIMEOUT_S: Final = 180.0


class JupyterServer:
    """A running server; raises AssertionError, with its log, when it does not say where it runs."""

    def __init__(self, peers: PeerEnvironment, household: Household, environment: Mapping[str, str]) -> None:
        self.household = household
        self.work = household.work
        self.log: list[str] = []
        self._token = secrets.token_hex(16)
        self._process = subprocess.Popen(
            peers.command(
                "jupyter_server",
                "--no-browser",
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                f"--IdentityProvider.token={self._token}",
                f"--ServerApp.root_dir={self.work}",
                "--ServerApp.allow_root=True",
                "--ServerApp.terminals_enabled=False",
                "--ServerApp.jpserver_extensions={}",
                "--KernelManager.shutdown_wait_time=10",
                "--AsyncIOLoopKernelRestarter.time_to_dead=0.2",
            ),
            cwd=self.work,
            env={**household.environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        addresses: SimpleQueue[str | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read_log, args=(addresses,), name="server-log", daemon=True)
        self._reader.start()
        try:
            address = addresses.get(timeout=START_TIMEOUT_S)
        except Empty:
            address = None
        if address is None:
            self.close()
        assert address is not None, "the server did not start:\n" + "".join(self.log)
        self._address = address
        # It says so before it listens.
        wait_for(self._answers, "the server to listen", START_TIMEOUT_S)

    def _answers(self) -> bool:
        try:
            self.ask("GET", "")
        except urllib.error.HTTPError:
            return True
        except urllib.error.URLError:
            return False
        return True

    def _read_log(self, addresses: SimpleQueue[str | None]) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:[1-9]\d*)/", line):
                addresses.put(found[1])
        addresses.put(None)

    def ask(self, method: str, place: str, /, **body: object) -> Any:
        """What the server answers to a request of its REST interface."""
        request = urllib.request.Request(
            f"{self._address}/api/{place}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"token {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = response.read()
        return json.loads(answer) if answer else None

    # ------------------------------------------------------------ notebooks

    def new(self) -> str:
        """A new notebook, as the launcher of JupyterLab makes one: without a cell; its path."""
        return str(self.ask("POST", "contents", type="notebook")["path"])

    def save(self, path: str, *ids: str) -> str:
        """Write a notebook whose cells have these ids."""
        code: dict[str, object] = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": []}
        cells = [{**code, "id": one, "execution_count": 1} for one in ids]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        self.ask("PUT", f"contents/{path}", type="notebook", format="json", content=content)
        return path

    # ------------------------------------------------------------ kernels

    @contextmanager
    def open(self, path: str, *, name: str = "", kind: str = "notebook") -> Iterator[ServedKernel]:
        """A kernel as JupyterLab starts it for a notebook or a console, shut down as its menu does."""
        session = self.ask("POST", "sessions", path=path, name=name or path, type=kind, kernel={"name": KERNEL})
        with ServedKernel(self, session["kernel"]["id"]) as kernel:
            yield kernel
        self.ask("DELETE", f"sessions/{session['id']}")

    @contextmanager
    def open_beside(self, path: str) -> Iterator[ServedKernel]:
        """One more kernel for a notebook that has one; the server has one session for each path."""
        (first,) = [one for one in self.ask("GET", "sessions") if one["path"] == path]
        self.ask("PATCH", f"sessions/{first['id']}", path=f"{path}.elsewhere")
        with self.open(path) as kernel:
            yield kernel

    @contextmanager
    def plain(self) -> Iterator[ServedKernel]:
        """A kernel that is asked for without a session, and so without a name."""
        started = self.ask("POST", "kernels", name=KERNEL)
        with ServedKernel(self, started["id"]) as kernel:
            yield kernel
        self.ask("DELETE", f"kernels/{started['id']}")

    def close(self) -> None:
        """Stop the server, which stops its kernels."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        assert self._process.stderr is not None
        self._reader.join()
        self._process.stderr.close()


class ServedKernel(Client):
    """A client of a kernel that the server has started, from its connection file."""

    def __init__(self, server: JupyterServer, kernel: str) -> None:
        self._server = server
        self._file = Path(server.household.runtime, f"kernel-{kernel}.json")
        super().__init__(json.loads(self._file.read_bytes()))
        self.connect()

    def __enter__(self) -> ServedKernel:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def cell(self, code: str, id: str = "") -> str | None:
        """The value of a cell that has this id, or the name of its error."""
        result = self.run(code, metadata={"cellId": id} if id else None)
        return result.error or result.result

    def kill(self) -> None:
        """SIGKILL; return when the server has started it again."""
        (process,) = self._processes()
        process.kill()
        wait_for(lambda: any(found.pid != process.pid for found in self._processes()), "the server's restart")
        self.close()
        super().__init__(json.loads(self._file.read_bytes()))
        self.connect()

    def _processes(self) -> list[Any]:
        return self._server.household.processes(str(self._file))
