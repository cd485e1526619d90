"""The layout engine: where lines break."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holdfast.output.pretty import Layout, PrettyPrinter


def laid_out(write: Callable[[PrettyPrinter], object], max_width: int = 20) -> str:
    """What `write` puts on a printer of that width."""
    p = PrettyPrinter(max_width=max_width)
    write(p)
    p.flush()
    return str(p.output.getvalue())  # type: ignore[attr-defined]


def words(p: Layout, *texts: str, sep: str = " ") -> None:
    """Texts with gaps between them."""
    for index, text in enumerate(texts):
        if index:
            p.breakable(sep)
        p.text(text)


def one_group(p: Layout) -> None:
    """Three words in brackets."""
    with p.group(1, "[", "]"):
        words(p, "aaaa", "bbbb", "cccc")


def two_groups(p: Layout) -> None:
    """Brackets within brackets."""
    with p.group(1, "[", "]"):
        words(p, "aaaa")
        p.breakable()
        with p.group(1, "(", ")"):
            words(p, "bbbb", "cccc")


def forced(p: Layout) -> None:
    """A forced break between two words that would fit."""
    with p.group(2, "[", "]"):
        words(p, "a", "b")
        p.break_()
        p.text("c")


def indented(p: Layout) -> None:
    """A line indented by a `with` statement."""
    p.text("head")
    with p.indent(4):
        p.break_()
        p.text("body")
    p.break_()
    p.text("tail")


def by_hand(p: Layout) -> None:
    """A group opened and closed by its two methods."""
    p.begin_group(3, "f( ")
    words(p, "aaaaaaaa", "bbbbbbbb")
    p.end_group(3, " )")


def no_sep(p: Layout) -> None:
    """Gaps that leave nothing behind when they do not break."""
    with p.group():
        words(p, "aa", "bb", sep="")


@pytest.mark.parametrize(
    ("write", "max_width", "expected"),
    [
        (one_group, 16, "[aaaa bbbb cccc]"),
        (one_group, 15, "[aaaa\n bbbb\n cccc]"),
        (two_groups, 18, "[aaaa (bbbb cccc)]"),
        (two_groups, 17, "[aaaa\n (bbbb cccc)]"),
        (two_groups, 12, "[aaaa\n (bbbb\n  cccc)]"),
        (forced, 79, "[a\n  b\n  c]"),
        (indented, 79, "head\n    body\ntail"),
        (by_hand, 30, "f( aaaaaaaa bbbbbbbb )"),
        (by_hand, 20, "f( aaaaaaaa\n   bbbbbbbb )"),
        (no_sep, 4, "aabb"),
        (no_sep, 3, "aa\nbb"),
    ],
)
def test_groups_break_from_the_outside(write: Callable[[PrettyPrinter], object], max_width: int, expected: str) -> None:
    """A group breaks at all its gaps when it does not fit, the outermost first."""
    assert laid_out(write, max_width) == expected


def test_text_without_gaps_is_never_broken() -> None:
    """Text wider than the line stays whole."""
    assert laid_out(lambda p: p.text("x" * 50), 10) == "x" * 50


def test_limited_ends_with_dots() -> None:
    """After `max_seq_length` items come dots, and no more items are taken."""
    items = iter(range(10))
    p = PrettyPrinter(max_seq_length=2)
    for index, item in p.limited(items):
        words(p, f"{index}:{item};")
    p.flush()
    assert (p.output.getvalue(), next(items)) == ("0:0;1:1;, ...", 3)  # type: ignore[attr-defined]


def test_the_newline_can_be_chosen() -> None:
    """A printer made with another newline breaks its lines with that."""
    p = PrettyPrinter(max_width=5, newline="\r\n")
    one_group(p)
    p.flush()
    assert p.output.getvalue() == "[aaaa\r\n bbbb\r\n cccc]"  # type: ignore[attr-defined]


def test_any_writer_will_do() -> None:
    """The output is anything that has a `write` method."""

    class Lines:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def write(self, text: str, /) -> None:
            self.seen.append(text)

    out = Lines()
    p = PrettyPrinter(out)
    p.pretty([1, 2])
    p.flush()
    assert "".join(out.seen) == "[1, 2]"


def test_a_bare_layout_shows_no_objects() -> None:
    """The engine alone says which class shows objects."""
    with pytest.raises(NotImplementedError, match="use PrettyPrinter for objects"):
        Layout().pretty(1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_width", 79),
        ("max_seq_length", 1000),
        ("verbose", False),
        ("newline", "\n"),
        ("indentation", 0),
        ("stack", []),
    ],
)
def test_libraries_find_the_attributes_they_read(name: str, value: object) -> None:
    """The attributes that `_repr_pretty_` methods read are there, with the usual defaults."""
    assert getattr(PrettyPrinter(), name) == value
