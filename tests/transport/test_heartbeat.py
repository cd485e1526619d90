"""The heartbeat echoes, whatever Python does."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq

from holdfast.errors import AddressTaken
from holdfast.transport.heartbeat import Heartbeat
from holdfast.transport.sockets import Sockets
from holdfast.wire.connection import ConnectionInfo

HANG = 60_000


def _sockets(info: ConnectionInfo) -> Sockets:
    sockets = Sockets(info, lambda *_: None, lambda: 0.0)
    sockets.bind()
    return sockets


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_it_echoes_until_the_sockets_close(transport: str, tmp_path: Path) -> None:
    """Frames come back as they were; the thread ends with the context."""
    info = ConnectionInfo(transport="ipc", ip=str(tmp_path / "k")) if transport == "ipc" else ConnectionInfo()
    sockets = _sockets(info)
    beat = Heartbeat(sockets.context, info)
    beat.start()
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.linger = 0
        separator = "-" if transport == "ipc" else ":"
        client.connect(f"{transport}://{info.ip}{separator}{beat.port}")
        for body in (b"ping", b"", b"x" * 100_000):
            client.send(body)
            assert client.poll(HANG), "no heartbeat"
            assert client.recv() == body
    sockets.close(0)
    beat.join(HANG / 1000)
    assert not beat._thread.is_alive()


def test_its_port_is_its_own() -> None:
    """The port that it chooses is none of the other channels'."""
    sockets = _sockets(ConnectionInfo())
    beat = Heartbeat(sockets.context, ConnectionInfo())
    beat.start()
    assert beat.port not in sockets.ports.values()
    sockets.close(0)
    beat.join(HANG / 1000)


def test_a_taken_port_is_refused() -> None:
    """The error names the heartbeat's channel."""
    sockets = _sockets(ConnectionInfo())
    with pytest.raises(AddressTaken, match="cannot listen for hb"):
        Heartbeat(sockets.context, ConnectionInfo(hb_port=sockets.ports["shell"]))
    sockets.close(0)
