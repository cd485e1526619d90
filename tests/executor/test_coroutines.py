"""Coroutines that cells never await: which are found, how they are named, and that nothing holds them."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
import weakref
from typing import TYPE_CHECKING

import pytest

from holdfast.executor.coroutines import CoroutineWatch, Unawaited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

CELL = "/tmp/holdfast_0/cell_{}.py"
DEFINE = "import asyncio\nasync def f(n=0):\n    return n\n"


class Session:
    """A namespace, its cells and the watch over them."""

    def __init__(self) -> None:
        self.namespace: dict[str, object] = {"__name__": "__main__"}
        self.watch = CoroutineWatch(lambda filename: filename.startswith("/tmp/holdfast_0/"))
        self.count = 0

    def compiled(self, source: str) -> CodeType:
        self.count += 1
        return compile(source, CELL.format(self.count), "exec")

    def run(self, source: str) -> list[Unawaited]:
        code = self.compiled(source)
        exec(code, self.namespace)
        return self.watch.after_cell(code.co_names, self.namespace)


@pytest.fixture
def session() -> Iterator[Session]:
    """A session with f() defined, whose left-over coroutines are closed at the end."""
    session = Session()
    session.run(DEFINE)
    session.watch.start()
    yield session
    session.watch.close_all()
    session.watch.stop()


def held(name: str, qualname: str = "f", line: int = 2, cell: int = 1) -> Unawaited:
    return Unawaited(name, qualname, line, CELL.format(cell), collected=False)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("c = f()", ["c"]),
        ("a = f()\nb = f()", ["a", "b"]),
        ("cs = [f(1), 5, f(2)]", ["cs[0]", "cs[2]"]),
        ("cs = (f(),)", ["cs[0]"]),
        ("cs = {'k': f(), 3: f(), (): f()}", ["cs['k']", "cs[3]", "cs[…]"]),
        ("cs = [[f()]]\nfor row in cs: row[0].close()", []),
        ("c = f()\nc.close()", []),
        ("c = 5", []),
        ("c = f()\nasyncio.run(c)", []),
        ("c = d = f()", ["c"]),
    ],
)
def test_what_a_cell_leaves_in_its_names(session: Session, source: str, names: list[str]) -> None:
    """Coroutines bound by a cell, or one level inside what it binds, are named; others are not."""
    assert session.run(source) == [held(name) for name in names]


def test_library_coroutines_count(session: Session) -> None:
    """`x = asyncio.sleep(1)`, the commonest forgotten await, is found."""
    (found,) = session.run("x = asyncio.sleep(0)")
    assert (found.name, found.qualname) == ("x", "sleep")


def test_each_is_told_once(session: Session) -> None:
    """A coroutine already told of is not told of again, and stays pending."""
    assert session.run("c = f()") == [held("c")]
    assert session.run("c") == []
    assert session.run("d = c") == []
    assert session.watch.pending() == [held("c")]


def test_names_the_cell_does_not_mention_are_not_looked_at() -> None:
    """The work does not grow with the namespace: only the names given are read."""

    class Counting(dict[str, object]):
        reads = 0

        def get(self, key: object, default: object = None) -> object:
            Counting.reads += 1
            return super().get(str(key), default)

        def __iter__(self) -> Iterator[str]:
            raise AssertionError("the namespace is scanned")

        items = values = keys = __iter__  # type: ignore[assignment]

    namespace = Counting({f"n{i}": i for i in range(1000)})
    assert CoroutineWatch().after_cell(["n1", "n2", "n1", "absent"], namespace) == []
    assert Counting.reads == 3


def test_only_the_first_hundred_items_are_looked_at(session: Session) -> None:
    """A long list costs no more than a hundred looks."""
    assert session.run("cs = [0] * 99 + [f(), f()]") == [held("cs[99]")]
    session.run("cs[100].close()")


def test_what_has_begun_is_not_unawaited(session: Session) -> None:
    """A coroutine that is suspended, running or finished has been awaited."""
    source = "import types\n@types.coroutine\ndef step(): yield\nasync def g(): await step()\nc = g()\nc.send(None)\n"
    assert session.run(source) == []
    session.run("c.close()")


def test_a_task_about_to_begin_is_not_unawaited(session: Session) -> None:
    """`asyncio.create_task(c)` will run c, although no step of the loop has passed yet."""

    async def cell() -> list[Unawaited]:
        return session.run("c = f()\nt = asyncio.create_task(c)\nlost = f()")

    assert asyncio.run(cell()) == [held("lost")]
    assert session.watch.pending() == [held("lost")]


def test_the_live_tasks_can_be_given() -> None:
    """A caller outside the loop says which coroutines are about to run."""

    async def f() -> None: ...

    mine, other = f(), f()
    watch = CoroutineWatch(scheduled=lambda: [mine])
    found = watch.after_cell(["a", "b"], {"a": mine, "b": other})
    assert [unawaited.name for unawaited in found] == ["b"]
    mine.close()
    assert watch.close_all() == 1


def test_one_awaited_later_is_no_longer_pending(session: Session) -> None:
    """What a later cell awaits is forgotten."""
    session.run("c = f(7)")
    session.run("r = asyncio.run(c)")
    assert session.namespace["r"] == 7
    assert session.watch.pending() == []
    assert session.watch.close_all() == 0


def test_nothing_is_kept_alive(session: Session) -> None:
    """A coroutine is held by the user's names alone."""
    session.run("c = f()")
    alive = weakref.ref(session.namespace["c"])
    session.run("c.close()\ndel c")
    gc.collect()
    assert alive() is None
    assert session.watch.pending() == []


