"""ProgressBar."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest

from holdfast.output import display as module
from holdfast.output.mime import ProgressBar


class Formats:
    """Gives the repr."""

    def format(
        self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        return {"text/plain": repr(obj)}, {}


@pytest.fixture
def sent() -> Iterator[list[tuple[str, str, object]]]:
    """Type, text and routing of the messages published during the test."""
    messages: list[tuple[str, str, object]] = []

    def publish(kind: str, content: dict[str, object], metadata: object, buffers: object) -> None:
        data = content["data"]
        assert isinstance(data, dict)
        messages.append((kind, data["text/plain"].rpartition(" ")[2], content["transient"]))

    module.install(publish, Formats())
    yield messages
    module.uninstall()


@pytest.mark.parametrize(
    ("total", "progress", "text"),
    [
        (4, 0, "[    ] 0/4"),
        (4, 1, "[=   ] 1/4"),
        (4, 4, "[====] 4/4"),
        (4, 9, "[====] 9/4"),
        (4, -1, "[    ] -1/4"),
        (0, 0, "[====] 0/0"),
    ],
)
def test_the_bar_is_as_long_as_what_is_done(total: int, progress: int, text: str) -> None:
    """Text and HTML show how much is done."""
    bar = ProgressBar(total)
    bar.text_width = 4
    bar._progress = progress
    assert repr(bar) == text
    assert bar._repr_html_() == f"<progress style='width:60ex' max='{total}' value='{progress}'></progress>"


def test_iterating_shows_and_updates_one_output(sent: list[tuple[str, str, object]]) -> None:
    """The bar is displayed once, then updated after each step, under one id."""
    assert list(ProgressBar(2)) == [0, 1]
    assert [(kind, text) for kind, text, _ in sent] == [
        ("display_data", "0/2"),
        ("update_display_data", "1/2"),
        ("update_display_data", "2/2"),
    ]
    assert len({str(route) for _, _, route in sent}) == 1


def test_a_bar_can_be_run_again(sent: list[tuple[str, str, object]]) -> None:
    """A second loop begins at nothing done."""
    bar = ProgressBar(1)
    assert [*bar, *bar] == [0, 0]
    assert [text for _, text, _ in sent] == ["0/1", "1/1", "0/1", "1/1"]


def test_setting_progress_updates(sent: list[tuple[str, str, object]]) -> None:
    """A bar moved by hand is drawn anew."""
    bar = ProgressBar(10)
    bar.display()
    bar.progress += 3
    assert bar.progress == 3
    assert [(kind, text) for kind, text, _ in sent] == [("display_data", "0/10"), ("update_display_data", "3/10")]
