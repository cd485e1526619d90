"""What people have in notebooks survives `kill -9` in a real kernel, equal, shared as before, and usable.

All that comes with Python runs in one session, one cell a case; it is killed, restored, used, killed, restored again.
So does each library, in a session of its own: their imports take seconds.
Torch is too heavy for the development environment: its cases run where it is installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from helpers import kept_libraries, kept_standard
from helpers.kernel import Kernel

#: Family: (what, cell, what is true after a death, what is true after another).
Families = Mapping[str, Sequence[tuple[str, str, str, str]]]
#: A hang guard: some cells import for seconds, on cores shared with other work.
_SECONDS = 400.0
pytestmark = pytest.mark.timeout(900)
#: What is needed for a family, where its name is not that of a module.
_MODULES = {"scikit-learn": "sklearn"}
LIBRARIES = {
    family: cases
    for family, cases in kept_libraries.FAMILIES.items()
    if importlib.util.find_spec(_MODULES.get(family, family)) is not None
}


class Session:
    """One session with several lives; what each case answered, by (what, life)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.answers: dict[tuple[str, int], str | None] = {}

    def live(self, cells: Mapping[tuple[str, int], str]) -> None:
        """Run the cells in one process, then kill it."""
        environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(self._folder / "home")}
        kernel = Kernel(self._folder, environment={**environment, "HOLDFAST_SESSION": "kept"})
        try:
            # What is compared with a cell, and what later by the audit, is not to depend on the machine.
            at_once = "import holdfast.durable.commit as budgeted; budgeted.BUDGET = 60; del budgeted"
            assert kernel.run(f"{at_once}\nD = {str(self._folder)!r}").stderr == ""
            for key, code in cells.items():
                result = kernel.run(code, seconds=_SECONDS)
                notes = result.reply_message.metadata.get("holdfast", {})
                self.answers[key] = notes.get("failed") or result.traceback or result.result
        finally:
            kernel.process.kill()
            kernel.close()


def _play(folder: Path, families: Families, lost: Sequence[tuple[str, str, str, str]] = ()) -> Session:
    session = Session(folder)
    lives: list[dict[tuple[str, int], str]] = [{}, {}, {}]
    for i, (what, cell, after, again) in enumerate(case for cases in families.values() for case in cases):
        for life, code in enumerate((cell, after, again)):
            if code:
                lives[life][what, life] = code.replace("$", f"v{i}_")
    for i, (what, cell, _, after) in enumerate(lost):
        name = f"w{i}_x"
        lives[0][what, 0] = cell.replace("$", f"w{i}_")
        lives[1][what, 1] = f"({name}._fields if type({name}).__name__ == 'LostValue' else {name}), " + (
            after.replace("$", f"w{i}_") or "True"
        )
    for cells in lives:
        session.live(cells)
    return session


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The session of what comes with Python."""
    return _play(tmp_path_factory.mktemp("standard"), kept_standard.FAMILIES, kept_standard.LOST)


def _wrong(session: Session, cases: Sequence[tuple[str, str, str, str]]) -> dict[object, str | None]:
    """What did not answer as it must, by (what, life)."""
    asked = [(what, life) for what, _, _, again in cases for life in (1, 2) if life == 1 or again]
    wrong: dict[object, str | None] = {
        key: session.answers[key] for key in asked if session.answers[key] not in ("True", "np.True_")
    }
    return wrong


@pytest.mark.parametrize("family", kept_standard.FAMILIES)
def test_what_comes_with_python_is_kept(standard: Session, family: str) -> None:
    """Each case of the family is true after one death, and after another."""
    assert _wrong(standard, kept_standard.FAMILIES[family]) == {}


@pytest.mark.parametrize("family", LIBRARIES)
def test_what_libraries_make_is_kept(tmp_path: Path, family: str) -> None:
    """Each case of the family is true after one death, and after another."""
    cases = LIBRARIES[family]
    assert _wrong(_play(tmp_path, {family: cases}), cases) == {}


@pytest.mark.parametrize("case", kept_standard.LOST, ids=lambda case: case[0])
def test_what_cannot_be_kept_is_named(standard: Session, case: tuple[str, str, str, str]) -> None:
    """A placeholder with a reason stands in its place, and what was beside it is there."""
    what, _, words, _ = case
    answer = " ".join((standard.answers[what, 1] or "").split())
    assert answer.startswith("(('w")
    assert words in answer
    assert answer.endswith(", True)")
