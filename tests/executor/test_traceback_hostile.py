"""Exceptions that fight whoever looks at them still get a report."""

from __future__ import annotations

import inspect
import linecache
import sys
import types
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tracebacks import CELL, HIDDEN, LABELS, failure, plain, shown
from holdfast.executor.traceback import report

if TYPE_CHECKING:
    pass


class Meta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no name")

    def __getattribute__(cls, name: str) -> object:
        raise RuntimeError("no class attributes")


def hostile() -> dict[str, BaseException]:
    """Return exceptions that fight whoever looks at them, by what they do."""

    class Failing(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no str")

        __repr__ = __str__

    class Interrupting(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    class NotText(Exception):
        def __str__(self) -> str:
            return 5  # type: ignore[return-value]  # noqa: PLE0307 - the point of it

    class Attributes(Exception):
        def __getattribute__(self, name: str) -> object:
            raise SystemExit(name)

        def __bool__(self) -> bool:
            raise RuntimeError

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    class Properties(Exception):
        __cause__ = __context__ = __traceback__ = property(lambda self: 1 / 0)
        __suppress_context__ = property(lambda self: 1 / 0)
        __notes__ = property(lambda self: 1 / 0)
        __class__ = property(lambda self: int)

    class Text(str):
        __slots__ = ()

        def __len__(self) -> int:
            raise RuntimeError

        encode = isascii = __len__  # type: ignore[assignment]

    class Subclassed(Exception):
        def __str__(self) -> str:
            return Text("subclassed")

    class Suggesting(AttributeError):
        name = property(lambda self: 1 / 0)

    class Group(ExceptionGroup[Exception]):
        exceptions = property(lambda self: 1 / 0)

    class Broken(SyntaxError):
        msg = lineno = property(lambda self: 1 / 0)

    noted = ValueError("noted")
    vars(noted)["__notes__"] = [Failing(), Text("a")]
    return {
        "Failing": Failing(),
        "Interrupting": Interrupting(),
        "NotText": NotText(),
        "Attributes": Attributes("kept"),
        "Properties": Properties("kept"),
        "Meta": Meta("Meta", (Exception,), {})("kept"),
        "Subclassed": Subclassed(),
        "Suggesting": Suggesting("kept"),
        "Group": Group("kept", [ValueError("inside")]),
        "Broken": Broken("kept", ("<f>", 3, 1, "text", 3, 2)),
        "ValueError": noted,
    }


@pytest.mark.parametrize("name", sorted(hostile()))
def test_hostile_exceptions_are_reported(name: str) -> None:
    """The class, and the message where there is one, get through whatever the exception does."""
    exc = hostile()[name]
    found = report(exc, {}, ())
    assert found.ename == name
    assert "could not be shown" not in plain(found)
    expected = {
        "Failing": "<exception str() failed>",
        "Interrupting": "<exception str() failed>",
        "NotText": "<exception str() failed>",
        "Subclassed": "subclassed",
        "Group": "inside",
        "ValueError": "noted\n<note str() failed>",
    }.get(name, "kept")
    assert expected in plain(found)


def test_hostile_exceptions_keep_their_frames() -> None:
    """A property that hides the traceback does not hide the frames."""
    source = (
        "class E(Exception):\n    __traceback__ = __cause__ = property(lambda self: 1/0)\n\n"
        "def f():\n    raise E('x')\nf()"
    )
    assert "Cell In[3], line 5, in f()" in shown(source)


def test_a_failure_in_the_middle_falls_back_to_a_plain_report() -> None:
    """Where the report itself fails, the class, the message and a note remain."""

    class Labels(dict[str, str]):
        def __contains__(self, key: object) -> bool:
            raise KeyboardInterrupt

    found = report(failure("1/0"), Labels(), ())
    assert (found.ename, found.evalue) == ("ZeroDivisionError", "division by zero")
    assert plain(found) == (
        "ZeroDivisionError: division by zero\n[the traceback could not be shown: KeyboardInterrupt while it was read]"
    )


def test_a_recursion_limit_that_leaves_no_room() -> None:
    """With next to no stack left the report says less, and still comes."""
    exc = failure("1/0")
    limit = sys.getrecursionlimit()
    depth = len(inspect.stack(0))
    names = []
    for spare in (3, 6, 9, 12, 20, 40):
        sys.setrecursionlimit(depth + spare)
        try:
            names.append(report(exc, LABELS, HIDDEN).ename)
        finally:
            sys.setrecursionlimit(limit)
    assert set(names[:-2]) <= {"Exception", "ZeroDivisionError"}
    assert names[-2:] == ["ZeroDivisionError"] * 2


def test_not_an_exception_at_all() -> None:
    """Even something that is no exception gives a report."""
    found = report(5, {}, ())  # type: ignore[arg-type]
    assert (found.ename, found.evalue) == ("int", "5")


@settings(max_examples=150, deadline=None)
@given(
    lineno=st.integers(-(2**31), 2**31 - 1),
    lasti=st.integers(-(2**31), 2**31 - 1),
    depth=st.integers(1, 4),
)
def test_tracebacks_made_by_hand(lineno: int, lasti: int, depth: int) -> None:
    """A traceback with made-up positions gives a report with frames."""
    exc = failure("def f():\n    return 1 / 0\nf()")
    assert exc.__traceback__ is not None
    frame = exc.__traceback__.tb_frame
    built: types.TracebackType | None = None
    for _ in range(depth):
        built = types.TracebackType(built, frame, lasti, lineno)
    found = report(exc.with_traceback(built), LABELS, ())
    assert "could not be shown" not in plain(found)
    assert found.ename == "ZeroDivisionError"


links = st.sampled_from(["__cause__", "__context__"])
words = st.text(st.characters(exclude_categories=[]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(
    messages=st.lists(words, min_size=1, max_size=6),
    edges=st.lists(st.tuples(st.integers(0, 5), links, st.integers(0, 5)), max_size=12),
    notes=st.lists(words, max_size=3),
    grouped=st.booleans(),
)
def test_any_graph_of_exceptions_is_reported(
    messages: list[str], edges: list[tuple[int, str, int]], notes: list[str], grouped: bool
) -> None:
    """Whatever points to whatever, the report ends, can be sent, and names the exception asked for."""
    excs: list[Exception] = [ValueError(message) for message in messages]
    if grouped:
        excs.append(ExceptionGroup("group", excs))
    for source, link, target in edges:
        setattr(excs[source % len(excs)], link, excs[target % len(excs)])
    for note in notes:
        excs[-1].add_note(note)
    found = report(excs[-1], LABELS, ())
    assert found.ename == type(excs[-1]).__name__
    assert "could not be shown" not in plain(found)
    for text in (found.ename, found.evalue, *found.traceback):
        assert text.encode().decode() == text


@settings(max_examples=100, deadline=None)
@given(source=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_line_of_source_can_be_shown(source: str) -> None:
    """A frame whose file now holds any text at all gives a report with frames."""
    exc = failure("def f(x):\n    return x['日本'] + {}[x] / (1)\nf({'日本': 1})")
    linecache.cache[CELL] = (1, None, [source + "\n"] * 3, CELL)
    text = plain(report(exc, LABELS, HIDDEN))
    assert "could not be shown" not in text
    assert "Cell In[3], line 2, in f(x)" in text
