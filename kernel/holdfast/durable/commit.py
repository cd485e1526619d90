"""The commit of a cell: what it changed in the namespace goes to the store, before the reply.

It must never call a value unchanged that it did not compare, or say nothing about one that it did not look at:
the reply names it under `unchecked` (P1).

Called on the main thread, between the end of a cell and its reply.  Names of the cell's code propose, the walk
and digests decide (DESIGN 5.1).  A component that the cell may only have read is checked within a budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from holdfast.durable.audit import Keeper, seconds
from holdfast.durable.candidates import CHANGED, DEEP, PURE, READ, Candidates, tree_of, uses
from holdfast.durable.components import Component, key_of, name_of
from holdfast.durable.draft import Draft
from holdfast.durable.kinds import ATOM, kind_of
from holdfast.durable.plan import Survey
from holdfast.durable.port import Done
from holdfast.durable.registries import registries
from holdfast.durable.reports import HELD_UNSTABLE, Cell
from holdfast.durable.roots import LAST
from holdfast.durable.store.points import Point
from holdfast.durable.store.port import Commit
from holdfast.errors import StoreError

if TYPE_CHECKING:
    from holdfast.durable.spared import Spare

#: Seconds that checks of what a cell only read may take: the larger of these and this part of the cell's own time.
BUDGET, SHARE = 0.002, 0.05
#: Seconds of a check from which on it is asked whether the cell can have changed anything at all.
DEAR = 0.0003
#: Elements of a new result that are asked where they belong.
LOOKED_INTO = 64


class SessionCommitter(Keeper):
    """Keeps a namespace in a store, cell by cell (see `durable/port.py`)."""

    def commit(self, cell: Cell, done: Done) -> None:
        """Make what `cell` left in the namespace durable, then call `done`; never raises."""
        notes: dict[str, object] = {}
        self.crash(Point.CELL_OVER)
        try:
            with self.namespace.lock:
                try:
                    self._commit(cell, notes)
                except BaseException:
                    self._scan = self._doubt = True
                    if cell.code:
                        self._owed_inputs[cell.count] = cell.code
                    raise
        except StoreError as error:
            done({"durable": "failed", **notes}, str(error))
            return
        except KeyboardInterrupt:
            done(
                {"durable": "failed", **notes},
                "saving this cell's variables was interrupted; the next cell tries again",
            )
            return
        except BaseException as error:
            reason = f"a bug in Holdfast kept this cell's variables from being saved: {error!r}"
            done({"durable": "failed", **notes}, reason)
            return
        finally:
            self._beside, self.publisher.away = True, None
        self.crash(Point.REPLYING)
        done(notes, "")

    def stir(self) -> None:
        """Something ran that belongs to no cell: the audit begins anew."""
        self._audit, self._audited = None, False

    def _commit(self, cell: Cell, notes: dict[str, object]) -> None:
        self.publisher.pristine = False
        self.count, self.epoch, self._audited, self._audit = cell.count, cell.epoch, False, None
        self._beside = cell.live or bool(cell.beside)
        self.pending.begin(cell.seconds)
        proposed = Candidates(cell.codes)
        must = self._must(proposed, cell)
        if cell.beside:
            must = self._at_hand(must, proposed, cell)
        maybe, opaque = {*self._shown(), *self._mentioned(proposed)}, registries()
        everything = proposed.dynamic or cell.live or self._scan
        if not (must or maybe or opaque or everything or proposed.bound or self.definitions.dead):
            # Nothing that it could have changed: a survey would find nothing.
            draft = Draft()
            self._write(draft, cell, set())
            self._remember(draft)
            if self._late:
                notes["unchecked"] = self._late_names()
            return
        survey = self._survey(mentions=True)
        survey.take(must)
        if not proposed.calm:
            survey.meet(self._bound_before(proposed))
            survey.bury(self.definitions.dead.values())
        survey.maybe |= maybe
        survey.notice(opaque)
        if everything:
            survey.maybe.update(self.index.by_root)
        deferred = self._within_budget(survey, cell)
        draft = self._store(survey, cell, deferred, self._spare(survey, proposed, cell))
        self.unchecked -= draft.replaced
        self.unchecked |= draft.doubted
        if deferred:
            by_root = self.index.by_root
            self.unchecked.update(one for one in deferred if any(by_root.get(key) is one for key in one.keys))
        if deferred or draft.doubted or self._late:
            labels = self._labels(deferred | draft.doubted, [component for component, _ in draft.current])
            notes["unchecked"] = [*labels, *self._late_names()]
        if draft.held:
            self._note_held(draft.held, notes)
        if draft.lost:
            notes["lost"] = [list(self.roots.label(one)) for one in draft.lost]

    def _at_hand(self, must: set[str], proposed: Candidates, cell: Cell) -> set[str]:
        """Leave alone what other cells that run can change; what only they bound is not even named."""
        from holdfast.durable.away import Away

        others = Candidates(cell.beside)
        away = Away(self.namespace, self.index, self.definitions, others.names, others.dynamic)
        self.publisher.away = away.covers
        mentioned = {key_of(name) for name in proposed.names | proposed.bound}
        return {key for key in must if key in mentioned or not away.leads_to(key)}

    @staticmethod
    def _note_held(held: Mapping[str, str], notes: dict[str, object]) -> None:
        """Name in the reply what is not stored with this commit."""
        found: dict[str, set[str]] = {}
        for key, why in held.items():
            words = "unstable" if why == HELD_UNSTABLE else "pending"
            found.setdefault(words, set()).add(name_of(key) or (f"Out ({key})" if key.startswith("@r") else key))
        notes.update((words, sorted(names)) for words, names in found.items())

    @staticmethod
    def _labels(deferred: set[Component], looked_at: list[Component]) -> list[str]:
        """What people call components: by their variables, or by the hub that holds them."""
        labels: set[str] = set()
        for component in deferred:
            labels.update(component.names)
            if not component.names:
                hubs = [hub for hub in looked_at if not hub.children.isdisjoint(component.roots)]
                labels.update(f"{name}[...]" for hub in hubs for name in hub.names)
                labels.update(f"Out ({root})" for root in component.roots if root.startswith("@r"))
        return sorted(labels)

    def _mentioned(self, proposed: Candidates) -> Iterable[str]:
        """The roots behind the names in the cell's code, results included."""
        namespace, results = self.namespace.dict, self.namespace.results
        for name in proposed.names:
            if name in namespace:
                yield key_of(name)
                if name == "Out":
                    yield from self.roots.results
                elif results.owns(name):
                    # What `_` was in the cell is `__` when it has shown something.
                    for shown in LAST if name in LAST else (name,):
                        component = self.index.owner.get(id(namespace.get(shown)))
                        yield from component.roots if component is not None else ()

    def _shown(self) -> Iterable[str]:
        """Results that are stored already and were displayed again; of immutable ones there is nothing to check."""
        for entry in self._owed_entries:
            key = entry.partition("=")[2]
            if key in self.index.by_root and kind_of(type(self.roots.value(key))) != ATOM:
                yield key

    def _bound_before(self, proposed: Candidates) -> Iterable[object]:
        """Functions and classes that names led to before the cell bound them anew: it may have called them first."""
        for name in proposed.bound:
            component = self.index.by_root.get(key_of(name))
            if component is not None:
                yield from self.definitions_of(component)

    def _must(self, proposed: Candidates, cell: Cell) -> set[str]:
        """What is looked at whatever it costs: what the cell bound, what is new, what a failed commit owes."""
        namespace, by_root = self.namespace.dict, self.index.by_root
        must = set(self._owed)
        size = self._size
        for name in proposed.bound:
            key = key_of(name)
            known, there = key in by_root, name in namespace
            size += there - known
            if known or there:
                must.add(key)
        must.update(key_of(name) for name in proposed.names if name in namespace and key_of(name) not in by_root)
        entries, gone = self.roots.sync_results()
        for entry, there in entries.items():
            key = entry.partition("=")[2]
            if there and self._is_inside_large(key, cell):
                self._late[entry] = key
            elif key not in by_root:
                must.add(key)
        self._enter({entry: there for entry, there in entries.items() if entry not in self._late or not there})
        must |= gone
        if cell.live or not proposed.calm:
            must.update(self.ambient.changed())
        for definition in list(self.definitions.dead.values()):
            must.update(key for key in definition.cells if self.definitions.cells.drop(key))
        if proposed.dynamic or cell.live or self._scan or self.roots.size() != size:
            must |= self._rebound()
        return must

    def _is_inside_large(self, key: str, cell: Cell) -> bool:
        """Whether a new result is a part of a component that is too large to be stored again for it, or holds some."""
        if key in self.index.by_root:
            return False
        value, budget = self.roots.value(key), max(BUDGET, SHARE * cell.seconds)
        inside = value.values() if type(value) is dict else value if type(value) in (list, tuple) else ()
        owners = (self.index.owner.get(id(one)) for one in (value, *islice(inside, LOOKED_INTO)))  # type: ignore[call-overload]
        return any(owner is not None and owner.seconds > budget for owner in owners)

    def _within_budget(self, survey: Survey, cell: Cell) -> set[Component]:
        """Look at what the cell may have changed, cheapest first; what is left is returned."""
        budget = max(BUDGET, SHARE * cell.seconds)
        by_root = self.index.by_root
        spent, deferred = 0.0, set[Component]()
        levels: dict[str, int] | None = None
        while survey.maybe or survey.dynamic:
            if survey.dynamic:
                survey.dynamic = False
                survey.take(self._rebound())
                survey.maybe.update(by_root)
            keys, survey.maybe = survey.maybe, set()
            components: set[Component] = set()
            for key in keys:
                component = by_root.get(key)
                if component is not None:
                    components.add(component)
                elif key not in survey.nodes:
                    survey.take((key,))
            for component in sorted(components - survey.touched - deferred, key=seconds):
                if component in survey.touched:
                    continue
                over = spent + component.seconds > budget
                if over or component.seconds > DEAR:
                    if levels is None:
                        levels = _levels(cell)
                    level = self._level(component, levels)
                    if level == PURE and not component.roots.isdisjoint(survey.mentioned):
                        level = READ
                    if level == PURE and self._exact(component):
                        continue
                    if over and level < CHANGED:
                        deferred.add(component)
                        # What its functions mention is proposed all the same.
                        survey.meet(self.definitions_of(component))
                        continue
                spent += component.seconds
                survey.take(component.roots)
        return deferred - survey.touched

    def _level(self, component: Component, levels: dict[str, int]) -> int:
        """The strongest use of a name of the component; of a hub's, only what goes deeper counts for its children."""
        level = max((levels.get(name_of(root) or "", -1) for root in component.roots), default=-1)
        children = component.roots & self.roots.holders.keys()
        if children and max(levels.values(), default=0) == DEEP:
            for other in self.index.components() if level < DEEP else ():
                if not children.isdisjoint(other.children):
                    level = max(level, *(DEEP if levels.get(name) == DEEP else -1 for name in (*other.names, "")))
        return level

    def note(self, cell: Cell) -> None:
        """Write that a cell has run, and nothing of what it changed (see `durable/transactions`)."""
        state = replace(
            self.state,
            tokens=self.definitions.next,
            cells=self.definitions.cells.next,
            results=self.roots.next,
            hoists=self.publisher.next_hoist,
            children=self.roots.next_child,
            inputs={},
            policy=self.policy,
        )
        at, encoded = self._clock.date(), msgspec.json.encode(state)
        self.number = self.store.commit(
            Commit(cell.count, cell.epoch, cell.code, cell.status, at, (), {}, {}, encoded, cell.promise)
        )
        self.count, self.epoch = cell.count, cell.epoch

    def preview(self, keys: Iterable[str]) -> Draft:
        """What would be stored of these roots and of what they lead to; nothing is."""
        survey = self._survey(mentions=False)
        survey.take(keys)
        try:
            return self._draft(survey, self.count)
        finally:
            self.pins.forget()

    def _spare(self, survey: Survey, proposed: Candidates, cell: Cell) -> Spare | None:
        """Which components' memory this cell cannot have written to; None where it could have reached everything."""
        if proposed.dynamic or cell.live or self._doubt or self._owed or self.publisher.pristine:
            return None
        found: list[Spare] = []

        def spare(roots: frozenset[str]) -> int:
            if not found:
                from holdfast.durable.reach import Reach

                unchecked = self.unchecked
                reach = Reach(self.namespace, self.roots.value, self.index, unchecked, survey, proposed, cell)
                found.append(reach.spare)
            return found[0](roots)

        return spare

    def definitions_of(self, component: Component) -> list[object]:
        """The functions and classes that a component refers to, or whose state shares objects with it."""
        by_token = self.definitions.by_token
        found = [by_token[token].ref() for token in component.refers | component.tokens if token in by_token]
        return [obj for obj in found if obj is not None]

    def _exact(self, component: Component) -> bool:
        """Whether all its roots are of classes whose pure operations are known to be pure."""
        from holdfast.durable.reach import is_exact

        return all(is_exact(type(self.roots.value(root))) for root in component.roots)


def _levels(cell: Cell) -> dict[str, int]:
    tree = tree_of(cell)
    return uses(tree) if tree is not None else {}
