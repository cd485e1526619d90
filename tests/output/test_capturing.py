"""`capture_output`: what code prints and displays, kept instead of shown."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.output import display
from holdfast.output.capturing import CapturedIO, capture_output
from holdfast.output.formatters import Formatters
from holdfast.output.pretty.registry import Registry

Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def sent() -> Iterator[Sent]:
    """What was displayed, and not captured."""
    messages: Sent = []
    formatters = Formatters(lambda value, mime, error: None, registry=Registry())
    display.install(lambda kind, content, metadata, buffers: messages.append((kind, content)), formatters)
    yield messages
    display.uninstall()


def test_streams_are_kept_apart(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of them is shown."""
    with capture_output() as captured:
        print("out")
        print("err", file=sys.stderr)
    assert (captured.stdout, captured.stderr, str(captured)) == ("out\n", "err\n", "out\n")
    assert capsys.readouterr() == ("", "")


def test_displays_are_kept_as_data(sent: Sent) -> None:
    """With their updates, in order."""
    with capture_output() as captured:
        handle = display.display("one", display_id="a")
        assert handle is not None
        handle.update("two")
    assert [(output.data, output.update) for output in captured.outputs] == [
        ({"text/plain": "'one'"}, False),
        ({"text/plain": "'two'"}, True),
    ]
    assert sent == []


def test_what_was_captured_can_be_shown(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    """Calling it prints and displays all of it."""
    with capture_output() as captured:
        print("out")
        print("err", file=sys.stderr)
        display.display(1, display_id="a")
    captured()
    assert capsys.readouterr() == ("out\n", "err\n")
    assert [(kind, content["data"], content["transient"]) for kind, content in sent] == [
        ("display_data", {"text/plain": "1"}, {"display_id": "a"})
    ]


def test_some_of_it_can_be_left_out(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown as always."""
    with capture_output(stdout=False, display=False) as captured:
        print("out")
        print("err", file=sys.stderr)
        display.display(1)
    assert (capsys.readouterr().out, len(sent)) == ("out\n", 1)
    assert (captured.stdout, captured.stderr, captured.outputs) == ("", "err\n", [])


def test_one_capture_in_another(sent: Sent) -> None:
    """The inner one takes what is its own."""
    with capture_output() as outer:
        print("a")
        with capture_output() as inner:
            print("b")
            display.display(1)
        print("c")
        display.display(2)
    assert (outer.stdout, inner.stdout) == ("a\nc\n", "b\n")
    assert [len(inner.outputs), len(outer.outputs)] == [1, 1]


def test_all_is_as_before_after_an_error(sent: Sent) -> None:
    """Streams and displays go their way again."""
    before = sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError), capture_output():
        raise ZeroDivisionError
    display.display(1)
    assert ((sys.stdout, sys.stderr), len(sent), display.is_diverted()) == (before, 1, False)


def test_what_was_captured_is_kept_with_the_session(sent: Sent) -> None:
    """It can be pickled."""
    with capture_output() as captured:
        print("out")
        display.display(1)
    again = pickle.loads(pickle.dumps(captured))
    assert isinstance(again, CapturedIO)
    assert (again.stdout, again.outputs[0].data) == ("out\n", {"text/plain": "1"})


def test_who_holds_the_stream_afterwards_is_heard(
    sent: Sent, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler of `logging` that was made in the capture, say."""
    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    with capture_output() as captured:
        held = sys.stderr
    print("later", file=held, flush=True)
    assert (captured.stderr, capsys.readouterr().err) == ("", "later\n")


def test_the_stream_refuses_what_is_no_text(sent: Sent) -> None:
    """As any text stream does."""
    with capture_output(), pytest.raises(TypeError):
        sys.stdout.write(b"x")  # type: ignore[arg-type]
