"""What all sessions of a person share."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from holdfast.app.shelf import Shelf
from holdfast.errors import StoreError


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf in a home that is not there yet."""
    return Shelf({"HOLDFAST_HOME": str(tmp_path / "home")})


def test_another_kernel_finds_what_was_put(shelf: Shelf, tmp_path: Path) -> None:
    """Under the same name; an older one of that name is gone."""
    shelf.put("x", b"old")
    shelf.put("x", b"new")
    again = Shelf({"HOLDFAST_HOME": str(tmp_path / "home")})
    assert again.get("x") == b"new"
    assert again.names() == ["x"]


def test_what_is_not_there_is_none(shelf: Shelf) -> None:
    """Also before anything was put."""
    assert (shelf.get("x"), shelf.names(), shelf.drop("x")) == (None, [], False)


def test_what_was_dropped_is_gone(shelf: Shelf) -> None:
    """And only that."""
    shelf.put("x", b"1")
    shelf.put("y", b"2")
    assert shelf.drop("x")
    assert shelf.names() == ["y"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_nobody_else_can_read_it(shelf: Shelf, tmp_path: Path) -> None:
    """A file of 0600 in a folder of 0700."""
    shelf.put("x", b"1")
    folder = tmp_path / "home" / "stored"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize("change", ["bytes", "name", "short"])
def test_what_was_changed_is_not_handed_out(shelf: Shelf, tmp_path: Path, change: str) -> None:
    """Neither other bytes nor those of another name."""
    shelf.put("x", b"one")
    path = tmp_path / "home" / "stored" / "x.value"
    if change == "bytes":
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    elif change == "short":
        path.write_bytes(b"")
    else:
        path.rename(path.with_name("y.value"))
    with pytest.raises(StoreError):
        shelf.get("y" if change == "name" else "x")
