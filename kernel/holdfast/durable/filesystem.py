"""What kind of file system a folder lies on, as far as a system tells.

It must never guess: what nothing is known of counts as a local disk.
"""

from __future__ import annotations

import os
import sys

from holdfast.durable.keys import StrPath

_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre beegfs gpfs davfs fuse.sshfs fuse.s3fs fuse.rclone "
    "fuse.gcsfuse fuse.glusterfs fuse.davfs2 fuse.juicefs".split()
)
#: macOS: the size of `struct statfs`, where its flags lie, and that of a local file system.
_STATFS, _FLAGS, _LOCAL = 2168, 64, 0x1000
#: Windows: the type of a drive on another machine.
_REMOTE = 4


def on_network(folder: StrPath, mounts: str | os.PathLike[str] = "/proc/self/mountinfo") -> bool:
    """Say whether a folder lies on a file system of the network, where that can be known."""
    where = os.path.realpath(folder)
    if sys.platform == "darwin":
        flags = _statfs_flags(where)
        return flags is not None and not flags & _LOCAL
    if sys.platform == "win32":
        return where.startswith("\\\\") or _drive_type(os.path.splitdrive(where)[0] + "\\") == _REMOTE
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.readlines()
    except OSError:
        return False
    return _mounted(where, lines) in _NETWORK


def _mounted(where: str, lines: list[str]) -> str:
    """The kind of the file system that `where` lies on, of the mounts that Linux tells."""
    longest, kind = -1, ""
    for line in lines:
        # "36 35 98:0 /root /mount/point options … - type source options"; the optional fields vary in number.
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4].encode("latin-1", "replace").decode("unicode_escape")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            longest, kind = len(point), after.split(" ")[0]
    return kind


def _statfs_flags(where: str) -> int | None:
    """The mount flags that macOS tells; Python's `statvfs` leaves out the one that is asked for."""
    import ctypes

    library = ctypes.CDLL(None)
    call = getattr(library, "statfs$INODE64", None) or getattr(library, "statfs", None)
    found = ctypes.create_string_buffer(_STATFS)
    if call is None or call(os.fsencode(where), found) != 0:
        return None
    return int.from_bytes(found.raw[_FLAGS : _FLAGS + 4], sys.byteorder)


def _drive_type(root: str) -> int:
    import ctypes

    return int(getattr(ctypes, "windll").kernel32.GetDriveTypeW(root))  # noqa: B009
