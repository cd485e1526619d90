"""A session back in the namespace, before the first cell runs.

It must never put anything but the real object or a `LostValue` under a name, and never run a cell.

Definitions come in two phases: each exists (empty) when something first refers to it, and is filled before that is
loaded.  What it shares with variables is None at first: loading it
could need the definition itself.  It is loaded right after, and the definition filled again.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import FunctionType

import msgspec

from holdfast.durable.audit import Keeper
from holdfast.durable.components import Component, name_of
from holdfast.durable.definitions import Definition, signature
from holdfast.durable.pickling.lost import Lost as Missed
from holdfast.durable.pickling.lost import LostValue, rename
from holdfast.durable.reports import Lost, Meta, Restored, State
from holdfast.durable.roots import LAST
from holdfast.durable.store.points import Point
from holdfast.durable.store.port import Head, Record, Store
from holdfast.durable.world import Codec
from holdfast.errors import StoreError

#: Seconds spent on the index of sharing before the first cell; the rest is the audit's.
INDEXING = 0.05
#: Cells whose contents are loaded within the load of another's.
NESTED = 30


class LoadingWorld:
    """The world as a restore sees it: resolves by loading."""

    def __init__(self, committer: Keeper, codec: Codec, head: Head) -> None:
        self.namespace = committer.namespace.dict
        self._committer = committer
        self._store = committer.store
        self._codec = codec
        self._head = head
        self._objects: dict[str, object] = {}
        self._records: dict[str, tuple[Record, Meta]] = {}
        self._filled: set[str] = set()
        self._dead: dict[str, weakref.ref[object]] = {}
        #: Definitions that were filled with holes, and the keys that were missing.
        self._wanting: dict[str, set[str]] = {}
        self._filling: list[str] = []
        #: Closure cells that were met.
        self._closed: list[str] = []
        self._depth = 0
        self.values: dict[str, object] = {}
        self._loading: set[int] = set()
        self.loaded: dict[int, Meta] = {}
        self.lost: list[Lost] = []
        self.reopened: list[Lost] = []
        #: What could not be loaded, by the version or token that it belongs to; what is read now comes last.
        self._missing: dict[int | str, Sequence[Missed]] = {}
        self._reading: list[int | str] = []
        #: The cell that stored each of them.
        self._cells: dict[int | str, int] = {}

    @property
    def cell(self) -> int:
        """The count of the cell that stored what is read now."""
        return self._cells.get(self._reading[-1], 0) if self._reading else 0

    def missed(self, lost: Sequence[Missed]) -> None:
        """Told by a load what it put placeholders for."""
        self._missing[self._reading[-1]] = lost

    def token(self, definition: object) -> str | None:
        """Only saving asks."""
        found = self._committer.definitions.find(definition)
        return found.token if found is not None else None

    def reference(self, obj: object) -> str | None:
        """Only saving asks."""
        return None

    def skeleton(self, token: str) -> object:
        """The definition, empty if nobody filled it yet."""
        if token in self._objects:
            return self._objects[token]
        version = self._head.tokens.get(token)
        if version is None:
            return self._deleted(token)
        try:
            record = self._store.record(version)
            meta = msgspec.json.decode(record.meta, type=Meta)
            self._records[token] = (record, meta)
            if not record.stream:
                raise ValueError(meta.lost[0][2] if meta.lost else "it could not be stored")
            # The globals of a function that belongs to no module are with it.
            buffers = [self._store.read(buffer, True) for buffer in record.buffers]
            made = self._codec.skeleton(record.stream, buffers, self)
        except Exception as error:
            made = self._lose(token, "definition", error)
            self._filled.add(token)
        # A skeleton that needed itself (a base that mentions its subclass) is there already.
        return self._objects.setdefault(token, made)

    def _deleted(self, token: str) -> object:
        """In the place of a definition that died: only weak references can have led to it, which are then dead."""
        made = self._objects[token] = self._codec.lost(token, "definition", "it was deleted", 0)
        self._filled.add(token)
        self._dead[token] = weakref.ref(made)
        return made

    def definition(self, token: str) -> object:
        """The definition, filled unless that is under way."""
        made = self.skeleton(token)
        if token not in self._filled:
            self._filled.add(token)
            self.fill(token)
            if not self._filling:
                self._complete()
                self._settle()
        return made

    def fill(self, token: str) -> None:
        """Phase two of one definition."""
        if token not in self._records:
            return
        record, meta = self._records[token]
        self._cells[token] = meta.cell
        self._filling.append(token)
        self._reading.append(token)
        self._missing.pop(token, None)
        try:
            buffers = [self._store.read(buffer, True) for buffer in record.buffers]
            self._codec.fill(self._objects[token], record.stream, buffers, self)
        except Exception as error:
            self.lost.append((getattr(self._objects[token], "__qualname__", token), "definition", _words(error)))
        finally:
            self._filling.pop()
            self._reading.pop()

    def _complete(self) -> None:
        """Load what definitions share with variables, and fill those again that had to do without."""
        wanting, self._wanting = self._wanting, {}
        for token, references in wanting.items():
            for reference in references:
                version = self._head.names.get(reference)
                if version is not None and version not in self._loading and version not in self.loaded:
                    self.load(version)
            if self.values.keys() >= references:
                self.fill(token)
            else:
                self._wanting.setdefault(token, set()).update(references)

    def _settle(self) -> None:
        """Load what is in the closure cells that were met: an instance may be made by calling what uses them.

        Of cells in cells only so many at once, the others when those are done: a chain of closures can be long.
        """
        if self._depth >= NESTED:
            return
        self._depth += 1
        try:
            while self._closed:
                version = self._head.names.get(self._closed.pop())
                if version is not None and version not in self._loading and version not in self.loaded:
                    self.load(version)
        finally:
            self._depth -= 1

    def resolve(self, reference: str) -> object:
        """The object of a key that is stored elsewhere."""
        if reference.startswith("@c"):
            self._closed.append(reference)
            return self._committer.definitions.cells.made(reference)
        if reference not in self.values and self._filling:
            # Loading it could make instances of a class that is only half there.
            for token in self._filling:
                self._wanting.setdefault(token, set()).add(reference)
            return None
        if reference not in self.values:
            version = self._head.names.get(reference)
            if version is None or version in self._loading:
                raise LookupError(f"{reference} is not there")
            self.load(version)
        return self.values[reference]

    def load(self, version: int) -> None:
        """Load one component and everything it needs."""
        self._loading.add(version)
        self._reading.append(version)
        try:
            record = self._store.record(version)
            meta = msgspec.json.decode(record.meta, type=Meta)
            self._cells[version] = meta.cell
            buffers = [self._store.read(buffer, True) for buffer in record.buffers]
            values = self._codec.load(record.stream, buffers, self)
            self._adopt(record, meta)
        except Exception as error:
            keys = [key for key, one in self._head.names.items() if one == version]
            values = {key: self._lose(key, "component", error) for key in keys}
            self.loaded[version] = Meta()
        finally:
            self._loading.discard(version)
            self._reading.pop()
        self.values.update(values)
        for key, value in values.items():
            if key.startswith("@c"):
                self._committer.definitions.cells.made(key).cell_contents = value
        if self._wanting and not self._filling and not self._loading:
            self._complete()

    def finish(self) -> None:
        """Name the definitions that stay with holes: what they shared was lost."""
        self._complete()
        names = {id(value): name for key, value in self.values.items() if (name := name_of(key)) is not None}
        self._rename(names)
        self.lost = [
            (names.get(id(self._objects[path]), path), kind, reason) if path in self._objects else (path, kind, reason)
            for path, kind, reason in self.lost
        ]
        self.lost += [(one.path, one.kind, one.reason) for missing in self._missing.values() for one in missing]
        for token, ref in self._dead.items():
            del self._objects[token]
            if ref() is not None:
                self.lost.append((token, "definition", "it is not in the manifest"))
        for token, references in self._wanting.items():
            name = getattr(self._objects[token], "__qualname__", token)
            self.lost.append((name, "definition", f"it refers to what is not there: {', '.join(sorted(references))}"))

    def _rename(self, names: Mapping[int, str]) -> None:
        """Placeholders of definitions know a token only: call them what the user calls them."""
        for made in self._objects.values():
            if isinstance(made, LostValue) and id(made) in names:
                rename(made, names[id(made)])

    def _adopt(self, record: Record, meta: Meta) -> None:
        component = Component(record.version, meta.roots)
        component.hoists = {-1 - i: key for i, key in enumerate(meta.hoists)}
        component.tokens, component.children = frozenset(meta.tokens), frozenset(meta.children)
        component.digest, component.prints, component.buffers = meta.digest, tuple(meta.prints), record.buffers
        component.seconds, component.cell = meta.seconds, meta.cell
        component.size = len(record.stream) + sum(buffer.size for buffer in record.buffers)
        component.lost, component.reopened, component.modules = tuple(meta.lost), tuple(meta.reopened), meta.modules
        index = self._committer.index
        index.by_root.update(dict.fromkeys(component.keys, component))
        self.loaded[record.version] = meta
        self.lost += component.lost
        self.reopened += component.reopened

    def _lose(self, key: str, kind: str, error: Exception) -> object:
        self.lost.append((name_of(key) or key, kind, _words(error)))
        return self._codec.lost(name_of(key) or key, kind, _words(error), 0)

    def changed_modules(self) -> list[tuple[str, str, str]]:
        """Modules that are not as they were when something that refers to them was stored: (name, now, then)."""
        metas = (*self.loaded.values(), *(meta for _, meta in self._records.values()))
        recorded = {pair for meta in metas for pair in meta.modules.items()}
        if not recorded:
            return []
        from holdfast.durable.pickling.modules import versions

        now = versions({name for name, _ in recorded})
        return sorted((name, now[name], then) for name, then in recorded if now.get(name, then) != then)

    def adopt_definitions(self) -> None:
        """Make the definitions known to the committer, under their tokens."""
        definitions = self._committer.definitions
        there = {
            token: definitions.adopt(token, obj)
            for token, obj in self._objects.items()
            if token in self._records and isinstance(obj, FunctionType | type)
        }
        # Only when all are known: a signature asks for the tokens of others.
        for token, known in there.items():
            record, meta = self._records[token]
            known.version, known.digest = record.version, meta.digest
            known.parts = signature(self._objects[token], definitions.find) if not meta.hoists else None
            known.hoists, known.lost = frozenset(meta.hoists), tuple(meta.lost)
            self.lost += known.lost
        for token, version in self._head.tokens.items():
            if token not in self._objects:
                # Nothing that is stored leads to it: it goes with the next commit.
                forgotten = definitions.dead[token] = Definition(token, None)
                forgotten.version = version


class Restorer:
    """Brings the newest commit of a store back into a committer's namespace."""

    def __init__(self, committer: Keeper, store: Store, codec: Codec) -> None:
        self._committer = committer
        self._store = store
        self._codec = codec

    def restore(self) -> Restored | None:
        """Everything under its name; None for an empty store.

        Raises StoreError, having bound nothing, when the head cannot be read; a record that is damaged costs only
        what is in it.

        Runs on the main thread before the first cell.
        """
        start = perf_counter()
        head = self._store.head()
        if head is None:
            return None
        committer = self._committer
        state = self.pass_over(head)
        world = LoadingWorld(committer, self._codec, head)
        for version in dict.fromkeys(version for version in head.names.values() if version):
            if version not in world.loaded:
                world.load(version)
        world.finish()
        world.adopt_definitions()
        inputs: Sequence[tuple[int, str]] = ()
        try:
            inputs = _inputs(self._store, head.epoch)
        except StoreError as error:  # an old commit was changed: no value depends on it
            world.lost.append(("In", "history", str(error)))
        kept = self._bind(head, state, world.values, inputs)
        ambient = committer.ambient.restore({k: v for k, v in world.values.items() if k.startswith("@a")})
        committer.resume(head.count, head.epoch, state)
        committer.look(INDEXING)
        committer.crash(Point.RESTORED)
        return Restored(
            head.count,
            head.epoch,
            tuple(kept),
            lost=tuple(world.lost),
            reopened=tuple(world.reopened),
            unchecked=tuple(state.unchecked),
            audited=state.audited,
            ambient=tuple(ambient),
            versions=tuple(world.changed_modules()),
            seconds=perf_counter() - start,
        )

    def pass_over(self, head: Head) -> State:
        """Go on counting where `head` stopped: no version, token or key of the session is ever used twice."""
        state = msgspec.json.decode(head.state, type=State)
        definitions, roots, publisher = (part := self._committer).definitions, part.roots, part.publisher
        definitions.next, definitions.cells.next = state.tokens, state.cells
        roots.next, publisher.next_hoist, roots.next_child = state.results, state.hoists, state.children
        publisher.next_version, part.number = head.version + 1, head.number
        return state

    def _bind(
        self, head: Head, state: State, values: Mapping[str, object], inputs: Sequence[tuple[int, str]]
    ) -> list[str]:
        namespace, roots = self._committer.namespace, self._committer.roots
        kept = []
        with namespace.exclusively() as ns:
            results = namespace.results
            for count, code in inputs:
                results.push_input(ns, count, code)
            entries = sorted(_entry(key) for key in head.names if key.startswith("@o"))
            slots = {LAST[-number - 1]: values.get(key, "") for number, key in entries if number < 0}
            for number, key in entries:
                if key in values:
                    if key not in roots.results:
                        roots.adopt_result(key, values[key])
                    roots.adopt_entry(number, key)
                    if number > 0:
                        results.push_output(ns, number, values[key])
            for name, number in zip(LAST, state.last, strict=False):
                results.bound[name] = ns[name] = results.out[number] if number in results.out else slots.get(name, "")
            for key in head.names:
                variable = name_of(key)
                if variable is not None and key in values:
                    ns[variable] = values[key]
                    if type(values[key]) is not self._codec.lost:
                        kept.append(variable)
            for key, value in values.items():
                if key.startswith("@k"):
                    roots.adopt_child(key, value)
            for component in self._committer.index.components():
                for key in component.children:
                    roots.holders[key] = roots.holders.get(key, 0) + 1
                component.bound = {key: id(values.get(key)) for key in component.roots}
                component.hoists = {id(values.get(key)): key for key in component.hoists.values()}
        return sorted(kept)


def _inputs(store: Store, epoch: int) -> Sequence[tuple[int, str]]:
    """The inputs of all cells, those whose own commit failed included."""
    found = {entry.count: entry.code for entry in store.log() if entry.code and entry.epoch == epoch}
    for _, state in store.states():
        found.update(msgspec.json.decode(state, type=State).inputs)
    return sorted(found.items())


def _entry(key: str) -> tuple[int, str]:
    number, _, root = key[2:].partition("=")
    return int(number), root


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
