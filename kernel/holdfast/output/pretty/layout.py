"""The layout engine: text, gaps that may become line breaks, and groups of gaps that break together.

It must never look at the objects being shown: which text stands for an object is decided by the printers.

The method is Oppen's, in the streaming form that Ruby's `prettyprint` made known: text is written at once
until the first gap, and held back from then on; as soon as the line is too wide, the outermost group that has
a gap held back is broken, with all its gaps. Rejected designs:

* A document tree that is laid out afterwards (Wadler). Nicer, and used for plain containers (`plain.py`),
  but `_repr_pretty_` methods in libraries are written for a stream, and break at other places in a tree.
* Correcting which group leaves the queue (`_outermost`). In the layout that notebooks hold, a dict whose key
  is a tuple and whose value has a long first line breaks inside the key; a tidier rule would make a notebook
  that is run again differ from its saved output.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Group", "Layout", "Writer"]


class Writer(Protocol):
    """Something that text can be written to, as `io.StringIO`."""

    def write(self, text: str, /) -> object:
        """Take `text`."""


class Group:
    """Gaps that break together: its depth, how many of its gaps are held back, whether it is broken."""

    __slots__ = ("broken", "depth", "pending")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.pending = 0
        self.broken = False


class _Gap:
    """A place where the line may break: what stands there if not, and the indentation if so."""

    __slots__ = ("group", "indentation", "sep")

    def __init__(self, sep: str, indentation: int, group: Group) -> None:
        self.sep = sep
        self.indentation = indentation
        self.group = group


class Layout:
    """What a printer and a `_repr_pretty_(p, cycle)` method get as `p`.

    Attributes that libraries read: `max_width` and `indentation` (columns), `max_seq_length` (items; 0 is no
    bound), `stack` (the ids of the objects being shown, outermost first), `verbose`, `newline`, `output`.
    Widths are counted in characters.
    """

    def __init__(
        self,
        output: Writer | None = None,
        verbose: bool = False,
        max_width: int = 79,
        newline: str = "\n",
        max_seq_length: int = 1000,
    ) -> None:
        self.output: Writer = StringIO() if output is None else output
        self.verbose = verbose
        self.max_width = max_width
        self.newline = newline
        self.max_seq_length = max_seq_length
        self.indentation = 0
        self.output_width = 0
        self.buffer_width = 0
        self.buffer: deque[str | _Gap] = deque()
        self.stack: list[int] = []
        root = Group(0)
        self.group_stack: list[Group] = [root]
        #: The groups that could still be broken, by depth, oldest first.
        self.levels: list[list[Group]] = [[root]]

    def pretty(self, obj: object) -> None:
        """Lay out `obj`; what prints objects is added by `PrettyPrinter`."""
        raise NotImplementedError(f"{type(self).__name__} lays out text only; use PrettyPrinter for objects")

    def text(self, text: str) -> None:
        """Add literal text; it is never broken."""
        if self.buffer:
            self.buffer.append(text)
            self.buffer_width += len(text)
            if self.output_width + self.buffer_width > self.max_width:
                self._relieve()
        else:
            self.output.write(text)
            self.output_width += len(text)

    def breakable(self, sep: str = " ") -> None:
        """Add a gap: `sep`, or a new line when the innermost open group is broken."""
        group = self.group_stack[-1]
        if group.broken:
            self.flush()
            self._new_line(self.indentation)
            return
        self.buffer.append(_Gap(sep, self.indentation, group))
        group.pending += 1
        self.buffer_width += len(sep)
        if self.output_width + self.buffer_width > self.max_width:
            self._relieve()

    def break_(self) -> None:
        """Start a new line here, whatever the width; the outermost group with gaps held back breaks too."""
        group = self._outermost()
        if group is not None:
            self._break(group)
        self.flush()
        self._new_line(self.indentation)

    def begin_group(self, indent: int = 0, open: str = "") -> None:
        """Open a group after the text `open`; lines inside it are indented by `indent` more columns."""
        if open:
            self.text(open)
        depth = self.group_stack[-1].depth + 1
        group = Group(depth)
        self.group_stack.append(group)
        while len(self.levels) <= depth:
            self.levels.append([])
        self.levels[depth].append(group)
        self.indentation += indent

    def end_group(self, dedent: int = 0, close: str = "") -> None:
        """Close the innermost group, take back `dedent` columns, and add the text `close`."""
        self.indentation -= dedent
        group = self.group_stack.pop()
        if not group.pending:
            self._forget(group)
        if close:
            self.text(close)

    @contextmanager
    def group(self, indent: int = 0, open: str = "", close: str = "") -> Iterator[None]:
        """A group around the body of a `with` statement."""
        self.begin_group(indent, open)
        try:
            yield
        finally:
            self.end_group(indent, close)

    @contextmanager
    def indent(self, indent: int) -> Iterator[None]:
        """Indent the lines that start inside the body of a `with` statement by `indent` more columns."""
        self.indentation += indent
        try:
            yield
        finally:
            self.indentation -= indent

    def limited[T](self, items: Iterable[T]) -> Iterator[tuple[int, T]]:
        """Number `items` from 0; after `max_seq_length` of them write `, ...` and stop."""
        for index, item in enumerate(items):
            if self.max_seq_length and index >= self.max_seq_length:
                self.text(",")
                self.breakable()
                self.text("...")
                return
            yield index, item

    #: The name that `_repr_pretty_` methods written for the well-known printer call.
    _enumerate = limited

    def flush(self) -> None:
        """Write everything that is held back."""
        while self.buffer:
            self._put(self.buffer.popleft())

    def _new_line(self, indentation: int) -> None:
        self.output.write(self.newline + " " * indentation)
        self.output_width = indentation

    def _put(self, token: str | _Gap) -> None:
        """Write one token that was held back."""
        if not isinstance(token, _Gap):
            self.buffer_width -= len(token)
            self.output.write(token)
            self.output_width += len(token)
            return
        group = token.group
        group.pending -= 1
        self.buffer_width -= len(token.sep)
        if group.broken:
            self._new_line(token.indentation)
            return
        if not group.pending:
            self._forget(group)
        self.output.write(token.sep)
        self.output_width += len(token.sep)

    def _relieve(self) -> None:
        """Break groups, outermost first, until what is held back fits or nothing is left to break."""
        while self.output_width + self.buffer_width > self.max_width:
            group = self._outermost()
            if group is None:
                return
            self._break(group)

    def _break(self, group: Group) -> None:
        """Write what is held back up to the last gap of `group`, and the text after it."""
        buffer = self.buffer
        while group.pending:
            self._put(buffer.popleft())
        while buffer and not isinstance(buffer[0], _Gap):
            self._put(buffer.popleft())

    def _outermost(self) -> Group | None:
        """Break, and return, the newest group with gaps held back on the outermost level that has one.

        Groups without gaps on the levels above it are marked as well: they lie on a line that is too wide.
        """
        for level in self.levels:
            for behind in range(len(level)):
                group = level[-1 - behind]
                if group.pending:
                    # Not `group` but its mirror image leaves the queue; see the module docstring.
                    del level[behind]
                    group.broken = True
                    return group
            for group in level:
                group.broken = True
            level.clear()
        return None

    def _forget(self, group: Group) -> None:
        try:
            self.levels[group.depth].remove(group)
        except ValueError:
            pass
