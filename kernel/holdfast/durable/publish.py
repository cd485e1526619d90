"""Groups and definitions to records of the store, where their digests say that they changed.

It must never publish a record whose bytes are not what was digested, and never let one value that cannot be
pickled cost another.

A digest is that of the stream and of each MiB of its buffers (xxh3, 7 ms per 100 MB); blake3 names the chunks
that are written.  Digests of streams are comparable within one process; after a restore the first one that
differs from the stored one writes a version again, unless nothing ran since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from holdfast.durable.components import Component, Index
from holdfast.durable.definitions import Definition, qualname_of, same, signature
from holdfast.durable.draft import Beside, Draft, Overdue, digest_of, fingerprint
from holdfast.durable.faults import NoRoom
from holdfast.durable.made import made, meta, pinned, price, spared
from holdfast.durable.plan import Group, Survey
from holdfast.durable.reports import HELD_BESIDE, HELD_UNSTABLE, Meta
from holdfast.durable.shortage import Shortage
from holdfast.durable.steady import Look, Witness, is_torn
from holdfast.durable.store.port import Buffer, Record, Store
from holdfast.durable.world import Codec, SavingWorld
from holdfast.errors import StoreError

if TYPE_CHECKING:
    from holdfast.durable.patience import Patience
    from holdfast.durable.pickling.lost import Pickled
    from holdfast.durable.spared import Place, Spare
    from holdfast.durable.writer import Job


class Publisher:
    """Makes drafts; owns the numbers of versions and hoists."""

    def __init__(self, codec: Codec, world: SavingWorld, store: Store, index: Index) -> None:
        self._codec = codec
        self._world = world
        self._store = store
        world.put = partial(store.put, within_budget=True)
        self._index = index
        self._shortage = Shortage(store, lambda values: codec.dump(values, world), codec.lost)
        self.next_version = 1
        self.next_hoist = 1
        #: Whether digests of the store count as a baseline only: set after a restore, until a cell has run.
        self.pristine = False
        #: Where other threads may change values while they are looked at: tells when one ran.
        self.witness: Witness | None = None
        #: What is written beside the user; None where every reply waits.
        self.patience: Callable[[], Patience | None] = lambda: None
        #: Whether another cell that runs can reach a group.
        self.away: Callable[[Group], bool] | None = None

    def draft(self, survey: Survey, count: int, spare: Spare | None = None) -> Draft:
        """What has to be stored so that the store says what the survey saw; `spare`: see the draft."""
        if not (survey.nodes or survey.touched or survey.gone):
            return Draft()
        while True:
            draft, met = self._try(survey, Draft(spare), count)
            if not met:
                return draft
            survey.meet(met)

    def _try(self, survey: Survey, draft: Draft, count: int) -> tuple[Draft, list[object]]:
        survey.release()
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
        bound = {key: id(survey.values[key]) for key in roots}
        if old is not None and not survey.mentions and self._shortage.lasts(old, bound):
            draft.current.append((old, group.ids))
            return
        seen, held = self._steady(group, partial(self._look, draft, survey, values, roots, count, old))
        if seen is None:
            self._hold(draft, group, old, hoists, bound, held)
            return
        pickled, values, places, told, doubted, digest, prints, _ = seen
        self._meet(pickled, met)
        alike = old is not None and self.pristine and old.children == frozenset(group.children.values())
        if old is not None and (old.digest == digest or alike):
            _renew(old, seen, group, hoists, bound)
            old.seconds = price(pickled, group, perf_counter() - start, told)
            draft.doubted.update((old,) if doubted else ())
            draft.current.append((old, group.ids))
            draft.lost += old.lost if old.cell == count else ()
            return
        seconds = price(pickled, group, perf_counter() - start, told)
        try:
            buffers, now, digest = self._buffers(seen, keys, roots, survey.touched)
        except Beside as late:
            self._hold(draft, group, old, hoists, bound, late.why)
            return
        if self.witness is not None and now != prints:
            self._hold(draft, group, old, hoists, bound, HELD_UNSTABLE)
            return
        component = made(self.next_version, group, hoists, bound)
        component.seconds = seconds
        self.next_version += 1
        component.buffers, component.prints, component.digest = buffers, now, digest
        component.places = places if component.digest else ()
        draft.doubted.update((component,) if doubted else ())
        component.lost = tuple((one.path, one.kind, one.reason) for one in pickled.lost)
        component.reopened = tuple((one.path, one.kind, one.reason) for one in pickled.reopened)
        component.modules, component.cell, component.pinned = dict(pickled.modules), count, pinned(values)
        component.size = pickled.size + sum(buffer.size for buffer in component.buffers)
        draft.lost += component.lost
        draft.records.append(
            Record(component.version, "component", "", pickled.stream, component.buffers, meta(component), pickled.lead)
        )
        draft.names.update(dict.fromkeys(keys, component.version))
        draft.changed |= keys
        draft.current.append((component, group.ids))

    def _steady(self, group: Group, look: Callable[[], Look]) -> tuple[Look | None, str]:
        """What a group's values are now, or why that is not for this commit."""
        if self.away is not None and self.away(group):
            return None, HELD_BESIDE
        try:
            return (look() if self.witness is None else self.witness.steady(look)), HELD_UNSTABLE
        except Beside as late:
            return None, late.why

    def _look(
        self, draft: Draft, survey: Survey, values: dict[str, object], roots: frozenset[str], count: int,
        old: Component | None,
    ) -> Look:  # fmt: skip
        """What the values of a component are now."""
        try:
            pickled, values = self._dump(values, count)
            places, told, doubted = spared(draft, survey, pickled, roots)
            job = self._job(frozenset(values), roots, pickled, places, told)
            if job is not None:
                told = [one.prints for one in job.kept]
            digest, prints = fingerprint(pickled, told)
            if (old is not None and old.digest == digest) or self._shortage.admits(pickled, prints, survey.touched):
                self._shortage.over(values)
                kept = job.kept if job is not None else ()
                return Look(pickled, values, places, told, doubted, digest, prints, kept)
        except NoRoom:
            pass
        values = self._shortage.without(values, old, count)
        pickled = self._codec.dump(values, self._world)
        return Look(pickled, values, (), (), False, *fingerprint(pickled))

    def _job(
        self, keys: frozenset[str], roots: frozenset[str], pickled: Pickled, places: tuple[Place | None, ...],
        told: Sequence[bytes | None],
    ) -> Job | None:  # fmt: skip
        """What has written a large value beside the user; raises `Beside` while it does, and where it is to."""
        patience = self.patience() if pickled.buffers else None
        return patience.look(keys, roots, pickled, places, told) if patience is not None else None

    def _hold(
        self, draft: Draft, group: Group, old: Component | None, hoists: dict[int, str], bound: dict[str, int], why: str
    ) -> None:
        """Leave what the store has of a component as it is; the next look at it stores it."""
        component = made(0, group, hoists, bound)
        if old is not None:
            component.buffers, component.prints, component.size = old.buffers, old.prints, old.size
            component.cell, component.seconds = old.cell, old.seconds
        draft.held.update(dict.fromkeys(component.keys, why))
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
        except NoRoom as error:
            self._lose(draft, definition, obj, hoists, count, str(error))
            return
        except StoreError:
            raise
        except Exception as error:
            self._lose(draft, definition, obj, hoists, count, f"{type(error).__name__}: {error}")
            return
        if self.witness is not None and definition.version and is_torn(pickled):
            return  # a thread changed it meanwhile: its last version stays
        self._meet(pickled, met)
        digest, prints = fingerprint(pickled)
        lost = tuple((one.path, one.kind, one.reason) for one in pickled.lost)
        alike = self.pristine and hoists == definition.hoists
        if definition.version and (digest == definition.digest or alike):
            draft.definitions.append((definition, definition.version, digest, now, hoists, lost))
            return
        version = self.next_version
        self.next_version += 1
        buffers, _, digest = self._kept(pickled, prints, digest, {}, self._store.put)
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
        lost = ((qualname_of(obj), "definition", reason),)
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
        self, seen: Look, keys: frozenset[str], roots: frozenset[str], before: Iterable[Component]
    ) -> tuple[tuple[Buffer, ...], tuple[bytes, ...], bytes]:
        """Store the chunks that are new; those of the components of before are told by their fingerprints.

        Returns the buffers, and fingerprints and digest of what was written: another thread may have changed it.
        Raises `Beside` where that is to take place beside the user.
        """
        pickled, prints = seen.pickled, seen.prints
        if not pickled.buffers:
            return (), prints, seen.digest
        from holdfast.durable.store.chunks import known

        pairs = [pair for old in before for pair in zip(old.buffers, old.prints, strict=True)]
        stored = known((*pairs, *((one.buffer, one.prints) for one in seen.kept)))
        patience = self.patience()
        if patience is not None:
            try:
                if patience.expects(pickled, prints, stored):
                    return self._kept(pickled, prints, seen.digest, stored, patience.put)
            except Overdue:
                pass
            patience.hand_over(keys, roots, pickled, seen.places)
        return self._kept(pickled, prints, seen.digest, stored, self._store.put)

    @staticmethod
    def _kept(
        pickled: Pickled, prints: tuple[bytes, ...], digest: bytes, stored: Mapping[bytes, bytes],
        put: Callable[[memoryview], bytes],
    ) -> tuple[tuple[Buffer, ...], tuple[bytes, ...], bytes]:  # fmt: skip
        from holdfast.durable.store.chunks import keep

        kept = [keep(data, put, stored, one) for data, one in zip(pickled.buffers, prints, strict=True)]
        now = tuple(one.prints for one in kept)
        if not all(one.settled for one in kept):
            digest = b""  # like no other: it is stored again at the next look
        elif now != prints:
            digest = digest_of(pickled, now)
        return tuple(one.buffer for one in kept), now, digest


def _renew(old: Component, seen: Look, group: Group, hoists: dict[int, str], bound: dict[str, int]) -> None:
    """Note of a component whose stored state is still right what it is made of now."""
    # What is alike is compared with what the store has: these are its prints only if they are equal.
    old.digest, old.places = seen.digest, seen.places if seen.prints == old.prints else ()
    old.hoists, old.bound, old.tokens = dict(hoists), bound, frozenset(group.tokens)
    old.refers, old.children = frozenset(group.refers), frozenset(group.children.values())
    old.leads, old.pinned = frozenset(group.leads), pinned(seen.values)
