"""`display()` and its kin: which messages leave, with which content."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest

from holdfast.output import display as module
from holdfast.output.display import (
    DisplayHandle,
    clear_output,
    display,
    publish_display_data,
    times_cleared,
    update_display,
)

Message = tuple[str, dict[str, object], dict[str, object], list[bytes] | None]


class Formats:
    """Gives the repr, and for a `Rich` value what it holds, of the types asked for."""

    def format(
        self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        data: dict[str, object] = {"text/plain": repr(obj)}
        described: dict[str, object] = {}
        if isinstance(obj, Rich):
            data, described = dict(obj.data), dict(obj.described)
        wanted = {m for m in data if (not include or m in include) and (not exclude or m not in exclude)}
        return {m: data[m] for m in data if m in wanted}, {m: described[m] for m in described if m in wanted}


class Rich:
    def __init__(self, data: dict[str, object], described: dict[str, object] | None = None) -> None:
        self.data = data
        self.described = described or {}


@pytest.fixture
def sent() -> Iterator[list[Message]]:
    """The messages published during the test."""
    messages: list[Message] = []
    module.install(lambda *message: messages.append(message), Formats())
    yield messages
    module.uninstall()


def shown(data: dict[str, object], **rest: dict[str, object]) -> Message:
    """A display_data message."""
    content: dict[str, object] = {"data": data, "metadata": {}, "transient": {}, **rest}
    return ("display_data", content, {}, None)


def test_each_value_is_one_message(sent: list[Message]) -> None:
    """Two values give two display_data messages, in order, and no handle."""
    assert display(1, "a") is None
    assert sent == [shown({"text/plain": "1"}), shown({"text/plain": "'a'"})]


def test_nothing_to_display_sends_nothing(sent: list[Message]) -> None:
    """A call without values sends nothing."""
    assert display() is None
    assert sent == []


def test_none_is_a_value(sent: list[Message]) -> None:
    """None is displayed like any other value."""
    display(None)
    assert sent == [shown({"text/plain": "None"})]


@pytest.mark.parametrize(
    ("options", "mimes"),
    [
        ({}, ["text/html", "text/plain"]),
        ({"include": ["text/html"]}, ["text/html"]),
        ({"exclude": ["text/html"]}, ["text/plain"]),
    ],
)
def test_include_and_exclude_choose_types(sent: list[Message], options: dict[str, list[str]], mimes: list[str]) -> None:
    """The formatters are told which types are wanted."""
    value = Rich({"text/html": "<b>", "text/plain": "b"})
    display(value, include=options.get("include"), exclude=options.get("exclude"))
    assert sent == [shown({mime: value.data[mime] for mime in mimes})]


def test_an_object_that_displays_itself_sends_nothing_more(sent: list[Message]) -> None:
    """Empty data from the formatters is not published."""
    display(Rich({}))
    assert sent == []


def test_metadata_is_merged_over_that_of_the_formatters(sent: list[Message]) -> None:
    """Metadata of the call is laid over the object's own, type by type."""
    picture = Rich({"image/png": "AA=="}, {"image/png": {"width": 3, "height": 4}})
    display(picture, metadata={"image/png": {"width": 5}, "isolated": True})
    assert sent == [shown({"image/png": "AA=="}, metadata={"image/png": {"width": 5, "height": 4}, "isolated": True})]
    assert picture.described == {"image/png": {"width": 3, "height": 4}}


def test_raw_data_is_published_as_it_is(sent: list[Message]) -> None:
    """With raw=True the value is the data, and metadata goes with it."""
    display({"text/x": "y"}, raw=True, metadata={"a": 1})
    assert sent == [shown({"text/x": "y"}, metadata={"a": 1})]


def test_options_of_other_kernels_are_ignored_with_ready_data(sent: list[Message]) -> None:
    """Libraries still say from which `source` their data comes."""
    publish_display_data(data={"text/x": "y"}, source="elsewhere")
    assert sent == [shown({"text/x": "y"})]


def test_raw_data_must_be_a_mapping(sent: list[Message]) -> None:
    """With raw=True anything but a dict is a TypeError that says so."""
    with pytest.raises(TypeError, match="data must be a dict"):
        display("text", raw=True)
    assert sent == []


def test_metadata_must_be_a_mapping(sent: list[Message]) -> None:
    """Metadata that is not a dict is a TypeError that says so."""
    with pytest.raises(TypeError, match="metadata must be a dict"):
        publish_display_data({}, "x")  # type: ignore[arg-type]
    assert sent == []


