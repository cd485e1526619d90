"""Random cells that fail in the middle and are rolled back: as if they had never run, in the same objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from helpers.differential import Server

#: Programs in the suite, and those of the nightly run, by seed.
SEEDS, NIGHTLY = range(8), range(1000, 4000)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of fresh processes."""
    server = Server()
    yield server
    server.close()


def _rolled_back(server: Server, seeds: range) -> Counter[str]:
    counts: Counter[str] = Counter()
    for seed in seeds:
        counts.update(server.ask({"rollback": seed})["counts"])
    return counts


@pytest.mark.timeout(900)
def test_a_cell_that_is_rolled_back_has_never_run(server: Server) -> None:
    """Values, sharing and the objects themselves are those of before, for single cells and explicit transactions.

    Nothing is stored for it, but where components were found to be two.  Most of what is tried has to change
    something, and little may be refused.
    """
    counts = _rolled_back(server, SEEDS)
    tried = counts["rollback_on_failure"] + counts["explicit"]
    assert counts["explicit"] > len(SEEDS)
    assert counts["changed"] > tried / 2
    assert counts["refused"] < tried / 10
    assert counts["stored again"] < tried / 20


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", range(NIGHTLY.start, NIGHTLY.stop, 100))
def test_a_cell_that_is_rolled_back_has_never_run_at_night(first: int, server: Server) -> None:
    """As above, for many more programs; the seed is in the message."""
    _rolled_back(server, range(first, first + 100))
