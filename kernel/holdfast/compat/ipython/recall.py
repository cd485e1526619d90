"""History as libraries read it through the shell: `history_manager`.

It must never keep anything: the kernel's history answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.parts import Part

__all__ = ["HistoryManager"]

#: (session, cell, input), or (session, cell, (input, output)).
type Found = tuple[int, int, Any]

_RANGE = re.compile(r"(?:(~?\d+)/)?(\d+)?(?:-(?:~?\d+/)?(\d+)?)?")


class HistoryManager(Part):
    """`get_ipython().history_manager`."""

    path = "history_manager"
    enabled = True

    @property
    def session_number(self) -> int:
        """That of this session; earlier ones have lower numbers."""
        found = self._request("tail", n=1)
        return int(found[-1][0]) if found else 1

    @property
    def input_hist_raw(self) -> list[str]:
        """The cells of this session as they were sent, by number."""
        return [str(text) for text in current.kernel().namespace.get("In", [""])]

    @property
    def input_hist_parsed(self) -> list[str]:
        """The same: what they mean in Python is not kept."""
        return self.input_hist_raw

    @property
    def output_hist(self) -> Any:
        """The values of this session's cells, by number."""
        return current.kernel().namespace.get("Out", {})

    def get_tail(
        self, n: int | None = 10, raw: bool = True, output: bool = False, include_latest: bool = False
    ) -> Iterator[Found]:
        """The last `n` cells, oldest first; the running one only with `include_latest`."""
        wanted = 10 if n is None else n
        found = self._request("tail", n=wanted + 1, output=output)
        latest = current.edges().execution_count()
        if not include_latest and found and found[-1][1] == latest and found[-1][0] == self.session_number:
            found = found[:-1]
        return iter(_tuples(found[-wanted:] if wanted > 0 else []))

    def get_range(
        self, session: int = 0, start: int = 1, stop: int | None = None, raw: bool = True, output: bool = False
    ) -> Iterator[Found]:
        """Cells `start` to `stop` (not included) of a session: 0 this one, -1 the one before."""
        return iter(_tuples(self._request("range", session=session, start=start, stop=stop, output=output)))

    def get_range_by_str(self, rangestr: str, raw: bool = True, output: bool = False) -> Iterator[Found]:
        """Cells by words such as `1-5 8 ~1/3`; without any, all of this session."""
        for word in rangestr.split() or ["1-"]:
            match = _RANGE.fullmatch(word)
            if match is None:
                raise ValueError(f"{word!r} is no range of cells: write 4, 2-6 or ~1/3-8")
            session = -int(match[1][1:]) if match[1] and match[1].startswith("~") else int(match[1] or 0)
            start = int(match[2] or 1)
            stop = int(match[3]) + 1 if match[3] else (None if "-" in word or not match[2] else start + 1)
            yield from self.get_range(session, start, stop, raw, output)

    def search(
        self,
        pattern: str = "*",
        raw: bool = True,
        search_raw: bool = True,
        output: bool = False,
        n: int | None = None,
        unique: bool = False,
    ) -> Iterator[Found]:
        """Cells that match a glob pattern as a whole, oldest first."""
        return iter(_tuples(self._request("search", pattern=pattern, output=output, n=n, unique=unique)))

    def get_last_session_id(self) -> int | None:
        """The number of the session before this one; None if there is none."""
        return self.session_number - 1 or None

    def writeout_cache(self, conn: object = None) -> None:
        """Nothing: what is to be kept is stored with each cell."""

    @staticmethod
    def _request(
        kind: str,
        *,
        output: bool = False,
        session: int = 0,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> list[Any]:
        return current.kernel().history.request(kind, output, True, session, start, stop, n, pattern, unique)


def _tuples(found: list[Any]) -> list[Found]:
    return [
        (session, count, tuple(entry) if isinstance(entry, (list, tuple)) else entry) for session, count, entry in found
    ]
