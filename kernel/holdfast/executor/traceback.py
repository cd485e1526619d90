"""An exception as the traceback a notebook shows: a list of strings with ANSI colours.

Never raises, whatever the exception does, and never shows a frame of the kernel's own.

What an exception says of itself is read through the getters of the built-in classes: a property named
`__cause__`, a lying `__class__` or a metaclass then cannot stand in the way. Rejected: the standard
library's TracebackException for the whole of it (it reads the source of every frame and walks chains
before anything can be folded: seconds for a deep recursion); it is used for "Did you mean" alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from holdfast.executor.carets import characters, point, window
from holdfast.executor.frames import BOLD_RED, RED, RESET, Sources, blocks, place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from holdfast.executor.frames import Style

__all__ = ["Report", "report"]

_WIDTH = 75  # of the rule and of the title, as notebook users know them
_LONGEST_MESSAGE = 100_000
_LONGEST_REPORT = 1_000_000  # of messages, in all
_LEAST_MESSAGE = 200
_LONGEST_NAME = 200
_MOST_NOTES = 100
_LONGEST_CHAIN = 30
_LONGEST_SUGGESTED = 10
_MOST_EXCEPTIONS = 200  # in all, over chains and groups
_GROUP_WIDTH, _GROUP_DEPTH = 15, 10  # the standard library's limits

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n"

_FIELDS = vars(BaseException)
_exact: Callable[[str], str] = str.__str__
_name_of: Callable[[type], str] = vars(type)["__name__"].__get__
_traceback_of: Callable[[BaseException], TracebackType | None] = _FIELDS["__traceback__"].__get__
_cause_of: Callable[[BaseException], BaseException | None] = _FIELDS["__cause__"].__get__
_context_of: Callable[[BaseException], BaseException | None] = _FIELDS["__context__"].__get__
_suppressed: Callable[[BaseException], bool] = _FIELDS["__suppress_context__"].__get__
_GROUP_FIELDS = vars(BaseExceptionGroup)
_members: Callable[[BaseException], tuple[BaseException, ...]] = _GROUP_FIELDS["exceptions"].__get__


class Report(msgspec.Struct, frozen=True):
    """What an error reply says: protocol 5.4, "error" and the error form of execute_reply.

    `ename` is the bare name of the class, `evalue` is `str(exc)`, `traceback` a list of strings to be
    joined by newlines. Every string can be encoded as UTF-8.
    """

    ename: str
    evalue: str
    traceback: list[str]


_UNREADABLE = Report("Exception", "", ["Exception", "[the exception could not be read]"])


def report(exc: BaseException, labels: Mapping[str, str], hidden: tuple[str, ...], mode: str = "Context") -> Report:
    """Describe `exc`. Never raises; what fails on the way is said in a note.

    `labels` maps a cell's file name to what it is called, such as "Cell In[3]"; frames whose file name
    starts with one of `hidden` and has no label are left out. `mode` is one of `%xmode`.
    """
    try:
        return _Writer(labels, hidden, mode).report(exc)
    except BaseException as failure:
        return _plain(exc, failure)


def _plain(exc: BaseException, failure: BaseException) -> Report:
    """Return the report of last resort: no frames, and a note on why."""
    try:
        name, value = _ename(exc), _printable(_shortened(_text(exc), _LONGEST_MESSAGE))
        note = f"[the traceback could not be shown: {_ename(failure)} while it was read]"
        return Report(name, value, [_final(name, value), note])
    except BaseException:  # the user may have set a recursion limit that leaves no room for a call
        return _UNREADABLE


def _ename(exc: BaseException) -> str:
    return _printable(_shortened(_exact(_name_of(type(exc))), _LONGEST_NAME))


def _text(value: object, what: str = "exception", function: Callable[[object], str] = str) -> str:
    """Return str() or repr() of a value of the user's, or the standard library's words where it raises."""
    try:
        return _exact(function(value))
    except BaseException:  # an interrupt too: what loops here is the user's __str__
        return f"<{what} {function.__name__}() failed>"


def _printable(text: str) -> str:
    """Return `text` with lone surrogates escaped: they cannot be sent as UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[... {len(text) - most} more characters not shown ...]"


def _final(name: str, value: str) -> str:
    return f"{RED}{name}{RESET}: {value}" if value else f"{RED}{name}{RESET}"