def test_close_all_closes_and_counts(session: Session) -> None:
    """At the end of a session those never begun are closed, without Python's warning, and counted."""
    session.run("cs = [f(), f(), f()]\ncs[1].close()")
    assert session.watch.close_all() == 2
    assert session.watch.close_all() == 0
    session.run("del cs")
    gc.collect()


def test_a_forgotten_await_is_blamed_on_its_line(session: Session) -> None:
    """A call whose coroutine is dropped at once is told with the cell and line of the call."""
    with pytest.warns(RuntimeWarning, match="coroutine 'f' was never awaited") as caught:
        found = session.run("x = 1\nf()\n")
    assert found == [Unawaited("", "f", 2, CELL.format(2), collected=True)]
    assert [(warning.filename, warning.lineno) for warning in caught] == [(CELL.format(2), 2)]


def test_one_dropped_inside_a_library_is_blamed_on_the_cell(session: Session) -> None:
    """The line is that of the innermost frame of a cell."""
    with pytest.warns(RuntimeWarning, match="never awaited"):
        found = session.run("x = 1\nlist(map(lambda n: None, [f()]))\nimport copy\n")
    assert [(unawaited.line, unawaited.filename) for unawaited in found] == [(2, CELL.format(2))]


def test_one_collected_elsewhere_is_blamed_on_its_function(session: Session) -> None:
    """Where no cell is on the stack, the function of the coroutine gives cell and line."""
    session.run("box = [f()]\nbox[0]")
    box = session.namespace["box"]
    assert isinstance(box, list)
    with pytest.warns(RuntimeWarning, match="never awaited"):
        box.clear()
    assert session.run("") == [Unawaited("", "f", 2, CELL.format(1), collected=True)]


def test_coroutines_of_libraries_dropped_by_libraries_are_not_told(session: Session) -> None:
    """What no cell has to do with is left to Python's own warning."""

    async def outside() -> None: ...

    with pytest.warns(RuntimeWarning, match="never awaited"):
        [outside()].clear()
    assert session.run("") == []


def test_collection_in_a_thread_is_noted(session: Session) -> None:
    """A coroutine dropped by a thread that a cell's function runs in is told after the cell."""
    source = "import threading\ndef work():\n    f()\nt = threading.Thread(target=work)\nt.start()\nt.join()"
    with pytest.warns(RuntimeWarning, match="never awaited"):
        found = session.run(source)
    assert found == [Unawaited("", "f", 3, CELL.format(2), collected=True)]


def test_the_filters_of_the_user_hold(session: Session) -> None:
    """A filter that ignores the warning does so, and the cell is told all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = session.run("f()")
    assert [unawaited.collected for unawaited in found] == [True]


def test_the_origin_is_used_where_the_user_tracks_it(session: Session) -> None:
    """With origin tracking on, the line is that where the coroutine was made; it is left as it was."""
    before = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(1)
    try:
        assert session.run("\n\nc = f()") == [held("c", line=3, cell=2)]
        assert sys.get_coroutine_origin_tracking_depth() == 1
        with pytest.warns(RuntimeWarning, match="Coroutine created at"):
            session.run("f()")
    finally:
        sys.set_coroutine_origin_tracking_depth(before)


def test_stop_gives_the_hook_back() -> None:
    """After stop() the interpreter calls what it called before, even if start() was called twice."""
    before = vars(warnings)["_warn_unawaited_coroutine"]
    watch = CoroutineWatch()
    watch.start()
    watch.start()
    assert vars(warnings)["_warn_unawaited_coroutine"] is not before
    watch.stop()
    watch.stop()
    assert vars(warnings)["_warn_unawaited_coroutine"] is before


def test_a_flood_of_dropped_coroutines_is_bounded(session: Session) -> None:
    """Of many thousands dropped in one cell the newest thousand are told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(session.run("for i in range(5000): f()")) == 1000
