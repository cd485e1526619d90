"""What is open in a session's file, for who only looks: without the SDK, through whatever connection there is.

It must never write to the file, nor make the engine's tables in one that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from holdfast.engine import values
from holdfast.engine.port import Promise
from holdfast.engine.schema import Row

#: Runs a query with its parameters.
Ask = Callable[..., Sequence[tuple[Any, ...]]]


def open_promises(ask: Ask, prefix: str = "") -> Sequence[Promise]:
    """The pending promises whose id starts with `prefix`, oldest first; raises what `ask` raises."""
    if not ask("SELECT 1 FROM sqlite_master WHERE name = 'engine_promises'"):
        return []
    found = ask(
        "SELECT body FROM engine_promises WHERE state = 'pending' AND substr(id, 1, ?) = ? ORDER BY seq",
        len(prefix),
        prefix,
    )
    rows = [msgspec.json.decode(body, type=Row) for (body,) in found]
    return [Promise(row.id, "pending", values.decode(row.param), None, row.tags) for row in rows]
