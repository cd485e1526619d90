"""What threads are to stop at, and that an interrupt takes it away for a while only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from holdfast.debug.breakpoints import Breakpoints

LINES = {"source": {"path": "/cells/1.py"}, "breakpoints": [{"line": 2, "condition": "n > 3"}]}
FILTERS = {"filters": ["raised"]}


class Book:
    """Breakpoints, and the requests that they send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, object]]] = []
        self.success = True
        self.breakpoints = Breakpoints(self._send)

    def _send(self, command: str, arguments: Mapping[str, object]) -> asyncio.Future[dict[str, object]]:
        self.sent.append((command, arguments))
        answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        answer.set_result({"success": self.success})
        return answer


def test_those_that_were_set_are_listed() -> None:
    """Until an empty list is set; those that were refused never are."""

    async def scene() -> None:
        book = Book()
        await book.breakpoints.set_lines(LINES)
        assert book.breakpoints.listed() == [{"source": "/cells/1.py", "breakpoints": LINES["breakpoints"]}]
        await book.breakpoints.set_lines({**LINES, "breakpoints": []})
        assert book.breakpoints.listed() == []
        book.success = False
        await book.breakpoints.set_lines(LINES)
        assert book.breakpoints.listed() == []

    asyncio.run(scene())


def test_they_are_taken_away_and_come_back() -> None:
    """As the frontend sent them, once."""

    async def scene() -> None:
        book = Book()
        await book.breakpoints.set_lines(LINES)
        await book.breakpoints.set_other("setExceptionBreakpoints", FILTERS)
        book.sent.clear()
        book.breakpoints.suspend()
        assert book.sent == [
            ("setBreakpoints", {**LINES, "breakpoints": []}),
            ("setExceptionBreakpoints", {"filters": []}),
        ]
        book.sent.clear()
        book.breakpoints.resume()
        book.breakpoints.resume()
        assert book.sent == [("setBreakpoints", LINES), ("setExceptionBreakpoints", FILTERS)]
        assert len(book.breakpoints.listed()) == 1

    asyncio.run(scene())


def test_the_end_of_a_session_forgets_them() -> None:
    """Nothing comes back afterwards."""

    async def scene() -> None:
        book = Book()
        await book.breakpoints.set_lines(LINES)
        book.breakpoints.suspend()
        book.breakpoints.clear()
        book.sent.clear()
        book.breakpoints.resume()
        assert (book.sent, book.breakpoints.listed()) == ([], [])

    asyncio.run(scene())
