"""Any byte of a store flipped, any file cut: the same values, or a refusal; never other values."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from helpers import store_process
from helpers.stores import flip
from holdfast.durable.folder import open_session
from holdfast.durable.store.port import Store
from holdfast.durable.store.schema import DATABASE, PACKS
from holdfast.errors import StoreError

CELLS = 12


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one session."""
    home = tmp_path_factory.mktemp("original")
    session = open_session(home, store_process.NAME)
    kept = None
    for number in range(1, CELLS + 1):
        kept = store_process.commit(session.store, number, kept)
    session.close()
    return home


def hurt(folder: Path, chance: random.Random) -> str:
    """Flip a bit or cut a file; returns what was done."""
    path = chance.choice([folder / DATABASE, folder / DATABASE, folder / PACKS / "00000001.pack"])
    place = chance.randrange(path.stat().st_size)
    if chance.random() < 0.2:
        os.truncate(path, place)
        return f"{path.name} cut at {place}"
    flip(path, place, 1 << chance.randrange(8))
    return f"{path.name} flipped at {place}"


def differs(store: Store) -> bool:
    """Say whether the store gives out anything that was not stored; refusals are no difference."""
    head = store.head()
    names = dict(head.names) if head else {}
    if names != store_process.manifest(CELLS):
        return True
    for version in set(names.values()):
        try:
            record = store.record(version)
            if record.stream != store_process.stream(version):
                return True
            buffer = record.buffers[0]
            if store.verify(buffer) and store.read(buffer, writable=False) != store_process.array(version):
                return True
        except StoreError:
            continue
    return False


def try_once(original: Path, home: Path, seed: int) -> None:
    """Hurt a copy and open it."""
    shutil.copytree(original, home)
    (session_folder,) = (home / "sessions").iterdir()
    done = hurt(session_folder, random.Random(seed))
    session = open_session(home, store_process.NAME)
    try:
        if session.notices:
            assert session.fresh, done
        else:
            assert not differs(session.store), done
            for ask in (session.store.log, session.store.states, session.store.promise_rows):
                try:
                    ask()
                except StoreError:
                    continue
    finally:
        session.close()
    shutil.rmtree(home)


@pytest.mark.parametrize("block", range(4))
def test_nothing_that_was_changed_comes_back_as_a_value(block: int, original: Path, tmp_path: Path) -> None:
    """Ten random injuries each; the seed is the block's number and the injury's."""
    for index in range(10):
        try_once(original, tmp_path / "home", block * 1000 + index)


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_nothing_that_was_changed_comes_back_as_a_value_nightly(original: Path, tmp_path: Path) -> None:
    """A thousand of them."""
    for index in range(1000):
        try_once(original, tmp_path / "home", 100_000 + index)
