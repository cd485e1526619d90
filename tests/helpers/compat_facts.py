"""What a user sees of cells, as facts that two kernels can be compared by.

It must never keep what no user sees (ids, addresses, the wire), nor what is different each time (durations).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from typing import Any, Final

from helpers.kernel import Json, Message

Fact = dict[str, Any]

VIEW: Final = "application/vnd.jupyter.widget-view+json"
#: What of a widget's state is seen; the rest is how it is laid out.
_SEEN: Final = ("value", "description", "bar_style", "index", "max", "disabled", "_options_labels")
_LAYOUT: Final = ("LayoutModel", "StyleModel")
_LONGEST: Final = 2000

_ALWAYS: Final = [
    (re.compile(r"\x1b\[[0-9;?]*[A-Za-z]"), ""),
    (re.compile(r"<(?:IPython|holdfast)[\w.]*\.(\w+) object>"), r"<\1 object>"),
    (re.compile(r"/\S*/(?:ipy|hold)\w*_\d+/[\w.]+\.py"), "<cell>"),
    (re.compile(r"\((?:cell_)?\d+\.py, line"), "(<cell>, line"),
    (re.compile(r"/\S*/site-packages/"), "<packages>/"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{16,}\b"), "<id>"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:e[-+]?\d+)? ?(?:ns|µs|μs|us|ms|s|min|it/s|s/it)\b"), "<time>"),
    # Both kernels say so on a machine that is busy with other work.
    (re.compile(r"The slowest run took .*\n"), ""),
    (re.compile(r"\b\d\d:\d\d(?::\d\d)?<(?:\d\d:\d\d(?::\d\d)?|\?)"), "<time>"),
]
_TAGLESS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_PLACE: Final = re.compile(r"(?:Cell )?In ?\[(\d+)\], line (\d+)")


def plain(text: str, here: str = "") -> str:
    """A text without what is different each time; `here` is the folder that the cells run in."""
    if here:
        text = text.replace(here, "<here>")
    for pattern, instead in _ALWAYS:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else f"{len(text)} characters, {_hash(text)}"


def terminal(text: str) -> str:
    """A stream as it looks at its end: what a carriage return writes over is gone."""
    lines = []
    for line in text.split("\n"):
        seen = ""
        for part in line.split("\r"):
            seen = part + seen[len(part) :]
        lines.append(seen.rstrip())
    return "\n".join(lines)


def seen_of_html(html: str) -> str:
    """The words of a piece of HTML."""
    return " ".join(unescape(_TAGLESS.sub(" ", html)).split())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Transcript:
    """Turns the messages of a session into facts per cell, as a page in a browser would have shown them."""

    def __init__(self, here: str = "") -> None:
        self._here = here
        self._widgets: dict[str, Json] = {}
        self._shown: dict[str, list[Fact]] = {}
        self._facts: dict[str, list[Fact]] = {}
        self._cells: Mapping[str, str] = {}
        self._clear: set[int] = set()

    def facts(self, messages: Iterable[Message], cells: Mapping[str, str]) -> dict[str, list[Fact]]:
        """The facts by cell; `cells` says which one a request (msg_id) belongs to.  Late output is its own cell's."""
        self._facts = {title: [] for title in cells.values()}
        self._cells = cells
        # Where the page sends something beside a running cell, the cell came first, and its end is what counts.
        own = {title: request for request, title in reversed(list(cells.items()))}
        ends: dict[str, list[Fact]] = {title: [] for title in self._facts}
        touched: dict[str, list[str]] = {title: [] for title in self._facts}
        for message in messages:
            title = cells.get(message.parent)
            if title is None:
                continue
            if message.msg_type.startswith("comm_"):
                self._comm(message, touched[title])
            elif message.channel != "iopub":
                ends[title] += self._asked(message)
            elif message.content.get("execution_state") == "idle" and own[title] == message.parent:
                # Widgets are told as they are when the cell has ended: later cells change them.
                widgets = [self._widget(comm) for comm in dict.fromkeys(touched[title])]
                ends[title] += [fact for fact in widgets if not fact["widget"].endswith(_LAYOUT)]
            else:
                self._take(message)
        return {
            title: [self._finished(fact) for fact in [*_streams_sorted(facts), *ends[title]]]
            for title, facts in self._facts.items()
        }

    # ------------------------------------------------------------ outputs

    def _take(self, message: Message) -> None:
        content = message.content
        place = self._place(message.parent)
        match message.msg_type:
            case "stream":
                self._clear_now(place)
                _add_to_stream(place, content["name"], content["text"])
            case "display_data" | "execute_result" | "update_display_data":
                self._bundle(message, place)
            case "error":
                self._clear_now(place)
                place.append(_error(content, self._here))
            case "clear_output":
                self._clear.add(id(place))
                if not content["wait"]:
                    self._clear_now(place)

    def _asked(self, message: Message) -> list[Fact]:
        """What comes on other channels: its place among the outputs is not known, so it stands after them."""
        content = message.content
        if message.msg_type == "input_request":
            return [{"prompt": content["prompt"], "password": content["password"]}]
        facts: list[Fact] = []
        for payload in content.get("payload", ()):
            if payload["source"] == "set_next_input":
                facts.append({"next_input": self._plain(payload["text"])})
            elif payload["source"] == "page":
                facts.append({"page": sorted(payload["data"])})
        return facts

    def _place(self, parent: str) -> list[Fact]:
        """Where outputs of a cell go now: into an Output widget that asked for them, or below the cell."""
        for state in reversed(self._widgets.values()):
            if state.get("msg_id") == parent:
                captured: list[Fact] = state.setdefault("captured", [])
                return captured
        return self._facts[self._cells[parent]]

    def _clear_now(self, place: list[Fact]) -> None:
        if id(place) in self._clear:
            self._clear.discard(id(place))
            place.clear()

    def _bundle(self, message: Message, place: list[Fact]) -> None:
        content = message.content
        kind = {"execute_result": "result", "update_display_data": "update"}.get(message.msg_type, "display")
        data: Json = content["data"]
        fact = _bundled(kind, data, self._here)
        if VIEW in data:
            fact["view"] = self._widgets.get(data[VIEW]["model_id"], {}).get("_model_name", "of no widget")
        display: str = (content.get("transient") or {}).get("display_id", "")
        if kind != "update":
            self._clear_now(place)
            place.append(fact)
            if display:
                self._shown.setdefault(display, []).append(fact)
            return
        for shown in self._shown.get(display, ()):
            was = next(kind for kind in ("display", "result") if kind in shown)
            shown.clear()
            shown.update({was: fact["update"], **{key: fact[key] for key in fact if key != "update"}})

    # ------------------------------------------------------------ widgets

    def _comm(self, message: Message, touched: list[str]) -> None:
        content = message.content
        comm, data = content["comm_id"], content["data"]
        if not isinstance(data, dict):  # bokeh sends text
            data = {}
        if message.msg_type == "comm_open":
            self._widgets[comm] = {"target": content["target_name"], **data.get("state", {})}
        elif message.msg_type == "comm_msg" and data.get("method") in ("update", "echo_update"):
            state = data["state"]
            self._widgets.setdefault(comm, {}).update(state)
            if not set(state) & {*_SEEN, "msg_id", "outputs", "children"}:
                return
        elif message.msg_type == "comm_close":
            self._widgets.setdefault(comm, {})["closed"] = True
        touched.append(comm)

    def _widget(self, comm: str) -> Fact:
        state = self._widgets[comm]
        fact: Fact = {"widget": state.get("_model_name") or state.get("target", "?")}
        seen = {name: self._value(state[name]) for name in _SEEN if name in state and state[name] not in (None, "")}
        if seen:
            fact["state"] = seen
        if "children" in state:
            fact["children"] = len(state["children"])
        if captured := [*state.get("captured", ()), *stored(state.get("outputs", ()))]:
            fact["captured"] = captured
        if state.get("closed"):
            fact["closed"] = True
        return fact

    def _value(self, value: object) -> object:
        return self._plain(seen_of_html(value)) if isinstance(value, str) else value

    # ------------------------------------------------------------ at the end

    def _finished(self, fact: Fact) -> Fact:
        fact = _told(fact, self._here)
        if "captured" in fact:
            return {**fact, "captured": [self._finished(inner) for inner in fact["captured"]]}
        return fact

    def _plain(self, text: str) -> str:
        return plain(text, self._here)