class _Writer:
    """One report in the making: what it has seen, and how much it may still say."""

    __slots__ = ("_exceptions_left", "_hidden", "_labels", "_mode", "_room", "_seen", "_sources", "_style")

    def __init__(self, labels: Mapping[str, str], hidden: tuple[str, ...], mode: str) -> None:
        self._style: Style | None = None
        self._mode = mode
        if mode in ("Plain", "Verbose"):
            from holdfast.executor.styles import plain_block, verbose_block

            self._style = plain_block if mode == "Plain" else verbose_block
        self._labels = labels
        self._hidden = hidden
        self._sources = Sources()
        self._seen: set[int] = set()
        self._room = _LONGEST_REPORT
        self._exceptions_left = _MOST_EXCEPTIONS

    def report(self, exc: BaseException) -> Report:
        parts = self._chain(exc, depth=0) if self._mode != "Minimal" else [self._last(exc, suggest=True)]
        if len(parts) > 1 and self._mode != "Plain":  # a syntax error of the cell itself is one part and has no rule
            parts.insert(0, f"{RED}{'-' * _WIDTH}{RESET}")
        evalue = _printable(_shortened(_text(exc), _LONGEST_MESSAGE))
        return Report(_ename(exc), evalue, [_printable(part).replace("\0", "\\x00") for part in parts])

    def _chain(self, exc: BaseException, depth: int) -> list[str]:
        """Return the parts for `exc` and what led to it, oldest first."""
        chain, older = self._lineage(exc)
        parts = [f"[... {older} earlier exceptions not shown ...]\n"] if older else []
        suggest = len(chain) <= _LONGEST_SUGGESTED and not older
        for index, (member, _) in reversed(list(enumerate(chain))):
            self._exceptions_left -= 1
            parts += self._one(member, depth, suggest)
            if index:
                parts.append(chain[index - 1][1])
        return parts

    def _lineage(self, exc: BaseException) -> tuple[list[tuple[BaseException, str]], int]:
        """Return, newest first, each exception with the sentence said before it; and how many are cut."""
        chain: list[tuple[BaseException, str]] = []
        older = 0
        member: BaseException | None = exc
        while member is not None:
            self._seen.add(id(member))
            cause, context = _cause_of(member), _context_of(member)
            following, sentence = None, ""
            if cause is not None and id(cause) not in self._seen:
                following, sentence = cause, _CAUSE
            elif context is not None and not _suppressed(member) and id(context) not in self._seen:
                following, sentence = context, _CONTEXT
            if len(chain) < _LONGEST_CHAIN:
                chain.append((member, sentence))
            else:
                older += 1
            member = following
        return chain, older

    def _one(self, exc: BaseException, depth: int, suggest: bool) -> list[str]:
        """Return the title, the frames and the last lines of one exception."""
        kind = type(exc)
        failed = issubclass(kind, ImportError)
        try:
            first = _traceback_of(exc)
            frames = blocks(first, self._labels, self._hidden, self._sources, import_failed=failed, style=self._style)
        except Exception as failure:
            frames = [f"[the frames could not be shown: {_ename(failure)} while they were read]\n"]
        name = _ename(exc)
        last = self._last(exc, suggest)
        if issubclass(kind, BaseExceptionGroup):
            last += "\n" + "\n".join(self._branches(exc, depth + 1))
        # No frames: compiling the cell failed (its place is in the message), or it is a part of a group.
        if not frames and (depth or issubclass(kind, SyntaxError)):
            return [last]
        title = "Traceback (most recent call last)"
        if self._mode == "Plain":
            return [f"{title}:\n", *frames, last]
        gap = max(_WIDTH - len(name) - len(title), 1)
        return [f"{RED}{name}{RESET}{' ' * gap}{title}", *frames, last]

    def _last(self, exc: BaseException, suggest: bool) -> str:
        """Return what an exception says, and its notes."""
        return "\n".join([self._message(exc, _ename(exc), suggest), *self._notes(exc)])

    def _message(self, exc: BaseException, name: str, suggest: bool) -> str:
        text = _text(exc)
        if issubclass(type(exc), SyntaxError):
            try:
                return self._syntax(exc, name)
            except Exception:  # its fields can be set to anything
                return _final(name, self._fitted(text))
        if suggest:
            text = _suggested(exc, text)
        return _final(name, self._fitted(text))

    def _fitted(self, text: str) -> str:
        """Return `text`, shortened to what this message and the whole report may still hold."""
        text = _shortened(text, max(min(_LONGEST_MESSAGE, self._room), _LEAST_MESSAGE))
        self._room -= len(text)
        return text

    def _notes(self, exc: BaseException) -> list[str]:
        """Return the notes of PEP 678, treated as the standard library treats them."""
        try:
            notes = getattr(exc, "__notes__", None)
            if notes is None:
                return []
            if not isinstance(notes, (list, tuple)):
                return [self._fitted(_text(notes, "__notes__", repr))]
            found = [self._fitted(_text(note, "note")) for note in notes[:_MOST_NOTES]]
            if len(notes) > _MOST_NOTES:
                found.append(f"[... {len(notes) - _MOST_NOTES} more notes not shown ...]")
        except BaseException as failure:
            return [f"Ignored error getting __notes__: {self._fitted(_text(failure, '__notes__', repr))}"]
        return found

    def _branches(self, group: BaseException, depth: int) -> list[str]:
        """Return the lines of the tree under a group; each level stands inside its parent's margin."""
        if depth > _GROUP_DEPTH:
            return [f"... (max_group_depth is {_GROUP_DEPTH})"]
        lines: list[str] = []
        members = _members(group)
        for index, member in enumerate(members):
            full = index >= _GROUP_WIDTH or self._exceptions_left <= 0
            corner = "    +" if index else "  +-+"
            lines.append(f"{corner}---------------- {'...' if full else index + 1} ----------------")
            if full:
                left = len(members) - index
                lines.append(f"    | and {left} more exception{'s' if left > 1 else ''}")
                break
            text = "\n".join(self._chain(member, depth))
            lines += [("    | " + line).rstrip() for line in text.split("\n")]
        lines.append("    +------------------------------------")
        return lines

    def _syntax(self, exc: BaseException, name: str) -> str:
        """Return where the error is, its line with a caret, and the message."""
        filename, line, text = (_syntax_field(exc, field) for field in ("filename", "lineno", "text"))
        message = _syntax_field(exc, "msg")
        final = _final(name, self._fitted("<no detail available>" if message is None else _text(message)))
        if not isinstance(line, int):
            return f"{final} ({_text(filename)})" if filename is not None else final
        filename = _exact(filename) if isinstance(filename, str) and filename else "<string>"
        rows = ["  " + place(filename, line, self._labels)]
        in_bytes = False
        if not isinstance(text, str):
            # Errors found after parsing come without text where no such file exists, and count bytes.
            lines = self._sources.lines(filename)
            text = lines[line - 1] if 0 < line <= len(lines) else ""
            in_bytes = True
        rows += _pointed(exc, _exact(text).split("\n", 1)[0].rstrip(), line, in_bytes)
        return "\n".join([*rows, final])


