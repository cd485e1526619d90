"""Random notebooks that go back to earlier cells, undo, and go on along other lines, in one live process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.differential import Server
from helpers.restorer import MEMORY
from helpers.traveller import Traveller

#: Programs in the suite, and those of the nightly run, by seed.
SEEDS, NIGHTLY = range(30), range(1000, 2000)


class Servers:
    """Where notebooks are played, and where their last state is looked at."""

    def __init__(self) -> None:
        self._player, self._looker = Server(), Server()

    def close(self) -> None:
        """End them."""
        self._player.close()
        self._looker.close()

    def compare(self, seed: int) -> None:
        """Play one program; raises AssertionError with the seed, the trips and what differs."""
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            home = Path(folder) / "home"
            home.mkdir(mode=0o700)
            lines = self._player.ask({"travel": seed, "home": str(home)})["lines"]
            looked = self._looker.ask({"look": str(home)})["lines"]
        assert [line for line in looked if not line.startswith(("_i = ", "_ii = "))] == lines, f"seed {seed}, restored"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Servers of fresh processes."""
    made = Servers()
    yield made
    made.close()


@pytest.mark.timeout(900)
def test_each_cell_comes_back(servers: Servers) -> None:
    """Values and aliases are those of then, objects of the same version the same; the store has what is live."""
    for seed in SEEDS:
        servers.compare(seed)


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", NIGHTLY[::100])
def test_each_cell_comes_back_at_night(first: int, servers: Servers) -> None:
    """As above, for many more programs; the seed is in the message."""
    for seed in range(first, first + 100):
        servers.compare(seed)


def test_a_difference_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout that brings something else fails, with the seed and where it went."""
    tmp_path.chmod(0o700)
    traveller = Traveller(3, str(tmp_path))
    monkeypatch.setattr(traveller, "_cells", ["x = [1]", "x.append(2)", "x = 3"])
    monkeypatch.setattr("helpers.traveller.CELLS", 2)
    monkeypatch.setattr("holdfast.durable.checkout.name_of", lambda key: None)
    try:
        with pytest.raises(AssertionError, match=r"seed 3, after 2 cells and \['0:[12]'"):
            traveller.play()
    finally:
        traveller.close()
