"""Folders and the environment: `%cd`, `%pushd` and their kin, `%env` and `%set_env`.

It must never show the value of a variable that is likely a secret, unless it is asked for by name.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

_SECRET = re.compile(r"token|secret|passw|credential|(?:\b|_)(?:api)?keys?(?:\b|_)", re.IGNORECASE)
#: The variable that holds the folders one was in, as notebooks know it.
_BEEN = "_dh"
#: Folders to come back to (`%pushd`), the newest last.
_STACK = "_dirs"


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "cd": _cd,
        "pwd": lambda _kernel: _pwd,
        "pushd": _pushd,
        "popd": _popd,
        "dirs": _dirs,
        "dhist": _dhist,
        "env": lambda _kernel: _env,
        "set_env": lambda _kernel: _set_env,
    }
    return made[name](kernel)


def _list(kernel: Kernel, name: str) -> list[str]:
    """One of our lists among the user's variables."""
    found = kernel.namespace.get(name)
    if not isinstance(found, list):
        found = kernel.namespace[name] = []
    kernel.touched(name)
    return found


# ------------------------------------------------------------ folders


def _cd(kernel: Kernel) -> LineMagic:
    def cd(rest: str) -> None:
        """Change the working folder, and say which one it is now.

        %cd FOLDER   there; `~` is yours
        %cd          to your own folder
        %cd -        to the one before; `%cd -2` to number 2 of those that %dhist lists
        %cd -q …     without a word
        """
        quiet, words = _without_flag(rest, "-q")
        _go(kernel, _meant(kernel, words), quiet)

    return cd


def _without_flag(rest: str, flag: str) -> tuple[bool, str]:
    words = rest.split()
    return (True, rest.replace(flag, "", 1).strip()) if flag in words[:1] or flag in words[-1:] else (False, rest)


def _meant(kernel: Kernel, words: str) -> str:
    """The folder that `%cd` is to go to."""
    been = [str(folder) for folder in _list(kernel, _BEEN)]
    if words == "-":
        if len(been) < 2:
            raise BadWords("%cd -", "there is no folder before this one")
        return been[-2]
    if re.fullmatch(r"-\d+", words):
        if int(words[1:]) >= len(been):
            raise BadWords(f"%cd {words}", "%dhist lists the folders that there are")
        return been[int(words[1:])]
    if len(words) > 1 and words[0] == words[-1] and words[0] in "'\"":
        words = words[1:-1]
    return os.path.expanduser(words or "~")


def _go(kernel: Kernel, folder: str, quiet: bool = False) -> bool:
    """Go there; whether that could be done.  A folder that is not there is said, and the cell goes on."""
    been = _list(kernel, _BEEN)
    if not been:
        been.append(_here())
    try:
        os.chdir(folder)
    except OSError as error:
        print(f"cannot go to {folder!r} ({error.strerror}): the working folder stays {_here()}", file=sys.stderr)
        return False
    been.append(_here())
    if not quiet:
        print(been[-1])
    return True


def _here() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise BadWords("%pwd", "the working folder was removed; %cd goes to another one") from None


def _pwd(_rest: str) -> str:
    """The working folder."""
    return _here()


def _pushd(kernel: Kernel) -> LineMagic:
    def pushd(rest: str) -> list[str]:
        """Change the working folder and remember the one before, for %popd; the folders that are remembered."""
        before = _here()
        stack = _list(kernel, _STACK)
        if _go(kernel, _meant(kernel, rest)):
            stack.append(before)
        return stack[::-1]

    return pushd


def _popd(kernel: Kernel) -> LineMagic:
    def popd(_rest: str) -> None:
        """Go back to the folder where the last %pushd was."""
        stack = _list(kernel, _STACK)
        if not stack:
            raise BadWords("%popd", "no folder is remembered; %pushd FOLDER remembers the one it leaves")
        folder = stack.pop()
        if _go(kernel, folder):
            print(f"popd -> {folder}")

    return popd


def _dirs(kernel: Kernel) -> LineMagic:
    def dirs(_rest: str) -> list[str]:
        """The folders that %pushd remembered, the newest first."""
        return _list(kernel, _STACK)[::-1]

    return dirs


def _dhist(kernel: Kernel) -> LineMagic:
    def dhist(_rest: str) -> None:
        """The folders that one was in, with the numbers for `%cd -N`."""
        for number, folder in enumerate(_list(kernel, _BEEN) or [_here()]):
            print(f"{number}: {folder}")

    return dhist


# ------------------------------------------------------------ the environment


def _env(rest: str) -> object:
    """Variables of the environment, which commands and other processes get too.

    %env                 all; what looks like a secret is not shown
    %env NAME            the value of one
    %env NAME=VALUE      set it, also `%env NAME VALUE`
    """
    if not rest:
        return {name: "<hidden>" if _SECRET.search(name) else value for name, value in os.environ.items()}
    if "=" not in rest and not rest.split(None, 1)[1:]:
        if rest not in os.environ:
            raise BadWords("%env", f"the environment has no {rest!r}; %env {rest}=VALUE sets it")
        return os.environ[rest]
    _set_env(rest)
    return None


def _set_env(rest: str) -> None:
    """Set a variable of the environment: `%set_env NAME=VALUE` or `%set_env NAME VALUE`."""
    name, found, value = rest.partition("=") if "=" in rest else _split(rest)
    name, value = name.strip(), value.strip()
    if not found or not name:
        raise BadWords("%set_env", "it goes %set_env NAME=VALUE")
    if any(char.isspace() for char in name):
        raise BadWords("%env", f"{name!r} has a blank in it; is it %env NAME=VALUE that you mean?")
    os.environ[name] = value
    print(f"env: {name}={value}")


def _split(rest: str) -> tuple[str, str, str]:
    name, _, value = rest.partition(" ")
    return name, value and " ", value
