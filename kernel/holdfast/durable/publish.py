"""Groups and definitions to records of the store, where their digests say that they changed.

It must never publish a record whose bytes are not what was digested, and never let one value that cannot be
pickled cost another.

A digest is that of the stream and of each MiB of its buffers (xxh3, 7 ms per 100 MB); blake3 names the chunks
that are written.  Digests of streams are comparable within one process; after a restore the first one that
differs from the stored one writes a version again, unless nothing ran since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from operator import itemgetter
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from holdfast.durable.components import Component, Index
from holdfast.durable.definitions import Definition, same, signature
from holdfast.durable.plan import Group, Survey
from holdfast.durable.reports import Lost, Meta
from holdfast.durable.store.port import Buffer, Record, Store
from holdfast.durable.world import Codec, SavingWorld
from holdfast.errors import StoreError

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Pickled

_LARGE = 1 << 16
_NUMBERS, _SHORT = frozenset({int, float, bool, complex}), 1024


class Draft:
    """One commit in the making."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.names: dict[str, int | None] = {}
        self.tokens: dict[str, int | None] = {}
        #: Components that were looked at, and what they are now (None: as they were).
        self.replaced: set[Component] = set()
        self.current: list[tuple[Component, list[int]]] = []
        self.definitions: list[
            tuple[Definition, int, bytes, tuple[object, ...] | None, frozenset[str], tuple[Lost, ...]]
        ] = []
        #: Variables whose stored state changed.
        self.changed: set[str] = set()
        self.lost: list[Lost] = []


def fingerprint(pickled: Pickled) -> tuple[bytes, tuple[bytes, ...]]:
    """The digest of a stream with its buffers, and 16 bytes for each chunk of each buffer."""
    stream = pickled.stream
    if pickled.size < _LARGE and not pickled.buffers:
        return hashlib.blake2b(stream, digest_size=16).digest(), ()
    from holdfast.durable.store.chunks import fingerprints

    prints = tuple(fingerprints(buffer) for buffer in pickled.buffers)
    return _digest(pickled, prints), prints


def _digest(pickled: Pickled, prints: tuple[bytes, ...]) -> bytes:
    import xxhash

    # The lengths keep two different lists of buffers from looking alike.
    whole = xxhash.xxh3_128(pickled.stream)
    whole.update(b"".join(pickled.lead))
    for buffer, one in zip(pickled.buffers, prints, strict=True):
        whole.update(b"%d:" % buffer.nbytes + one)
    return whole.digest()


