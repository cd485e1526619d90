"""A kernel that kills itself at a named point, and one that tells what it restored before its first cell.

Run as a program, in the place of `python -m holdfast`: CRASH_POINT is `POINT NTH` (SIGKILL at the NTH time that
the kernel passes it), CRASH_REPORT the file for what was restored, CRASH_FOREIGN a folder that is to look like
another user's.  They are this program's own: the kernel reads none, it only has functions handed in.

It must never change what the kernel does before it dies, and never touch the namespace that it describes.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast.app.opening import WAY_OUT
from holdfast.app.session import DurableSession
from holdfast.durable import folder
from holdfast.durable.store.points import Point

TESTS = str(Path(__file__).parents[1])


def _killer(point: str, nth: int) -> Callable[[Point], None]:
    seen = itertools.count(1)

    def crash(here: Point) -> None:
        if here.name == point and next(seen) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


def arm(point: str, nth: int) -> None:
    """Hand the function that kills to every session that is opened."""
    real, crash = folder.open_session, _killer(point, nth)

    def open_session(*given: Any, **more: Any) -> folder.Session:
        return real(*given, **more, crash=crash)

    folder.__dict__["open_session"] = open_session


def tell(file: str) -> None:
    """Write down every restore: the count, the namespace as comparable lines, what was lost or said."""
    real = DurableSession.open

    def open_and_tell(session: DurableSession) -> int:
        try:
            count = real(session)
        except BaseException:
            # What goes to stderr from here on is for a cell: nobody would see why the kernel ended.
            Path(f"{file}.failed").write_text(traceback.format_exc())
            raise
        sys.path.insert(0, TESTS)
        from helpers.durable import described

        sys.path.remove(TESTS)
        gc.collect()
        restored, banner = session.restored, session._banner
        report = {
            "count": count,
            "lines": described(session._namespace),
            "lost": restored.lost if restored else [],
            "said": [*banner._warnings, *(note for note in banner._notices if note != WAY_OUT)],
        }
        Path(f"{file}.new").write_text(json.dumps(report))
        os.replace(f"{file}.new", file)
        return count

    setattr(DurableSession, "open", open_and_tell)


def estrange(path: str) -> None:
    """Make a folder look like another user's, for tests that may not give it away."""
    real = os.stat

    def stat(which: Any, **more: Any) -> os.stat_result:
        found = real(which, **more)
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:])) if which == path else found

    os.__dict__["stat"] = stat


def main() -> None:
    """See the module."""
    point, _, nth = os.environ.pop("CRASH_POINT", "").partition(" ")
    report = os.environ.pop("CRASH_REPORT", "")
    foreign = os.environ.pop("CRASH_FOREIGN", "")
    if point:
        arm(Point[point].name, int(nth))
    if report:
        tell(report)
    if foreign:
        estrange(foreign)
    from holdfast.app.launch import main

    main()


if __name__ == "__main__":
    main()
