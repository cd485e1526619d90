"""`%config`."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.magic import MagicKernel
from holdfast.compat.figures import InlineSettings
from holdfast.errors import CellError
from holdfast.magics.builtin.configuring import UnknownOption
from holdfast.magics.words import BadWords


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel with figures, and a variable."""
    kernel = MagicKernel(formats={"png", "svg"})
    kernel.configurables["InlineBackend"] = InlineSettings()
    return kernel


@pytest.mark.parametrize(
    ("option", "value", "read"),
    [
        ("InlineBackend.figure_format", "'svg'", "svg"),
        ("InlineBackend.figure_format", "svg", "svg"),
        ("InlineBackend.figure_format", "'svg';", "svg"),
        ("InlineBackend.figure_formats", "formats", frozenset({"png", "svg"})),
        ("InlineBackend.close_figures", "False", False),
        ("InlineBackend.rc", "{'font.size': 20}", {"font.size": 20}),
        ("InlineBackend.print_figure_kwargs", "{'bbox_inches': None}", {"bbox_inches": None}),
        ("InteractiveShell.ast_node_interactivity", "'all'", "all"),
        ("ZMQInteractiveShell.ast_node_interactivity", '"last"', "last"),
        ("InteractiveShell.xmode", "'plain'", "Plain"),
        ("InteractiveShell.colors", "'Linux'", "Linux"),
        ("IPCompleter.greedy", "True", True),
        ("Application.log_level", "'INFO'", "INFO"),
    ],
)
def test_an_option_is_set_and_read(kernel: MagicKernel, option: str, value: str, read: Any) -> None:
    """The value is Python, or the text itself."""
    assert kernel.line(f"config {option} = {value}") is None
    assert kernel.line(f"config {option}") == read


def test_what_is_set_has_its_effect(kernel: MagicKernel) -> None:
    """The kernel's own options change."""
    kernel.line("config InteractiveShell.ast_node_interactivity='all'")
    assert kernel.options.ast_node_interactivity == "all"


def test_alone_it_lists_what_has_options(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """By name."""
    kernel.line("config")
    assert capsys.readouterr().out.split("\n")[1:3] == ["    InlineBackend", "    InteractiveShell"]


def test_a_name_lists_its_options(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """With their values."""
    kernel.line("config InlineBackend")
    shown = capsys.readouterr().out.splitlines()
    assert "InlineBackend.figure_format = 'png'" in shown
    assert "InlineBackend.close_figures = True" in shown


@pytest.mark.parametrize(
    ("rest", "nearest"),
    [
        ("InlineBackend.figure_fromat='x'", "InlineBackend.figure_format?"),
        ("InlineBakend.figure_format='x'", "InlineBackend?"),
        ("IPCompletr.greedy=True", "IPCompleter?"),
        ("Qwertz.x", "lists what there is"),
        ("InteractiveShell.qwertz=1", "lists those that there are"),
        ("Qwertz", "lists what there is"),
    ],
)
def test_what_there_is_not_is_refused_with_the_nearest(kernel: MagicKernel, rest: str, nearest: str) -> None:
    """Instead of being forgotten."""
    with pytest.raises(UnknownOption) as caught:
        kernel.line(f"config {rest}")
    assert nearest in str(caught.value)


@pytest.mark.parametrize(
    "rest",
    ["InteractiveShell.ast_node_interactivity='most'", "InteractiveShell.xmode=5", "InlineBackend.figure_format='bmp'"],
)
def test_a_value_that_cannot_be_is_refused(kernel: MagicKernel, rest: str) -> None:
    """With those that can."""
    with pytest.raises(BadWords):
        kernel.line(f"config {rest}")


def test_objects_of_libraries_have_options_too(kernel: MagicKernel) -> None:
    """Those that they say."""

    class Theirs:
        secret = 1
        limit = 5

        def trait_names(self, config: bool) -> list[str]:
            """As traitlets' objects have it."""
            return ["limit"]

    kernel.configurables["SqlMagic"] = theirs = Theirs()
    kernel.line("config SqlMagic.limit = 7")
    assert theirs.limit == 7
    with pytest.raises(CellError):
        kernel.line("config SqlMagic.secret")


def test_an_option_of_what_is_not_loaded_is_passed_over(
    kernel: MagicKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Notebooks set an extension's options before they load it; the cell goes on, and says so."""
    kernel.line("config SqlMagic.autopandas = True")
    assert "SqlMagic.autopandas has no effect" in capsys.readouterr().err
