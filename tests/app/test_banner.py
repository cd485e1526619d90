"""What the first cell shows of the restore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.messages import message
from holdfast.app.banner import RestoreBanner, as_metadata
from holdfast.durable.reports import Restored
from holdfast.executor.outcome import Job

SOME = Restored(2, kept=("x",))


class Shown:
    """A banner, and what it published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Any, Any]] = []
        self.banner = RestoreBanner(self._publish)

    def _publish(self, msg_type: str, content: Mapping[str, object], metadata: Mapping[str, object]) -> None:
        self.published.append((msg_type, content, metadata))

    def cell(self, silent: bool = False, attended: bool = True) -> list[str]:
        """Start a cell; what was published for it."""
        self.published.clear()
        token = message("execute_request", {"code": "x", "silent": silent, "allow_stdin": attended})
        self.banner.before(Job(token, "x", 3, not silent, silent))
        return [msg_type for msg_type, _, _ in self.published]


def test_a_restore_is_shown_once() -> None:
    """The first cell says it, the second does not."""
    shown = Shown()
    assert shown.banner.announce(SOME)
    assert (shown.cell(), shown.cell()) == (["display_data"], [])


def test_nothing_restored_nothing_shown() -> None:
    """A session of no variables is no news."""
    shown = Shown()
    assert not shown.banner.announce(Restored(2))
    assert shown.cell() == []


def test_it_waits_for_a_person() -> None:
    """Silent cells and those of a client that answers no prompts (a batch run) do not show it."""
    shown = Shown()
    shown.banner.announce(SOME)
    assert [shown.cell(silent=True), shown.cell(attended=False), shown.cell()] == [[], [], ["display_data"]]


def test_notices_are_in_it() -> None:
    """What the store said at its opening stands below."""
    shown = Shown()
    shown.banner.announce(SOME)
    shown.banner.tell("it was moved")
    shown.cell()
    text = shown.published[0][1]["data"]["text/plain"]
    assert text.splitlines() == ["Restored 1 variable as of cell [2]", "it was moved"]


def test_warnings_alone_go_to_stderr() -> None:
    """In a batch run too: a session that keeps nothing must be said."""
    shown = Shown()
    shown.banner.tell("nothing of this session will be kept: no room")
    assert shown.cell(attended=False) == ["stream"]
    assert shown.published[0][1] == {"name": "stderr", "text": "nothing of this session will be kept: no room\n"}


def test_notices_alone_are_no_error() -> None:
    """A question that is still open is shown calmly, to a person; a batch run does not have it in its notebook."""
    shown = Shown()
    shown.banner.note("cell [1] was waiting for input")
    assert (shown.cell(attended=False), shown.cell()) == ([], ["display_data"])
    assert shown.published[0][1]["data"] == {"text/plain": "cell [1] was waiting for input"}
    assert shown.cell() == []


def test_notices_and_warnings_without_a_restore() -> None:
    """What is wrong is red, what is well to know is not."""
    shown = Shown()
    shown.banner.note("it is a branch")
    shown.banner.tell("nothing is kept")
    assert shown.cell() == ["stream", "display_data"]


def test_metadata_is_bounded() -> None:
    """Of 100,000 names the reply holds the first, and how many there are."""
    data = as_metadata(Restored(1, kept=tuple(f"x{i}" for i in range(100_000))))
    kept = data["kept"]
    assert isinstance(kept, list)
    assert (len(kept), data["total"]) == (1000, 100_000)
