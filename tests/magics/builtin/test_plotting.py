"""`%matplotlib`, `%pylab` and `%gui`."""

from __future__ import annotations

import pytest

from helpers.magic import MagicKernel
from holdfast.errors import CellError
from holdfast.magics.builtin import plotting
from holdfast.magics.builtin.plotting import NoWindows


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backends that were chosen, on a machine without ipympl."""
    chosen: list[str] = []
    monkeypatch.setattr(plotting, "_use", chosen.append)
    monkeypatch.setattr(plotting, "find_spec", lambda name: None)
    return chosen


@pytest.mark.parametrize("rest", ["inline", "'inline'", "auto", "", "Inline", "inline;", "inline  # here"])
def test_figures_are_shown_inline(used: list[str], rest: str) -> None:
    """Without importing anything."""
    kernel = MagicKernel()
    kernel.line(f"matplotlib {rest}")
    assert (kernel.inlined, used) == (1, [])


@pytest.mark.parametrize(("rest", "backend"), [("agg", "agg"), ("SVG", "svg"), ("module://mine", "module://mine")])
def test_other_backends_are_matplotlibs(used: list[str], rest: str, backend: str) -> None:
    """By their names."""
    MagicKernel().line(f"matplotlib {rest}")
    assert used == [backend]


@pytest.mark.parametrize("rest", ["widget", "ipympl", "notebook"])
def test_widgets_are_ipympl(used: list[str], monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    """If it is installed; the notebooks of old get the same."""
    monkeypatch.setattr(plotting, "find_spec", lambda name: name)
    MagicKernel().line(f"matplotlib {rest}")
    assert used == ["module://ipympl.backend_nbagg"]


def test_without_ipympl_there_are_no_widgets(used: list[str]) -> None:
    """It says what to install."""
    with pytest.raises(CellError, match="pip install ipympl"):
        MagicKernel().line("matplotlib widget")


def test_notebooks_of_old_are_shown_inline(used: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And go on."""
    kernel = MagicKernel()
    kernel.line("matplotlib notebook")
    assert (kernel.inlined, used) == (1, [])
    assert "ipympl" in capsys.readouterr().err


@pytest.mark.parametrize("rest", ["qt", "TkAgg", "osx"])
def test_there_are_no_windows(used: list[str], rest: str) -> None:
    """It says what there is instead."""
    with pytest.raises(NoWindows, match="widget"):
        MagicKernel().line(f"matplotlib {rest}")


def test_there_are_no_other_loops(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, and the cell goes on."""
    MagicKernel().line("gui qt")
    assert "event loop of qt" in capsys.readouterr().err


def test_what_is_no_backend_is_refused(used: list[str]) -> None:
    """With where the names are."""
    with pytest.raises(CellError, match="--list"):
        MagicKernel().line("matplotlib foo")


def test_the_backends_are_listed(used: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Those that work here."""
    MagicKernel().line("matplotlib --list")
    assert "inline" in capsys.readouterr().out


@pytest.mark.parametrize("rest", ["", "asyncio", "inline"])
def test_the_loop_of_the_kernel_is_asyncios(rest: str) -> None:
    """It need not be chosen."""
    assert MagicKernel().line(f"gui {rest}") is None


def test_pylab_makes_names_variables() -> None:
    """Those of numpy and matplotlib; figures are shown inline."""
    kernel = MagicKernel()
    kernel.line("pylab inline")
    names = kernel.namespace
    assert kernel.inlined == 1
    assert (names["np"].__name__, names["plt"].__name__) == ("numpy", "matplotlib.pyplot")
    assert list(names["linspace"](0, 1, 2)) == [0, 1]


def test_pylab_names_the_variables_that_it_replaces(capsys: pytest.CaptureFixture[str]) -> None:
    """What the user had under these names is gone; once more it replaces nothing."""
    kernel = MagicKernel()
    kernel.namespace.update({"f": 1, "sin": 2, "rc": 3, "mine": 4})
    for said in ("%pylab has replaced these variables: f, rc, sin\n", ""):
        kernel.line("pylab inline")
        assert capsys.readouterr().err == said


def test_pylab_can_leave_most_names_alone() -> None:
    """Only the modules are variables then."""
    kernel = MagicKernel()
    kernel.line("pylab --no-import-all")
    assert "linspace" not in kernel.namespace
    assert "pylab" in kernel.namespace
