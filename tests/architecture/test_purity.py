"""PURE modules decide and never do: no clock, no socket, no thread, no file."""

from __future__ import annotations

import pytest

from helpers import source

PURE = (
    "holdfast.wire",
    "holdfast.machine",
    "holdfast.magics.calls",
    "holdfast.magics.completion",
    "holdfast.magics.lines",
    "holdfast.magics.lowered",
    "holdfast.magics.lowering",
    "holdfast.magics.parse",
    "holdfast.executor.source",
    "holdfast.executor.compile",
    "holdfast.executor.outcome",
    "holdfast.executor.blocking",
    "holdfast.output.pretty",
    "holdfast.language.text",
)
BANNED = frozenset(
    "asyncio threading socket zmq signal subprocess time os io random selectors multiprocessing "
    "concurrent pathlib tempfile secrets".split()
)
# Names that do nothing although their module could: text in memory touches no file.
HARMLESS = frozenset({"io.StringIO", "io.BytesIO"})


def _pure_modules() -> list[str]:
    return [name for name in source.modules() if any(name == p or name.startswith(f"{p}.") for p in PURE)]


@pytest.mark.parametrize("name", _pure_modules())
def test_pure_modules_import_nothing_that_acts(name: str) -> None:
    """A PURE module imports no clock, thread, socket, process, file or chance, not even lazily."""
    found = {
        f"{imported} in line {line}"
        for imported, line in source.imports(name, source.modules()[name])
        if imported.partition(".")[0] in BANNED and imported not in HARMLESS
    }
    assert found == set()


def test_every_pure_name_exists() -> None:
    """The list names modules that are there, so that a rename does not switch the rule off."""
    assert {p for p in PURE if p not in source.modules()} == set()
