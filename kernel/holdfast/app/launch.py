"""`python -m holdfast -f FILE`: from the command line to a running kernel.

It must never print a traceback for a mistake of the launcher's: one line on stderr, exit code 2.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from holdfast.app.version import VERSION
from holdfast.errors import ConnectionFileError, HoldfastError
from holdfast.wire.connection import ConnectionInfo, filled, parse

_USAGE = "usage: python -m holdfast -f CONNECTION_FILE"


def main() -> NoReturn:
    """Run the kernel that `sys.argv` describes, then end the process."""
    try:
        path = _path(sys.argv[1:])
        status = _serve(path)
    except HoldfastError as error:
        print(f"holdfast: {error}", file=sys.stderr)
        status = 2
    except Exception:
        import traceback

        # A bug of ours: sys.stderr may be the cells' by now, and nobody would ever read it there.
        _log(traceback.format_exc())
        status = 1
    if sys.stderr is not None:
        sys.stderr.flush()
    # Threads of the user's may still run (a pool, a server): like a person closing the window, we do not wait.
    os._exit(status)


def _path(arguments: list[str]) -> str:
    """The connection file; --help and --version are answered here."""
    if arguments in (["-h"], ["--help"]):
        _say(f"{_USAGE}\nThe commands for people are those of `holdfast`: holdfast --help")
    if arguments == ["--version"]:
        _say(VERSION)
    if len(arguments) == 2 and arguments[0] in ("-f", "--connection-file"):
        return arguments[1]
    for prefix in ("-f=", "--f=", "--connection-file="):
        if len(arguments) == 1 and arguments[0].startswith(prefix):
            return arguments[0].removeprefix(prefix)
    given = " ".join(arguments) or "nothing"
    raise HoldfastError(f"cannot start a kernel from {given!r}; {_USAGE}")


def _say(text: str) -> NoReturn:
    print(text)
    sys.stdout.flush()
    os._exit(0)


def _read(path: str) -> tuple[ConnectionInfo, dict[str, object]]:
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        raise ConnectionFileError(path, error.strerror or str(error)) from None
    return parse(raw, path)


def _serve(path: str) -> int:
    info, whole = _read(path)
    # A launcher may have closed 0, 1 and 2: no socket of ours must get one of these numbers.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    # Fifteen collections of our own modules would find nothing, and so would every later one of the user's.
    gc.disable()
    # After the file is read: a launcher's mistake costs no imports.
    from holdfast.app.settings import read
    from holdfast.app.wiring import Kernel

    settings = read(os.environ)
    _log_descriptor()  # now, while descriptor 2 is the launcher's: a later one would show our log below a cell
    kernel = Kernel(info, settings, os.urandom(16).hex(), _log, path)
    ports = kernel.bind()
    if not info.complete:
        _write(path, filled(whole, ports))
    kernel.state.connection = parse(filled(whole, ports), path)[0]
    _make_scriptlike()
    gc.freeze()
    gc.enable()
    kernel.run()
    return 0


def _write(path: str, data: bytes) -> None:
    """Replace the file in one step, readable by its owner only: it holds the key."""
    beside = f"{path}.{os.getpid()}"
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError as error:
        raise ConnectionFileError(path, f"the chosen ports cannot be written to it ({error.strerror})") from None


def _make_scriptlike() -> None:
    """Let the user's code see what it would see in `python` itself.

    `-P` kept the working folder off `sys.path` while we were imported (a user's `random.py` must not end us);
    now it goes first, where the user's imports look for it.
    """
    sys.path.insert(0, "")
    sys.argv = [""]
    # `!pip` and `!python` are to be those of this environment, though nobody has activated it.
    programs, path = os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)
    if sys.prefix != sys.base_prefix and programs not in path.split(os.pathsep):
        os.environ["PATH"] = programs + os.pathsep + path
    # How libraries ask whether somebody sits at a prompt.
    sys.ps1, sys.ps2 = "In : ", "...: "


def _log(text: str) -> None:
    """A line of the kernel's log, to the launcher's stderr: descriptor 2 itself is captured later."""
    try:
        os.write(_log_descriptor(), f"[holdfast] {text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def _log_descriptor() -> int:
    global _stderr
    if _stderr < 0:
        _stderr = os.dup(2)
    return _stderr


_stderr = -1
