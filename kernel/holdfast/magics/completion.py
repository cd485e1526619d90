"""What a percent sign can go on with, for completion.

It must never import what a magic needs, but for the words that a magic of ours lists itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

#: (text, start, type word): the text replaces the code from `start` to the cursor.
Item = tuple[str, int, str]

#: What stands before the cursor in its line: nothing or the target of an assignment, then marks and a name.
_NAME = re.compile(r"(?P<before>[ \t]*+(?:[^=%!?\n]++=[ \t]*+|\?{1,2})?)(?P<marks>%{1,2})(?P<name>\w*)\Z")
_WORD = re.compile(r"[ \t]*+(?:[^=%!?\n]++=[ \t]*+)?%(?P<name>\w++)[ \t]++(?P<word>[^\W\d]*)\Z")
#: Above a cell magic stands nothing but comments and other cell magics.
_ABOVE = re.compile(r"(?:[ \t]*+(?:#[^\n]*+|%%[^\n]*+)?\n)*+\Z")


def complete(
    lines: Sequence[str], cells: Sequence[str], words: Callable[[str], Sequence[str]], code: str, cursor: int
) -> list[Item]:
    """The magics, by the names in `lines` and `cells`, that can stand at the cursor; or the words for one of them."""
    start = code.rfind("\n", 0, cursor) + 1
    line = code[start:cursor]
    found = _NAME.match(line)
    if found is None:
        known = _WORD.match(line)
        if known is None:
            return []
        begun = known["word"]
        return [(word, cursor - len(begun), "magic") for word in words(known["name"]) if word.startswith(begun)]
    marks, begun, at = found["marks"], found["name"], start + found.start("marks")
    asks = found["before"].endswith("?")
    items: list[Item] = []
    if marks == "%":
        items += [(f"%{name}", at, "magic") for name in lines if name.startswith(begun)]
    if asks or (not found["before"].strip() and _ABOVE.match(code[:start]) is not None):
        items += [(f"%%{name}", at, "magic") for name in cells if name.startswith(begun)]
    return items
