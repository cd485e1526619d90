"""Ports for those who choose one and bind it later.

It must never give one that the system gives to others by chance: two workers of a test run start kernels all the
time, and a port that is free for a moment is soon somebody's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
#: How many there are below those that the system hands out, and the first port that is worth a try.
_WIDTH, _LOWEST = 12_000, 10_000


def _walk() -> Iterator[int]:
    """Each once, from a place of this process's own; none where the system hands out nearly all there are."""
    try:
        end = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        end = 32_768
    first = end - _WIDTH
    if first < _LOWEST:
        return
    start = first + int.from_bytes(os.urandom(4)) % _WIDTH
    yield from chain(range(start, end), range(first, start))


_left = _walk()


def own(ip: str = "127.0.0.1") -> int:
    """A port that nobody listens on, and that nobody is given who does not ask for it by its number."""
    for port in chain(_left, [0]):
        with socket.socket() as probe:
            try:
                probe.bind((ip, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError(f"{ip} has no free port")
