"""What is kept of a session, for people and for programs: `holdfast.session` and `%session` ask here.

It must never run user code, change anything, or hand out a value or a part of the kernel: rows hold words.

Whatever it says is as of the last commit.  What the running cell has bound since is `pending`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from holdfast.durable.audit import Keeper
from holdfast.durable.components import Component, key_of, name_of
from holdfast.durable.folder import Session
from holdfast.durable.pickling.lost import LostValue, fields
from holdfast.durable.reports import HELD_BESIDE, HELD_UNSTABLE, HELD_WRITING, WIDGETS, Lost, Restored
from holdfast.durable.rows import (
    Changes,
    Log,
    LostPart,
    LostParts,
    NoVariable,
    State,
    Surrounding,
    Variable,
    Variables,
)
from holdfast.durable.tables import SHOWN, Table, size_text
from holdfast.namespace.results import snapshot

#: The variable that a path leads from: `x['a'].conn`, `a member of x`.
_ROOT = re.compile(r"(?:a key of |a member of )*([^\W\d]\w*)")
#: What `%session` says of a variable whose newest state is not stored.
HELD: dict[str, tuple[State, str]] = {
    HELD_WRITING: ("pending", "it is being written"),
    HELD_BESIDE: ("pending", "a cell that still runs can change it; it is stored after that one"),
    HELD_UNSTABLE: ("unstable", "a thread changes it all the time: what is stored is as of the last quiet look"),
}
_TYPE_NAME = type.__dict__["__name__"]


class Overview:
    """One session as it is now; made for each question.  Takes the namespace's lock while it looks."""

    def __init__(self, keeper: Keeper, session: Session, durability: str, restored: Restored | None) -> None:
        self._keeper = keeper
        self._session = session
        self.durability = durability
        self.restored = restored
        self.name = session.name
        self.folder = session.folder
        self.epoch = keeper.epoch
        self.count = keeper.count

    @property
    def size(self) -> int:
        """Bytes that the session takes on the disk."""
        return self._session.store.size()

    @property
    def audited(self) -> bool:
        """Whether everything was compared with what is stored, after the last cell."""
        return self._keeper.audited

    def variables(self, most: int | None = None) -> Variables:
        """A row for each variable, by name; at most so many."""
        keeper = self._keeper
        with keeper.namespace.lock:
            names = sorted(name for key in keeper.roots.variables() if (name := name_of(key)) is not None)
            found = Variables(self._variable(name) for name in names[:most])
        found.hidden = len(names) - len(found)
        return found

    def lost(self) -> LostParts:
        """Everything that is not kept."""
        with self._keeper.namespace.lock:
            return LostParts(sorted((part for part, _ in self._lost()), key=lambda part: part.path))

    def why(self, name: str) -> LostParts:
        """What is not kept of one variable, and of those that share objects with it; CellError if there is none."""
        with self._keeper.namespace.lock:
            found = LostParts(part for part, names in self._lost() if name in names or name == part.path)
            if not found and not self._keeper.roots.is_variable(name):
                raise NoVariable(name)
        found.empty = f"nothing of {name} was lost"
        return found

    def ambient(self) -> Table[Surrounding]:
        """What is kept around the variables, as far as cells changed it."""
        return Table(Surrounding(what, value) for what, value in self._keeper.ambient.listed())

    def log(self) -> Log:
        """The session's commits, oldest first."""
        from holdfast.durable.changes import log

        return log(self._session.store.log())

    def diff(self, one: str, other: str) -> Changes:
        """The variables in which two states differ; an empty address means that of the last commit."""
        from holdfast.durable.changes import changes
        from holdfast.durable.timeline import Timeline

        store = self._session.store
        timeline = Timeline(store.log())
        heads = [store.at(timeline.resolve(address) if address else timeline.here) for address in (one, other)]
        return changes(store, *heads)

    def data(self) -> dict[str, object]:
        """All of it but the log, as JSON takes it."""
        return {
            "name": self.name,
            "folder": self.folder,
            "durability": self.durability,
            "epoch": self.epoch,
            "count": self.count,
            "size": self.size,
            "audited": self.audited,
            "variables": self.variables().data(),
            "lost": self.lost().data(),
            "restored": msgspec.to_builtins(self.restored),
            "ambient": self.ambient().data(),
        }

    def text(self) -> str:
        """For consoles: what to know, and the table of variables."""
        around = self.ambient()
        tables = (self.variables(SHOWN).text(), *([around.text()] if around else []))
        return "\n\n".join(("\n".join(self._lines()), *tables))

    def html(self) -> str:
        """The same for notebooks."""
        from html import escape

        around = self.ambient()
        tables = self.variables(SHOWN).html() + (around.html() if around else "")
        return "<br>".join(map(escape, "\n".join(self._lines()).split("\n"))) + tables

    def _lines(self) -> list[str]:
        cell = f"as of cell [{self.count}]" if self.count else "no cell yet"
        lines = [f"session {self.name}", f"{cell}, {size_text(self.size)} in {self.folder} ({self.durability})"]
        if not self.audited:
            lines.append("changes by callbacks, threads or libraries are looked for when the kernel is idle")
        if self.restored is not None:
            lines.append(banner(self.restored))
        return lines

    # ------------------------------------------------------------ rows

    def _variable(self, name: str) -> Variable:
        keeper = self._keeper
        key = key_of(name)
        value = keeper.namespace.dict.get(name)
        component = keeper.index.by_root.get(key)
        kind = _kind(value)
        if type(value) is LostValue:
            _, kind, reason, cell = fields(value)
            return Variable(name, kind, "lost", 0, cell, reason=reason)
        if component is None or component.bound.get(key) != id(value):
            return Variable(name, kind, "pending", reason="bound since the last commit")
        state, reason = self._held(key) or self._state(name, value, component)
        together = tuple(other for other in component.names if other != name)
        audited = component not in keeper.unchecked and (
            keeper.audited or keeper.count in (component.audited, component.cell)
        )
        return Variable(name, kind, state, component.size, component.cell, audited, together, reason)

    def _held(self, key: str) -> tuple[State, str] | None:
        """Of what the store has in an older state, or not yet: that, and why."""
        why = self._keeper.held.get(key)
        return (HELD[why][0], HELD[why][1]) if why is not None else None

    def _state(self, name: str, value: object, component: Component) -> tuple[State, str]:
        lost = [part for part in component.lost if _root(part[0]) == name]
        definition = self._keeper.definitions.find(value)
        lost += definition.lost if definition is not None else ()
        if component.lost and not lost:
            others: list[str] = sorted({_root(path) for path, _, _ in component.lost})
            return "kept", f"it shares objects with {_some(others)}, of which something is lost"
        if lost:
            whole = next((reason for path, _, reason in lost if path == name), None)
            if whole is not None:
                return "lost", whole
            return "kept in part", "; ".join(f"{path}: {reason}" for path, _, reason in lost)
        if component in self._keeper.unchecked:
            return "unchecked", "a cell that named it may have changed it; it is compared when the kernel is idle"
        reopened = [part for part in component.reopened if _root(part[0]) == name]
        reason = "; ".join(what if path == name else f"{path}: {what}" for path, _, what in reopened)
        if any(path == name for path, _, _ in reopened):
            return "reopened", reason
        restored = self.restored or Restored(0)
        parts = [part for part in (*restored.rebuilt, *restored.fitted) if _root(part[0]) == name]
        other = "; ".join(what if path == name else f"{path}: {what}" for path, _, what in parts)
        state: State = "rebuilt" if any(path == name for path, _, _ in restored.rebuilt) else "kept"
        return state, "; ".join(filter(None, (reason, other)))

    def _lost(self) -> Iterator[tuple[LostPart, list[str]]]:
        """What is not kept, and the variables that it was stored with."""
        keeper = self._keeper
        namespace = keeper.namespace.dict
        before = self.restored.lost if self.restored is not None else ()
        seen: set[str] = set()
        found: list[tuple[Component | None, tuple[Lost, ...]]]
        found = [(component, component.lost) for component in keeper.index.components()]
        found += [(None, definition.lost) for definition in keeper.definitions.by_token.values()]
        for component, parts in found:
            for path, kind, reason in parts:
                root = _root(path)
                value = namespace.get(root)
                bound = component.bound.get(key_of(root)) if component is not None else None
                if bound is not None and bound != id(value):
                    continue  # the running cell has deleted it, or bound another
                seen.add(path)
                cell = component.cell if component is not None else 0
                part = keeper.roots.label((path, kind, reason))
                yield _part(part, cell, value, before), [root, *(component.names if component else ())]
        for name, value in snapshot(namespace).items():
            # What could not even be loaded has no component yet.
            if type(value) is LostValue and name not in seen and keeper.roots.is_variable(name):
                _, kind, reason, cell = fields(value)
                yield _part((name, kind, reason), cell, value, before), [name]


