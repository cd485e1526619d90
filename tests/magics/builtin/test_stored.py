"""`%store`."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.builtin.stored import CannotMake, CannotStore
from holdfast.magics.words import BadWords


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel with variables."""
    return MagicKernel(x=[1, 2], text="one", lines=["a", "b"])


def other(kernel: MagicKernel) -> MagicKernel:
    """Another session of the same person."""
    session = MagicKernel()
    session.shelf = kernel.shelf
    return session


def test_values_are_shared(kernel: MagicKernel) -> None:
    """By name, and the commit is told of them."""
    kernel.line("store x text")
    session = other(kernel)
    session.line("store -r x")
    assert session.namespace["x"] == [1, 2]
    assert "text" not in session.namespace
    assert session.touches == [("x",)]


def test_all_come_back(kernel: MagicKernel) -> None:
    """Where none is named."""
    kernel.line("store x text")
    session = other(kernel)
    session.line("store -r")
    assert (session.namespace["x"], session.namespace["text"]) == ([1, 2], "one")


def test_what_is_kept_is_listed(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """With its value, on one line each."""
    kernel.namespace["long"] = list(range(100))
    kernel.line("store x long")
    capsys.readouterr()
    kernel.line("store")
    _, long, x = capsys.readouterr().out.splitlines()
    assert x == "x    -> [1, 2]"
    assert long.endswith("...")


def test_one_is_forgotten_or_all(kernel: MagicKernel) -> None:
    """-d and -z."""
    kernel.line("store x text lines")
    kernel.line("store -d x")
    assert kernel.shelf.names() == ["lines", "text"]
    kernel.line("store -z")
    assert kernel.shelf.names() == []


def test_what_is_not_stored_is_said(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """And the cell goes on: the first notebook of a project has nothing to bring back."""
    kernel.line("store -r nothing")
    assert "'nothing'" in capsys.readouterr().err


class Unready:
    """Cannot be pickled."""

    def __reduce__(self) -> str:
        raise TypeError("not ready")


Unready.__module__ = "elsewhere"


def test_what_cannot_be_stored_is_refused(kernel: MagicKernel) -> None:
    """A lock, what is defined in the session, and what refuses."""
    exec("class Own: pass\ndef f(): pass\nown = Own()", {"__name__": "__main__"}, kernel.namespace)
    kernel.namespace.update(lock=threading.Lock(), unready=Unready())
    for name in ("lock", "own", "f", "Own", "unready"):
        with pytest.raises(CannotStore):
            kernel.line(f"store {name}")
    assert kernel.shelf.names() == []


def test_what_cannot_be_made_is_said(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Its class may be gone; the list goes on."""
    kernel.shelf.put("gone", b"cno_such_module\nThing\n.")
    with pytest.raises(CannotMake, match="no_such_module"):
        kernel.line("store -r gone")
    kernel.line("store")
    assert "no_such_module" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "text"),
    [("store text > FILE", "one\n"), ("store x >> FILE", "before\n[1, 2]\n"), ("store lines > FILE", "a\nb\n")],
)
def test_a_text_goes_into_a_file(kernel: MagicKernel, tmp_path: Path, line: str, text: str) -> None:
    """Lines as lines, other values as they are shown."""
    path = tmp_path / "written.txt"
    path.write_text("before\n")
    kernel.line(line.replace("FILE", str(path)))
    assert path.read_text() == text


@pytest.mark.parametrize(
    "line", ["store nothing", "store -q x", "store -d nothing", "store nothing > f", "store -d -z"]
)
def test_what_it_cannot_use_is_refused(kernel: MagicKernel, line: str) -> None:
    """With what there is."""
    with pytest.raises(BadWords):
        kernel.line(line)
