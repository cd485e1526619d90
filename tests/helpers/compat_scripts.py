"""The scripts of the compatibility suite: cells, and a header that says what is compared and what may differ.

The format is described in tests/compat/README.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from helpers.compat_environments import NAMES
from helpers.compat_facts import Fact, loosened
from helpers.kernel import Json
from helpers.source import ROOT

FOLDER: Final = ROOT / "tests" / "compat" / "scripts"
GOLDEN: Final = ROOT / "tests" / "compat" / "golden"
#: What `loose` may name: facts of these kinds are only looked at for being there, `order` for being there at all.
LOOSE: Final = frozenset({"stdout", "stderr", "text", "html", "latex", "value", "lines", "state", "order"})

_WHERE = "|".join(NAMES)
_NAMED = re.compile(r"# ([\w.+ -]+): (\S.*)")
_DIRECTIVE = re.compile(rf"# (not|differs|otherwise|loose|nightly)(?: in ({_WHERE}))?: (\S.*)")
_MARK = re.compile(r"# %%(?: (.*))?")


class ScriptError(ValueError):
    """A script is not written as the format wants it."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell; `answers` are given to its prompts, `widget` is a model and the state that the page sends for it."""

    title: str
    code: str
    answers: tuple[str, ...] = ()
    #: Sent instead of code where there is none, else once the cell has printed "ready".
    widget: tuple[str, Json] | None = None


@dataclass(kw_only=True)
class Script:
    """A script, read."""

    name: str
    library: str
    what: str
    cells: list[Cell]
    #: By environment: why it is not run there.
    absent: dict[str, str] = field(default_factory=dict)
    #: By environment, by title of a cell: why something else is seen there.
    differs: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Those of them that are meant to be so.
    meant: set[str] = field(default_factory=set)
    #: By title of a cell ("*" for all): kinds of facts.
    loose: dict[str, set[str]] = field(default_factory=dict)
    #: Why it is not for every run; "" where it is.
    nightly: str = ""

    @property
    def golden(self) -> Path:
        """Where its golden data is."""
        return GOLDEN / f"{self.name}.json"

    @cached_property
    def hash(self) -> str:
        """Changes when the golden data has to be recorded again."""
        said = json.dumps([[c.title, c.code, c.answers, c.widget] for c in self.cells])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def environments(self) -> list[str]:
        """Where it runs."""
        return [name for name in NAMES if name not in self.absent]

    def loosened(self, facts: Mapping[str, Sequence[Fact]]) -> dict[str, list[Fact]]:
        """The facts of cells without the words that are not to be compared."""
        everywhere = self.loose.get("*", set())
        return {title: loosened(found, everywhere | self.loose.get(title, set())) for title, found in facts.items()}

    def expected(self, where: str) -> dict[str, list[Fact]]:
        """What ipykernel showed beside the libraries of an environment; ScriptError where that has to be recorded."""
        kept = json.loads(self.golden.read_text("utf-8")) if self.golden.exists() else {}
        if kept.get("script") != self.hash:
            raise ScriptError(f"{self.name} was changed: run python tests/compat/record.py {self.name}")
        cells: dict[str, list[Fact]] = kept["cells"] | kept.get(where, {})
        # What is loose now may not have been when it was recorded.
        return self.loosened(cells)


def names() -> list[str]:
    """The scripts there are."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def read(name: str) -> Script:
    """The script of that name; ScriptError says what is wrong with it."""
    return parse(name, (FOLDER / f"{name}.py").read_text("utf-8"))


def parse(name: str, text: str) -> Script:
    """A script from its text."""
    head, *rest = re.split(r"^(?=# %%)", text, flags=re.MULTILINE)
    first, *lines = head.splitlines() or [""]
    said = _NAMED.fullmatch(first)
    if said is None or not rest:
        raise ScriptError(f"{name}: the first line is `# library: what is shown`, and cells follow, got {first!r}")
    script = Script(name=name, library=said[1], what=said[2], cells=[_cell(name, part) for part in rest])
    titles = [cell.title for cell in script.cells]
    if len(titles) != len(set(titles)):
        raise ScriptError(f"{name}: two cells have the same title")
    for line in lines:
        if found := _DIRECTIVE.fullmatch(line):
            _direct(script, found[1], [found[2]] if found[2] else list(NAMES), found[3])
        elif line.startswith(("# not", "# differs", "# otherwise", "# loose", "# nightly")):
            raise ScriptError(f"{name}: {line!r} is not understood")
    used = {*script.loose, *(title for differs in script.differs.values() for title in differs)}
    if unknown := used - {*titles, "*"}:
        raise ScriptError(f"{name}: there are no cells {sorted(unknown)}")
    return script


def _direct(script: Script, word: str, environments: list[str], rest: str) -> None:
    if word == "nightly":
        script.nightly = rest
    elif word == "not":
        script.absent |= dict.fromkeys(environments, rest)
    else:
        title, colon, said = (part.strip() for part in rest.partition(":"))
        if not colon or not said:
            raise ScriptError(f"{script.name}: `{word}` wants `title of a cell: …`, got {rest!r}")
        if word in ("differs", "otherwise"):
            for environment in environments:
                script.differs.setdefault(environment, {})[title] = said
            script.meant |= {title} if word == "otherwise" else set()
            return
        kinds = {kind.strip() for kind in said.split(",")}
        if unknown := kinds - LOOSE:
            raise ScriptError(f"{script.name}: `loose` does not know {sorted(unknown)}, only {sorted(LOOSE)}")
        script.loose.setdefault(title, set()).update(kinds)


def _cell(name: str, part: str) -> Cell:
    line, _, code = part.partition("\n")
    mark = _MARK.fullmatch(line)
    title, *options = (word.strip() for word in (mark[1] if mark and mark[1] else "").split("|"))
    if not title:
        raise ScriptError(f"{name}: every cell begins with `# %% its title`, got {line!r}")
    answers: tuple[str, ...] = ()
    widget = None
    for option in options:
        word, _, said = option.partition(":")
        if word == "answers":
            answers = tuple(answer.strip() for answer in said.split(","))
        elif word == "widget":
            model, _, state = said.strip().partition(" ")
            widget = (model, json.loads(state))
        else:
            raise ScriptError(f"{name}: a cell's options are `answers: …` and `widget: Model {{…}}`, got {option!r}")
    code = code.strip("\n")
    if not code and widget is None:
        raise ScriptError(f"{name}: the cell {title!r} is empty")
    return Cell(title=title, code=code, answers=answers, widget=widget)