@pytest.mark.parametrize(
    ("mime", "value", "sendable"),
    [
        ("image/png", b"abc", "YWJj"),
        ("image/png", bytearray(b"abc"), "YWJj"),
        ("image/png", memoryview(b"abc"), "YWJj"),
        ("image/png", "YWJj", "YWJj"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("text/html", "é".encode(), "é"),
        ("application/json", {"a": [1]}, {"a": [1]}),
    ],
)
def test_bytes_become_what_json_can_carry(sent: list[Message], mime: str, value: object, sendable: object) -> None:
    """Bytes are sent as base64, or as text where the type is text."""
    publish_display_data({mime: value})
    assert sent == [shown({mime: sendable})]


def test_buffers_travel_beside_the_message(sent: list[Message]) -> None:
    """Binary buffers are handed to the publisher unencoded."""
    publish_display_data({"a/b": 1}, buffers=[b"x"])
    assert sent[0][3] == [b"x"]


def test_a_display_id_gives_a_handle(sent: list[Message]) -> None:
    """display_id=True names the output and gives back its handle."""
    handle = display(1, display_id=True)
    assert isinstance(handle, DisplayHandle)
    assert sent == [shown({"text/plain": "1"}, transient={"display_id": handle.display_id})]


def test_made_up_ids_differ(sent: list[Message]) -> None:
    """Two outputs get two ids."""
    first, second = display(1, display_id=True), display(2, display_id=True)
    assert first is not None
    assert second is not None
    assert first.display_id != second.display_id


def test_a_chosen_display_id_is_kept(sent: list[Message]) -> None:
    """A display_id of the caller is used, also where others route the message."""
    handle = display(1, display_id="mine", transient={"k": 1})
    assert repr(handle) == "<DisplayHandle display_id=mine>"
    assert sent == [shown({"text/plain": "1"}, transient={"k": 1, "display_id": "mine"})]


def test_a_display_id_alone_reserves_an_output(sent: list[Message]) -> None:
    """Without values an empty output is displayed, for later updates."""
    display(display_id="later")
    assert sent == [shown({}, transient={"display_id": "later"})]


def test_update_display_replaces_an_output(sent: list[Message]) -> None:
    """update_display sends update_display_data with the same id."""
    update_display(2, display_id="mine")
    assert sent == [
        (
            "update_display_data",
            {"data": {"text/plain": "2"}, "metadata": {}, "transient": {"display_id": "mine"}},
            {},
            None,
        )
    ]


def test_a_handle_displays_and_updates_under_its_id(sent: list[Message]) -> None:
    """A handle made by hand has an id; display and update use it."""
    handle = DisplayHandle()
    handle.display("a")
    handle.update("b", metadata={"k": 1})
    assert [(kind, content["transient"]) for kind, content, _, _ in sent] == [
        ("display_data", {"display_id": handle.display_id}),
        ("update_display_data", {"display_id": handle.display_id}),
    ]
    assert sent[1][1]["metadata"] == {"k": 1}


def test_an_update_needs_an_id(sent: list[Message]) -> None:
    """An update without an id is a TypeError that says what is missing."""
    with pytest.raises(TypeError, match="no display_id"):
        display(1, update=True)
    assert sent == []


def test_options_of_other_kernels_are_ignored(sent: list[Message]) -> None:
    """A keyword argument that means nothing here does not stop a notebook."""
    display(1, source="elsewhere")
    assert sent == [shown({"text/plain": "1"})]


@pytest.mark.parametrize("wait", [True, False])
def test_clear_output_is_one_message(sent: list[Message], wait: bool) -> None:
    """clear_output says whether to wait for the next output."""
    clear_output(wait=wait)
    assert sent == [("clear_output", {"wait": wait}, {}, None)]


def test_clear_replaces_what_was_shown(sent: list[Message]) -> None:
    """display(clear=True) clears, waiting, before it shows."""
    display("new", clear=True)
    assert sent == [("clear_output", {"wait": True}, {}, None), shown({"text/plain": "'new'"})]


def test_clearing_is_counted(sent: list[Message]) -> None:
    """Who remembers what is on display can tell that outputs were cleared since."""
    before = times_cleared()
    clear_output()
    assert times_cleared() == before + 1


def test_a_sent_message_does_not_share_the_callers_mappings(sent: list[Message]) -> None:
    """Changing the mappings after the call does not change the message."""
    data: dict[str, object] = {"text/plain": "1"}
    transient: dict[str, object] = {"k": 1}
    publish_display_data(data, transient=transient)
    data.clear()
    transient.clear()
    assert sent == [shown({"text/plain": "1"}, transient={"k": 1})]


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        (lambda: display(1, "a", {"k": [1]}), "1\n'a'\n{'k': [1]}\n"),
        (lambda: display({"text/plain": "p", "text/html": "h"}, raw=True), "p\n"),
        (lambda: display({"text/html": "h"}, raw=True), ""),
        (lambda: publish_display_data({"text/plain": "p"}), "p\n"),
        (clear_output, ""),
    ],
)
def test_a_plain_python_process_prints_text(capsys: pytest.CaptureFixture[str], call: object, printed: str) -> None:
    """Without a publisher the text/plain is printed."""
    assert callable(call)
    call()
    assert capsys.readouterr().out == printed
