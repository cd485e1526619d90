"""What cannot be pickled costs itself only, and says so where it is touched."""
# ruff: noqa: E501 (tables of programs read better one a line)

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator

import pytest

from helpers.streams import restore, run, save
from holdfast.durable.pickling.lost import LostValue, LostValueError


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.mark.parametrize(
    ("code", "path", "kind"),
    [
        ("g = (i for i in [])", "g", "generator"),
        ("x = {'a': [1, (i for i in [])]}", "x['a'][1]", "generator"),
        ("class C: pass\nx = {'a': C()}; x['a'].conn = (i for i in [])", "x['a'].conn", "generator"),
        ("class C:\n    __slots__ = 's'\nx = C(); x.s = (i for i in [])", "x.s", "generator"),
        ("class C:\n    def __reduce__(self): raise RuntimeError('no')\nx = [C()]", "x[0]", "C"),
        ("class C:\n    def __reduce__(self): return 3\nx = [C()]", "x[0]", "C"),
        ("class C(dict):\n    def items(self): raise RuntimeError('no')\nx = [C(a=1)]", "x[0]", "C"),
        ("x = []\nfor _ in range(100_000): x = [x]\ny = 3", "x", "list"),
    ],
)  # fmt: skip
def test_the_part_is_named_and_the_rest_is_there(code: str, path: str, kind: str) -> None:
    """The path leads to what was lost; every other variable is kept."""
    saved = save(run(code + "\nbeside = [1, 2]"))
    assert [(one.path, one.kind) for one in saved.lost] == [(path, kind)]
    restored = restore(saved)
    assert restored["beside"] == [1, 2]
    assert "x" not in path or restored["x"] is not None


def test_a_reduce_runs_once_for_each_object() -> None:
    """Finding the culprit among thousands calls nobody's `__reduce__` a second time."""
    code = (
        "calls = []\nclass C:\n    def __init__(self, i): self.i = i\n    def __reduce__(self):\n"
        "        calls.append(self.i)\n        if self.i % 10 == 0: raise ValueError(self.i)\n        return C, (self.i,)\n"
        "x = [C(i) for i in range(500)]"
    )
    namespace = run(code)
    saved = save(namespace)
    assert namespace["calls"] == list(range(500))
    assert len(saved.lost) == 50
    assert saved.lost[1].path == "x[10]"


def test_a_placeholder_survives_the_next_dump() -> None:
    """A value lost once is still named after another round."""
    again = save(restore(save(run("g = (i for i in [])"))))
    assert [(one.path, one.kind) for one in again.lost] == [("g", "generator")]
    assert isinstance(restore(again)["g"], LostValue)


TOUCHES: list[Callable[[LostValue], object]] = [
    bool, len, iter, int, lambda x: x(), lambda x: x[0], lambda x: x.rows, lambda x: x + 1, lambda x: 1 + x,
    lambda x: 1 in x, lambda x: x.__setitem__(0, 1), lambda x: setattr(x, "a", 1), lambda x: x < 1,
]  # fmt: skip


@pytest.mark.parametrize("touch", TOUCHES)
def test_touching_a_placeholder_tells_what_was_lost(touch: Callable[[LostValue], object]) -> None:
    """Any use raises an error with name, kind, reason and cell."""
    with pytest.raises(LostValueError) as caught:
        touch(LostValue("conn", "socket", "its other end is gone", 7))
    for word in ("conn", "socket", "its other end is gone", "cell 7"):
        assert word in str(caught.value)


def test_a_placeholder_is_safe_to_show_copy_and_pickle() -> None:
    """Displays, copies and pickles work."""
    lost = LostValue("conn", "socket", "gone", 7)
    assert "conn" in repr(lost)
    assert copy.deepcopy([lost])[0] is lost
    assert repr(pickle.loads(pickle.dumps(lost))) == repr(lost)
    assert not hasattr(lost, "_repr_html_")


def test_a_class_that_is_gone_costs_its_instances_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library without the class it had leaves placeholders, not a failed load."""
    import types

    library = types.ModuleType("library_for_test")
    exec("class Gone:\n    def __init__(self): self.a = [1]", library.__dict__)
    monkeypatch.setitem(sys.modules, "library_for_test", library)
    saved = save(run("import library_for_test as lib\nx = [lib.Gone(), 2]; del lib\ny = 3"))
    del library.Gone
    restored = restore(saved)
    assert restored["y"] == 3
    found = restored["x"]
    assert isinstance(found, list)
    assert isinstance(found[0], LostValue)
    assert found[1] == 2


def test_a_setstate_that_raises_does_not_stop_the_load() -> None:
    """The instance stays, with the attributes its state had."""
    code = "class S:\n    def __init__(self): self.a = 1\n    def __setstate__(self, s): raise ValueError\ns = S(); t = [s]; u = 1"
    restored = restore(save(run(code)))
    assert restored["u"] == 1
    assert restored["t"] == [restored["s"]]
    assert restored["s"].a == 1  # type: ignore[attr-defined]


def test_code_of_another_python_is_compiled_from_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte code is used under its own magic number only; elsewhere the recorded source is."""
    import linecache

    from holdfast.durable.pickling import functions

    code = "def outer():\n    k = 4\n    def f(a, b=2):\n        'doc'\n        return a + b + k\n    return f\nf = outer()\ng = lambda x: x * 2\n"
    monkeypatch.setitem(linecache.cache, "<cell>", (len(code), None, code.splitlines(keepends=True), "<cell>"))
    saved = save(run(code))
    monkeypatch.setattr(functions, "magic", lambda: b"another")
    monkeypatch.setattr("marshal.loads", None)
    restored = restore(saved)
    assert restored["f"](1) == 7  # type: ignore[operator]
    assert restored["g"](4) == 8  # type: ignore[operator]
    assert restored["f"].__doc__ == "doc"
