"""Which folders lie on the network, as each system tells."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.durable.filesystem import on_network

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:40 / /home rw shared:2 master:3 - nfs4 server:/home rw
24 23 8:2 / /home/local rw - xfs /dev/sdb rw
25 22 0:41 / /mnt/with\\040space rw - cifs //server/share rw
"""
PLACES = [("/", False), ("/home", True), ("/home/u/x", True), ("/homes", False), ("/home/local/x", False)]


@pytest.mark.parametrize(("place", "expected"), [*PLACES, ("/mnt/with space/x", True)])
def test_file_systems_of_the_network_are_known(place: str, expected: bool, tmp_path: Path) -> None:
    """The mount that holds a folder decides."""
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert on_network(Path(place), str(tmp_path / "mountinfo")) == expected


def test_without_a_list_of_mounts_a_folder_is_local() -> None:
    """Where the system has none, nothing is assumed."""
    assert not on_network(Path("/"), "/nonexistent")


@pytest.mark.parametrize(("flags", "expected"), [(0x1000 | 1, False), (1, True), (None, False)])
@pytest.mark.parametrize("name", ["statfs", "statfs$INODE64"])
def test_macos_tells_which_mounts_are_local(
    flags: int | None, expected: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a flag of the mount; where the call fails nothing is known."""

    def statfs(path: bytes, found: ctypes.Array[ctypes.c_char]) -> int:
        assert path == b"/"
        if flags is None:
            return -1
        ctypes.memmove(ctypes.addressof(found) + 64, flags.to_bytes(4, sys.byteorder), 4)
        return 0

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(**{name: statfs}))
    assert on_network("/") == expected


@pytest.mark.parametrize(("kind", "expected"), [(4, True), (3, False), (0, False)])
def test_windows_tells_the_type_of_a_drive(kind: int, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share is on the network by its name, a drive by its type."""
    kernel32 = SimpleNamespace(GetDriveTypeW=lambda root: kind)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    monkeypatch.setattr(os.path, "realpath", lambda path: path)
    assert on_network(r"C:\Users\me") == expected
    assert on_network(r"\\server\share\me")
