"""Transports other than plain tcp: CURVE encryption and ipc."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from helpers.kernel import HANG_SECONDS, Client, Json, Kernel, fresh_connection, wait_for


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name (107 bytes in all)."""
    folder = Path(tempfile.mkdtemp(prefix="hk-"))
    yield folder
    shutil.rmtree(folder)


def _exercise(kernel: Kernel) -> None:
    """Every channel works: cells, prompts, control, heartbeat."""
    assert kernel.run("6 * 7").result == "42"
    assert kernel.run("input('?')", answers=["typed"]).result == "'typed'"
    assert kernel.request("kernel_info_request", {}, "control").reply["status"] == "ok"
    running = kernel.start("print('ready')\nwhile True: pass")
    kernel.interrupt_by_message()
    assert kernel.finish(running).reply["ename"] == "KeyboardInterrupt"
    assert len(kernel.run("print('x' * 1_000_000)").stdout) == 1_000_001


# ---------------------------------------------------------------- ipc


def test_ipc_paths_are_chosen(tmp_path: Path, short: Path) -> None:
    """ipc with ports of 0: the kernel chooses free paths and writes their numbers."""
    connection = fresh_connection(transport="ipc", ip=str(short / "k"))
    with Kernel(tmp_path, connection=connection) as kernel:
        _exercise(kernel)
        assert len({kernel.connection[f"{channel}_port"] for channel in ("shell", "iopub", "hb")}) == 3


def test_ipc_paths_are_used(tmp_path: Path, short: Path) -> None:
    """ipc with numbers of the launcher's choice."""
    numbers = {f"{channel}_port": n for n, channel in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}
    with Kernel(tmp_path, connection=fresh_connection(transport="ipc", ip=str(short / "k"), **numbers)) as kernel:
        _exercise(kernel)
        assert (short / "k-1").exists()


def test_ipc_heartbeat_beats(tmp_path: Path, short: Path) -> None:
    """The heartbeat echoes over ipc."""
    with Kernel(tmp_path, connection=fresh_connection(transport="ipc", ip=str(short / "k"))) as kernel:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = context.socket(zmq.REQ)
        socket.connect(kernel.address("hb"))
        socket.send(b"beat")
        assert socket.poll(60_000)
        assert socket.recv() == b"beat"
        context.destroy(linger=0)


def test_two_kernels_share_a_folder_of_sockets(tmp_path: Path, short: Path) -> None:
    """A second kernel with the same stem takes other paths."""
    connection = fresh_connection(transport="ipc", ip=str(short / "k"))
    with Kernel(tmp_path, connection=connection) as one, Kernel(tmp_path, connection=connection) as two:
        one.run("who = 'one'")
        two.run("who = 'two'")
        assert (one.run("who").result, two.run("who").result) == ("'one'", "'two'")


# ---------------------------------------------------------------- CURVE


def _keys() -> dict[str, str]:
    public, secret = zmq.curve_keypair()
    return {"curve_publickey": public.decode(), "curve_secretkey": secret.decode()}


def test_an_encrypted_kernel_serves_who_has_the_key(tmp_path: Path) -> None:
    """With CURVE keys in the connection file every channel works for a client that knows the public one."""
    with Kernel(tmp_path, connection=fresh_connection(**_keys())) as kernel:
        _exercise(kernel)


def test_an_encrypted_kernel_over_ipc(tmp_path: Path, short: Path) -> None:
    """CURVE works over ipc too."""
    connection = fresh_connection(transport="ipc", ip=str(short / "k"), **_keys())
    with Kernel(tmp_path, connection=connection) as kernel:
        _exercise(kernel)


