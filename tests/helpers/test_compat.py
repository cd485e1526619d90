"""The compatibility suite sees what a user sees, and understands its scripts."""

from __future__ import annotations

from typing import Any

import pytest

from helpers import compat_environments, compat_facts, compat_scripts
from helpers.compat_facts import VIEW, Fact, Transcript, difference, loosened
from helpers.compat_scripts import ScriptError
from helpers.kernel import Message

PLAIN = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("<function f at 0x7f00aa12>", "<function f at 0x…>"),
    ("<IPython.core.display.HTML object>", "<HTML object>"),
    ("<holdfast.output.mime.text.HTML object>", "<HTML object>"),
    ("took 1.52 ms, 3 µs", "took <time>, <time>"),
    ("invalid syntax (3193057967.py, line 1)", "invalid syntax (<cell>, line 1)"),
    ("/tmp/ipykernel_17/3193057967.py:2: Warning", "<cell>:2: Warning"),
    ("/tmp/x/out.csv", "<here>/out.csv"),
    ("y" * 3000, "3000 characters, "),
    ("12 files", "12 files"),
]
HEADERS = [
    ("tqdm without a line\n# %% a\n1", "the first line is"),
    ("# tqdm: bars\n", "cells follow"),
    ("# tqdm: bars\n# %% a\n1\n# %% a\n2", "same title"),
    ("# tqdm: bars\n# %%\n1", "its title"),
    ("# tqdm: bars\n# %% a\n", "is empty"),
    ("# tqdm: bars\n# loose: b: text\n# %% a\n1", r"no cells \['b'\]"),
    ("# tqdm: bars\n# loose: a: colours\n# %% a\n1", "does not know"),
    ("# tqdm: bars\n# differs: a\n# %% a\n1", "is not understood|wants"),
    ("# tqdm: bars\n# differs in space: a: b\n# %% a\n1", "is not understood"),
    ("# tqdm: bars\n# %% a | depth: 3\n1", "a cell's options"),
]


def _message(msg_type: str, parent: str = "1", channel: str = "iopub", **content: Any) -> Message:
    return Message(channel, msg_type, parent, content, {}, {}, {}, [])


def _stream(text: str, name: str = "stdout") -> Message:
    return _message("stream", name=name, text=text)


def _display(text: str, msg_type: str = "display_data", parent: str = "1", **transient: str) -> Message:
    return _message(msg_type, parent, data={"text/plain": text}, metadata={}, transient=transient)


def _facts(*messages: Message) -> list[Fact]:
    return Transcript().facts([*messages, _message("status", execution_state="idle")], {"1": "cell"})["cell"]


@pytest.mark.parametrize(("text", "kept"), PLAIN, ids=lambda text: text[:20])
def test_what_is_different_each_time_is_not_kept(text: str, kept: str) -> None:
    """Addresses, durations, colours and folders are taken out of texts; a long text is kept as its hash."""
    assert compat_facts.plain(text, "/tmp/x").startswith(kept)


def test_what_is_written_over_is_not_seen() -> None:
    """A carriage return goes back to the begin of its line."""
    assert compat_facts.terminal("10%\r100%\ndone\r") == "100%\ndone"


def test_the_words_of_html_are_seen() -> None:
    """Tags, styles, scripts and comments are not."""
    html = "<style>a{}</style><div id=3>one<br>two &amp; <b>three</b></div><script>var x='<p>'</script><!-- no -->"
    assert compat_facts.seen_of_html(html) == "one two & three"


def test_pieces_of_a_stream_are_one() -> None:
    """In how many messages it came is not seen, nor how it fell between those of the other stream."""
    assert _facts(_stream("a"), _stream("!", "stderr"), _stream("b"), _display("5"), _stream("c")) == [
        {"stream": "stdout", "said": "ab"},
        {"stream": "stderr", "said": "!"},
        {"display": ["text/plain"], "text": "5"},
        {"stream": "stdout", "said": "c"},
    ]


def test_cleared_output_is_not_seen() -> None:
    """With `wait` it goes when the next output comes; without, at once."""
    assert _facts(_stream("a"), _message("clear_output", wait=True), _stream("b"))[0]["said"] == "b"
    assert _facts(_stream("a"), _message("clear_output", wait=True))[0]["said"] == "a"
    assert _facts(_stream("a"), _message("clear_output", wait=False)) == []


def test_an_updated_display_is_seen_where_it_was() -> None:
    """Also where it was updated by another cell."""
    messages = [
        _display("sailing", display_id="ship"),
        _stream("x"),
        _display("in harbour", "update_display_data", "2", display_id="ship"),
    ]
    facts = Transcript().facts(messages, {"1": "first", "2": "second"})
    assert facts["first"] == [{"display": ["text/plain"], "text": "in harbour"}, {"stream": "stdout", "said": "x"}]
    assert facts["second"] == []


