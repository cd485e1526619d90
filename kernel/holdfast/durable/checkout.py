"""The live namespace made that of any commit that is kept.

It must never touch what did not change, never leave the namespace between two states, and never be the end of what
was there: all of it is stored before, and what went is one `%undo` away.

What is compared are manifests: a component that both have in the same version keeps its objects, all else of the
target is loaded beside the living.  Functions and classes keep their identity whatever their version: those that
changed are filled again, closure cells too, from images that put them back if anything fails.  Then the commit, and
only when it is on the disk every name changes, in one step that nothing interrupts.

Rejected: a fresh namespace that takes the place of the old one (functions hold the old dict), and objects changed in
place as a rollback does (whoever still holds one would see it change behind his back).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from types import CellType, FunctionType

import msgspec

from holdfast.durable.audit import Keeper
from holdfast.durable.components import Component, name_of
from holdfast.durable.loading import LoadingWorld
from holdfast.durable.pickling.again import Images, put_cell, refill
from holdfast.durable.reports import CHECKOUT, Cell, Meta, State, Switched
from holdfast.durable.restore import bind_results, note_components
from holdfast.durable.roots import ABSENT
from holdfast.durable.settle import counters, settle, settled
from holdfast.durable.store.points import Point
from holdfast.durable.store.port import Commit, Head
from holdfast.durable.world import Codec

_Definition = FunctionType | type
#: Seconds that may be spent on the index of sharing, if loading took no longer; the rest is the audit's.
INDEXED = 0.5


class Standing:
    """What of the live session the target has too: the components and definitions that stay as they are."""

    def __init__(self, keeper: Keeper, target: Head) -> None:
        self._keeper = keeper
        self._target = target
        #: Every definition that the target knows and that is alive; held, so that none dies meanwhile.
        self.alive: dict[str, _Definition] = {}
        #: Tokens of those whose state was another one.
        self.stale: set[str] = set()
        wanted: dict[int, set[str]] = {}
        for key, version in target.names.items():
            if version:
                wanted.setdefault(version, set()).add(key)
        components = keeper.index.components()
        self.kept = {
            one
            for one in components
            if one.digest and (one.keys if one.hoists else one.roots) == wanted.get(one.version, set())
        }
        self.gone = components - self.kept
        for token, version in target.tokens.items():
            known = keeper.definitions.by_token.get(token)
            obj = known.ref() if known is not None else None
            if known is not None and obj is not None:
                self.alive[token] = obj
                if known.version != version:
                    self.stale.add(token)
        self.hoists = self._find_hoists()
        broken = {one for one in self.kept if self._is_broken(one)}
        self.kept -= broken
        self.gone |= broken
        self._spread()
        self.by_key = {key: one for one in self.kept for key in one.keys}

    def _is_broken(self, one: Component) -> bool:
        """Whether a part has died since it was stored: a cell, what it shared, a function that it holds weakly."""
        for key in one.roots:
            if key[0] == "@" and self._keeper.roots.value(key) is ABSENT:
                return True
        return bool(one.hoists or one.refers or self._keeper.index.hollow) and (
            not self.hoists.keys() >= set(one.hoists.values())
            or one.version in self._keeper.index.hollow
            or not one.refers.isdisjoint(self._target.tokens.keys() - self.alive.keys())
        )

    def _spread(self) -> None:
        """What holds an object that is replaced is replaced itself: hubs, members of an enum, shared state."""
        definitions = self._keeper.definitions
        while True:
            keys = {key for one in self.gone for key in one.keys}
            moved = {token for token in self.stale if _is_enum(self.alive[token])}
            more = {
                one
                for one in self.kept
                if (one.children and not one.children.isdisjoint(keys))
                or (moved and not moved.isdisjoint(one.refers | one.tokens))
            }
            stale = {
                token
                for token in self.alive.keys() - self.stale
                if not definitions.by_token[token].hoists.isdisjoint(keys)
            }
            if not more and not stale:
                return
            self.kept -= more
            self.gone |= more
            self.stale |= stale

    def _find_hoists(self) -> dict[str, object]:
        """The live objects that kept components share with definitions, by their keys."""
        holders = [one for one in self.kept if one.hoists]
        if not holders:
            return {}
        keeper, found = self._keeper, dict[str, object]()
        survey = keeper._survey(mentions=False)
        for one in holders:
            survey.take(one.roots)
            survey.meet(self.alive[token] for token in one.tokens if token in self.alive)
        keys = {number: key for one in holders for number, key in one.hoists.items()}
        for group in survey.groups():
            found.update((keys[number], obj) for number, obj in group.hoists.items() if number in keys)
        return found

    def value(self, key: str) -> object:
        """The live object of a key that stays, or ABSENT."""
        if key.startswith("@h"):
            return self.hoists.get(key, ABSENT)
        return self._keeper.roots.value(key)


class SwitchingWorld(LoadingWorld):
    """The world as a checkout sees it: what stays is there already."""

    def __init__(self, keeper: Keeper, codec: Codec, target: Head, standing: Standing, images: Images) -> None:
        super().__init__(keeper, codec, target)
        self.state = msgspec.json.decode(target.state, type=State)
        self._standing = standing
        self._images = images
        self.loaded.update(dict.fromkeys((one.version for one in standing.kept), Meta()))

    def load_all(self) -> None:
        """Load what differs, and fill the definitions whose state was another one."""
        self.begin()
        for token in sorted(self._standing.stale):
            self.definition(token)
        for version in dict.fromkeys(version for version in self.head.names.values() if version):
            if version not in self.loaded:
                self.load(version)
        self._empty()
        self.finish()

    def _empty(self) -> None:
        """Empty the closure cells that were empty then, of functions that were there."""
        definitions, names = self._committer.definitions, self.head.names
        for token in self._standing.alive:
            for key in definitions.by_token[token].cells:
                cell = definitions.cells.get(key)
                if key not in names and cell is not None:
                    self._images.take(cell)
                    put_cell(cell)

    def skeleton(self, token: str) -> object:
        """The live definition, where there is one."""
        obj = self._standing.alive.get(token)
        if obj is None or token in self._objects:
            return super().skeleton(token)
        self._objects[token] = obj
        if token not in self._standing.stale:
            self._filled.add(token)
            return obj
        try:
            record = self._store.record(self.head.tokens[token])
            self._records[token] = (record, msgspec.json.decode(record.meta, type=Meta))
        except Exception as error:
            self.lost.append((getattr(obj, "__qualname__", token), "definition", f"{type(error).__name__}: {error}"))
        return obj

    def resolve(self, reference: str) -> object:
        """The live object of a key, where it stays."""
        if reference not in self.values and reference in self._standing.by_key and not reference.startswith("@c"):
            value = self._standing.value(reference)
            if value is not ABSENT:
                self.values[reference] = value
        return super().resolve(reference)

    def _fill(self, token: str, stream: bytes, buffers: Sequence[memoryview]) -> None:
        obj = self._objects[token]
        if token in self._standing.stale:
            self._images.take(obj)
            refill(obj, stream, buffers, self)
        else:
            super()._fill(token, stream, buffers)

    def _enclose(self, cell: CellType, value: object) -> None:
        self._images.take(cell)
        super()._enclose(cell, value)


class Switch:
    """Takes a keeper's namespace to a commit.  On the main thread, within a cell or between two."""

    def __init__(self, keeper: Keeper, codec: Codec, date: Callable[[], str]) -> None:
        self._keeper = keeper
        self._codec = codec
        self._date = date
        #: Whether the commit is on the disk.
        self._went = False

    def to(
        self,
        number: int,
        running: Cell,
        inputs: Sequence[tuple[int, str]],
        *,
        ran: bool = True,
        status: str = CHECKOUT,
    ) -> Switched:
        """Go to commit `number`; what `running`, the cell that asks, did so far is stored first.

        `inputs` are those of the target; `ran` says whether the cell can have changed anything.  Raises StoreError,
        or whatever interrupts it: then everything is as it was.
        """
        start, keeper, self._went = perf_counter(), self._keeper, False
        with keeper.namespace.lock:
            settle(keeper, running, ran)
            now, target = keeper.store.head(), keeper.store.at(number)
            assert now is not None
            images = Images()
            held = set(keeper.definitions.cells.held)
            try:
                standing = Standing(keeper, target)
                world = SwitchingWorld(keeper, self._codec, target, standing, images)
                with keeper.ambient.at(world.place()):
                    world.load_all()
                keeper.crash(Point.CHECKING_OUT)
                at, epoch = self._date(), max(now.epoch, running.epoch) + 1
                commit = checkout_commit(now, target, counters(keeper), status, at, running.count, epoch)
                switched = self._finish(commit, world, standing, inputs, running)
            except BaseException:
                # An interrupt that waited for `_finish` to end is raised here too.
                if not self._went:
                    self._put_back(images, held)
                raise
            self._index(perf_counter() - start)
        return msgspec.structs.replace(switched, seconds=perf_counter() - start)

    def _put_back(self, images: Images, held: set[str]) -> None:
        """It did not come to its end: nothing has changed.  To be protected from interrupts."""
        images.put_back()
        cells = self._keeper.definitions.cells
        for key in cells.held.keys() - held:
            cells.forget(key)

    def _finish(
        self,
        commit: Commit,
        world: SwitchingWorld,
        standing: Standing,
        inputs: Sequence[tuple[int, str]],
        running: Cell,
    ) -> Switched:
        """The commit, and every name.  To be protected from interrupts."""
        keeper = self._keeper
        before = keeper.number
        keeper.number = keeper.store.commit(commit)
        self._went = True
        keeper.crash(Point.CHECKED_OUT)
        target = world.head
        # What is replaced is let go when all is in its place: its finalizers see one state.
        old = [keeper.namespace.dict, dict(keeper.namespace.dict), dict(keeper.roots.results), standing]
        changes = self._bind(world, standing, inputs, running)
        world.adopt()
        for token, known in keeper.definitions.by_token.items():
            if known.version != target.tokens.get(token):
                # Should anything refer to it again, it is stored anew.
                known.version, known.digest, known.parts, known.hoists = 0, b"", None, frozenset()
        settled(keeper, commit.epoch, msgspec.json.decode(commit.state, type=State))
        del old
        added, changed, gone = changes
        return Switched(
            number=keeper.number,
            target=target.number,
            before=before,
            count=target.count,
            epoch=commit.epoch,
            at=target.at,
            added=added,
            changed=changed,
            gone=gone,
            lost=tuple(map(keeper.roots.label, world.lost)),
            reopened=tuple(world.reopened),
            versions=tuple(world.changed_modules()),
        )

    def _bind(
        self, world: SwitchingWorld, standing: Standing, inputs: Sequence[tuple[int, str]], running: Cell
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Put the target's variables, results and inputs in their places; the names that came, changed, went."""
        keeper, target, values = self._keeper, world.head, world.values
        ns, results, roots = keeper.namespace.dict, keeper.namespace.results, keeper.roots
        keys = dict.fromkeys((*target.names, *world.unstored))
        wanted = {name: key for key in keys if (name := name_of(key)) is not None}
        had = {name for key in keeper.index.by_root if (name := name_of(key)) is not None}
        stay = {key: roots.value(key) for key in standing.by_key if key.startswith("@r") or results.owns(key)}
        here = {id(obj): token for token, obj in standing.alive.items() if token in standing.stale}
        # A name whose function or class is the same object in another state is a change too.
        touched = {name for name in wanted if name in ns and id(ns[name]) in here}
        for name in had - wanted.keys():
            ns.pop(name, None)
        results.forget(ns)
        roots.forget_results()
        for component in standing.gone:
            keeper.index.remove(component)
            for key in component.children & roots.holders.keys():
                roots.holders[key] -= 1
        bind_results(keeper, target, world.state, {**values, **stay}, inputs)
        if running.code and running.count >= len(results.inputs):
            results.push_input(ns, running.count, running.code)
        fresh: set[str] = set()
        for key, value in {**values, **stay}.items():
            name = name_of(key)
            if name in wanted:
                ns[name] = value
                if key not in standing.by_key:
                    fresh.add(name)
        results.rebuild(ns)
        note_components(keeper, world.components, values)
        for key in [key for key, holders in roots.holders.items() if holders <= 0]:
            roots.release(key)
        ambient = {key: values.get(key, roots.value(key)) for key in target.names if key.startswith("@a")}
        changed = {key for key in {*keeper.ambient.values, *ambient} if key not in standing.by_key}
        keeper.ambient.switch(ambient, changed)
        added = fresh - had
        return tuple(sorted(added)), tuple(sorted((fresh - added) | touched)), tuple(sorted(had - wanted.keys()))

    def _index(self, spent: float) -> None:
        """Note what belongs to which component among what was loaded, as a restore does."""
        publisher = self._keeper.publisher
        publisher.pristine = True
        try:
            self._keeper.look(max(INDEXED, spent))
        finally:
            publisher.pristine = False


def checkout_commit(now: Head, target: Head, state: State, status: str, at: str, count: int, epoch: int = 0) -> Commit:
    """The commit that goes from the newest state to another one; `state` has the counters of the newest."""
    then = msgspec.json.decode(target.state, type=State)
    counted = msgspec.structs.replace(
        state, last=then.last, inputs={}, unchecked=then.unchecked, audited=then.audited, held=then.held
    )
    return Commit(
        count,
        epoch or now.epoch + 1,
        "",
        status,
        at,
        (),
        _difference(now.names, target.names),
        _difference(now.tokens, target.tokens),
        msgspec.json.encode(counted),
        ("", "", b""),
        target.number,
    )


def _difference(now: Mapping[str, int], then: Mapping[str, int]) -> dict[str, int | None]:
    changed: dict[str, int | None] = {key: version for key, version in then.items() if now.get(key) != version}
    changed.update((key, None) for key in now if key not in then)
    return changed


def _is_enum(obj: object) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and isinstance(obj, enum.EnumMeta)
