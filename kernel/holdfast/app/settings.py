"""What people can set through the environment; it must never be read anywhere else.

Every setting is documented in `docs/settings.md`; a test checks it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from holdfast.errors import PeerError


class Settings(Struct, frozen=True):
    """`out_limit`: bytes of results that `Out` keeps; `threads_blocking`: run cells that block in a thread."""

    out_limit: int = 1 << 30
    threads_blocking: bool = False


def read(environ: Mapping[str, str]) -> Settings:
    """The settings of this process; raises `PeerError` naming what cannot be understood."""
    limit = environ.get("HOLDFAST_OUT_LIMIT", "") or str(1 << 30)
    blocking = environ.get("HOLDFAST_BLOCKING", "") or "loop"
    if not limit.isdecimal():
        raise PeerError(f"HOLDFAST_OUT_LIMIT is {limit!r}: expected a number of bytes")
    if blocking not in ("loop", "thread"):
        raise PeerError(f"HOLDFAST_BLOCKING is {blocking!r}: expected 'loop' or 'thread'")
    return Settings(int(limit), blocking == "thread")
