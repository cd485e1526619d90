"""A notebook without a kernel: runs cells in a namespace and commits each, as the kernel does.

It must never do more around a cell than the kernel: what makes a value durable is the committer's.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.isomorphism import describe
from holdfast.durable.checkout import Switch
from holdfast.durable.commit import SessionCommitter
from holdfast.durable.definitions import is_definition
from holdfast.durable.reports import CHECKOUT, UNDO, Cell, Restored, Switched
from holdfast.durable.restore import Restorer
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.port import Store
from holdfast.durable.timeline import Timeline
from holdfast.durable.world import Codec, codec
from holdfast.executor.compile import Unit, compile_cell
from holdfast.namespace.namespace import Namespace


class Notebook:
    """One namespace with its store; `errors` are the exceptions of cells, `notes` what the last commit said."""

    def __init__(self, store: Store | None = None, how: Codec | None = None) -> None:
        self.codec = how or codec()
        self.store: Store = store or MemoryStore()
        self.namespace = Namespace()
        self.namespace.install()
        self.committer = SessionCommitter(self.namespace, self.store, self.codec)
        self.count = 0
        self.epoch = 0
        self.errors: list[Exception] = []
        self.notes: Mapping[str, object] = {}
        self.failed = ""

    def execute(self, code: str) -> Unit:
        """Run one cell, keeping nothing."""
        self.count += 1
        namespace = self.namespace
        namespace.prepare()
        namespace.begin(self.count, code)
        unit = compile_cell(code, f"<cell {self.count}>")
        try:
            if unit.body is not None:
                exec(unit.body, namespace.dict)
            if unit.last is not None:
                value = eval(unit.last, namespace.dict)
                if unit.shows and value is not None:
                    namespace.result(self.count, value)
        except Exception as error:
            self.errors.append(error.with_traceback(None))
        return unit

    def run(self, code: str, live: bool = False) -> None:
        """Run one cell and commit it."""
        unit = self.execute(code)
        codes = tuple(one for one in (unit.body, unit.last) if one is not None)

        def done(notes: Mapping[str, object], failed: str) -> None:
            self.notes, self.failed = notes, failed

        self.committer.commit(Cell(self.count, code, codes, unit.tree, epoch=self.epoch, live=live), done)

    def checkout(self, address: str, *, first: str = "") -> Switched:
        """A cell that goes to another one, or with an empty address to before the last; what it did.

        `first` is code that it runs before it goes.
        """
        unit = self.execute(first or "pass")
        code, timeline = f"{first}\n%checkout {address}", Timeline(self.store.log())
        number, status = (timeline.resolve(address), CHECKOUT) if address else (timeline.before_last()[0], UNDO)
        inputs = timeline.inputs(number, self.store.states())
        running = Cell(self.count, code, epoch=self.epoch)
        switch = Switch(self.committer, self.codec, lambda: "2026-01-02")
        switched = switch.to(number, running, inputs, ran=bool(first), status=status)
        self.epoch = switched.epoch
        codes = tuple(one for one in (unit.body, unit.last) if one is not None)
        self.committer.commit(Cell(self.count, code, codes, unit.tree, epoch=self.epoch), lambda _, failed: None)
        self.count = max(self.count, len(self.namespace.results.inputs) - 1)
        return switched

    def audit(self) -> tuple[str, ...]:
        """Let the audit run to its end; the variables that it found changed."""
        found = self.committer.audit(lambda: False)
        assert found.complete, found
        return found.changed

    def restored(self, store: Store | None = None) -> tuple[Notebook, Restored]:
        """A fresh namespace with what the store holds now."""
        other = Notebook(store or _copy(self.store), self.codec)
        report = Restorer(other.committer, other.store, self.codec).restore()
        assert report is not None
        other.count = report.count
        self.namespace.install()
        return other, report

    def names(self) -> list[str]:
        """The user's variables."""
        return sorted(self.namespace.visible())

    def describe(self) -> list[str]:
        """Values and aliasing, as comparable text; results of cells included."""
        return described(self.namespace)


def described(space: Namespace) -> list[str]:
    """Values and aliasing of a namespace, as comparable text; results of cells included."""
    namespace = space.dict
    values = {name: namespace[name] for name in space.visible()}
    values.update({f"Out[{n}]": value for n, value in space.results.out.items()})
    values.update({name: namespace[name] for name in ("_", "__", "___", "_i", "_ii") if name in namespace})
    return describe(values, namespace, is_definition)


def _copy(store: Store) -> Store:
    assert isinstance(store, MemoryStore)
    other = store.reopened()
    store._closed = False
    return other
