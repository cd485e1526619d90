"""The inputs of this session and of earlier ones, for `history_request`.

Must never open a database or start a thread (peers pay 0.8 ms of CPU a cell for that), and must stay cheap to
import: the kernel appends to it from its first cell. Appends come from one thread, requests from others.

Sessions are numbered from 1, oldest first, and this one has the last number, in every reply. Rejected:
IPython's two numberings, in which `tail` says session 1 and `range` answers 0 for the same cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OUTPUT_LIMIT = 100_000  # characters of one output kept; a reply of whole outputs would be of no use


class Entry:
    """One cell: its execution count, its source as sent, and the text of its result (None for none)."""

    __slots__ = ("count", "output", "raw")

    def __init__(self, count: int, raw: str, output: str | None = None) -> None:
        self.count = count
        self.raw = raw
        self.output = None if output is None else output[:_OUTPUT_LIMIT]


class History:
    """The record that answers `history_request`; `earlier` holds the past sessions, oldest first."""

    def __init__(self, earlier: Sequence[Sequence[Entry]] = ()) -> None:
        self._earlier = earlier
        self._entries: list[Entry] = []
        self._by_count: dict[int, Entry] = {}

    @property
    def session(self) -> int:
        """The number of this session."""
        return len(self._earlier) + 1

    def append(self, count: int, raw: str, output: str | None = None) -> None:
        """Note a cell that was run with `store_history`."""
        entry = Entry(count, raw, output)
        self._by_count[count] = entry
        self._entries.append(entry)

    def set_output(self, count: int, output: str | None) -> None:
        """Note the result of a cell that was appended; of one that was not (store_history off) nothing."""
        entry = self._by_count.get(count)
        if entry is not None:
            entry.output = None if output is None else output[:_OUTPUT_LIMIT]

    def request(
        self,
        hist_access_type: str,
        output: bool = False,
        raw: bool = True,
        session: int = 0,
        start: int | None = 1,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> list[list[object]]:
        """The `history` of a `history_reply`, oldest first (protocol 5.5, "History").

        Each item is [session, line number, input], or [session, line number, [input, output]] with `output`.
        `raw` makes no difference: inputs are kept as they were sent. Raises ValueError for an access type
        that is none of `tail`, `range` and `search`.
        """
        if hist_access_type == "tail":
            found = self._last(self._all(), 10 if n is None else n)
        elif hist_access_type == "range":
            found = self._range(session or 0, start, stop)
        elif hist_access_type == "search":
            found = self._search("*" if pattern is None else pattern, n, unique=unique)
        else:
            raise ValueError(f"hist_access_type {hist_access_type!r} is not known: use 'tail', 'range' or 'search'")
        return [[number, entry.count, [entry.raw, entry.output] if output else entry.raw] for number, entry in found]

    def _all(self) -> list[tuple[int, Entry]]:
        sessions = [*self._earlier, list(self._entries)]
        return [(number, entry) for number, entries in enumerate(sessions, 1) for entry in entries]

    @staticmethod
    def _last(found: list[tuple[int, Entry]], n: int) -> list[tuple[int, Entry]]:
        return found[-n:] if n > 0 else []

    def _range(self, session: int, start: int | None, stop: int | None) -> list[tuple[int, Entry]]:
        """Lines `start` to `stop` (not included) of one session; both may count from its end."""
        number = session if session > 0 else self.session + session
        if not 1 <= number <= self.session:
            return []
        entries: Iterable[Entry]
        entries = list(self._entries) if number == self.session else self._earlier[number - 1]
        end = max((entry.count for entry in entries), default=0) + 1
        first = _from_end(0 if start is None else start, end)
        last = end if stop is None else _from_end(stop, end)
        return [(number, entry) for entry in entries if first <= entry.count < last]

    def _search(self, pattern: str, n: int | None, *, unique: bool) -> list[tuple[int, Entry]]:
        """Inputs that match a glob pattern as a whole; with `unique` the newest of equal ones; the last n."""
        from fnmatch import fnmatchcase

        found: list[tuple[int, Entry]] = []
        seen: set[str] = set()
        for number, entry in reversed(self._all()):
            if n is not None and len(found) >= n:
                break
            if (unique and entry.raw in seen) or not fnmatchcase(entry.raw, pattern):
                continue
            seen.add(entry.raw)
            found.append((number, entry))
        return found[::-1]


def _from_end(line: int, end: int) -> int:
    return line if line >= 0 else end + line