class Publisher:
    """Makes drafts; owns the numbers of versions and hoists."""

    def __init__(self, codec: Codec, world: SavingWorld, store: Store, index: Index) -> None:
        self._codec = codec
        self._world = world
        self._store = store
        world.put = store.put
        self._index = index
        self.next_version = 1
        self.next_hoist = 1
        #: Whether digests of the store count as a baseline only: set after a restore, until a cell has run.
        self.pristine = False

    def draft(self, survey: Survey, count: int) -> Draft:
        """What has to be stored so that the store says what the survey saw."""
        if not (survey.nodes or survey.touched or survey.gone):
            return Draft()
        while True:
            draft, met = self._try(survey, count)
            if not met:
                return draft
            survey.meet(met)

    def _try(self, survey: Survey, count: int) -> tuple[Draft, list[object]]:
        survey.release()
        draft = Draft()
        draft.replaced = set(survey.touched)
        met: dict[str, object] = {}
        groups = survey.groups()
        hoisted: dict[str, frozenset[str]] = {}
        shared: dict[int, str] = {}
        for group in groups:
            keys = self._hoists(group, survey.touched)
            shared.update(keys)
            for token in group.tokens:
                hoisted[token] = frozenset(keys.values())
            if group.roots or keys:
                self._component(draft, survey, group, keys, count, met)
        for token, (definition, obj) in survey.definitions.items():
            self._definition(draft, definition, obj, shared, hoisted.get(token, frozenset()), count, met)
        kept = {key for component, _ in draft.current for key in component.keys}
        for component in draft.replaced:
            for key in component.keys - kept:
                draft.names[key] = None
                draft.changed.add(key)
        known = survey.definitions
        return draft, [obj for token, obj in met.items() if token not in known]

    def _hoists(self, group: Group, touched: Iterable[Component]) -> dict[int, str]:
        """Keys of a group's hoisted objects, those of before where they had one."""
        if not group.hoists:
            return {}
        before: dict[int, str] = {}
        for component in touched:
            before.update(component.hoists)
        keys: dict[int, str] = {}
        taken: set[str] = set()
        for number in group.hoists:
            key = before.get(number)
            if key is None or key in taken:
                key = f"@h{self.next_hoist}"
                self.next_hoist += 1
            taken.add(key)
            keys[number] = key
        return keys

    def _component(
        self, draft: Draft, survey: Survey, group: Group, hoists: dict[int, str], count: int, met: dict[str, object]
    ) -> None:
        start = perf_counter()
        values = {key: survey.values[key] for key in sorted(group.roots)}
        # In one order, whichever of them the walk came from.
        values.update(sorted(((hoists[number], obj) for number, obj in group.hoists.items()), key=itemgetter(0)))
        roots, keys = frozenset(group.roots), frozenset(values)
        old = self._before(survey, roots, keys)
        # A child that turned out to belong to its hub's own component is stored in it.
        self._world.shared = {number: key for number, key in group.children.items() if key not in roots}
        pickled, values = self._dump(values, count)
        self._meet(pickled, met)
        digest, prints = fingerprint(pickled)
        bound = {key: id(survey.values[key]) for key in roots}
        alike = old is not None and self.pristine and old.children == frozenset(group.children.values())
        if old is not None and (old.digest == digest or alike):
            old.digest, old.seconds = digest, _price(pickled, group, perf_counter() - start)
            old.hoists, old.bound, old.tokens = dict(hoists), bound, frozenset(group.tokens)
            old.refers, old.children = frozenset(group.refers), frozenset(group.children.values())
            old.leads, old.pinned = frozenset(group.leads), _pinned(values)
            draft.current.append((old, group.ids))
            draft.lost += old.lost if old.cell == count else ()
            return
        seconds = _price(pickled, group, perf_counter() - start)
        component = Component(self.next_version, roots)
        component.seconds = seconds
        self.next_version += 1
        component.hoists, component.bound = dict(hoists), bound
        component.tokens, component.refers = frozenset(group.tokens), frozenset(group.refers)
        component.children, component.leads = frozenset(group.children.values()), frozenset(group.leads)
        component.buffers, component.prints, component.digest = self._buffers(pickled, prints, digest, survey.touched)
        component.lost = tuple((one.path, one.kind, one.reason) for one in pickled.lost)
        component.reopened = tuple((one.path, one.kind, one.reason) for one in pickled.reopened)
        component.modules, component.cell, component.pinned = dict(pickled.modules), count, _pinned(values)
        component.size = pickled.size + sum(buffer.size for buffer in component.buffers)
        draft.lost += component.lost
        draft.records.append(
            Record(
                component.version, "component", "", pickled.stream, component.buffers, _meta(component), pickled.lead
            )
        )
        draft.names.update(dict.fromkeys(keys, component.version))
        draft.changed |= keys
        draft.current.append((component, group.ids))

    def _before(self, survey: Survey, roots: frozenset[str], keys: frozenset[str]) -> Component | None:
        """The component that had these keys and no others."""
        found = self._index.by_root.get(next(iter(keys)))
        return found if found in survey.touched and found.roots == roots and found.keys == keys else None

    def _definition(
        self, draft: Draft, definition: Definition, obj: object, shared: dict[int, str],
        hoists: frozenset[str], count: int, met: dict[str, object],
    ) -> None:  # fmt: skip
        now = signature(obj, self._world.find) if not hoists else None
        if definition.version and same(now, definition.parts) and hoists == definition.hoists:
            return
        self._world.shared = shared
        try:
            pickled = self._codec.dump_definition(obj, self._world)
        except StoreError:
            raise
        except Exception as error:
            self._lose(draft, definition, obj, hoists, count, f"{type(error).__name__}: {error}")
            return
        self._meet(pickled, met)
        digest, prints = fingerprint(pickled)
        lost = tuple((one.path, one.kind, one.reason) for one in pickled.lost)
        alike = self.pristine and hoists == definition.hoists
        if definition.version and (digest == definition.digest or alike):
            draft.definitions.append((definition, definition.version, digest, now, hoists, lost))
            return
        version = self.next_version
        self.next_version += 1
        buffers, _, digest = self._buffers(pickled, prints, digest, ())
        meta = Meta(hoists=sorted(hoists), digest=digest, cell=count, lost=list(lost), modules=dict(pickled.modules))
        draft.records.append(
            Record(
                version, "definition", definition.token, pickled.stream, buffers, msgspec.json.encode(meta),
                pickled.lead,
            )
        )  # fmt: skip
        draft.tokens[definition.token] = version
        draft.lost += lost
        draft.definitions.append((definition, version, digest, now, hoists, lost))

    def _lose(
        self, draft: Draft, definition: Definition, obj: object, hoists: frozenset[str], count: int, reason: str
    ) -> None:
        """A definition that cannot be pickled: an empty stream, from which a restore makes a placeholder."""
        lost = ((getattr(obj, "__qualname__", "?"), "definition", reason),)
        digest = hashlib.blake2b(reason.encode("utf-8", "replace"), digest_size=16).digest()
        version = definition.version
        if not version or digest != definition.digest:
            version = self.next_version
            self.next_version += 1
            meta = msgspec.json.encode(Meta(digest=digest, cell=count, lost=list(lost)))
            draft.records.append(Record(version, "definition", definition.token, b"", (), meta))
            draft.tokens[definition.token] = version
        draft.lost += lost
        draft.definitions.append((definition, version, digest, None, hoists, lost))

    def _dump(self, values: dict[str, object], count: int) -> tuple[Pickled, dict[str, object]]:
        """The stream of a component; values that make the whole fail are replaced by placeholders."""
        try:
            return self._codec.dump(values, self._world), values
        except StoreError:
            raise  # the disk failed, not the values
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        kept = dict(values)
        for key, value in values.items():
            try:
                self._codec.dump({key: value}, self._world)
            except Exception as error:
                kind = type(value).__name__
                kept[key] = self._codec.lost(key, kind, f"{type(error).__name__}: {error}", count)
        try:
            return self._codec.dump(kept, self._world), kept
        except Exception:
            kept = {key: self._codec.lost(key, type(value).__name__, reason, count) for key, value in values.items()}
            return self._codec.dump(kept, self._world), kept

    def _meet(self, pickled: Pickled, met: dict[str, object]) -> None:
        for token in pickled.tokens:
            met[token] = self._world.definition(token)

    def _buffers(
        self, pickled: Pickled, prints: tuple[bytes, ...], digest: bytes, before: Iterable[Component]
    ) -> tuple[tuple[Buffer, ...], tuple[bytes, ...], bytes]:
        """Store the chunks that are new; those of the components of before are told by their fingerprints.

        Returns the buffers, and fingerprints and digest of what was written: another thread may have changed it.
        """
        if not pickled.buffers:
            return (), prints, digest
        from holdfast.durable.store.chunks import keep, known

        stored = known(pair for old in before for pair in zip(old.buffers, old.prints, strict=True))
        kept = [keep(data, self._store.put, stored, one) for data, one in zip(pickled.buffers, prints, strict=True)]
        now = tuple(one.prints for one in kept)
        if not all(one.settled for one in kept):
            digest = b""  # like no other: it is stored again at the next look
        elif now != prints:
            digest = _digest(pickled, now)
        return tuple(one.buffer for one in kept), now, digest


def _pinned(values: dict[str, object]) -> object:
    """The value of a component whose one root leads to a number or a short text: holding it costs little."""
    if len(values) == 1:
        (value,) = values.values()
        kind = type(value)
        if kind in _NUMBERS or (kind is str and len(value) < _SHORT):  # type: ignore[arg-type]
            return value
    return None


def _price(pickled: Pickled, group: Group, measured: float) -> float:
    """What the next check will take: as measured, unless something else (a collection, another process) had the CPU."""
    size = 5e-5 + 2e-7 * pickled.size + 2e-6 * len(group.ids) + 2e-6 * len(group.roots)
    return min(measured, size + 5e-10 * sum(buffer.nbytes for buffer in pickled.buffers))


def _meta(component: Component) -> bytes:
    return msgspec.json.encode(
        Meta(
            roots=sorted(component.roots),
            hoists=sorted(component.hoists.values()),
            tokens=sorted(component.tokens),
            children=sorted(component.children),
            digest=component.digest,
            prints=list(component.prints),
            seconds=round(component.seconds, 6),
            cell=component.cell,
            lost=list(component.lost),
            reopened=list(component.reopened),
            modules=dict(component.modules),
        )
    )
