"""Completion as libraries reach it: `get_ipython().Completer`, `IPython.core.completer`.

It must never complete by itself: the kernel does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from holdfast.compat.ipython import current
from holdfast.compat.ipython.parts import Part

__all__ = [
    "Completer",
    "Completion",
    "CustomCompleters",
    "IPCompleter",
    "ProvisionalCompleterWarning",
    "SimpleCompletion",
    "provisionalcompleter",
    "rectify_completions",
]


class ProvisionalCompleterWarning(FutureWarning):
    """Never given by this kernel."""


@contextmanager
def provisionalcompleter(action: str = "ignore") -> Iterator[None]:
    """Nothing: there are no warnings of that kind here."""
    yield


class Completion(NamedTuple):
    """Text that may stand in the place of `start` to `end`."""

    start: int
    end: int
    text: str
    type: str = ""
    signature: str = ""


class SimpleCompletion(NamedTuple):
    """Text that a matcher offers."""

    text: str
    type: str | None = None


def rectify_completions(text: str, completions: Any, *, _debug: bool = False) -> Iterator[Completion]:
    """The same: those of this kernel all replace the same part of `text`."""
    yield from completions


class CustomCompleters(Part):
    """Functions that complete what follows certain words: `set_hook("complete_command", …)`."""

    path = "custom_completers"

    def __init__(self) -> None:
        self._by_word: dict[str, list[Callable[..., Any]]] = {}
        self._by_pattern: list[tuple[re.Pattern[str], Callable[..., Any]]] = []

    def add(self, function: Callable[..., Any], word: str | None, pattern: str | None) -> None:
        """Have `function(shell, event)` asked behind a line's first word, or for lines that match a pattern."""
        current.kernel().magics.completer = self.complete
        if word is not None:
            self._by_word.setdefault(word, []).append(function)
        elif pattern is not None:
            self._by_pattern.append((re.compile(pattern), function))

    def complete(self, line: str) -> tuple[str, list[str]]:
        """The word that `line` ends with, and what they offer in its place; one that fails offers nothing."""
        words = line.split()
        first = words[0] if words else ""
        asked = [*self._by_word.get(first, ()), *self._by_word.get(first.lstrip("%"), ())]
        asked += [function for pattern, function in self._by_pattern if pattern.match(line)]
        if not asked:
            return "", []
        symbol = "" if line[-1:].isspace() else words[-1]
        event = _Event(line, symbol, first)
        found: dict[str, None] = {}
        for function in dict.fromkeys(asked):
            try:
                found.update(dict.fromkeys(str(text) for text in function(current.shell(), event) or ()))
            except Exception:
                continue
        return symbol, [text for text in found if text.startswith(symbol)]


class _Event(NamedTuple):
    """What such a function is asked: the line, the word to be completed, the line's first word."""

    line: str
    symbol: str
    command: str

    @property
    def text_until_cursor(self) -> str:
        """The line: the cursor is at its end."""
        return self.line


class Completer(Part):
    """`get_ipython().Completer`; what is set on it (`use_jedi`, …) changes nothing."""

    path = "Completer"
    #: Other variables than the user's.
    namespace: Mapping[str, Any] | None = None

    def __init__(self) -> None:
        self.use_jedi = True
        self.greedy = False
        self.custom_matchers: list[Callable[..., Any]] = []
        self.matchers: list[Callable[..., Any]] = []

    def all_completions(self, text: str) -> list[str]:
        """What `text` can be completed to."""
        return [str(match) for match in self._ask(text, len(text))["matches"]]

    def completions(self, text: str, offset: int) -> Iterator[Completion]:
        """What can stand at `offset` (characters from the beginning of `text`)."""
        found = self._ask(text, offset)
        start, end = int(found["cursor_start"]), int(found["cursor_end"])
        kinds = found.get("metadata", {}).get("_jupyter_types_experimental", ())
        for number, match in enumerate(found["matches"]):
            kind = kinds[number] if number < len(kinds) else {}
            yield Completion(start, end, str(match), kind.get("type", ""), kind.get("signature", ""))

    def complete(
        self, text: str | None = None, line_buffer: str | None = None, cursor_pos: int | None = None
    ) -> tuple[str, list[str]]:
        """(the text that is completed, what it can be completed to)."""
        line = line_buffer if line_buffer is not None else text or ""
        at = len(line) if cursor_pos is None else cursor_pos
        found = self._ask(line, at)
        return line[int(found["cursor_start"]) : at], [str(match) for match in found["matches"]]

    def _ask(self, code: str, cursor: int) -> Mapping[str, Any]:
        return current.edges().complete(code, cursor, self.namespace)


class IPCompleter(Completer):
    """`IPython.core.completer.IPCompleter`: completes in the given namespaces, else in the user's variables.

    JupyterLab makes one for the frame at which its debugger has stopped.
    """

    def __init__(
        self,
        shell: object = None,
        namespace: Mapping[str, Any] | None = None,
        global_namespace: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if namespace is not None:
            self.namespace = {**(global_namespace or {}), **namespace}
