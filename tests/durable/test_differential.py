"""Random notebooks: stored, restarted, restored by fresh processes, they are as if nothing had ever been stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.differential import CELLS, Differential
from helpers.wide_programs import WideProgram

#: Programs in the suite, and those of the nightly run, by seed.
SEEDS, NIGHTLY = range(60), range(1000, 6000)
_SLICE = 10


@pytest.fixture(scope="module")
def differential() -> Iterator[Differential]:
    """Servers of fresh processes."""
    servers = Differential()
    yield servers
    servers.close()


def _named(seeds: range) -> str:
    return f"{seeds.start}-{seeds.stop - 1}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", [SEEDS[i : i + _SLICE] for i in range(0, len(SEEDS), _SLICE)], ids=_named)
def test_a_fresh_process_restores_the_same(seeds: range, differential: Differential) -> None:
    """After each cell of each program the stored, the restarted and the restored notebook are as the live one."""
    for seed in seeds:
        differential.compare(seed)


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seeds", [NIGHTLY[i : i + 100] for i in range(0, len(NIGHTLY), 100)], ids=_named)
def test_a_fresh_process_restores_the_same_at_night(seeds: range, differential: Differential) -> None:
    """As above, for many more programs; the seed is in the message."""
    for seed in seeds:
        differential.compare(seed)


def test_programs_depend_on_their_seed_only() -> None:
    """The same seed writes the same cells, another seed others."""
    assert WideProgram(1).write(CELLS) == WideProgram(1).write(CELLS)
    assert WideProgram(1).write(CELLS) != WideProgram(2).write(CELLS)


def test_a_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook whose cells differ from process to process fails, with its seed."""
    cells = ["import os", "x = os.getpid()"]
    monkeypatch.setattr(WideProgram, "write", lambda self, length: cells)
    servers = Differential()
    try:
        with pytest.raises(AssertionError, match="seed 7, cell 2"):
            servers.compare(7)
    finally:
        servers.close()
