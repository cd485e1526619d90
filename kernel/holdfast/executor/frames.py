"""The frames of a traceback as blocks of text: which are shown, which are folded, and their source.

Never evaluates or prints a value of the user's, and never reads a line it can find in linecache: the
work grows with what is shown, not with the size of a file nor (but for one walk) with the depth.

Rejected: tokenizing or highlighting the source (time grows with the file, a second and more for a
deep recursion in a big module); formatting every frame and folding the text (50,000 frames are
50,000 look-ups of source to throw away); folding only a frame that repeats itself, as the standard
library does (two functions that call each other then fill the screen).
"""

from __future__ import annotations

import linecache
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING

from holdfast.executor.carets import characters, clipped, underline, window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, TracebackType

    type Style = Callable[[TracebackType, Mapping[str, str], Sources], str]

__all__ = ["Sources", "block", "blocks", "clipped", "place"]

BLUE, CYAN, GREEN, RED = "\x1b[34m", "\x1b[36m", "\x1b[32m", "\x1b[31m"
BOLD_GREEN, BOLD_RED, RESET = "\x1b[1;32m", "\x1b[1;31m", "\x1b[0m"

_CONTEXT = 2  # lines shown on either side
_LONGEST_PERIOD = 10  # of functions calling one another in turn
_LEAST_FOLDED = 3
_MOST_SHOWN = 100  # frames of one exception
_LONGEST_NAME = 300
_MOST_ARGUMENTS = 20
_LARGEST_FILE = 64 << 20
# co_positions() can only be walked from the start, at 0.1 us an instruction.
_FARTHEST_INSTRUCTION = 20_000

_SHOWN, _HIDDEN, _IMPORTLIB, _STANDARD = 0, 1, 2, 3
_STANDARD_FOLDER = os.path.dirname(os.__file__) + os.sep
#: Between a cell and its debugger's prompt.
_DEBUGGER = frozenset(_STANDARD_FOLDER + name for name in ("bdb.py", "cmd.py", "pdb.py"))
_PACKAGES = tuple(_STANDARD_FOLDER + name for name in ("site-packages", "dist-packages"))
_OPTIMIZED, _VARARGS, _VARKEYWORDS = 0x01, 0x04, 0x08  # co_flags, see the module inspect


class Sources:
    """The source lines of files, for one report: each file is checked for changes at most once."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def lines(self, filename: str, module: dict[str, object] | None = None) -> list[str]:
        """Return the lines of `filename`, [] where they cannot be had. `module`: the frame's globals."""
        found = self._lines.get(filename)
        if found is None:
            try:
                found = self._read(filename, module)
            except Exception:
                found = []  # a loader of the user's that fails must not cost the traceback
            self._lines[filename] = found
        return found

    @staticmethod
    def _read(filename: str, module: dict[str, object] | None) -> list[str]:
        if filename not in linecache.cache:
            try:
                status = os.stat(filename)
            except OSError:
                pass  # in a zip archive, say: the module's loader may have it
            else:
                # A name given to compile() may be that of a device, which would never end.
                if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_FILE:
                    return []
        elif len(linecache.cache[filename]) > 1:
            linecache.checkcache(filename)
        if module is not None:
            linecache.lazycache(filename, module)
        return linecache.getlines(filename)


def blocks(
    first: TracebackType | None,
    labels: Mapping[str, str],
    hidden: tuple[str, ...],
    sources: Sources,
    *,
    import_failed: bool,
    style: Style | None = None,
) -> list[str]:
    """Return one string per shown frame, oldest first, each ending in a newline, as `style` writes it.

    `import_failed` says that the exception is an ImportError, whose frames in the import machinery
    Python drops even where they are the last.
    """
    shown: list[TracebackType | str] = _folded(_visible(first, labels, hidden, import_failed))
    if len(shown) > _MOST_SHOWN:
        half = _MOST_SHOWN // 2
        left_out = sum(not isinstance(item, str) for item in shown[half:-half])
        shown[half:-half] = [f"[... {left_out} frames not shown ...]\n"]
    return [item if isinstance(item, str) else _shown(item, labels, sources, style or block) for item in shown]


