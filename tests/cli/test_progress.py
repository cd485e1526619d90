"""What `holdfast run` shows while it works."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from holdfast.cli.progress import WIDTH, Watch, first_line

LINES = [
    ("", ""),
    ("x = 1", "x = 1"),
    ("\n\n  x = 1\ny", "x = 1"),
    ("# why\nx = 1", "x = 1"),
    ("# only a comment", "# only a comment"),
    ("y" * 100, "y" * (WIDTH - 1) + "…"),
]


@pytest.mark.parametrize(("source", "expected"), LINES)
def test_first_line(source: str, expected: str) -> None:
    """A cell is known by its first line of code."""
    assert first_line(source) == expected


def shown(*, terminal: bool, quiet: bool) -> str:
    """Return what a run of two cells prints."""
    text = io.StringIO()
    # Whatever the terminal of whoever runs the tests is: a dumb one gets no bar.
    console = Console(file=text, force_terminal=terminal, width=100, _environ={"TERM": "xterm"})
    with Watch(console, 2, quiet=quiet) as watch:
        for source, failed in (("a[0]", False), ("b = [/bold]", True)):
            watch.begin(source)
            watch.end(failed=failed)
    return text.getvalue()


def test_a_log_has_a_line_a_cell() -> None:
    """Off a terminal each cell is one plain line, its brackets left alone."""
    first, second = shown(terminal=False, quiet=False).splitlines()
    assert first.startswith("[1/2]")
    assert first.endswith("s  a[0]")
    assert second.startswith("[2/2]")
    assert second.endswith("s failed  b = [/bold]")


def test_a_terminal_has_a_bar() -> None:
    """On a terminal the bar says which cell of how many."""
    text = shown(terminal=True, quiet=False)
    assert "2/2" in text
    assert "b = [/bold]" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_is_quiet(terminal: bool) -> None:
    """With --quiet nothing is shown."""
    assert shown(terminal=terminal, quiet=True) == ""
