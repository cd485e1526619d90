"""What the kernel thread keeps of what it sends: which cells', in which order, how much."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.messages import message
from helpers.recorded import SEAL, text
from holdfast.app import recorder as module
from holdfast.app.recorder import Recorder
from holdfast.durable.outputs import Record
from holdfast.durable.record import files
from holdfast.wire.message import Message

MEGA = 1 << 20


class Kept:
    """A recorder whose clock and calls are the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.epoch = 1
        self.now = 100.0
        self.soon: list[Callable[[], None]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.beside: list[Callable[[], None]] = []
        self.recorder = self.made()

    def made(self) -> Recorder:
        """Another kernel's recorder for the same session."""
        return Recorder(
            str(self.folder),
            SEAL,
            0,
            lambda: self.epoch,
            self.soon.append,
            lambda seconds, call: self.later.append((seconds, call)),
            lambda: self.now,
            self.beside.append,
        )

    def cell(self, count: int, **content: object) -> Message:
        """Start a cell."""
        token = message("execute_request", {"code": f"x{count}", "store_history": True, **content})
        self.recorder.begin(token, count)
        return token

    def send(self, token: Message, msg_type: str, **content: object) -> None:
        """What the driver does with a message on iopub."""
        draft = token.publish(msg_type, content)
        frames = [b"topic", b"<IDS|MSG>", b"signature", b"{}", draft.parent, b"{}", json.dumps(content).encode()]
        self.recorder.sent(draft, frames)

    def stream(self, token: Message, text: str) -> None:
        """Text."""
        self.send(token, "stream", name="stdout", text=text)

    def display(self, token: Message, text: str, display_id: str = "", *, update: bool = False) -> None:
        """A display, or an update."""
        msg_type = "update_display_data" if update else "display_data"
        transient = {"display_id": display_id} if display_id else {}
        self.send(token, msg_type, data={"text/plain": text}, metadata={}, transient=transient)

    def turn(self) -> None:
        """The kernel thread has nothing to send."""
        while self.soon:
            self.soon.pop(0)()

    def shown(self, count: int) -> list[str]:
        """What the disk says that a cell shows."""
        self.turn()
        with Record(str(self.folder), SEAL) as record:
            key = record.find(count)
            return [text(output) for output in record.outputs(key)] if key is not None else []


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A recorder in an empty folder."""
    made = Kept(tmp_path)
    yield made
    made.recorder.close()


def test_each_cell_keeps_its_own(kept: Kept) -> None:
    """Also what its threads show after its end; nothing else on iopub is kept."""
    first, second = kept.cell(1), kept.cell(2)
    kept.send(first, "execute_input", code="x", execution_count=1)
    kept.stream(first, "a")
    kept.stream(second, "b")
    kept.recorder.ended(first)
    kept.stream(first, "late")
    assert (kept.shown(1), kept.shown(2)) == (["alate"], ["b"])


@pytest.mark.parametrize("content", [{"store_history": False}, {"silent": True}])
def test_a_cell_without_a_number_is_not_kept(kept: Kept, content: dict[str, object]) -> None:
    """Nobody could ask for it."""
    token = kept.cell(0, **content)
    kept.stream(token, "a")
    kept.turn()
    assert files(str(kept.folder)) == []


def test_nothing_is_written_before_the_thread_is_free(kept: Kept) -> None:
    """The reply goes first; in a flood, what waits is bounded."""
    token = kept.cell(1)
    kept.stream(token, "a")
    assert files(str(kept.folder)) == []
    for _ in range(100):
        kept.stream(token, "b")
    assert files(str(kept.folder)) != []
    assert kept.shown(1) == ["a" + "b" * 100]


def test_a_flood_keeps_its_beginning_and_its_end(kept: Kept) -> None:
    """And says what is missing between."""
    token = kept.cell(1)
    for n in range(100):
        kept.stream(token, f"{n:03} " + "x" * (MEGA - 4))
    kept.recorder.ended(token)
    first, gap, last = kept.shown(1)
    assert (first[:3], gap[:5], last[-MEGA:][:3]) == ("000", "left ", "099")
    assert 2 * MEGA < len(first) < 5 * MEGA
    assert 2 * MEGA < len(last) < 5 * MEGA


def test_one_piece_larger_than_all_room(kept: Kept) -> None:
    """`print` of 50 MB is one message: it is cut at lines, its beginning and end are kept."""
    token = kept.cell(1)
    kept.stream(token, "".join(f"line {n} {'x' * 90}\n" for n in range(200_000)))
    kept.recorder.ended(token)
    first, gap, last = kept.shown(1)
    assert (first.startswith("line 0 x"), gap, "\nline 199999 x" in last) == (True, "left 1", True)
    assert (first.endswith("\n"), last.startswith("line ")) == (True, True)


def test_a_flood_writes_at_most_once_a_second(kept: Kept) -> None:
    """What it holds is written when a second is over, not with each message; a kill costs no more than that."""
    token = kept.cell(1)
    for _ in range(6):
        kept.stream(token, "x" * MEGA)
    kept.turn()
    before = sum(Path(path).stat().st_size for _, _, path in files(str(kept.folder)))
    for _ in range(50):
        kept.stream(token, "y" * MEGA)
    kept.turn()
    assert sum(Path(path).stat().st_size for _, _, path in files(str(kept.folder))) == before
    [call] = [call for seconds, call in kept.later if seconds == module.PACE]
    call()
    assert kept.shown(1)[-1].endswith("y" * MEGA)


def test_clear_output_clears(kept: Kept) -> None:
    """At once, or with `wait` when the next output comes; updates of other displays stay."""
    one, two, three = kept.cell(1), kept.cell(2), kept.cell(3)
    kept.display(one, "old", "bar")
    kept.stream(two, "a")
    kept.display(two, "new", "bar", update=True)
    kept.send(two, "clear_output", wait=False)
    kept.stream(three, "a")
    kept.send(three, "clear_output", wait=True)
    assert kept.shown(3) == ["a"]
    kept.stream(three, "b")
    for token in (one, two, three):
        kept.recorder.ended(token)
    assert (kept.shown(1), kept.shown(2), kept.shown(3)) == (["new"], [], ["b"])


def test_a_cell_that_draws_again_and_again(kept: Kept) -> None:
    """Of a thousand pictures the disk gets the last, and those of each second."""
    token = kept.cell(1)
    for n in range(1000):
        kept.send(token, "clear_output", wait=True)
        kept.display(token, f"{n:04}" * 2500)
    kept.recorder.ended(token)
    assert kept.shown(1) == ["0999" * 2500]
    assert sum(Path(path).stat().st_size for _, _, path in files(str(kept.folder))) < 50_000


def test_a_display_that_is_updated_in_a_flood(kept: Kept) -> None:
    """Its newest state is kept, however much text comes after."""
    token = kept.cell(1)
    kept.display(token, "0 %", "bar")
    for n in range(20):
        kept.stream(token, "x" * MEGA)
        kept.display(token, f"{n}", "bar", update=True)
    kept.recorder.ended(token)
    assert kept.shown(1)[0] == "19"


def test_a_display_as_large_as_both_ends(kept: Kept) -> None:
    """Half of it would show nothing, so it may take all the room; a larger one is named."""
    one, two = kept.cell(1), kept.cell(2)
    kept.display(one, "x" * (7 * MEGA))
    kept.display(two, "x" * (9 * MEGA))
    kept.recorder.ended(two)
    assert ([len(text) for text in kept.shown(1)], kept.shown(2)) == ([7 * MEGA], ["left 1"])


def test_what_cannot_be_written_is_said_later(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs the outputs that came then; the kernel does not notice."""
    token = kept.cell(1)
    kept.stream(token, "a")
    kept.turn()
    with monkeypatch.context() as patched:
        patched.setattr("os.write", lambda fd, data: 0)
        kept.stream(token, "lost")
        kept.turn()
    kept.stream(token, "b")
    assert kept.shown(1) == ["a", "left 1", "b"]


def test_a_mistake_of_ours_costs_one_output(kept: Kept) -> None:
    """Content that is no JSON (none such is sent) is counted, what follows is kept."""
    token = kept.cell(1)
    draft = token.publish("clear_output", {})
    kept.recorder.sent(draft, [b"", b"", b"", b"", b"", b"{}", b"no json"])
    kept.stream(token, "b")
    kept.recorder.ended(token)
    assert "b" in kept.shown(1)


def test_a_cell_belongs_to_the_epoch_in_which_it_began(kept: Kept) -> None:
    """Whatever a checkout in it changes."""
    token = kept.cell(1)
    kept.epoch = 2
    kept.stream(token, "a")
    assert (kept.recorder.cell(token), kept.recorder.cell(message("execute_request"))) == ((1, 1), None)


def test_only_so_many_cells_are_known(kept: Kept) -> None:
    """What the oldest shows later is nobody's; what it held is written."""
    token = kept.cell(1)
    kept.send(token, "clear_output", wait=False)
    kept.stream(token, "a")
    for count in range(2, module.CELLS + 2):
        kept.cell(count)
    kept.stream(token, "late")
    assert kept.shown(1) == ["a"]


def test_old_files_are_folded_beside(kept: Kept) -> None:
    """With a kernel's first output, seconds later, on another thread, if there are many."""
    for count in range(1, 10):
        kept.recorder.close()
        kept.recorder = kept.made()
        kept.stream(kept.cell(count), f"{count}")
        kept.turn()
    for _, call in kept.later:
        call()
    assert len(kept.beside) == 1
    kept.beside[0]()
    assert [(first, last) for first, last, _ in files(str(kept.folder))] == [(1, 8), (9, 9)]
    assert (kept.shown(1), kept.shown(9)) == (["1"], ["9"])
