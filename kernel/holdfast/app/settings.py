"""What people can set through the environment; it must never be read anywhere else.

Every setting is documented in `docs/settings.md`; a test checks it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, cast

from msgspec import Struct

from holdfast.errors import PeerError

Durability = Literal["full", "process", "off"]
Restore = Literal["always", "crash", "never"]
_UNITS = {"%": 0.01, "": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


class Settings(Struct, frozen=True):
    """`out_limit`: bytes of results that `Out` keeps; `threads_blocking`: run cells that block in a thread.

    `durability`: what a committed cell survives; `restore`: after which end of a session it comes back.
    `keep_commits` and `keep_days`: how much of a session's past stays; `store_limit`: bytes that a session may take on
    the disk, or (below 1) the part of it.
    `ipython_compat`: libraries find `get_ipython()`, and a stand-in for IPython where it is not installed.
    `patience`: seconds that a reply waits for large values; `deadline`: those that user code has in a commit.
    """

    out_limit: int = 1 << 30
    threads_blocking: bool = False
    durability: Durability = "full"
    restore: Restore = "always"
    patience: float = 0.25
    deadline: float = 2.0
    keep_commits: float = 10_000
    keep_days: float = math.inf
    store_limit: float = 0.1
    ipython_compat: bool = True


def read(environ: Mapping[str, str]) -> Settings:
    """The settings of this process; raises `PeerError` naming what cannot be understood."""
    limit = environ.get("HOLDFAST_OUT_LIMIT", "") or str(1 << 30)
    blocking = _one_of(environ, "HOLDFAST_BLOCKING", "loop", "thread")
    if not limit.isdecimal():
        raise PeerError(f"HOLDFAST_OUT_LIMIT is {limit!r}: expected a number of bytes")
    durability = _one_of(environ, "HOLDFAST_DURABILITY", "full", "process", "off")
    restore = _one_of(environ, "HOLDFAST_RESTORE", "always", "crash", "never")
    return Settings(
        int(limit),
        blocking == "thread",
        cast(Durability, durability),
        cast(Restore, restore),
        _seconds(environ, "HOLDFAST_PATIENCE", 0.25),
        _seconds(environ, "HOLDFAST_DEADLINE", 2.0),
        *_retention(environ),
        ipython_compat=_one_of(environ, "HOLDFAST_IPYTHON_COMPAT", "1", "0") == "1",
    )


def _retention(environ: Mapping[str, str]) -> tuple[float, float, float]:
    """How many commits stay, for how many days, and in how much room."""
    commits = _number(environ, "HOLDFAST_KEEP_COMMITS", "10000")
    days = _number(environ, "HOLDFAST_KEEP_DAYS", "inf")
    if not commits >= 1:
        raise PeerError(f"HOLDFAST_KEEP_COMMITS is {environ['HOLDFAST_KEEP_COMMITS']!r}: expected 1 or more, or 'inf'")
    if not days > 0:
        raise PeerError(f"HOLDFAST_KEEP_DAYS is {environ['HOLDFAST_KEEP_DAYS']!r}: expected a number above 0, or 'inf'")
    return commits, days, _room(environ.get("HOLDFAST_STORE_LIMIT", "") or "10%")


def _number(environ: Mapping[str, str], name: str, default: str) -> float:
    try:
        return float(environ.get(name, "") or default)
    except ValueError:
        return math.nan


def _room(text: str) -> float:
    """Bytes, or a part of the disk, from `20GB`, `500 MB`, `1000000` or `5%`."""
    unit = text.lstrip("0123456789. ")
    try:
        value = float(text.removesuffix(unit)) * _UNITS[unit.strip().upper()]
    except (KeyError, ValueError):
        value = 0
    is_part = unit.strip() == "%"
    if not (0 < value <= 1 if is_part else value >= 1):
        raise PeerError(
            f"HOLDFAST_STORE_LIMIT is {text!r}: expected a size such as '20GB', or a part of the disk, '5%'"
        )
    # All of the disk: no more than it has is there anyway.
    return min(value, 0.999999) if is_part else value


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "") or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise PeerError(f"{name} is {text!r}: expected a number of seconds, or 'inf'")
    return value


def _one_of(environ: Mapping[str, str], name: str, default: str, *others: str) -> str:
    value = environ.get(name, "") or default
    if value not in (default, *others):
        expected = ", ".join(repr(word) for word in (default, *others))
        raise PeerError(f"{name} is {value!r}: expected one of {expected}")
    return value