def banner(restored: Restored) -> str:
    """What a restore brought, in a sentence and a line for each thing to know."""
    kept = len(restored.kept)
    text = f"Restored {kept} variable{'' if kept == 1 else 's'} as of cell [{restored.count}]"
    for parts, word in ((restored.reopened, "reopened"), (restored.rebuilt, "rebuilt from source")):
        if parts:
            text += f", {len(parts)} of them {word}" if word == "reopened" else f", {len(parts)} {word}"
    if restored.lost:
        # Keys of ours (a closure's variable, what a class shares) say nothing to a person; what leads there is named.
        named = [path for path, _, _ in restored.lost if not path.startswith("@")]
        what = f"{len(named)} could not be kept: {_some(named)}" if named else "parts of functions could not be kept"
        text += f"; {what} (%session why)"
    lines = [text]
    if restored.older:
        lines.append(f"older than that, since newer ones were not stored yet: {_some(restored.older)}")
    if restored.unchecked:
        lines.append(f"not compared since the last cell, so perhaps older than it: {_some(restored.unchecked)}")
    if not restored.audited:
        soon = f"the kernel ended too soon after cell [{restored.count}]"
        lines.append(f"{soon} to look for changes by callbacks, threads or libraries")
    for name, now, then in restored.versions:
        lines.append(_under(name, now, then))
    died = restored.died
    if died.cell:
        shown = f" ({died.code})" if died.code else ""
        reason = died.reason or "killed, reason unknown"
        lines.append(f"the kernel before this one died in cell [{died.cell}]{shown}: {reason}")
    elif died.reason:
        lines.append(f"the kernel before this one died: {died.reason}")
    beside = died.live.removeprefix(WIDGETS)
    if beside != died.live:
        lines.append("widgets do not come back by themselves: run the cells that show them again")
    if beside:
        lines.append(f"what ran beside the cells ended with it: {beside.removeprefix(', ')}")
    return "\n".join(lines)


def _under(name: str, now: str, then: str) -> str:
    """What a version that changed means for what was restored."""
    if now.startswith("source ") or then.startswith("source "):
        return f"restored under another source of {name} than it was stored with"
    return f"restored under {name} {now} (was {then})"


def _some(names: list[str] | tuple[str, ...], most: int = 10) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _part(lost: Lost, cell: int, root: object, before: tuple[Lost, ...]) -> LostPart:
    """A row; `root` is the value of the variable that the path leads from, `before` what a restore could not bring."""
    path, kind, reason = lost
    gone = type(root) is LostValue or lost in before
    if type(root) is LostValue:
        cell = fields(root)[3] or cell
    again = f"run cell [{cell}] again" if cell else "run the cell that made it again"
    advice = f"{again}, or delete it" if gone else f"after the end of this kernel, {again}"
    return LostPart(path, kind, reason, cell, advice)


def _kind(value: object) -> str:
    """The name of a value's class, without asking the class."""
    name = _TYPE_NAME.__get__(type(value))
    return name if isinstance(name, str) else "?"


def _root(path: str) -> str:
    match = _ROOT.match(path)
    return match[1] if match is not None else ""
