"""The small files that tell sessions by their cells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers.stores import flip
from holdfast.durable import seen
from holdfast.durable.folder import SESSIONS
from holdfast.durable.keys import user_key
from holdfast.durable.seen import Known

KNOWN = Known("/w/a.ipynb", "/w/a.ipynb", ("1", "2"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A session's folder."""
    place = tmp_path / SESSIONS / "a-0123"
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize("durable", [True, False])
def test_it_is_found_again(durable: bool, tmp_path: Path, folder: Path) -> None:
    """With its name, its notebook and its ids; the file is its owner's only, and nothing lies beside it."""
    key = user_key(tmp_path)
    seen.write(folder, key, Known("before"), durable=durable)
    seen.write(folder, key, KNOWN, durable=durable)
    assert seen.read(folder, key) == KNOWN
    assert [(found.folder, found.known) for found in seen.everywhere(tmp_path, key)] == [(str(folder), KNOWN)]
    assert [(file.name, file.stat().st_mode & 0o777) for file in folder.iterdir()] == [("seen", 0o600)]


def test_what_was_changed_is_lost(tmp_path: Path, folder: Path) -> None:
    """A byte anywhere, another key, too much of it, a link to elsewhere: nothing is known."""
    key = user_key(tmp_path)
    for offset in (0, 31, 32, 60):
        seen.write(folder, key, KNOWN, durable=False)
        flip(folder / seen.SEEN, offset)
        assert (offset, seen.read(folder, key)) == (offset, None)
    seen.write(folder, key, KNOWN, durable=False)
    assert seen.read(folder, b"k" * 32) is None
    os.rename(folder / seen.SEEN, tmp_path / "real")
    os.symlink(tmp_path / "real", folder / seen.SEEN)
    assert seen.read(folder, key) is None
    assert list(seen.everywhere(tmp_path, key)) == []


def test_of_another_shape_it_is_lost(tmp_path: Path, folder: Path) -> None:
    """Sealed by a version of us that kept other things."""
    key = user_key(tmp_path)
    body = b'{"name": 5}'
    (folder / seen.SEEN).write_bytes(seen._seal(key).tag(b"seen", body) + body)
    assert seen.read(folder, key) is None


def test_without_a_home_nothing_is_known(tmp_path: Path) -> None:
    """Nothing is made for a look."""
    assert list(seen.everywhere(tmp_path / "nowhere", b"k" * 32)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_finds_its_session_again(tmp_path: Path) -> None:
    """It alone: under another kernel's name the file says nothing; what is forgotten is gone."""
    key = user_key(tmp_path)
    seen.tell(tmp_path, key, "kernel-1", KNOWN)
    assert seen.session_of(tmp_path, key, "kernel-1") == Known(KNOWN.name, KNOWN.notebook)
    os.rename(tmp_path / seen.KERNELS / "kernel-1", tmp_path / seen.KERNELS / "kernel-2")
    assert seen.session_of(tmp_path, key, "kernel-2") is None
    seen.forget(tmp_path, "kernel-2")
    seen.forget(tmp_path, "kernel-2")
    assert list((tmp_path / seen.KERNELS).iterdir()) == []
    assert (tmp_path / seen.KERNELS).stat().st_mode & 0o777 == 0o700


def test_the_name_of_a_kernel_stays_in_its_folder(tmp_path: Path) -> None:
    """Whatever the connection file is called."""
    seen.tell(tmp_path, user_key(tmp_path), "../../x" + "y" * 500, KNOWN)
    assert len(list((tmp_path / seen.KERNELS).iterdir())) == 1


def test_kernels_that_never_came_back_are_forgotten(tmp_path: Path) -> None:
    """Many files, and some of them old: those go with the next that is written."""
    key = user_key(tmp_path)
    for number in range(seen._FEW):
        seen.tell(tmp_path, key, f"kernel-{number}", KNOWN)
    old = tmp_path / seen.KERNELS / "kernel-3"
    os.utime(old, (1.0, 1.0))
    seen.tell(tmp_path, key, "kernel-last", KNOWN)
    assert not old.exists()
    assert len(list((tmp_path / seen.KERNELS).iterdir())) == seen._FEW
