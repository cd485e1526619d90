"""The in-memory transport keeps the port's promises."""

from __future__ import annotations

from holdfast.transport.memory import MemoryTransport


def test_what_is_put_is_received_in_order() -> None:
    """Messages of all channels arrive in the order in which they were put, once."""
    transport = MemoryTransport()
    transport.put("shell", [b"1"])
    transport.put("control", [b"2"])
    assert list(transport.receive()) == [("shell", [b"1"]), ("control", [b"2"])]
    assert list(transport.receive()) == []


def test_receive_sees_what_comes_while_it_is_read() -> None:
    """As with sockets, it ends only when nothing is left."""
    transport = MemoryTransport()
    transport.put("shell", [b"1"])
    got = []
    for _, frames in transport.receive():
        got.append(frames[0])
        if len(got) < 3:
            transport.put("shell", [b"more"])
    assert got == [b"1", b"more", b"more"]


def test_what_is_left_unread_stays() -> None:
    """A reader that stops early finds the rest later."""
    transport = MemoryTransport()
    for n in range(3):
        transport.put("shell", [b"%d" % n])
    next(transport.receive())
    assert [frames for _, frames in transport.receive()] == [[b"1"], [b"2"]]


def test_what_is_sent_is_a_copy() -> None:
    """As on a wire: a buffer that changes later does not change what was sent."""
    transport, buffer = MemoryTransport(), bytearray(b"before")
    transport.send("iopub", [b"topic", memoryview(buffer)])
    buffer[:] = b"after!"
    assert transport.sent == [("iopub", [b"topic", b"before"])]


def test_it_can_be_closed() -> None:
    """A test sees that it was."""
    transport = MemoryTransport()
    transport.close()
    assert transport.closed
