"""No bytes kill the kernel (P6): mutated multiparts in memory and over real sockets.

Set HOLDFAST_FUZZ_SEED to run one seed again; a failure says which it was.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from helpers.fuzzing import Fuzzer, Mutant, corpus
from helpers.hands import MemoryKernel
from helpers.kernel import Kernel
from helpers.messages import read

IN_MEMORY = 100_000
OVER_SOCKETS = 10_000
EXAMPLES = 40
BATCH = 500
#: Memory that may come and go between two looks at a process of 60 MiB (allocator, pools); a leak of 200 bytes
#: for each message would cost more.
SLACK = 12 << 20


def _rss(pid: int | None = None) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def _feed(kernel: MemoryKernel, mutants: Iterator[Mutant], count: int, what: str) -> None:
    """Put `count` mutants; each signed request among them must get exactly one reply."""
    for start in range(0, count, BATCH):
        batch = list(islice(mutants, min(BATCH, count - start)))
        for mutant in batch:
            kernel.transport.put(mutant.channel, mutant.frames)
        kernel.barrier()
        owed = {mutant.owed for mutant in batch if mutant.owed}
        replied: list[str] = []
        while not owed <= set(replied):
            sent = kernel.take_some()
            assert sent, f"no reply to {sorted(owed - set(replied))[:3]} ({what})"
            replied += [read(channel, parts).parent for channel, parts in sent if channel in ("shell", "control")]
        assert len(replied) == len(set(replied)), f"a request was replied to twice ({what})"


@pytest.mark.timeout(900)
def test_no_multipart_kills_the_kernel_in_memory() -> None:
    """100,000 mutants: no bug logged, nothing forged run, each signed request answered once, memory flat."""
    kernel = MemoryKernel(window=1000)
    kernel.hands.keeps_calls = False
    fed, sizes = 0, []

    @settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
    @given(seeds=corpus(), seed=st.integers(0, 2**64 - 1))
    def fuzz(seeds: list[tuple[str, object]], seed: int) -> None:
        nonlocal fed
        seed = int(os.environ.get("HOLDFAST_FUZZ_SEED", seed))
        what = f"HOLDFAST_FUZZ_SEED={seed}"
        _feed(kernel, iter(Fuzzer(seed, seeds)), IN_MEMORY // EXAMPLES, what)
        fed += IN_MEMORY // EXAMPLES
        assert kernel.bugs() == [], what
        assert kernel.hands.ran <= {"1"}, f"a forged cell ran; {what}"
        assert not kernel.hands.left, f"a forged shutdown was obeyed; {what}"
        sizes.append(_rss())

    with kernel:
        fuzz()
        assert fed >= IN_MEMORY
        assert kernel.driver.dropped > IN_MEMORY // 4
        assert kernel.execute("1") == "ok"
    warm = sizes[len(sizes) // 4]
    assert sizes[-1] - warm < SLACK, f"memory grew from {warm} to {sizes[-1]} bytes"


def _send(kernel: Kernel, mutant: Mutant) -> None:
    if mutant.channel == "iopub":
        kernel.sockets["iopub"].subscribe(mutant.frames[0][1:])
        kernel.sockets["iopub"].unsubscribe(mutant.frames[0][1:])
    else:
        kernel.sockets[mutant.channel].send_multipart(mutant.frames)


def _knock(kernel: Kernel, chance: random.Random) -> None:
    """Bytes that are not even ZeroMQ's, on every port."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
    for channel in ("shell", "control", "stdin", "iopub", "hb"):
        address = ("127.0.0.1", kernel.connection[f"{channel}_port"])
        # Whoever talks nonsense may find the door shut in the middle of it.
        with socket.create_connection(address, 60) as knock, contextlib.suppress(ConnectionError):
            knock.sendall(chance.choice([b"GET / HTTP/1.1\r\n\r\n", greeting, chance.randbytes(300), greeting[:20]]))
            knock.sendall(chance.randbytes(200))


def _round(kernel: Kernel, batch: list[Mutant], chance: random.Random, what: str) -> None:
    """Send a batch and wait until every signed request in it was replied to."""
    for mutant in batch:
        # The DEALER adds the identity that the mutants carry themselves.
        _send(kernel, mutant)
    _knock(kernel, chance)
    owed = {mutant.owed for mutant in batch if mutant.owed}
    kernel.silence()
    kernel.until(lambda: owed <= _replied(kernel), f"a reply to all signed requests ({what})")
    kernel.arrived.clear()


@pytest.mark.timeout(900)
def test_no_multipart_kills_the_kernel_over_sockets(tmp_path: Path) -> None:
    """10,000 mutants and raw bytes at a real kernel: it answers, ran nothing forged, and its memory is flat."""
    seed = int(os.environ.get("HOLDFAST_FUZZ_SEED", secrets.randbits(64)))
    what = f"HOLDFAST_FUZZ_SEED={seed}"
    chance = random.Random(seed)
    canary = tmp_path / "canary"
    seeds: list[tuple[str, object]] = [
        ("execute_request", {"silent": True}),
        ("execute_request", {"silent": True, "code": 5}),
        ("complete_request", {"code": "im", "cursor_pos": 10**9}),
        ("inspect_request", {"code": "x", "cursor_pos": -5}),
        ("history_request", {"hist_access_type": "range", "session": -9, "start": 10**18}),
        ("is_complete_request", {"code": "\x00"}),
        ("comm_open", {"comm_id": "c", "target_name": "nowhere"}),
        ("comm_msg", {"comm_id": [], "data": 5}),
        ("input_reply", {"value": "x"}),
        ("an_unknown_request", [1]),
        ("delete_subshell_request", {"subshell_id": "none"}),
    ]
    forged = f"open({str(canary)!r}, 'w').close()"
    sizes = []
    with Kernel(tmp_path) as kernel:
        key = str(kernel.connection["key"]).encode()
        fuzzer = Fuzzer(seed, seeds, key, code="0", canary=forged)
        mutants = iter(fuzzer)
        # Language services are imported with the first request that needs them: that is no leak.
        for msg_type in ("complete_request", "inspect_request", "is_complete_request"):
            for code in ("import os; os.path", "a", "def f(x: str):\n    x.", "print("):
                kernel.request(msg_type, {"code": code, "cursor_pos": len(code), "detail_level": 1})
        for _ in range(OVER_SOCKETS // BATCH):
            _round(kernel, list(islice(mutants, BATCH)), chance, what)
            sizes.append(_rss(kernel.process.pid))
        assert kernel.run("21 * 2").result == "42", what
        assert not canary.exists(), f"a forged cell ran; {what}"
        assert "bug in Holdfast" not in kernel.process.log, f"{what}\n{kernel.process.log}"
    warm = sizes[len(sizes) // 3]
    assert sizes[-1] - warm < SLACK, f"memory grew from {warm} to {sizes[-1]} bytes; {what}"


def _replied(kernel: Kernel) -> set[str]:
    return {message.parent for message in kernel.arrived if message.channel in ("shell", "control")}