def _pointed(exc: BaseException, text: str, line: int, in_bytes: bool) -> list[str]:
    """Return the line at fault without its indentation, and the marks under it where columns are known."""
    indent = len(text) - len(text.lstrip(" \t\f"))
    start, end = _syntax_field(exc, "offset"), _syntax_field(exc, "end_offset")
    if not text[indent:]:
        return []
    if not isinstance(start, int) or start < 1:
        return ["    " + window(text[indent:], 0, 0)[0]]
    if _syntax_field(exc, "end_lineno") not in (None, line):
        end = len(text) + 1
    elif not isinstance(end, int) or end <= start:
        end = start + 1
    elif in_bytes:
        end = characters(text, end - 1) + 1
    if in_bytes:
        start = characters(text, start - 1) + 1
    shown, first, last = window(text[indent:], max(start - 1 - indent, 0), max(end - 1 - indent, 0))
    return ["    " + shown, f"    {BOLD_RED}{point(shown, first, last)}{RESET}"]


def _syntax_field(exc: BaseException, field: str) -> object:
    return vars(SyntaxError)[field].__get__(exc)


def _suggested(exc: BaseException, text: str) -> str:
    """Return the message with "Did you mean", computed as the standard library does."""
    if not issubclass(type(exc), (NameError, AttributeError, ImportError)):
        return text
    import traceback as standard

    try:
        last = _traceback_of(exc)
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        # Only the last frame counts; limit=0 keeps it from reading any source.
        found = standard.TracebackException(type(exc), exc, last, limit=0, lookup_lines=False, compact=True)
        return _exact(str(found))
    except Exception:
        return text
