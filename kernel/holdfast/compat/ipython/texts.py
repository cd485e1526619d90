"""`IPython.utils.text`, `.utils.io`, `.utils.process` and `.core.page`: small tools that extensions use.

It must never grow: what is here is what extensions were seen to import.
"""

from __future__ import annotations

import string
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from holdfast.compat.ipython import current

__all__ = [
    "DollarFormatter",
    "EvalFormatter",
    "FindCmdError",
    "FullEvalFormatter",
    "Tee",
    "ask_yes_no",
    "dedent",
    "find_cmd",
    "format_screen",
    "get_text_list",
    "getoutput",
    "getoutputerror",
    "indent",
    "list_strings",
    "marquee",
    "page",
    "system",
    "temp_pyfile",
]


def dedent(text: str) -> str:
    """`textwrap.dedent`, also where the first line is not indented as the others are."""
    first, newline, rest = text.partition("\n")
    if not newline or not first.strip() or first[:1].isspace():
        return textwrap.dedent(text)
    return f"{first}\n{textwrap.dedent(rest)}"


def indent(instr: str, nspaces: int = 4, ntabs: int = 0, flatten: bool = False) -> str:
    """Every line indented; with `flatten` what indented it before is taken away."""
    lines = [line.lstrip() if flatten else line for line in instr.split("\n")]
    whole = "\n".join("\t" * ntabs + " " * nspaces + line for line in lines)
    return whole[: -(ntabs + nspaces)] if instr.endswith("\n") and ntabs + nspaces else whole


def list_strings(arg: str | list[str]) -> list[str]:
    """A list of texts from one or several."""
    return [arg] if isinstance(arg, str) else arg


def marquee(txt: str = "", width: int = 78, mark: str = "*") -> str:
    """A text in the middle of a line of marks."""
    if not txt:
        return (mark * width)[:width]
    marks = mark * max(0, (width - len(txt) - 2) // len(mark) // 2)
    return f"{marks} {txt} {marks}"


def format_screen(strng: str) -> str:
    """The text."""
    return strng


def get_text_list(list_: Sequence[str], last_sep: str = " and ", sep: str = ", ", wrap_item_with: str = "") -> str:
    """`a, b and c`."""
    items = [f"{wrap_item_with}{item}{wrap_item_with}" for item in list_]
    return last_sep.join(filter(None, [sep.join(items[:-1]), *items[-1:]]))


class EvalFormatter(string.Formatter):
    """A formatter whose fields are expressions: `"{x + 1}"`."""

    def get_field(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        """The value of an expression."""
        return eval(name, dict(kwargs)), name


class FullEvalFormatter(EvalFormatter):
    """The same: its fields may have slices, which need no format."""


class DollarFormatter(FullEvalFormatter):
    """The same, and `$name`."""

    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The text filled in."""
        from holdfast.magics.expand import expand

        return expand(format_string, dict(kwargs))


class Tee:
    """A file that writes to two places."""

    def __init__(self, file_or_name: Any, mode: str = "w", channel: str = "stdout") -> None:
        if channel not in ("stdout", "stderr"):
            raise ValueError(f"a Tee is for 'stdout' or 'stderr', not {channel!r}")
        self.file = file_or_name if hasattr(file_or_name, "write") else open(file_or_name, mode, encoding="utf-8")  # noqa: SIM115
        self.channel = channel
        self.ostream = getattr(sys, channel)
        setattr(sys, channel, self)
        self._closed = False

    def close(self) -> None:
        """Write to the one place again."""
        self.flush()
        setattr(sys, self.channel, self.ostream)
        self.file.close()
        self._closed = True

    def write(self, data: str) -> None:
        """Write to both."""
        self.file.write(data)
        self.ostream.write(data)

    def flush(self) -> None:
        """Flush both."""
        self.file.flush()
        self.ostream.flush()


def ask_yes_no(prompt: str, default: str | None = None, interrupt: str | None = None) -> bool:
    """Ask until the answer begins with y or n; an empty one is `default`, an interrupt `interrupt`."""
    answers = {"y": True, "yes": True, "n": False, "no": False}
    while True:
        try:
            said = current.kernel().ask(prompt + " ").strip().lower() or default or ""
        except KeyboardInterrupt:
            said = interrupt or default or ""
            if said not in answers:
                raise
        if said.lower() in answers:
            return answers[said.lower()]


@contextmanager
def temp_pyfile(src: str, ext: str = ".py") -> Iterator[str]:
    """The name of a file with a program, which is deleted afterwards."""
    import os
    import tempfile

    handle, name = tempfile.mkstemp(ext)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(src)
        yield name
    finally:
        os.unlink(name)


def page(strng: Any, start: int = 0, screen_lines: int = 0, pager_cmd: str | None = None) -> None:
    """Show a text, or a bundle by MIME type, in the frontend's pager."""
    current.kernel().page(strng["text/plain"] if isinstance(strng, Mapping) else str(strng))


class FindCmdError(Exception):
    """There is no such command."""


def find_cmd(cmd: str) -> str:
    """The path of a command; FindCmdError: there is none."""
    import shutil

    found = shutil.which(cmd)
    if found is None:
        raise FindCmdError(f"there is no command {cmd!r} on the PATH")
    return found


def system(cmd: str) -> int:
    """Run a command, its output shown; its exit code."""
    import subprocess

    return subprocess.run(cmd, shell=True).returncode


def getoutput(cmd: str) -> str:
    """What a command prints."""
    return getoutputerror(cmd)[0]


def getoutputerror(cmd: str) -> tuple[str, str]:
    """What a command prints: (stdout, stderr)."""
    import subprocess

    done = subprocess.run(cmd, shell=True, capture_output=True, text=True)
    return done.stdout, done.stderr
