"""The world as a restore or a checkout sees it: what streams refer to is loaded when something first needs it.

It must never put anything but the real object or a `LostValue` in the place of a reference.

Definitions come in two phases: each exists (empty) when something first refers to it, and is filled before that is
loaded.  What it shares with variables is None at first: loading it could need the definition itself.  It is loaded
right after, and the definition filled again.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from types import CellType, FunctionType

import msgspec

from holdfast.durable.audit import Keeper
from holdfast.durable.components import Component, name_of
from holdfast.durable.definitions import Definition, qualname_of, signature
from holdfast.durable.kinds import is_class
from holdfast.durable.pickling.lost import Lost as Missed
from holdfast.durable.pickling.lost import LostValue, rename
from holdfast.durable.reports import HELD_WRITING, Lost, Meta, State
from holdfast.durable.store.port import Head, Record
from holdfast.durable.versions import Versions
from holdfast.durable.world import Codec

#: Cells whose contents are loaded within the load of another's.
NESTED = 30
#: Why something has no version at all.
UNSTORED = "something that still ran changed it when the others were stored"


class LoadingWorld:
    """The world as a restore sees it: resolves by loading."""

    def __init__(self, committer: Keeper, codec: Codec, head: Head) -> None:
        self.namespace = committer.namespace.dict
        self._committer = committer
        self._store = committer.store
        self._codec = codec
        self.head = head
        self._objects: dict[str, object] = {}
        self._records: dict[str, tuple[Record, Meta]] = {}
        self._filled: set[str] = set()
        self._dead: dict[str, weakref.ref[object]] = {}
        #: Versions that were loaded without a definition that they refer to.
        self._hollow: set[int] = set()
        #: Definitions that were filled with holes, and the keys that were missing.
        self._wanting: dict[str, set[str]] = {}
        self._filling: list[str] = []
        #: Closure cells that were met.
        self._closed: list[str] = []
        self._depth = 0
        self.values: dict[str, object] = {}
        #: What the records that were loaded say of themselves.
        self.components: list[Component] = []
        self._loading: set[int] = set()
        self.loaded: dict[int, Meta] = {}
        self.lost: list[Lost] = []
        self.reopened: list[Lost] = []
        #: What could not be loaded, by the version or token that it belongs to; what is read now comes last.
        self._missing: dict[int | str, Sequence[Missed]] = {}
        #: Keys of what was never stored: it was held back when this was committed.
        self.unstored: set[str] = set()
        self._reading: list[int | str] = []
        #: The cell that stored each of them.
        self._cells: dict[int | str, int] = {}
        self.versions = Versions()
        #: Those of them that were stored under other versions.
        self._other: set[int | str] = set()
        self.rebuilt: list[Lost] = []
        self.fitted: list[Lost] = []

    def begin(self) -> None:
        """Put placeholders for what was held back from this commit and has no version of before."""
        held = msgspec.json.decode(self.head.state, type=State).held
        for key, why in held.items():
            if key not in self.head.names:
                name = name_of(key) or key
                reason = "it was still being written" if why == HELD_WRITING else UNSTORED
                self.lost.append((name, "value", reason))
                self.values[key] = self._codec.lost(name, "value", reason, self.head.count)
                self.unstored.add(key)
                if key.startswith("@c"):
                    self._enclose(self._committer.definitions.cells.made(key), self.values[key])

    def place(self) -> object:
        """Working folder, import path and environment, without a look at any module; None if they are not read."""
        version = self.head.names.get("@aplace")
        if version is None or version in self.loaded:
            return None
        from holdfast.durable.pickling.unpickler import bare

        try:
            return bare(self._store.record(version).stream).get("@aplace")
        except Exception:  # it is loaded again, with all else, and named then
            return None

    @property
    def cell(self) -> int:
        """The count of the cell that stored what is read now."""
        return self._cells.get(self._reading[-1], 0) if self._reading else 0

    @property
    def met(self) -> set[type] | None:
        """Takes the classes that the stream names which is read now, where it was stored under other versions."""
        return self.versions.met if self._reading and self._reading[-1] in self._other else None

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
        version = self.head.tokens.get(token)
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
            made = self._make(token, record.stream, buffers)
        except Exception as error:
            made = self._lose(token, "definition", error)
            self._filled.add(token)
        # A skeleton that needed itself (a base that mentions its subclass) is there already.
        return self._objects.setdefault(token, made)

    def _make(self, token: str, stream: bytes, buffers: Sequence[memoryview]) -> object:
        # What its globals share with variables is put there with the rest: loading it may need the function itself.
        self._filling.append(token)
        try:
            return self._codec.skeleton(stream, buffers, self)
        finally:
            self._filling.pop()

    def _deleted(self, token: str) -> object:
        """In the place of a definition that died: only weak references can have led to it, which are then dead."""
        made = self._objects[token] = self._codec.lost(token, "definition", "it was deleted", 0)
        self._filled.add(token)
        self._dead[token] = weakref.ref(made)
        self._hollow.update(version for version in self._reading if isinstance(version, int))
        return made

    def definition(self, token: str) -> object:
        """The definition, filled unless that is under way."""
        made = self.skeleton(token)
        if token not in self._filled:
            self._filled.add(token)
            self.fill(token)
            if not self._filling:
                # What is in the cells comes first: to make an instance may be to call what needs it.
                self._settle()
                self._complete()
                self._settle()
        return made

    def fill(self, token: str) -> None:
        """Phase two of one definition."""
        if token not in self._records:
            return
        record, meta = self._records[token]
        self._note(token, meta)
        self._filling.append(token)
        self._reading.append(token)
        self._missing.pop(token, None)
        try:
            self._fill(token, record.stream, [self._store.read(buffer, True) for buffer in record.buffers])
        except Exception as error:
            self.lost.append((getattr(self._objects[token], "__qualname__", token), "definition", _words(error)))
        finally:
            self._filling.pop()
            self._reading.pop()

    def _note(self, key: int | str, meta: Meta) -> None:
        self._cells[key] = meta.cell
        if meta.modules and self.versions.differ(meta.modules):
            self._other.add(key)

    def _fill(self, token: str, stream: bytes, buffers: Sequence[memoryview]) -> None:
        self._codec.fill(self._objects[token], stream, buffers, self)

    def _complete(self) -> None:
        """Load what definitions share with variables, and fill those again that had to do without."""
        wanting, self._wanting = self._wanting, {}
        for token, references in wanting.items():
            for reference in references:
                version = self.head.names.get(reference)
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
                version = self.head.names.get(self._closed.pop())
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
            version = self.head.names.get(reference)
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
            self._note(version, meta)
            buffers = [self._store.read(buffer, True) for buffer in record.buffers]
            values = self._codec.load(record.stream, buffers, self)
            self._component(record, meta)
        except Exception as error:
            keys = [key for key, one in self.head.names.items() if one == version]
            values = {key: self._lose(key, "component", error) for key in keys}
            self.loaded[version] = Meta()
        finally:
            self._loading.discard(version)
            self._reading.pop()
        self.values.update(values)
        for key, value in values.items():
            if key.startswith("@c"):
                self._enclose(self._committer.definitions.cells.made(key), value)
        if self._wanting and not self._filling and not self._loading:
            self._complete()

    def _enclose(self, cell: CellType, value: object) -> None:
        cell.cell_contents = value

    def finish(self) -> None:
        """Name the definitions that stay with holes: what they shared was lost; and what other versions took."""
        self._complete()
        self.lost += self.versions.mend(self._objects)
        self.fitted, unfit = self.versions.fit(self.values)
        self.lost += unfit
        for key, value in self.values.items() if self._other else ():
            broken = self.versions.broken(value)
            if broken:
                lost = name_of(key) or key, type(value).__name__, broken
                self.lost.append(lost)
                self.values[key] = self._codec.lost(*lost, 0)
        self.rebuilt = self.versions.rebuilt(self.values, self.namespace)
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
            name = qualname_of(self._objects[token])
            self.lost.append((name, "definition", f"it refers to what is not there: {', '.join(sorted(references))}"))

    def _rename(self, names: Mapping[int, str]) -> None:
        """Placeholders of definitions know a token only: call them what the user calls them."""
        for made in self._objects.values():
            if type(made) is LostValue and id(made) in names:
                rename(made, names[id(made)])

    def _component(self, record: Record, meta: Meta) -> None:
        component = Component(record.version, meta.roots)
        component.hoists = {-1 - i: key for i, key in enumerate(meta.hoists)}
        component.tokens, component.children = frozenset(meta.tokens), frozenset(meta.children)
        component.digest, component.prints, component.buffers = meta.digest, tuple(meta.prints), record.buffers
        component.seconds, component.cell = meta.seconds, meta.cell
        component.size = len(record.stream) + sum(buffer.size for buffer in record.buffers)
        component.lost, component.reopened, component.modules = tuple(meta.lost), tuple(meta.reopened), meta.modules
        self.components.append(component)
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

    def adopt(self) -> None:
        """Make what was loaded known to the committer: components by their keys, definitions by their tokens."""
        index = self._committer.index
        for component in self.components:
            index.by_root.update(dict.fromkeys(component.keys, component))
            index.hollow.discard(component.version)
        index.hollow |= self._hollow
        definitions = self._committer.definitions
        there: dict[str, Definition] = {}
        for token, obj in self._objects.items():
            if token in self._records and (type(obj) is FunctionType or is_class(obj)):
                known = definitions.by_token.get(token)
                there[token] = known if known is not None and known.ref() is obj else definitions.adopt(token, obj)
                definitions.dead.pop(token, None)
        # Only when all are known: a signature asks for the tokens of others.
        for token, known in there.items():
            record, meta = self._records[token]
            known.version, known.digest = record.version, meta.digest
            known.parts = signature(self._objects[token], definitions.find) if not meta.hoists else None
            known.hoists, known.lost = frozenset(meta.hoists), tuple(meta.lost)
            self.lost += known.lost
            if self.versions.is_other(self._objects[token]):
                # What is there now is not what is stored: the audit stores it.
                known.version, known.digest, known.parts = 0, b"", None
        for token, version in self.head.tokens.items():
            if token not in self._objects and token not in definitions.by_token:
                # Nothing that is stored leads to it: it goes with the next commit.
                forgotten = definitions.dead[token] = Definition(token, None)
                forgotten.version = version


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
