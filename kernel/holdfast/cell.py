"""What a cell can ask of the kernel it runs in.

It must never do anything itself: the kernel hands its functions in when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, overload

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
#: For `register_magic`: (function, name or "", kind or None).
register: Callable[[Callable[..., object], str, str | None], None] | None = None


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


@overload
def register_magic[F: Callable[..., Any]](function: F, /) -> F:
    """As a decorator."""


@overload
def register_magic[F: Callable[..., Any]](
    *, name: str = "", kind: Literal["line", "cell", "line_cell"] | None = None
) -> Callable[[F], F]:
    """As a decorator with arguments."""


def register_magic(function: Any = None, /, *, name: str = "", kind: str | None = None) -> Any:
    """Make a function a magic, as a decorator with or without arguments; it stays the function it is.

    `%name` gives it the rest of the line; `%%name` the rest of the line and the text below it. Without `kind` its
    parameters tell: (line), (line, cell), or (line, cell=None) for both. An `async def` is awaited at top level of a
    cell. Raises CellError outside a kernel, and where the function cannot be called so.
    """
    if register is None:
        raise CellError("register_magic() works in a cell of a Holdfast kernel only")
    if function is None:
        return lambda given: _registered(given, name, kind)
    return _registered(function, name, kind)


def _registered[F: Callable[..., Any]](function: F, name: str, kind: str | None) -> F:
    """See `register_magic`."""
    assert register is not None
    register(function, name, kind)
    return function


def _payload(payload: Mapping[str, object]) -> None:
    if _add_payload is None:
        raise CellError(f"{payload['source']} works in a cell of a Holdfast kernel only")
    _add_payload(payload)
