"""A notebook without a kernel: runs cells in a namespace and commits each, as the kernel does.

It must never do more around a cell than the kernel: what makes a value durable is the committer's.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.isomorphism import describe
from holdfast.durable.commit import SessionCommitter
from holdfast.durable.definitions import is_definition
from holdfast.durable.reports import Cell, Restored
from holdfast.durable.restore import Restorer
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.port import Store
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

        self.committer.commit(Cell(self.count, code, codes, unit.tree, live=live), done)

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
