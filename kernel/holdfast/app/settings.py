"""What people can set through the environment; it must never be read anywhere else.

Every setting is documented in `docs/settings.md`; a test checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from msgspec import Struct

from holdfast.errors import PeerError

Durability = Literal["full", "process", "off"]
Restore = Literal["always", "crash", "never"]


class Settings(Struct, frozen=True):
    """`out_limit`: bytes of results that `Out` keeps; `threads_blocking`: run cells that block in a thread.

    `durability`: what a committed cell survives; `restore`: after which end of a session it comes back.
    """

    out_limit: int = 1 << 30
    threads_blocking: bool = False
    durability: Durability = "full"
    restore: Restore = "always"


def read(environ: Mapping[str, str]) -> Settings:
    """The settings of this process; raises `PeerError` naming what cannot be understood."""
    limit = environ.get("HOLDFAST_OUT_LIMIT", "") or str(1 << 30)
    blocking = _one_of(environ, "HOLDFAST_BLOCKING", "loop", "thread")
    if not limit.isdecimal():
        raise PeerError(f"HOLDFAST_OUT_LIMIT is {limit!r}: expected a number of bytes")
    durability = _one_of(environ, "HOLDFAST_DURABILITY", "full", "process", "off")
    restore = _one_of(environ, "HOLDFAST_RESTORE", "always", "crash", "never")
    return Settings(int(limit), blocking == "thread", cast(Durability, durability), cast(Restore, restore))


def _one_of(environ: Mapping[str, str], name: str, default: str, *others: str) -> str:
    value = environ.get(name, "") or default
    if value not in (default, *others):
        expected = ", ".join(repr(word) for word in (default, *others))
        raise PeerError(f"{name} is {value!r}: expected one of {expected}")
    return value
