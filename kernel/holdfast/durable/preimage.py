"""A state to go back to: an image in place, and streams of what no image can put back.

It must never begin what it could not undo, unless it is told to: `TransactionRefused` names what stands in the way.

Objects whose insides are C code's own are pickled at entry (their components, as a commit would store them) and
again after a rollback: where the two differ, the variables are bound to what the first stream holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from types import CodeType
from typing import TYPE_CHECKING

import msgspec

from holdfast.durable.bulk import Bank
from holdfast.durable.components import Index, key_of, name_of
from holdfast.durable.inplace import Image
from holdfast.durable.loading import LoadingWorld
from holdfast.durable.registries import registries
from holdfast.durable.replacing import Alone, Whereabouts
from holdfast.durable.replacing import replace as exchange
from holdfast.durable.reports import Lost
from holdfast.durable.roots import ABSENT
from holdfast.durable.store.points import Crash, Point, go_on
from holdfast.durable.store.port import CHUNK, Buffer, Head, Record
from holdfast.durable.world import codec
from holdfast.errors import CellError
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from holdfast.durable.commit import SessionCommitter

#: Names of each kind in a sentence.
SHOWN = 12


class TransactionRefused(CellError):
    """Something in reach of the code could not be rolled back; nothing was run."""

    def __init__(self, what: tuple[Lost, ...]) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        named = "; ".join(f"{path} ({_a(kind)}): {reason}" for path, kind, reason in self.what[:SHOWN])
        return (
            f"this code was not run, because what it can reach could not be rolled back: {named}.  "
            "With best_effort the rest is rolled back, and these are named"
        )


class RolledBack(msgspec.Struct, frozen=True):
    """What a rollback did.

    `names` were put back in place, `removed` were bound since, `replaced` lead to other, equal objects now, `failed`
    (variable, kind, reason) are not as they were.
    """

    names: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    failed: tuple[Lost, ...] = ()

    def __str__(self) -> str:
        parts = [f"{_listed(self.names)} put back"] if self.names else []
        parts += [f"{_listed(self.removed)} removed"] if self.removed else []
        parts += [f"{_listed(self.replaced)} replaced"] if self.replaced else []
        failed = tuple(f"{path} ({_a(kind)})" for path, kind, _ in self.failed)
        parts += [f"{_listed(failed)} could not be"] if failed else []
        return f"Rolled back: {'; '.join(parts) or 'nothing had changed'}"


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _a(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


class LiveWorld(LoadingWorld):
    """Loads one component beside what lives: definitions and other components are those that are there."""

    def skeleton(self, token: str) -> object:
        """See `LoadingWorld`."""
        live = self._committer.definitions.by_token.get(token)
        found = live.ref() if live is not None else None
        return found if found is not None else super().skeleton(token)

    def definition(self, token: str) -> object:
        """See `LoadingWorld`."""
        live = self._committer.definitions.by_token.get(token)
        found = live.ref() if live is not None else None
        return found if found is not None else super().definition(token)

    def resolve(self, reference: str) -> object:
        """See `LoadingWorld`."""
        if reference.startswith("@c"):
            return self._committer.definitions.cells.made(reference)
        value = self._committer.roots.value(reference)
        return value if value is not ABSENT else super().resolve(reference)

    def values_of(self, record: Record) -> Mapping[str, object]:
        """What a record holds, by key."""
        self._reading.append(record.version)
        lead = Buffer(CHUNK * len(record.lead), record.lead)
        stream = (bytes(self._store.read(lead, False)) if record.lead else b"") + record.stream
        buffers = [self._store.read(buffer, True) for buffer in record.buffers]
        return self._codec.load(stream, buffers, self)


def _stored(index: Index, owner: object) -> Mapping[bytes, bytes]:
    """The chunks that the store has of an array, by their fingerprints."""
    from holdfast.durable.store.chunks import known

    component = index.owner.get(id(owner))
    return known(zip(component.buffers, component.prints, strict=True)) if component is not None else {}


class PreImage:
    """What code can reach, as of the first `take` that reached it."""

    def __init__(self, namespace: Namespace, committer: SessionCommitter | None, crash: Crash = go_on) -> None:
        self._namespace = namespace
        self._committer = committer
        self._crash = crash
        if committer is None:
            self._image = Image(namespace, Bank(None, lambda owner: {}))
        else:
            # Not a method of ours: an image in a cycle would live on, and hold all that it saved.
            bank = Bank(committer.store, partial(_stored, committer.index))
            self._image = Image(namespace, bank, committer.pins)
        #: By roots: the digest at entry, and the stream.
        self._streams: dict[frozenset[str], tuple[bytes, Record]] = {}
        self._known: set[int] = set()
        self._alone: Alone | None = None
        self._lost: list[Lost] = []

    def take(self, codes: Iterable[CodeType], objects: Iterable[object] = (), best_effort: bool = False) -> None:
        """Take in what the code can reach; raises `TransactionRefused`."""
        self._image.take(codes, (*objects, *registries()))
        opaque = self._image.opaque
        fresh = {number: opaque[number] for number in opaque.keys() - self._known if opaque[number][1]}
        self._known |= fresh.keys()
        if not fresh:
            return
        if self._committer is None:
            reason = "it can only be restored from what is kept, and nothing of this session is"
            lost = [(root, type(obj).__name__, reason) for obj, root in fresh.values()]
        else:
            lost = self._keep(self._committer, fresh)
        if lost and not best_effort:
            self._known -= fresh.keys()
            raise TransactionRefused(tuple(lost))
        self._lost += lost

    def _keep(self, committer: SessionCommitter, fresh: Mapping[int, tuple[object, str]]) -> list[Lost]:
        """Pickle the components that hold these objects, as a commit would store them; what in them cannot be."""
        if self._alone is None:
            self._alone = Alone(codec(), committer.world, self._image)
        for obj, _ in fresh.values():
            self._alone.keep(obj)
        draft = committer.preview({key_of(root) for _, root in fresh.values()})
        made = {record.version: record for record in draft.records}
        lost: list[Lost] = []
        # One that the walk of a commit does not meet is looked for where its variable is stored.
        found = {number for _, ids in draft.current for number in ids}
        others = {key_of(root) for number, (_, root) in fresh.items() if number not in found}
        for component, ids in draft.current:
            if not (fresh.keys().isdisjoint(ids) and others.isdisjoint(component.roots)):
                record = made.get(component.version) or committer.store.record(component.version)
                self._streams.setdefault(component.roots, (component.digest, record))
                lost += component.lost
        return lost

    def roll_back(self) -> RolledBack:
        """Put everything back; may be called again after more has changed."""
        done = self._image.put_back()
        self._crash(Point.PUT_BACK)
        replaced, failed = self._replace()
        names = tuple(name for name in done.names if name not in replaced)
        return RolledBack(names, done.removed, tuple(sorted(replaced)), (*done.failed, *self._lost, *failed))

    def _replace(self) -> tuple[set[str], list[Lost]]:
        """Bind variables to what the streams of entry hold, where their components are not as they were."""
        committer = self._committer
        if committer is None or not self._streams:
            return set(), []
        committer.publisher.pristine = False  # what has run may have changed anything
        replaced = self._exchange(committer)
        now = self._digests(committer, frozenset[str]().union(*self._streams))
        failed: list[Lost] = []
        for roots, (digest, record) in self._streams.items():
            if now.get(roots) == digest or any(self._is_lost(key) for key in roots):
                continue
            nothing = Head(number=0, count=0, epoch=0, version=0, at="", names={}, tokens={}, state=b"")
            try:
                values = LiveWorld(committer, codec(), nothing).values_of(record)
            except Exception as error:
                failed += [(name_of(key) or key, "value", f"{type(error).__name__}: {error}") for key in roots]
                continue
            others = self._whereabouts(committer, roots)
            old = {key: committer.roots.value(key) for key in roots & values.keys()}
            replaced |= self._bind(committer, roots, values)
            others.replace([(value, values[key]) for key, value in old.items()])
        return replaced, failed

    @staticmethod
    def _whereabouts(committer: SessionCommitter, keys: Iterable[str]) -> Whereabouts:
        current = committer.preview(keys).current
        reached = frozenset[int]().union(*(ids for _, ids in current))
        return Whereabouts(reached, [one for component, _ in current for one in committer.definitions_of(component)])

    @staticmethod
    def _digests(committer: SessionCommitter, keys: Iterable[str]) -> dict[frozenset[str], bytes]:
        return {component.roots: component.digest for component, _ in committer.preview(keys).current}

    def _exchange(self, committer: SessionCommitter) -> set[str]:
        """Put others in the places of opaque objects that are not as they were; the variables that led to these."""
        pairs = self._alone.changed() if self._alone is not None else []
        if not pairs:
            return set()
        mapping = {id(old): new for old, new in pairs}
        # Also where no name of the code leads: other variables, results and definitions share what was changed.
        others = self._whereabouts(committer, frozenset[str]().union(*self._streams))
        placed = exchange(self._image, mapping)
        namespace, results = self._namespace, committer.roots.results
        for root in [root for root, value in results.items() if id(value) in mapping]:
            committer.roots.replace_result(root, mapping[id(results[root])])
        for table in (namespace.dict, namespace.results.out, namespace.results.bound):
            for key, value in list(table.items()):
                if id(value) in mapping:
                    table[key] = mapping[id(value)]  # type: ignore[index]
                    placed.add(id(value))
        others.replace(pairs)
        return {self._image.opaque[number][1] for number in placed}

    def _is_lost(self, key: str) -> bool:
        """Whether a variable is named as one that cannot be restored: better as it is than a placeholder."""
        name = name_of(key)
        return any(path == name or path.startswith((f"{name}.", f"{name}[")) for path, _, _ in self._lost)

    def _bind(self, committer: SessionCommitter, roots: frozenset[str], values: Mapping[str, object]) -> set[str]:
        bound: set[str] = set()
        for key in roots & values.keys():
            name = name_of(key)
            if name is not None:
                self._namespace.dict[name] = values[key]
                bound.add(name)
            elif (cell := committer.definitions.cells.get(key)) is not None:
                cell.cell_contents = values[key]
        return bound