@pytest.mark.parametrize("key", [None, "a key of its own"], ids=["plain", "with another key"])
def test_an_encrypted_kernel_does_not_talk_to_others(tmp_path: Path, key: str | None) -> None:
    """A client without the public key finishes no handshake, though it knows ports and HMAC key."""
    with Kernel(tmp_path, connection=fresh_connection(**_keys())) as kernel:
        connection = {n: v for n, v in kernel.connection.items() if not n.startswith("curve_")}
        other = zmq.curve_public(zmq.curve_keypair()[1]).decode() if key else None
        stranger = Client(connection, public_key=other)
        try:
            for channel in ("shell", "control"):
                stranger.send("kernel_info_request", {}, channel)
            kernel.run("1")
            kernel.run("import time; time.sleep(0.2)")
            stranger._receive(200)
            assert stranger.arrived == []
        finally:
            stranger.close()


def test_an_encrypted_heartbeat_wants_the_key_too(tmp_path: Path) -> None:
    """The heartbeat echoes for a client with the key."""
    with Kernel(tmp_path, connection=fresh_connection(**_keys())) as kernel:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = context.socket(zmq.REQ)
        socket.curve_serverkey = kernel.connection["curve_publickey"].encode()
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.connect(kernel.address("hb"))
        socket.send(b"beat")
        assert socket.poll(60_000)
        assert socket.recv() == b"beat"
        context.destroy(linger=0)


# ---------------------------------------------------------------- through jupyter_client


def _spec() -> KernelSpec:
    return KernelSpec(
        argv=[sys.executable, "-P", "-m", "holdfast", "-f", "{connection_file}"],
        display_name="Holdfast",
        language="python",
        metadata={"supported_encryption": ["curve"]},
    )


@pytest.mark.keeps("fds", reason="jupyter_client keeps one event loop per thread for its blocking calls")
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("encryption", ["disabled", "required"])
def test_jupyter_client_starts_it(tmp_path: Path, short: Path, transport: str, encryption: str) -> None:
    """KernelManager with its own transport and transport_encryption starts the kernel and runs a cell."""
    folder = short if transport == "ipc" else tmp_path
    settings: dict[str, Any] = {"transport_encryption": encryption, "transport": transport}
    manager = KernelManager(connection_file=str(folder / "kernel.json"), **settings)
    manager._kernel_spec = _spec()
    manager.start_kernel()
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=HANG_SECONDS)
        assert client.execute_interactive("1", timeout=HANG_SECONDS)["content"]["status"] == "ok"
        assert bool(manager.curve_publickey) == (encryption == "required")
        # Its heart has stopped when it was not heard for a second, until it is heard again.
        wait_for(client.hb_channel.is_beating, "the heartbeat")
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()


def test_an_async_manager_restarts_it(tmp_path: Path) -> None:
    """AsyncKernelManager starts, restarts and interrupts the kernel."""
    from jupyter_client.manager import AsyncKernelManager

    async def main() -> None:
        manager = AsyncKernelManager(connection_file=str(tmp_path / "kernel.json"))
        manager._kernel_spec = _spec()
        await manager.start_kernel()
        client = manager.client()

        async def replied(msg_id: str) -> Json:
            """The reply's content; of a kernel that starts slowly the client asks more than once who it is."""
            while (reply := await client.get_shell_msg(timeout=HANG_SECONDS))["parent_header"]["msg_id"] != msg_id:
                pass
            content: Json = reply["content"]
            return content

        try:
            client.start_channels()
            await client.wait_for_ready(timeout=HANG_SECONDS)
            await replied(client.execute("kept = 1"))
            await manager.restart_kernel()
            await client.wait_for_ready(timeout=HANG_SECONDS)
            asked = client.execute("import time\nprint('ready')\ntime.sleep(60)")
            while (await client.get_iopub_msg(timeout=HANG_SECONDS))["msg_type"] != "stream":
                pass
            await manager.interrupt_kernel()
            assert (await replied(asked))["ename"] == "KeyboardInterrupt"
            assert (await replied(client.execute("kept")))["ename"] == "NameError"
        finally:
            client.stop_channels()
            await manager.shutdown_kernel()

    asyncio.run(main())
