"""Which frames of a stopped thread a person sees."""

from __future__ import annotations

import pytest

from holdfast.debug.stack import page, visible


def frames(*paths: str) -> list[dict[str, object]]:
    """One frame per path, newest first."""
    return [{"id": n, "source": {"path": path}} for n, path in enumerate(paths)]


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (["/cells/1", "/kernel/runner", "/lib/asyncio"], [0]),
        (["/cells/1", "/cells/2", "/kernel/runner"], [0, 1]),
        (["/user/m", "/cells/1", "/kernel/runner"], [0, 1]),
        (["/user/m", "/kernel/x", "/cells/1", "/kernel/runner"], [0, 2]),
        (["/user/m", "/lib/threading"], [0, 1]),
        (["/kernel/loop", "/lib/asyncio"], [1]),
        ([], []),
    ],
)
def test_the_kernel_and_what_called_it_are_cut_off(paths: list[str], shown: list[int]) -> None:
    """Up to the oldest cell; a stack without a cell keeps all but the kernel's frames."""
    found = visible(frames(*paths), lambda path: path.startswith("/cells/"), lambda path: path.startswith("/kernel/"))
    assert [frame["id"] for frame in found] == shown


def test_a_frame_without_a_source_is_the_users() -> None:
    """Code from a string has none."""
    assert visible([{"id": 1}, {"id": 2, "source": None}], bool, bool) == [{"id": 1}, {"id": 2, "source": None}]


@pytest.mark.parametrize(
    ("start", "levels", "shown"),
    [(None, None, [0, 1, 2]), (0, 0, [0, 1, 2]), (1, 1, [1]), (1, 0, [1, 2]), (5, 2, []), (-1, 2, [0, 1])],
)
def test_a_page_of_it(start: object, levels: object, shown: list[int]) -> None:
    """As `startFrame` and `levels` ask."""
    assert [frame["id"] for frame in page(frames("a", "b", "c"), start, levels)] == shown
