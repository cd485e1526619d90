"""What a percent sign can go on with."""

from __future__ import annotations

import pytest

from holdfast.magics.completion import complete

LINES = ["late", "time", "timeit"]
CELLS = ["bash", "time"]


def _texts(code: str) -> list[tuple[str, int]]:
    found = complete(LINES, CELLS, lambda name: ["one", "other"] if name == "late" else [], code, len(code))
    assert all(kind == "magic" for _text, _start, kind in found)
    return [(text, start) for text, start, _kind in found]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("%", [("%late", 0), ("%time", 0), ("%timeit", 0), ("%%bash", 0), ("%%time", 0)]),
        ("%ti", [("%time", 0), ("%timeit", 0), ("%%time", 0)]),
        ("%%", [("%%bash", 0), ("%%time", 0)]),
        ("%%ti", [("%%time", 0)]),
        ("\n# why\n%%ti", [("%%time", 7)]),
        ("%%time\n%%ba", [("%%bash", 7)]),
        ("x = 1\n%%ti", []),
        ("x = 1\n  %la", [("%late", 8)]),
        ("x = %la", [("%late", 4)]),
        ("x = %%ti", []),
        ("?%ti", [("%time", 1), ("%timeit", 1), ("%%time", 1)]),
        ("%late o", [("one", 6), ("other", 6)]),
        ("x = %late on", [("one", 10)]),
        ("%late ", [("one", 6), ("other", 6)]),
        ("%late one x", []),
        ("%late 1", []),
        ("%time o", []),
        ("%nothing o", []),
        ("x %la", []),
        ("x = 5 %la", []),
        ("", []),
    ],
)
def test_magics_are_completed(code: str, found: list[tuple[str, int]]) -> None:
    """Names where a magic can stand, cell magics at the top only, and the words that a magic lists itself."""
    assert _texts(code) == found
