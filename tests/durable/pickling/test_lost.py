"""What cannot be pickled costs itself only, and says so where it is touched."""
# ruff: noqa: E501 (tables of programs read better one a line)

from __future__ import annotations

import copy
import linecache
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from helpers.streams import Loading, restore, run, save
from holdfast.durable.pickling import functions, unpickler
from holdfast.durable.pickling.lost import LostValue, LostValueError, Unkeepable


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


ANOTHER_PYTHON = {
    "a closure": ("def outer():\n    k = 4\n    def f(a, b=2):\n        'doc'\n        return a + b + k\n    return f\nf = outer()", "f(1) == 7 and f.__doc__ == 'doc'"),
    "a lambda": ("g = lambda x: x * 2", "g(4) == 8"),
    "lambdas of one line": ("d = {'a': lambda x: x + 1, 'b': [lambda: len('a'), lambda: len('ab')], 'c': lambda x: x + 2}", "(d['a'](1), d['b'][0](), d['b'][1](), d['c'](1)) == (2, 1, 2, 3)"),
    "functions of one name": ("def f(x): return x\ng = f\ndef f(x): return -x", "(g(1), f(1)) == (1, -1)"),
    "under another name": ("import functools\ndef twice(f):\n    @functools.wraps(f)\n    def w(*a): return 2 * f(*a)\n    return w\n@twice\ndef f(x): return x", "f(2) == 4 and f.__wrapped__(2) == 2 and f.__qualname__ == 'f'"),
    "private names": ("class C:\n    __slots__ = ('__b',)\n    def __init__(self): self.__b = 2\n    def b(self): return self.__b\n    def get(self):\n        def inner(): return self.__b\n        return inner\nc = C(); i = c.get()", "c.b() == i() == C().b() == 2"),
    "super and builtins": ("class B:\n    def n(self, x): return len(x)\nclass C(B):\n    def n(self, x):\n        return super().n(list(map(str, x))) + 1\nc = C()", "c.n([1, 2]) == 3"),
    "a string of two lines": ("def outer():\n    def f():\n        return '''a\n    b'''\n    return f\nf = outer()", "f() == 'a' + chr(10) + '    b'"),
    "generators": ("async def a():\n    return [x async for x in b()]\nasync def b():\n    yield 1\ndef g(n):\n    yield from range(n)", "list(g(2)) == [0, 1] and a.__code__.co_flags & 128"),
    "futures": ("from __future__ import annotations\ndef f(x: nowhere) -> None:\n    def g(y: nothing): pass\n    return g", "f(1).__annotations__ == {'y': 'nothing'}"),
    "no futures": ("def f():\n    def g(y: int): pass\n    return g", "f().__annotations__ == {'y': int}"),
    "named tuples": ("import collections\nN = collections.namedtuple('N', 'a b', defaults=[2]); n = N(1)\nZ = collections.namedtuple('Z', '')", "n == (1, 2) == N(b=2, a=1) and n._replace(b=3) == (1, 3) and Z() == ()"),
    "a library's closure": ("import contextlib\ns = contextlib.ExitStack()\ns.callback(dict.fromkeys, 'ab')", "s.close() is None"),
    "a library's decorator": ("import contextlib\n@contextlib.contextmanager\ndef c(x):\n    yield x", "c(1).__enter__() == 1"),
}  # fmt: skip


@pytest.mark.parametrize("what", ANOTHER_PYTHON)
def test_code_of_another_python_is_compiled_from_its_source(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte code is used under its own magic number only; elsewhere each function's own source is."""
    code, expression = ANOTHER_PYTHON[what]
    _recorded(code, monkeypatch)
    saved = save(run(code))
    monkeypatch.setattr(functions, "magic", lambda: b"another")
    monkeypatch.setattr(functions, "marshal", None)
    assert eval(expression, restore(saved))


def _recorded(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the text of the cell be known, as the kernel does."""
    monkeypatch.setitem(linecache.cache, "<cell>", (len(code), None, code.splitlines(keepends=True), "<cell>"))


def test_of_functions_that_look_alike_none_is_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the text does not tell which it is, the function is lost and says so."""
    code = "f, g = (lambda: 1), (lambda: 2)"
    _recorded(code, monkeypatch)
    shape = functions.shape
    monkeypatch.setattr(functions, "shape", lambda code: (*shape(code)[:-1], (0, 0, 0, 0)))
    saved = save(run(code))
    monkeypatch.setattr(functions, "magic", lambda: b"another")
    for stream, _ in saved.definitions:
        with pytest.raises(Unkeepable, match="something else of it"):
            unpickler.skeleton(stream, [], Loading({}, [], []))


def test_a_slot_that_a_class_no_longer_has_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes of libraries have other slots under another version: the rest of each instance is there."""
    library = types.ModuleType("library_for_slots")
    monkeypatch.setitem(sys.modules, "library_for_slots", library)
    exec("class P:\n    __slots__ = ('a', 'new', 'z')", library.__dict__)
    saved = save(run("from library_for_slots import P\np = P(); p.a, p.new, p.z = 1, 2, 3\nq = P(); q.new, q.z = 4, 5"))
    exec("class P:\n    __slots__ = ('a', 'z')", library.__dict__)
    world = Loading({}, [], [])
    values: dict[str, Any] = unpickler.load(saved.values[0], [], world)
    assert (values["p"].a, values["p"].z, values["q"].z) == (1, 3, 5)
    assert [(lost.path, lost.kind) for lost in world.lost] == [("P.new", "int")]


def test_a_class_is_stored_under_its_public_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a library has it in a private module of its own, another version may have it elsewhere."""
    library, private = types.ModuleType("library_for_names"), types.ModuleType("library_for_names._local")
    exec("class P: pass\nclass Hidden: pass", private.__dict__)
    library.__dict__["P"] = found = private.__dict__["P"]
    for module in (library, private):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    saved = save({"p": found(), "h": private.__dict__["Hidden"]()})
    assert type(restore(saved)["h"]) is private.__dict__["Hidden"]
    monkeypatch.delitem(sys.modules, private.__name__)
    assert type(restore(saved)["p"]) is found
