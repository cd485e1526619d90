"""The least that still is a kernel: a pyzmq loop around `exec`, in one thread.

It must never be taken for a usable kernel: no streams, no interrupt, no history, one `print` of its own.  It
shows what client and wire cost without any kernel (`--kernels bare,...`), and it is what `tests/benchmarks`
measures, where it can be told to lose output.
"""

from __future__ import annotations

import hmac
import itertools
import json
import sys
import threading
import time
from pathlib import Path

import zmq

from benchmarks.wire import Json, Message, Signer

INFO: Json = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "bare",
    "implementation_version": "0",
    "language_info": {"name": "python", "version": "3", "mimetype": "text/x-python", "file_extension": ".py"},
    "banner": "bare",
    "help_links": [],
}


class BareKernel:
    """Binds the sockets of a connection file's content; `lose_every=n` leaves out each n-th line printed."""

    def __init__(self, connection: Json, *, lose_every: int = 0) -> None:
        self._signer = Signer(str(connection["key"]).encode())
        self._lose_every = lose_every
        self._printed = 0
        self._numbers = itertools.count()
        self._namespace: dict[str, object] = {"print": self._print}
        self._request: Message
        self._context = zmq.Context()
        self._sockets = {
            name: self._context.socket(zmq.PUB if name == "iopub" else zmq.ROUTER)
            for name in ("shell", "control", "stdin", "iopub")
        }
        for name, socket in self._sockets.items():
            socket.setsockopt(zmq.SNDHWM, 0)
            socket.bind(f"tcp://{connection['ip']}:{connection[name + '_port']}")
        self.rejected = 0

    def serve(self, stop: threading.Event | None = None) -> None:
        """Answer requests until a shutdown_request comes or `stop` is set (seen within 50 ms)."""
        poller = zmq.Poller()
        for name in ("shell", "control"):
            poller.register(self._sockets[name], zmq.POLLIN)
        try:
            while not (stop and stop.is_set()):
                for socket, _ in poller.poll(50):
                    if self._answer(socket) == "shutdown_request":
                        return
        finally:
            self._context.destroy(linger=200)

    def _answer(self, socket: zmq.Socket[bytes]) -> str:
        request = Message(time.perf_counter(), "shell", socket.recv_multipart())
        if not hmac.compare_digest(self._signer.sign(request.parts), request.signature):
            self.rejected += 1
            return "rejected"
        self._request = request
        self._publish("status", {"execution_state": "busy"})
        content = self._execute() if request.type == "execute_request" else INFO
        reply = self._frames(request.type.replace("_request", "_reply"), content)
        socket.send_multipart([*request.identities, *reply])
        self._publish("status", {"execution_state": "idle"})
        return request.type

    def _execute(self) -> Json:
        try:
            exec(self._request.content["code"], self._namespace)
        except BaseException as error:
            return {"status": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": []}
        return {"status": "ok", "execution_count": 1, "user_expressions": {}}

    def _print(self, value: object) -> None:
        self._printed += 1
        if self._lose_every and self._printed % self._lose_every == 0:
            return
        self._publish("stream", {"name": "stdout", "text": f"{value}\n"})

    def _publish(self, msg_type: str, content: Json) -> None:
        self._sockets["iopub"].send_multipart([msg_type.encode(), *self._frames(msg_type, content)])

    def _frames(self, msg_type: str, content: Json) -> list[bytes]:
        header = {
            "msg_id": f"bare_{next(self._numbers)}",
            "session": "bare",
            "username": "bare",
            "date": "2026-01-01T00:00:00.000000Z",
            "msg_type": msg_type,
            "version": "5.3",
        }
        return self._signer.frames(header, self._request.header, content)


if __name__ == "__main__":
    BareKernel(json.loads(Path(sys.argv[1]).read_text())).serve()