def place(filename: str, line: int | None, labels: Mapping[str, str]) -> str:
    """Return `Cell In[3], line 2` or `File ~/proj/x.py:12`, coloured."""
    number = "?" if line is None else str(line)
    label = labels.get(filename)
    if label is not None:
        return f"{CYAN}{label}{RESET}, {GREEN}line {number}{RESET}"
    home = _home()
    if len(home) > 1 and filename.startswith(home + os.sep):
        filename = "~" + filename[len(home) :]
    return f"{CYAN}File {clipped(filename, _LONGEST_NAME)}{RESET}:{GREEN}{number}{RESET}"


def _visible(
    first: TracebackType | None, labels: Mapping[str, str], hidden: tuple[str, ...], import_failed: bool
) -> list[TracebackType]:
    # By identity: hashing a code object hashes its constants. The traceback keeps them all alive.
    verdicts: dict[int, int] = {}
    kept: list[TracebackType] = []
    machinery: list[int] = []
    ours = False
    item = first
    while item is not None:
        code = item.tb_frame.f_code
        verdict = verdicts.get(id(code))
        if verdict is None:
            verdict = verdicts[id(code)] = _verdict(code.co_filename, labels, hidden)
        # What hidden code calls of the standard library (to wait for an answer, say) is a detail of ours; other
        # packages below it are shown: where a representation of theirs fails is what the user wants to know.
        ours = verdict == _HIDDEN or (ours and verdict == _STANDARD)
        if not ours:
            if verdict == _IMPORTLIB:
                machinery.append(len(kept))
            kept.append(item)
        item = item.tb_next
    return _without_imports(kept, machinery, import_failed) if machinery else kept


def _verdict(filename: str, labels: Mapping[str, str], hidden: tuple[str, ...]) -> int:
    if filename in labels:
        return _SHOWN
    if filename.startswith(hidden) or filename in _DEBUGGER:
        return _HIDDEN
    if filename.startswith("<frozen importlib._bootstrap"):
        return _IMPORTLIB
    is_standard = filename.startswith(_STANDARD_FOLDER) and not filename.startswith(_PACKAGES)
    return _STANDARD if is_standard else _SHOWN


def _without_imports(kept: list[TracebackType], machinery: list[int], import_failed: bool) -> list[TracebackType]:
    """Drop the runs of importlib frames that Python itself drops from an `import` statement.

    See remove_importlib_frames in CPython's import.c; `importlib.import_module` does not pass there.
    """
    dropped: set[int] = set()
    start = 0
    for position, index in enumerate(machinery):
        if position + 1 == len(machinery) or machinery[position + 1] != index + 1:
            name = kept[index].tb_frame.f_code.co_name
            if import_failed or name == "_call_with_frames_removed":
                dropped.update(machinery[start : position + 1])
            start = position + 1
    return [item for index, item in enumerate(kept) if index not in dropped]


def _folded(items: list[TracebackType]) -> list[TracebackType | str]:
    """Replace the middle of each recursion by one line; its first and last turn stay."""
    numbers: dict[tuple[int, int | None], int] = {}
    keys = [numbers.setdefault((id(item.tb_frame.f_code), item.tb_lineno), len(numbers)) for item in items]
    if len(numbers) == len(items):
        return list(items)
    result: list[TracebackType | str] = []
    index = 0
    while index < len(keys):
        period, length = _repetition(keys, index)
        if not period:
            result.append(items[index])
            index += 1
            continue
        result += items[index : index + period]
        result.append(f"[... {length - 2 * period} similar frames ...]\n")
        result += items[index + length - period : index + length]
        index += length
    return result


def _repetition(keys: list[int], start: int) -> tuple[int, int]:
    """Return the period and the length of the recursion that begins at `start`, (0, 0) if none does."""
    key, count = keys[start], len(keys)
    for period in range(1, _LONGEST_PERIOD + 1):
        end = start + period
        if end >= count:
            break
        if keys[end] != key:
            continue
        while end < count and keys[end] == keys[end - period]:
            end += 1
        if end - start - 2 * period >= max(_LEAST_FOLDED, period):
            return period, end - start
    return 0, 0


