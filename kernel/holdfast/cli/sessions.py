"""`holdfast sessions`, `log`, `diff`, `checkout`: what is kept, what each cell did, where the next kernel starts.

It must never wait for the kernel that uses a session, nor disturb it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.app import sessions as kept
from holdfast.cli.refusal import Refusal
from holdfast.errors import CellError, StoreError

_LONGEST_CODE = 60


def sessions(*, as_json: bool = False) -> int:
    """Print every session of this user; returns 1 when one cannot be read, else 0."""
    found, aside = _or_refuse(kept.listed)
    if as_json:
        _print_json({"home": str(kept.where()), "sessions": msgspec.to_builtins(found), "aside": list(aside)})
        return int(any(one.problem for one in found))
    console = Console()
    if not found:
        console.print(Text(f"no sessions in {kept.where()}"))
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("session", "last cell", "commits", "when", "size", ""):
            table.add_column(heading, overflow="fold", justify="right" if heading in ("commits", "size") else "left")
        for one in found:
            state = Text(f"in use by process {one.owner}", style="green") if one.owner else Text("")
            cell = f"[{one.count}]" if one.count else ""
            when = kept.local_time(one.at)
            table.add_row(
                Text(one.name), Text(cell), Text(f"{one.commits}"), Text(when), kept.size_text(one.size), state
            )
        console.print(table)
        for one in found:
            if one.problem:
                console.print(Text(f"!! {one.problem}", style="red"))
    for folder in aside:
        console.print(Text(f"moved aside, because it could not be used: {folder}", style="yellow"))
    return int(any(one.problem for one in found))


def log(name: str, *, limit: int | None = None, as_json: bool = False) -> int:
    """Print the commits of one session, oldest first, at most the newest `limit`; raises `Refusal`."""
    whole, entries = _or_refuse(lambda: kept.told(name))
    shown = entries[-limit:] if limit else entries
    if as_json:
        _print_json({"session": whole, "commits": msgspec.to_builtins(shown)})
        return 0
    console = Console()
    table = Table(title=Text(whole), title_justify="left", box=None, pad_edge=False)
    line = {entry.number for entry in kept.Timeline(entries).line()}
    many = len({entry.epoch for entry in entries}) > 1
    headings = ("", "commit", "cell", *(["epoch"] if many else []), "when", "status", "from", "names", "code")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("names", "code"))
    for entry in shown:
        status = Text(entry.status, style="red" if entry.status == "error" else "")
        # Keys with an @ are the session's own: results, closure cells, ambient state.
        changed = [*sorted(entry.bound), *(f"-{gone}" for gone in sorted(entry.deleted))]
        names = " ".join(name for name in changed if not name.removeprefix("-").startswith("@"))
        when = kept.local_time(entry.at)
        mark = "→" if entry is entries[-1] else "│" if entry.number in line else ""
        number, cell = Text(f"@{entry.number}"), Text(f"[{entry.count}]" if entry.count else "")
        epoch = [str(entry.epoch)] if many else []
        parent = f"@{entry.parent}" if entry.parent not in (0, entry.number - 1) else ""
        table.add_row(
            mark, number, cell, *epoch, when, status, parent, Text(_plain(names)), Text(_first_line(entry.code))
        )  # fmt: skip
    console.print(table)
    if len(shown) < len(entries):
        console.print(Text(f"{len(entries) - len(shown)} older commits: --limit {len(entries)} shows them"))
    return 0


def diff(name: str, one: str, other: str, *, as_json: bool = False) -> int:
    """Print what two states of a session differ in; raises `Refusal`."""
    whole, found = _or_refuse(lambda: kept.compared(name, one, other))
    if as_json:
        _print_json({"session": whole, "changes": found.data()})
        return 0
    console = Console()
    if not found:
        console.print(Text(found.empty))
        return 0
    table = Table(title=Text(whole), title_justify="left", box=None, pad_edge=False)
    for heading in ("name", "", "before", "after"):
        table.add_column(heading, overflow="fold")
    colours = {"added": "green", "removed": "yellow", "lost": "red"}
    for row in found:
        what = Text(row.what, style=colours.get(row.what, ""))
        table.add_row(Text(_plain(row.name)), what, Text(_plain(row.before)), Text(_plain(row.after)))
    console.print(table)
    return 0


def checkout(name: str, cell: str, *, as_json: bool = False) -> int:
    """Have the next kernel of a session start at another cell; raises `Refusal`."""
    whole, switched, words = _or_refuse(lambda: kept.turned(name, cell))
    if as_json:
        _print_json({"session": whole, "checkout": msgspec.to_builtins(switched)})
    else:
        Console().print(Text(words))
    return 0


def _or_refuse[Found](ask: Callable[[], Found]) -> Found:
    """What cannot be read is one line and exit code 2."""
    try:
        return ask()
    except (StoreError, CellError) as error:
        raise Refusal(str(error)) from None


def _print_json(value: object) -> None:
    # ASCII: code may hold half of a surrogate pair, which no output encoding takes.
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _first_line(code: str) -> str:
    """The first line with something on it, shortened; an ellipsis tells that there is more."""
    lines = [line for line in code.splitlines() if line.strip()]
    first = _plain(lines[0].strip()) if lines else ""
    more = len(lines) > 1 or len(first) > _LONGEST_CODE
    return first[:_LONGEST_CODE] + (" …" if more else "")
