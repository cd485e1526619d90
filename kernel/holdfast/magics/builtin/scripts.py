"""`%%bash`, `%%script PROGRAM`, `%%python` and their kin: the cell is a script for another program.

It must never run anything but that program with the words behind its name, and the cell's text as its input.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from holdfast.magics.child import Child
from holdfast.magics.port import CellMagic, Kernel
from holdfast.magics.shell import environment
from holdfast.magics.words import BadWords, split

#: What runs the script, where it is not the program of that name on PATH.
_PROGRAMS = {"python": sys.executable, "python3": sys.executable}
_TAKES = ("--out", "--err", "--proc")
_FLAGS = ("--bg", "--no-raise-error", "--raise-error")


class Words:
    """What stands behind `%%name`: our options, and the words of the program."""

    def __init__(self, name: str, rest: str) -> None:
        self.own: dict[str, str] = {}
        self.program: list[str] = []
        words = iter(split(f"%%{name}", rest))
        for word in words:
            option, equals, value = word.partition("=")
            if word in _FLAGS:
                self.own[word] = "yes"
            elif option not in _TAKES:
                self.program.append(word)
            else:
                self.own[option] = value if equals else next(words, "")
                if not self.own[option].isidentifier():
                    raise BadWords(f"%%{name}", f"{option} needs the name of a variable, not {self.own[option]!r}")


class Background:
    """What a script in the background (`--bg --out NAME`) writes; `read()` waits for its end."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        #: Waits for the end.
        self.join: Callable[[], object] = lambda: None

    def add(self, text: str) -> None:
        """It wrote something."""
        self._parts.append(text)

    def read(self) -> str:
        """All of it, once the script has ended."""
        self.join()
        return str(self)

    def __str__(self) -> str:
        return "".join(self._parts)


def cell(name: str, kernel: Kernel) -> CellMagic:
    """The magic of that name."""

    def magic(rest: str, body: str) -> None:
        words = Words(name, rest)
        program = [*([] if name == "script" else [_PROGRAMS.get(name, name)]), *words.program]
        if not program:
            raise BadWords("%%script", "the program that runs the script is missing (%%script bash, say)")
        _run(kernel, name, program, words.own, body)

    magic.__doc__ = f"""Give the lines below to {"a program" if name == "script" else name} as a script.

        %%{name} {"PROGRAM " if name == "script" else ""}[OPTIONS] [WORDS FOR IT]

    Its output is shown as it comes.  A script that fails ends the cell with `CalledProcessError`.
    --out NAME, --err NAME: put what it writes into a variable.  --no-raise-error: it may fail.
    --bg: do not wait for it; with --out, `NAME.read()` does.  --proc NAME: put the process into a variable.
    """
    return magic


def _run(kernel: Kernel, name: str, program: Sequence[str], own: dict[str, str], body: str) -> None:
    background = "--bg" in own
    kept: dict[str, Background] = {option: Background() for option in ("--out", "--err") if option in own}
    sinks = [
        kept[option].add if option in kept else _Shown(stream)
        for option, stream in (("--out", "stdout"), ("--err", "stderr"))
    ]
    child = Child(kernel)
    with _written(body) as script:
        try:
            if background:
                child.start(program, sinks, stdin=script, environment=_environment(name))
            else:
                child.run(program, sinks, stdin=script, environment=_environment(name))
        except FileNotFoundError:
            print(f"there is no program {program[0]!r} on PATH: the script was not run")
            return
        finally:
            if child.process is not None and not background:
                _bind(kernel, own, child, {option: str(text) for option, text in kept.items()})
    if background:
        join = child.go_on_beside().join
        for text in kept.values():
            text.join = join
        _bind(kernel, own, child, kept)
    elif child.status and "--no-raise-error" not in own:
        out, err = (str(kept[option]) if option in kept else None for option in ("--out", "--err"))
        raise subprocess.CalledProcessError(child.status, f"%%{name}", out, err)


def _bind(kernel: Kernel, own: Mapping[str, str], child: Child, texts: Mapping[str, object]) -> None:
    values: dict[str, object] = {own[option]: text for option, text in texts.items()}
    if "--proc" in own:
        values[own["--proc"]] = child.process
    if values:
        kernel.namespace.update(values)
        kernel.touched(*values)


class _Shown:
    """Shows text in one of the two streams, whatever stands for it at that moment."""

    def __init__(self, stream: str) -> None:
        self._stream = stream

    def __call__(self, text: str) -> None:
        getattr(sys, self._stream).write(text)


def _written(body: str) -> IO[bytes]:
    """The script as a file without a name: a program may read it at its own pace."""
    file = tempfile.TemporaryFile(prefix="holdfast-script-")  # noqa: SIM115 - the caller closes it
    file.write((body if body.endswith("\n") else f"{body}\n").encode())
    file.seek(0)
    return file


def _environment(name: str) -> dict[str, str]:
    # Into a pipe Python writes when it is done, unless it is told otherwise.
    return environment() | ({"PYTHONUNBUFFERED": "1"} if name in _PROGRAMS else {})
