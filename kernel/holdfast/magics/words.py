"""The words behind a magic's name: options first, then what they are about.

It must never change the text behind the options: for most magics that is code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from holdfast.errors import CellError

_OPTION = re.compile(r"\s*(--?)([A-Za-z][\w-]*)(?=[\s=]|\Z|(?<=\w))")


class BadWords(CellError):
    """A magic was given words that it cannot use."""

    def __init__(self, magic: str, reason: str) -> None:
        super().__init__(magic, reason)
        self.magic = magic
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.magic}: {self.reason}"


class Options:
    """The options of one line, and the text behind them.

    `short` names the one-letter options; a colon after one means that it takes a word. `long` names those with two
    dashes, likewise. An option may come more than once; `last` is one behind which there is none.
    """

    def __init__(self, magic: str, text: str, short: str = "", long: Sequence[str] = (), last: str = "") -> None:
        self._magic = magic
        self._found: dict[str, list[str]] = {}
        self._takes = dict.fromkeys(re.findall(r"\w(?!:)", short), False)
        self._takes |= dict.fromkeys(re.findall(r"\w(?=:)", short), True)
        self._takes |= {name.rstrip(":"): name.endswith(":") for name in long}
        self.text = text
        while last not in self._found and (match := _OPTION.match(self.text)) is not None:
            rest = self.text[match.end() :]
            self.text = self._long(match[2], rest) if match[1] == "--" else self._short(match[2], rest)
        if re.match(r"\s*--(\s|\Z)", self.text):
            self.text = self.text.lstrip()[2:]
        self.text = self.text.strip()

    def _long(self, name: str, rest: str) -> str:
        if len(name) == 1 or name not in self._takes:
            raise BadWords(self._magic, f"there is no option --{name}{self._known()}")
        if not self._takes[name]:
            self._found.setdefault(name, []).append("")
            return rest
        return self._word(name, rest.removeprefix("="), f"--{name}")

    def _short(self, letters: str, rest: str) -> str:
        for at, letter in enumerate(letters):
            if letter not in self._takes or not letter.isalpha():
                raise BadWords(self._magic, f"there is no option -{letter}{self._known()}")
            if self._takes[letter]:
                return self._word(letter, letters[at + 1 :] + rest, f"-{letter}")
            self._found.setdefault(letter, []).append("")
        return rest

    def _word(self, name: str, rest: str, shown: str) -> str:
        match = re.match(r"""\s*("[^"]*"|'[^']*'|\S+)""", rest)
        if match is None:
            raise BadWords(self._magic, f"{shown} is followed by nothing; give it a value")
        word = match[1]
        self._found.setdefault(name, []).append(word[1:-1] if word[0] in "\"'" else word)
        return rest[match.end() :]

    def _known(self) -> str:
        names = ", ".join(f"-{name}" if len(name) == 1 else f"--{name}" for name in self._takes)
        return f"; there are {names}" if names else "; it has none"

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def get(self, name: str, default: str = "") -> str:
        """The word of an option, the last one where it came more than once."""
        return self._found.get(name, [default])[-1]

    def all(self, name: str) -> list[str]:
        """Every word of an option."""
        return self._found.get(name, [])

    def number(self, name: str, default: int) -> int:
        """The word of an option as a number; `BadWords` where it is none."""
        word = self.get(name, str(default))
        try:
            return int(word)
        except ValueError:
            raise BadWords(self._magic, f"-{name} takes a whole number, not {word!r}") from None

    @property
    def words(self) -> list[str]:
        """The text as words: quotes keep one together."""
        return split(self._magic, self.text)


def split(magic: str, text: str) -> list[str]:
    """`text` as words: quotes keep one together, and are gone; `BadWords` where one is not closed."""
    import os
    import shlex

    try:
        words = shlex.split(text, posix=os.name == "posix")
    except ValueError:
        raise BadWords(magic, f"a quote in {text!r} is not closed") from None
    return words if os.name == "posix" else [word.strip("\"'") for word in words]
