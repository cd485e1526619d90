"""What writes to the store, and the audit: the check of what no cell's code led to.

It must never remember a state that the store did not take.

The audit runs in idle time on the main thread, one component at a time; a cell that arrives ends it, and it goes
on afterwards with what is left.  Until it is complete the session says that it is not audited (P1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from holdfast.clock import Clock
from holdfast.durable.ambient import Ambient
from holdfast.durable.components import Component, Index, name_of
from holdfast.durable.definitions import Definitions
from holdfast.durable.draft import Draft
from holdfast.durable.faults import Absent
from holdfast.durable.pending import Pending
from holdfast.durable.pins import Pins
from holdfast.durable.plan import Survey
from holdfast.durable.publish import Publisher
from holdfast.durable.reports import Audited, Cell, State
from holdfast.durable.roots import LAST, Roots
from holdfast.durable.steady import Witness, others
from holdfast.durable.store.points import Crash, Point, go_on
from holdfast.durable.store.port import Commit, Store
from holdfast.durable.world import Codec, SavingWorld
from holdfast.errors import StoreError
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from holdfast.durable.guard import Guard
    from holdfast.durable.spared import Spare

#: Names that are compared between two looks at the clock.
PART = 1024


class Keeper:
    """A namespace, what of it is stored, and the store.  Every method runs on the main thread."""

    def __init__(
        self,
        namespace: Namespace,
        store: Store,
        codec: Codec,
        *,
        clock: Clock | None = None,
        ambient: Ambient | None = None,
        guard: Guard | None = None,
        crash: Crash = go_on,
    ) -> None:
        self.crash = crash
        self.namespace = namespace
        #: Entered around pickling: mutes output, and ends user code that takes too long.
        self._guard: AbstractContextManager[object] = guard or nullcontext()
        self.store = store
        self.definitions = Definitions()
        self.index = Index()
        self.pins = Pins()
        self.ambient = ambient or Ambient()
        self.roots = Roots(namespace, self.definitions, self.ambient.values)
        self.world = SavingWorld(namespace.dict, self.definitions)
        self.world.guard = guard
        self.publisher = Publisher(codec, self.world, store, self.index)
        self._clock = clock or Clock()
        #: Keys to look at with the next commit, because the last one failed.
        self._owed: set[str] = set()
        self._owed_entries: dict[str, bool] = {}
        self._owed_inputs: dict[int, str] = {}
        #: Results inside of large components, which the audit stores: entry to key.
        self._late: dict[str, str] = {}
        #: Components that a cell may have changed and nobody has checked since.
        self.unchecked: set[Component] = set()
        self._size = 0
        self.count = 0
        self.epoch = 0
        #: What the newest commit says beside the values.
        self.state = State()
        #: That of the session's transactions, "" for the usual one.
        self.policy = ""
        #: That of the newest commit.
        self.number = 0
        #: Whether the next commit has to look at every name, because one failed.
        self._scan = False
        #: Whether one failed since the last complete audit: no memory is believed to be as it was.
        self._doubt = False
        #: Keys of what is in the store as it was before, and why.
        self.held: dict[str, str] = {}
        #: What is written beside the user.
        self.pending = self.publisher.patience = Pending(store, crash)
        self._audit: Iterator[None] | None = None
        #: Where in the components the last audit was interrupted, and the variables that it found changed.
        self._position = 0
        self._changed: set[str] = set()
        self._audited = True
        #: Whether the store says so.
        self._told = True
        #: Whether other threads may run user code now.
        self._beside = True

    @property
    def audited(self) -> bool:
        """Whether everything was compared since the last cell."""
        return self._audited

    def _survey(self, mentions: bool) -> Survey:
        return Survey(self.namespace.dict, self.roots, self.definitions, self.index, self.pins, mentions)

    def _rebound(self) -> set[str]:
        """Every variable that is new, gone, or leads to another object than it did."""
        found: set[str] = set()
        deque(self._compare(found), maxlen=0)
        return found

    def _compare(self, found: set[str]) -> Iterator[None]:
        """Fill `found` with what `_rebound` returns, a part of the names at a time."""
        by_root, roots = self.index.by_root, self.roots
        present = set()
        for number, key in enumerate(roots.variables()):
            present.add(key)
            component = by_root.get(key)
            if component is None or component.bound.get(key, 0) != id(roots.value(key)):
                found.add(key)
            if number % PART == PART - 1:
                yield
        for number, key in enumerate(list(by_root)):
            if key not in present and (not key.startswith("@") or key.startswith("@n")):
                found.add(key)
            if number % PART == PART - 1:
                yield

    def _store(self, survey: Survey, cell: Cell, deferred: set[Component], spare: Spare | None = None) -> Draft:
        """Write what the survey saw, and only then remember it."""
        keys = set(survey.nodes) | survey.gone
        # What user code binds while it says how to store something belongs to the next commit.
        size = self.roots.size()
        try:
            draft = self._draft(survey, cell.count, spare)
            self.crash(Point.DRAFTED)
            try:
                self._write(draft, cell, deferred)
            except Absent:
                # The store lost chunks that we took for kept: show it everything again.
                for component in survey.touched:
                    component.digest, component.buffers, component.prints, component.places = b"", (), (), ()
                draft = self._draft(survey, cell.count)
                self._write(draft, cell, deferred)
        except BaseException:
            self.pins.forget()
            self._owed.update(key for key in keys if not key.startswith("@t"))
            raise
        self._remember(draft)
        self._size = size
        return draft

    def _draft(self, survey: Survey, count: int, spare: Spare | None = None) -> Draft:
        threads = others() if self._beside else []
        self.publisher.witness = Witness(threads) if threads else None
        # User code runs in here: `__reduce__`, `__getstate__`.
        with self._guard:
            return self.publisher.draft(survey, count, spare)

    def _still_held(self, draft: Draft) -> dict[str, str]:
        """What is in the store as it was before, once this draft is written."""
        if not self.held:
            return draft.held
        seen = {key for component in draft.replaced for key in component.keys}
        return {**{key: why for key, why in self.held.items() if key not in seen}, **draft.held}

    def _write(self, draft: Draft, cell: Cell, deferred: set[Component]) -> None:
        for entry, there in self._owed_entries.items():
            draft.names[entry] = 0 if there else None
        for token, definition in self.definitions.dead.items():
            if definition.version:
                draft.tokens[token] = None
        unchecked = deferred | draft.doubted | self.unchecked
        self.state = State(
            tokens=self.definitions.next,
            cells=self.definitions.cells.next,
            results=self.roots.next,
            hoists=self.publisher.next_hoist,
            children=self.roots.next_child,
            last=self.roots.last(),
            inputs=dict(self._owed_inputs),
            unchecked=[*_names(unchecked), *self._late_names()],
            audited=self._audited,
            held=self._still_held(draft),
            policy=self.policy,
        )
        self._told = self._audited
        self.number = self.store.commit(
            Commit(
                cell.count,
                cell.epoch,
                cell.code,
                cell.status,
                self._clock.date(),
                tuple(draft.records),
                draft.names,
                draft.tokens,
                msgspec.json.encode(self.state),
                cell.promise,
            )
        )

    def _late_names(self) -> list[str]:
        """What people call the results that are stored later."""
        numbers = [int(entry[2:].partition("=")[0]) for entry in self._late]
        return [f"Out[{number}]" if number > 0 else LAST[-number - 1] for number in numbers]

    def _enter(self, entries: dict[str, bool]) -> None:
        """Entries of `Out` that came (True) or went."""
        self._owed_entries.update(entries)
        for entry, there in entries.items():
            if not there:
                self._late.pop(entry, None)

    def _remember(self, draft: Draft) -> None:
        index = self.index
        holders = self.roots.holders
        for component in draft.replaced:
            index.remove(component)
            for key in component.children & holders.keys():
                holders[key] -= 1
        self.held = self._still_held(draft)
        self.pending.keep(self.held)
        for component, ids in draft.current:
            index.add(component, ids)
            for key in component.children:
                holders[key] = holders.get(key, 0) + 1
        for definition, version, digest, parts, hoists, lost in draft.definitions:
            definition.version, definition.digest, definition.parts = version, digest, parts
            definition.hoists, definition.lost = hoists, lost
        self.definitions.dead.clear()
        self._owed.clear()
        self._owed_entries.clear()
        self._owed_inputs.clear()
        self._size = self.roots.size()
        self._scan = False

    def audit(self, until: Callable[[], bool]) -> Audited:
        """Check what no cell's code led to, one component at a time; stop when `until` says so.

        What it finds is committed at once.  Called when the loop is idle, again and again until `complete`.
        """
        self.pending.begin(0)
        try:
            with self.namespace.lock:
                complete = self._sweep(until)
        except StoreError as error:
            return Audited(False, self._take_changed(), str(error))
        return Audited(complete, self._take_changed())

    def _take_changed(self) -> tuple[str, ...]:
        changed, self._changed = self._changed, set()
        return tuple(sorted(changed))

    def _sweep(self, until: Callable[[], bool]) -> bool:
        if self._audited:
            return self._tidy(until)
        if self._audit is None:
            self._audit = self._steps()
        try:
            for _ in self._audit:
                if until():
                    return False
        except BaseException:
            self._audit = None  # what was owed is looked at first when it begins again
            raise
        self._audit, self._audited, self._doubt = None, True, False
        if self.count and not self._told:
            self.crash(Point.AUDIT_OVER)
            self._write(Draft(), self._note(), set())
        return self._tidy(until)

    def _tidy(self, until: Callable[[], bool]) -> bool:
        # What is being written belongs to no commit yet: it would be thrown away.
        return self.pending.is_busy or self.store.tidy(until)

    def _steps(self) -> Iterator[None]:
        """The whole audit in parts, between which a request may be answered."""
        entries, gone = self.roots.sync_results(whole=True)
        self._enter({**dict.fromkeys(self._late, True), **entries})
        self._owed.update(self._late.values())
        self._late.clear()
        found = gone | {entry.partition("=")[2] for entry in entries} | self._owed
        found.update(self.ambient.changed())
        yield from self._compare(found)
        if found:
            self._changed |= self._check(found)
        by_root = self.index.by_root
        for component in self._order():
            yield
            if by_root.get(next(iter(component.keys), "")) is component and not self._as_it_was(component):
                self._changed |= self._check(component.roots)
            component.audited = self.count
            self.unchecked.discard(component)

    def _order(self) -> Iterator[Component]:
        """Components to look at: those in doubt, then all others from where the last audit was interrupted."""
        doubtful = sorted(self.unchecked, key=lambda component: component.version)
        yield from doubtful
        others = list(dict.fromkeys(self.index.by_root.values()))
        start = self._position % max(1, len(others))
        for number in (*range(start, len(others)), *range(start)):
            self._position = number + 1
            yield others[number]

    def _as_it_was(self, component: Component) -> bool:
        """Whether its one variable leads to the same number or short text."""
        pinned = component.pinned
        return pinned is not None and self.roots.value(next(iter(component.roots))) is pinned

    def _check(self, keys: Iterable[str], cell: Cell | None = None) -> set[str]:
        survey = self._survey(mentions=False)
        survey.take(keys)
        draft = self._draft(survey, cell.count if cell is not None else self.count)
        gone = any(value is None for value in draft.names.values())
        held = self._still_held(draft) != self.held
        if draft.records or gone or held or self._owed_entries or self.definitions.dead:
            self.crash(Point.AUDIT_FOUND)
            try:
                self._write(draft, cell or self._note(), set())
            except StoreError:
                self.pins.forget()
                self._owed.update(key for key in {*survey.nodes, *survey.gone} if not key.startswith("@t"))
                raise
        owed = self._owed - set(survey.nodes)
        self._remember(draft)
        self._owed = owed
        for component, _ in draft.current:
            component.audited = self.count
        self.unchecked -= draft.replaced
        return {name for key in draft.changed if (name := name_of(key)) is not None}

    def resume(self, count: int, epoch: int, state: State) -> None:
        """Go on after a restore: what is in memory now is what the store says."""
        self.count, self.epoch, self.state, self.policy = count, epoch, state, state.policy
        self.publisher.pristine, self._audited, self._told = True, False, state.audited
        self._size = self.roots.size()

    def look(self, limit: float) -> bool:
        """Note which object belongs to which component for at most `limit` seconds; True when all is noted.

        Cheapest first.  Only for components that a restore brought back: nothing of theirs can have changed.
        """
        deadline = perf_counter() + limit
        survey = self._survey(mentions=False)
        pending = sorted((c for c in self.index.components() if c.ids is None), key=seconds)
        for component in pending:
            if perf_counter() > deadline:
                break
            survey.take(component.roots)
        for group in survey.groups():
            for key in group.roots[:1]:
                component = self.index.by_root.get(key)  # type: ignore[assignment]
                if component is not None:
                    component.refers, component.leads = frozenset(group.refers), frozenset(group.leads)
                    self.index.add(component, group.ids)
        self._set_baselines(pending, deadline)
        return all(c.ids is not None for c in pending)

    def _set_baselines(self, restored: list[Component], deadline: float) -> None:
        """Digest what came back, until `deadline`: those of another process say nothing here (the order of sets).

        What has none when the first cell runs is stored again by the audit after it.  Large values have the same
        digests everywhere, and are not even read here.
        """
        for component in restored:
            if component.buffers or perf_counter() + component.seconds > deadline:
                continue
            survey = self._survey(mentions=False)
            survey.take(component.roots)
            draft = self._draft(survey, self.count)
            for definition, version, digest, parts, _, _ in draft.definitions:
                if version == definition.version:
                    definition.digest, definition.parts = digest, parts

    def _note(self) -> Cell:
        return Cell(self.count, status="audit", epoch=self.epoch)


def _names(components: Iterable[Component]) -> list[str]:
    return sorted({name for component in components for name in component.names})


def seconds(component: Component) -> float:
    """What the component's next check will take, for sorting."""
    return component.seconds
