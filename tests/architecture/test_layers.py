"""Who may import whom: DESIGN section 3 as a table, and no circles."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from helpers import source

ROOT = "(root)"
EVERYONE = frozenset({"errors", "clock", "threads", "entrypoints"})
RINGS = frozenset(
    "wire machine executor namespace durable engine stdin output language magics compat debug transport "
    "workers app".split()
)

# What each ring may import besides itself and EVERYONE.  A dotted entry allows that module only.
ALLOWED: dict[str, frozenset[str]] = {
    "cli": frozenset({"app"}),
    "app": RINGS | {"cell", "current"},
    "machine": frozenset({"wire"}),
    "transport": frozenset({"wire"}),
    "durable": frozenset({"namespace"}),
    "executor": frozenset({"namespace", "magics.parse"}),
    "stdin": frozenset({"engine"}),
    "workers": frozenset({"engine"}),
    "language": frozenset({"namespace"}),
    "output": frozenset({"namespace"}),
    "magics": frozenset({"namespace", "output"}),
    "compat": frozenset({"namespace", "output", "magics"}),
    "debug": frozenset(),
    "engine": frozenset(),
    "namespace": frozenset(),
    "wire": frozenset(),
    # Modules beside the rings: what users import, and the kernel's entry.
    "__main__": frozenset({"app"}),
    "display": frozenset({"output"}),
    "cell": frozenset(),
    "current": frozenset({"cell", "durable.overview", "durable.reports", "durable.rows", "durable.tables"}),
    "transacting": frozenset({"cell", "durable.preimage", "durable.transactions"}),
    "entrypoints": frozenset(),
    "errors": frozenset(),
    "clock": frozenset(),
    "threads": frozenset(),
    ROOT: frozenset({"cell", "current", "display", "transacting"}),
}


def _ring(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ROOT


def _may_import(importer: str, imported: str) -> bool:
    ring, other = _ring(importer), _ring(imported)
    if ring == other or other in EVERYONE:
        return True
    inside = imported.split(".", 1)[-1]
    return any(inside == entry or inside.startswith(f"{entry}.") for entry in ALLOWED[ring])


def test_every_ring_stands_in_the_table() -> None:
    """A folder or top-level module that the table does not know is a decision nobody took."""
    assert {_ring(name) for name in source.modules()} <= set(ALLOWED)


def test_imports_follow_the_table() -> None:
    """No module imports against the direction of the rings, at import time, lazily or for its types."""
    wrong = [
        f"{importer}:{line} imports {imported}"
        for importer, imported, line in source.edges()
        if not _may_import(importer, imported)
    ]
    assert wrong == []


def test_there_are_no_circles() -> None:
    """The graph of imports, lazy and typing ones included, can be ordered."""
    graph: dict[str, set[str]] = {name: set() for name in source.modules()}
    for importer, imported, _ in source.edges():
        graph[importer].add(imported)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError("a circle of imports: " + " -> ".join(error.args[1])) from None
    assert set(order) == set(graph)


def test_the_table_is_read_as_meant() -> None:
    """A dotted entry opens one module, a ring opens all of its modules, and all else is closed."""
    cases = {
        ("holdfast.executor.run", "holdfast.magics.parse"): True,
        ("holdfast.executor.run", "holdfast.magics.registry"): False,
        ("holdfast.executor.run", "holdfast.namespace.names"): True,
        ("holdfast.wire.frames", "holdfast.machine.state"): False,
        ("holdfast.machine.state", "holdfast.wire.frames"): True,
        ("holdfast.output.display", "holdfast.language.text"): False,
        ("holdfast.app.wiring", "holdfast.cli.main"): False,
        ("holdfast.wire.frames", "holdfast.errors"): True,
        ("holdfast.wire.frames", "holdfast"): False,
    }
    assert {pair: _may_import(*pair) for pair in cases} == cases
