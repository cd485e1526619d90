"""What two states of a session differ in, its commits as a table, and a checkout in words.

It must never make a value: what is shown of one is read off its stream.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from holdfast.durable.components import name_of
from holdfast.durable.peek import Peek, changed_part
from holdfast.durable.reports import UNDO, Meta, Switched
from holdfast.durable.rows import Change, Changes, Entry, Log
from holdfast.durable.store.port import Head, LogEntry, Records
from holdfast.durable.tables import local_time
from holdfast.durable.timeline import Timeline

#: Names in a sentence.
_MOST = 6


def changes(store: Records, one: Head, other: Head) -> Changes:
    """The variables in which two states differ, by name."""
    before, after = Peek(store, one), Peek(store, other)
    moved = {key for key in one.names.keys() | other.names.keys() if one.names.get(key) != other.names.get(key)}
    keys = {key for key in moved if name_of(key) is not None}
    tokens = {token for token, version in one.tokens.items() if other.tokens.get(token, version) != version}
    children = {key for key in moved if key.startswith("@k")}
    if tokens or children:
        keys.update(_inside(store, before, keys, tokens, children))
    return Changes(_change(store, before, after, key) for key in sorted(keys))


def _inside(store: Records, peek: Peek, moved: set[str], tokens: set[str], children: set[str]) -> set[str]:
    """Variables that lead to the same stored state, of which a class, function or large value inside differs."""
    found: set[str] = set()
    for key, version in peek.head.names.items():
        if key in moved or not version or name_of(key) is None:
            continue
        peek.text(key, key)
        if not tokens.isdisjoint(peek.tokens.get(version, ())):
            found.add(key)
        elif children:
            try:
                meta = msgspec.json.decode(store.record(version).meta, type=Meta)
            except Exception:
                continue
            if not children.isdisjoint(meta.children):
                found.add(key)
    return found


def _change(store: Records, before: Peek, after: Peek, key: str) -> Change:
    name = name_of(key) or key
    then, now = before.text(name, key), after.text(name, key)
    if key not in before.head.names:
        return Change(name, "lost" if now.startswith("lost: ") else "added", "", now)
    if key not in after.head.names:
        return Change(name, "removed", then, "")
    lost = now.startswith("lost: ") or then.startswith("lost: ")
    if then == now and not lost:
        try:
            pair = [store.record(peek.head.names[key]).buffers for peek in (before, after)]
            part = changed_part(*pair)
        except Exception:
            part = ""
        now += f", {part}" if part else ""
    return Change(name, "lost" if lost else "changed", then, now)


def log(entries: Sequence[LogEntry]) -> Log:
    """The commits of a session, oldest first."""
    timeline = Timeline(entries)
    line = {entry.number for entry in timeline.line()}
    return Log(
        Entry(
            entry.number,
            entry.count,
            local_time(entry.at),
            entry.status,
            tuple(variables(entry.bound)) + tuple(f"-{name}" for name in variables(entry.deleted)),
            first_line(entry.code),
            entry.epoch,
            entry.parent,
            entry.number in line,
            entry.number == timeline.here,
        )
        for entry in entries
    )


def variables(keys: Sequence[str]) -> list[str]:
    """The variables among manifest keys."""
    return sorted(name for key in keys if (name := name_of(key)) is not None)


def first_line(code: str) -> str:
    """What a table shows of a cell."""
    first = code.lstrip().partition("\n")[0].rstrip()
    return first if len(first) <= 60 else f"{first[:59]}…"


def told(switched: Switched, status: str, undone: LogEntry | None, today: str, back: str = "%undo to come back") -> str:
    """A checkout in words; `today` is the date to leave out, `back` says how to come back."""
    parts = [
        f"{len(names)} variable{'' if len(names) == 1 else 's'} {word} ({some(names)})"
        for names, word in ((switched.changed, "changed"), (switched.added, "back"), (switched.gone, "gone"))
        if names
    ]
    for number in range(1, len(parts)):
        parts[number] = parts[number].replace(" variables", "", 1).replace(" variable", "", 1)
    what = ", ".join(parts) or "no variable changed"
    further = "" if parts else ", %undo again goes further back"
    day, _, time = local_time(switched.at).partition(" ")
    when = time[:5] if day == local_time(today).partition(" ")[0] else f"{day} {time[:5]}"
    if status == UNDO:
        shown = f" ({first_line(undone.code)})" if undone is not None and undone.code else ""
        head = f"Undid [{undone.count}]{shown}" if undone is not None else "Undid"
        lines = [f"{head}: {what}{further}; %checkout @{switched.before} to come back"]
    else:
        place = f"[{switched.count}]" if switched.count else f"@{switched.target}"
        lines = [f"Checked out {place} of {when}: {what}; {back}"]
    if switched.lost:
        lost = sorted({path for path, _, _ in switched.lost})
        lines.append(f"{len(lost)} could not be brought back: {some(lost)} (%session why)")
    if switched.running:
        lines.append(f"still running, with the values of before: {some(switched.running)}")
    return "\n".join(lines)


def some(names: Sequence[str], most: int = _MOST) -> str:
    """The first of many."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
