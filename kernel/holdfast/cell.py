"""What a cell can ask of the kernel it runs in.

It must never do anything itself: the kernel hands its functions in when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from holdfast.errors import CellError

_follows: Callable[[Literal["newest", "starter"]], None] | None = None
_add_payload: Callable[[Mapping[str, object]], None] | None = None
#: For `holdfast.session`: what the kernel keeps (an `Overview`), or a sentence why it keeps nothing.
overview: Callable[[], object] | None = None
#: For `holdfast.session.checkout` and `undo`: goes where the words say, or with none to before the last cell.
travel: Callable[[str], None] | None = None
#: For `holdfast.session.outputs`: what the cell that the words name has shown.
outputs: Callable[[str], list[dict[str, object]]] | None = None

#: For `holdfast.transaction` and its kin: the session's transactions.
transactions: Callable[[], object] | None = None


def install(
    follows: Callable[[Literal["newest", "starter"]], None],
    add_payload: Callable[[Mapping[str, object]], None],
    describe: Callable[[], object],
) -> None:
    """The running kernel hands in what its cells may call."""
    global _follows, _add_payload, overview
    _follows, _add_payload, overview = follows, add_payload, describe


def output_follows(which: Literal["newest", "starter"]) -> None:
    """Say where output of threads and tasks goes: to the cell that started them (the default) or the newest."""
    if _follows is None:
        raise CellError("output_follows() works in a cell of a Holdfast kernel only")
    _follows(which)


def page(text: str) -> None:
    """Show `text` in the frontend's pager (payload `page`, read by JupyterLab, consoles and qtconsole)."""
    _payload({"source": "page", "data": {"text/plain": text}, "start": 0})


def set_next_input(text: str, *, replace: bool = False) -> None:
    """Put `text` into the next cell, or with `replace` into this one (payload `set_next_input`)."""
    _payload({"source": "set_next_input", "text": text, "replace": replace})


def _payload(payload: Mapping[str, object]) -> None:
    if _add_payload is None:
        raise CellError(f"{payload['source']} works in a cell of a Holdfast kernel only")
    _add_payload(payload)
