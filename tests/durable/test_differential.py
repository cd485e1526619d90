"""Random notebooks: after each cell, a fresh process that restores has the same values and the same aliasing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from helpers import restorer
from helpers.durable import Notebook
from helpers.programs import Program
from holdfast.durable.folder import open_session

#: Programs in the suite, and in the nightly run.
SEEDS, NIGHTLY, CELLS = 60, 5000, 14

Restore = Callable[[Path], dict[str, list[str]]]


@pytest.fixture(scope="module")
def restore() -> Iterator[Restore]:
    """Asks the server of fresh processes for the description of a session."""
    with subprocess.Popen(
        [sys.executable, restorer.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        given, taken = server.stdin, server.stdout

        def ask(folder: Path) -> dict[str, list[str]]:
            given.write(f"{folder}\n")
            given.flush()
            answer: dict[str, list[str]] = json.loads(taken.readline())
            return answer

        yield ask
        given.close()


def _compare(seed: int, folder: Path, restore: Restore) -> None:
    session = open_session(folder, "notebook", "process")
    try:
        notebook = Notebook(session.store)
        for code in Program(seed).write(CELLS):
            notebook.run(code)
            assert notebook.failed == ""
            if "unchecked" in notebook.notes:
                notebook.audit()
            answer = restore(folder)
            difference = "\n".join(unified_diff(notebook.describe(), answer["lines"], "live", "restored", n=0))
            assert not difference, f"seed {seed}, cell {notebook.count}:\n{code}\n{difference}"
            assert not answer["lost"], f"seed {seed}, cell {notebook.count}: {answer['lost']}"
    finally:
        session.close()


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "seeds", [range(i, i + 10) for i in range(0, SEEDS, 10)], ids=lambda r: f"{r.start}-{r.stop - 1}"
)
def test_a_fresh_process_restores_the_same(seeds: range, tmp_path: Path, restore: Restore) -> None:
    """After each cell of each program the restored namespace is isomorphic to the live one."""
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir(mode=0o700)
        _compare(seed, folder, restore)


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.filterwarnings("ignore")
def test_a_fresh_process_restores_the_same_at_night(tmp_path: Path, restore: Restore) -> None:
    """As above, for many more programs; the seed is in the message."""
    for seed in range(SEEDS, SEEDS + NIGHTLY):
        folder = tmp_path / str(seed)
        folder.mkdir(mode=0o700)
        _compare(seed, folder, restore)


def test_programs_depend_on_their_seed_only() -> None:
    """The same seed writes the same cells, another seed others."""
    assert Program(1).write(9) == Program(1).write(9)
    assert Program(1).write(9) != Program(2).write(9)


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "seeds", [range(i, i + 10) for i in range(1000, 1030, 10)], ids=lambda r: f"{r.start}-{r.stop - 1}"
)
def test_a_restored_session_goes_on_and_is_restored_again(seeds: range) -> None:
    """Restoring after every second cell, with an audit now and then, changes nothing."""
    for seed in seeds:
        notebook = Notebook()
        for i, code in enumerate(Program(seed).write(CELLS)):
            notebook.run(code)
            assert notebook.failed == ""
            if "unchecked" in notebook.notes:
                notebook.audit()
            other, report = notebook.restored()
            difference = "\n".join(unified_diff(notebook.describe(), other.describe(), "live", "restored", n=0))
            assert not difference, f"seed {seed}, cell {notebook.count}:\n{code}\n{difference}"
            assert not report.lost, f"seed {seed}, cell {notebook.count}: {report.lost}"
            if i % 2:
                notebook = other
                notebook.namespace.install()
                if i % 3 == 0:
                    notebook.audit()
