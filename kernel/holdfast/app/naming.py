"""Which session a kernel is to have: decided from what its environment says and what is known of sessions.

It must never open, move or change anything; `app/identity.py` does what is decided here.

A notebook's identity is path and content (DESIGN, section 2).  The path is that which the Jupyter server gave when it
started the kernel; the content are the ids of its cells, which JupyterLab makes unique and keeps.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from holdfast.durable.seen import Found, Known

#: Exported by a kernel: its pid, and what it took its session from, so that a child knows what it merely inherited.
EXPORTED = "HOLDFAST_KERNEL"
_GIVEN, _PATH = "HOLDFAST_SESSION", "JPY_SESSION_NAME"
#: How VS Code names a cell: the notebook's path, and a fragment that another window makes anew.
_VSCODE = "vscode-notebook-cell:"
#: As many as a UUID has.
_HEX_DIGITS = 32


class Asked(Struct, frozen=True):
    """What the environment says: a name that was given, else a notebook's path, else neither.

    `nameless` says that nobody gave a name of any kind, so that the first cell may say whose it is.
    """

    given: str = ""
    notebook: str = ""
    nameless: bool = False


class Choice(Struct, frozen=True):
    """The session `name`, after this: `adopt` gives the session `of` that name, `branch` copies it.

    `aside`: the session that has the name now is kept under another one first.
    """

    name: str
    act: Literal["open", "adopt", "branch"] = "open"
    of: Found | None = None
    aside: bool = False


def kernel_id(connection_file: str, key: str) -> str:
    """What one kernel is called through all its restarts, and no other one.

    Consoles name the file by their process id, which comes again; its key does not.
    """
    stem = os.path.basename(connection_file).removesuffix(".json") or "kernel"
    if sum(char in "0123456789abcdefABCDEF" for char in stem) >= _HEX_DIGITS:
        return stem
    return f"{stem}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def asked(environ: Mapping[str, str]) -> Asked:
    """Read the environment.  What a kernel merely inherited, started from inside a cell, names nothing."""
    pid, *inherited = environ.get(EXPORTED, "").split() or ("",)
    if pid == str(os.getpid()):
        inherited = []
    given, path = environ.get(_GIVEN, ""), environ.get(_PATH, "")
    if given and _digest(given) not in inherited:
        return Asked(given=given)
    if path and _digest(path) not in inherited:
        return Asked(notebook=notebook_at(path))
    return Asked(nameless=not (given or path))


def export(environ: MutableMapping[str, str]) -> None:
    """Let children of this kernel know what they inherit."""
    digests = [_digest(environ[name]) for name in (_GIVEN, _PATH) if environ.get(name)]
    environ[EXPORTED] = " ".join((str(os.getpid()), *digests))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def notebook_at(path: str) -> str:
    """The notebook that `path` leads to, with links resolved; "" where there is none.

    A server that was given no name for a session passes the path from its own root; the kernel starts in the
    notebook's folder.
    """
    for candidate in (path,) if os.path.isabs(path) else (path, os.path.basename(path)):
        if candidate.endswith(".ipynb") and os.path.isfile(candidate):
            return os.path.realpath(candidate)
    return ""


def notebook_of(cell_id: str) -> str:
    """The notebook of a cell that VS Code names; "" for any other id."""
    if not cell_id.startswith(_VSCODE):
        return ""
    from urllib.parse import unquote, urlsplit

    try:
        path = unquote(urlsplit(cell_id).path)
    except ValueError:
        return ""
    if path[2:3] == ":":
        path = path[1:]  # /c:/… of Windows
    return notebook_at(path) if os.path.isabs(path) else ""


def choose(
    notebook: str,
    ids: frozenset[str] | None,
    here: Known | None,
    others: Callable[[], Iterable[Found]],
    still: Callable[[str], frozenset[str] | None],
) -> Choice:
    """The session of a notebook whose cells have `ids`; None where it has none, and so goes by its path.

    `here` is the session that has the path as its name, `others` are asked for all only when that is not the one,
    `still` tells the ids in another notebook now.
    """
    if here is not None and (ids is None or not here.ids or not ids.isdisjoint(here.ids)):
        return Choice(notebook)
    aside = here is not None
    best = best_of(ids, [one for one in others() if one.known.name != notebook]) if ids else None
    if best is None:
        return Choice(notebook, aside=aside)
    whose = best.known.notebook
    is_copy = whose not in ("", notebook) and not (still(whose) or frozenset()).isdisjoint(best.known.ids)
    return Choice(notebook, "branch" if is_copy else "adopt", best, aside)


def best_of(ids: frozenset[str], found: Sequence[Found]) -> Found | None:
    """The session that has seen most of these cells, and at least half; of several the notebook's own, the newest."""

    def rank(one: Found) -> tuple[int, bool, float]:
        return len(ids.intersection(one.known.ids)), one.known.name == one.known.notebook, one.at

    best = max(found, key=rank, default=None)
    return best if best is not None and 2 * rank(best)[0] >= max(len(ids), 1) else None