def test_an_error_has_the_lines_that_it_points_at() -> None:
    """Of cells only, whichever words stand around them."""
    traceback = ["Cell In[3], line 7, in f()", "File /x.py:2", "\x1b[1mCell\x1b[0m In[2], line 1"]
    error = _message("error", ename="ValueError", evalue="no", traceback=traceback)
    assert _facts(error) == [{"error": "ValueError", "value": "no", "lines": [[3, 7], [2, 1]]}]


def test_a_widget_is_seen_as_the_cell_left_it() -> None:
    """Its view names the model, its state is that of the end of the cell, and its layout is not seen."""
    state = {"_model_name": "IntSliderModel", "value": 3, "step": 1}
    opened = _message("comm_open", comm_id="c", target_name="jupyter.widget", data={"state": state})
    layout = _message("comm_open", comm_id="d", target_name="x", data={"state": {"_model_name": "LayoutModel"}})
    view = _message("display_data", data={VIEW: {"model_id": "c"}}, metadata={})
    moved = _message("comm_msg", comm_id="c", data={"method": "update", "state": {"value": 9}})
    assert _facts(layout, opened, view, moved) == [
        {"display": [VIEW], "view": "IntSliderModel"},
        {"widget": "IntSliderModel", "state": {"value": 9}},
    ]


def test_an_output_widget_catches_what_it_asks_for() -> None:
    """Outputs of the cell whose msg_id it holds are in it, not below the cell."""
    state = {"_model_name": "OutputModel", "msg_id": ""}
    messages = [_message("comm_open", comm_id="o", target_name="jupyter.widget", data={"state": state})]
    for holds, text in (("1", "inside"), ("", "outside")):
        messages.append(_message("comm_msg", comm_id="o", data={"method": "update", "state": {"msg_id": holds}}))
        messages.append(_stream(text))
    assert _facts(*messages) == [
        {"stream": "stdout", "said": "outside"},
        {"widget": "OutputModel", "captured": [{"stream": "stdout", "said": "inside"}]},
    ]


def test_loose_facts_are_there_without_their_words() -> None:
    """A stream or a text that is loose is compared as being there."""
    facts: list[Fact] = [{"stream": "stdout", "said": "1"}, {"result": ["text/plain"], "text": "5"}]
    assert loosened(facts, {"stdout", "text"}) == [{"stream": "stdout"}, {"result": ["text/plain"]}]
    assert loosened(facts, set()) == facts


def test_a_difference_is_told_in_lines() -> None:
    """Equal facts make no line; what is missing and what is more is marked."""
    assert difference([{"a": 1}], [{"a": 1}]) == ""
    assert difference([{"a": 1}], [{"b": 1}]) == "- {'a': 1}\n+ {'b': 1}"


def test_a_script_is_read() -> None:
    """Its first line, what its header lists, and its cells with their options."""
    text = """# tqdm.auto: bars
# a comment
# not in plain: no widgets
# loose: *: stderr
# loose: bar: text, html
# differs in ipython: bar: drawn as text

# %% bar | answers: Swan, 17
input()

# %% moved | widget: IntSliderModel {"value": 7}
"""
    script = compat_scripts.parse("s", text)
    assert (script.library, script.what, script.environments) == ("tqdm.auto", "bars", ["ipython"])
    assert script.absent == {"plain": "no widgets"}
    assert script.differs == {"ipython": {"bar": "drawn as text"}}
    assert script.loose == {"*": {"stderr"}, "bar": {"text", "html"}}
    assert [(c.title, c.code, c.answers, c.widget) for c in script.cells] == [
        ("bar", "input()", ("Swan", "17"), None),
        ("moved", "", (), ("IntSliderModel", {"value": 7})),
    ]


@pytest.mark.parametrize(("text", "words"), HEADERS)
def test_a_mistake_in_a_script_is_told(text: str, words: str) -> None:
    """Nothing of a header is passed over because it is not understood."""
    with pytest.raises(ScriptError, match=words):
        compat_scripts.parse("s", text)


def test_one_environment_is_free_of_ipython() -> None:
    """What depends on IPython is only in the other group, which holds all of the first."""
    ours = {name: set(compat_environments.requirements(name)) for name in compat_environments.NAMES}
    assert ours["plain"] < ours["ipython"]
    assert {line.partition(">")[0] for line in ours["ipython"] - ours["plain"]} >= {"ipython", "ipywidgets", "ipympl"}