def _home() -> str:
    try:
        return os.path.expanduser("~")
    except Exception:  # the user may have put anything into os.environ
        return ""


def _shown(item: TracebackType, labels: Mapping[str, str], sources: Sources, style: Style) -> str:
    try:
        return style(item, labels, sources)
    except Exception:  # one odd frame must not cost the others
        return place(item.tb_frame.f_code.co_filename, _line_number(item), labels) + "\n"


def block(item: TracebackType, labels: Mapping[str, str], sources: Sources, function: str | None = None) -> str:
    """Return where a frame is, in which `function`, and the lines around its own."""
    code = item.tb_frame.f_code
    line = _line_number(item)
    header = place(code.co_filename, line, labels) + (_function(code) if function is None else function)
    if line is None:
        return header + "\n"
    lines = sources.lines(code.co_filename, item.tb_frame.f_globals)
    if not 0 < line <= len(lines):
        return header + "\n"
    first, last = max(line - _CONTEXT, 1), min(line + _CONTEXT, len(lines))
    while first < line and not lines[first - 1].strip():
        first += 1
    while last > line and not lines[last - 1].strip():
        last -= 1
    rows = [header]
    for number in range(first, last + 1):
        text = lines[number - 1].rstrip()
        if number == line:
            rows += _arrow(item, number, text)
        else:
            rows.append(f"{GREEN}{number:>7}{RESET} {window(text, 0, 0)[0]}".rstrip())
    return "\n".join(rows) + "\n"


def _line_number(item: TracebackType) -> int | None:
    return item.tb_lineno  # None at run time for code without line numbers, whatever the stubs say


def _arrow(item: TracebackType, number: int, text: str) -> list[str]:
    digits = str(number)
    pointer = f"{BOLD_GREEN}{'-' * max(5 - len(digits), 0) + '> ':>2}{digits}{RESET} "
    start, end, complete = _columns(item, number, text)
    text, start, end = window(text, start, end)
    marks = underline(text, start, end, complete=complete)
    if not marks:
        return [pointer + text]
    coloured = f"{text[:start]}{BOLD_RED}{text[start:end]}{RESET}{text[end:]}"
    return [pointer + coloured, f"{' ' * (max(7, len(digits) + 2) + 1)}{BOLD_RED}{marks}{RESET}"]


def _columns(item: TracebackType, number: int, text: str) -> tuple[int, int, bool]:
    """Return where the failing expression lies in `text`, in characters, and whether it ends there."""
    instruction = item.tb_lasti // 2
    if not 0 <= instruction <= _FARTHEST_INSTRUCTION:
        return 0, 0, True
    position = next(islice(item.tb_frame.f_code.co_positions(), instruction, None), None)
    if position is None:
        return 0, 0, True
    line, end_line, column, end_column = position
    # Template engines give tracebacks other line numbers than their code has.
    if line != number or end_line is None or column is None or end_column is None:
        return 0, 0, True
    start = characters(text, column)
    return (start, characters(text, end_column), True) if end_line == line else (start, len(text), False)


def _function(code: CodeType) -> str:
    """Return `, in f(x, *args)`, or "" for the body of a module or cell."""
    if code.co_name == "<module>":
        return ""
    name = f", in {BLUE}{clipped(code.co_qualname, _LONGEST_NAME)}{RESET}"
    if not code.co_flags & _OPTIMIZED:
        return name  # the body of a class
    count = code.co_argcount
    names = list(code.co_varnames[:count])
    after = count + code.co_kwonlyargcount
    keywords = list(code.co_varnames[count:after])
    if code.co_flags & _VARARGS:
        names.append("*" + code.co_varnames[after])
        after += 1
    names += keywords
    if code.co_flags & _VARKEYWORDS:
        names.append("**" + code.co_varnames[after])
    names = [name for name in names if not name.startswith(".")]  # the hidden one of a generator expression
    if len(names) > _MOST_ARGUMENTS:
        names[_MOST_ARGUMENTS:] = ["…"]
    return f"{name}({clipped(', '.join(names), _LONGEST_NAME)})"
