"""A forked child closes the kernel's sockets, and no other one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Binds, connects and forks in a process of its own, and prints what is open in the child and then in the parent.
_PROGRAM = """
import json, os, socket, sys, warnings
from holdfast.transport.inherited import close_in_children

transport, folder = sys.argv[1:]
def listening(name):
    if transport == "tcp":
        made = socket.create_server(("127.0.0.1", 0))
        return made, made.getsockname()[1], made.getsockname()
    made = socket.socket(socket.AF_UNIX)
    path = f"{folder}/{name}-1"
    made.bind(path); made.listen()
    return made, 1, path

ours, port, address = listening("kernel")
client = socket.socket(ours.family); client.connect(address)
accepted, _ = ours.accept()
theirs, _, other = listening("user")
to_theirs = socket.socket(ours.family); to_theirs.connect(other)
pair, mate = socket.socketpair()
file = open(os.devnull)
everything = dict(ours=ours, accepted=accepted, theirs=theirs, client=client, pair=pair, file=file)

def is_open(fd):
    try:
        return bool(os.fstat(fd))
    except OSError:
        return False

numbers = {name: one.fileno() for name, one in everything.items()}
close_in_children([port], "127.0.0.1" if transport == "tcp" else f"{folder}/kernel", transport)
warnings.simplefilter("ignore")
for who in ("child", "parent"):
    if who == "parent" or not (pid := os.fork()):
        print(json.dumps({name: is_open(fd) for name, fd in numbers.items()}), flush=True)
        if who == "child": os._exit(0)
    else:
        os.waitpid(pid, 0)
"""


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_child_lets_go_of_the_kernels_sockets(transport: str, tmp_path: Path) -> None:
    """Of the listening one and of its connections; the user's stay, and the parent keeps all."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, transport, str(tmp_path)], capture_output=True, text=True, check=True
    )
    child, parent = (json.loads(line) for line in done.stdout.splitlines())
    assert [name for name, is_open in child.items() if not is_open] == ["ours", "accepted"]
    assert all(parent.values())