def _streams_sorted(facts: Sequence[Fact]) -> list[Fact]:
    """Stdout before stderr where both stand together."""
    found: list[Fact] = []
    for fact in facts:
        if fact.get("stream") == "stdout" and found and found[-1].get("stream") == "stderr":
            found.insert(-1, fact)
        else:
            found.append(fact)
    return found


def _add_to_stream(place: list[Fact], name: str, text: str) -> None:
    """Between two other outputs each stream is one: ipykernel does not keep the order of stdout and stderr."""
    for fact in reversed(place):
        if fact.get("stream") == name:
            fact["said"] += text
            return
        if "stream" not in fact:
            break
    place.append({"stream": name, "said": text})


# ---------------------------------------------------------------- outputs as notebooks store them


def stored(outputs: Iterable[Any], here: str = "") -> list[Fact]:
    """The facts of outputs that a notebook or the state of a widget holds; `here` as in `plain`."""
    facts: list[Fact] = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            _add_to_stream(facts, output["name"], output["text"])
        elif kind == "error":
            facts.append(_error(output, here))
        else:
            facts.append(_bundled("result" if kind == "execute_result" else "display", output["data"], here))
    return [_told(fact, here) for fact in _streams_sorted(facts)]


def _bundled(kind: str, data: Json, here: str) -> Fact:
    fact: Fact = {kind: sorted(data)}
    for mime, name, seen in (
        ("text/plain", "text", str),
        ("text/html", "html", seen_of_html),
        ("text/latex", "latex", str),
    ):
        if isinstance(data.get(mime), str):
            fact[name] = plain(seen(data[mime]), here)
    return fact


def _error(content: Mapping[str, Any], here: str) -> Fact:
    lines = [[int(n), int(at)] for n, at in _PLACE.findall(plain("\n".join(content["traceback"])))]
    return {"error": content["ename"], "value": plain(content["evalue"], here), "lines": lines}


def _told(fact: Fact, here: str) -> Fact:
    return {**fact, "said": plain(terminal(fact["said"]), here)} if "stream" in fact else fact


# ---------------------------------------------------------------- comparison


def loosened(facts: Sequence[Fact], kinds: set[str]) -> list[Fact]:
    """Facts without the words that are not to be compared."""
    found = [_loose(fact, kinds) for fact in facts]
    return sorted(found, key=repr) if "order" in kinds else found


def _loose(fact: Fact, kinds: set[str]) -> Fact:
    if fact.get("stream") in kinds:
        return {"stream": fact["stream"]}
    kept = {key: value for key, value in fact.items() if key not in kinds}
    if "captured" in kept:
        kept["captured"] = loosened(kept["captured"], kinds)
    return kept


def difference(expected: Sequence[Fact], found: Sequence[Fact]) -> str:
    """What is different, a line each, marked + and -; "" where nothing is."""
    from difflib import ndiff

    if list(expected) == list(found):
        return ""
    lines = ndiff([repr(fact) for fact in expected], [repr(fact) for fact in found])
    return "\n".join(line for line in lines if not line.startswith("?"))
