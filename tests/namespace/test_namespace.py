"""One dict for the life of the process, fit for the next cell whatever the last one did."""

from __future__ import annotations

import builtins
import pickle
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.namespace.namespace import Namespace, add_builtins, heal_builtins

BUILTINS = dict(vars(builtins))


@pytest.fixture(autouse=True)
def _keep_builtins() -> Iterator[None]:
    """Builtins and `__main__` are as before, whatever a test does to them."""
    main = sys.modules["__main__"]
    yield
    _restore()
    sys.modules["__main__"] = main


def _restore() -> None:
    vars(builtins).update(BUILTINS)
    for name in vars(builtins).keys() - BUILTINS.keys():
        del vars(builtins)[name]


def test_the_dict_is_the_modules() -> None:
    """`__main__.__dict__` and the namespace are one object."""
    namespace = Namespace()
    assert namespace.module.__dict__ is namespace.dict
    assert namespace.dict["__name__"] == "__main__"


def test_it_becomes_main_when_installed() -> None:
    """Not before: a test, or a second one, leaves the process alone."""
    before, namespace = sys.modules["__main__"], Namespace()
    namespace.prepare()
    assert sys.modules["__main__"] is before
    namespace.install()
    assert sys.modules["__main__"] is namespace.module


def test_main_is_put_back() -> None:
    """Pickle and multiprocessing look classes up there."""
    namespace = Namespace()
    namespace.install()
    del sys.modules["__main__"]
    namespace.prepare()
    assert sys.modules["__main__"] is namespace.module


def test_classes_of_cells_can_be_pickled() -> None:
    """They are found by name in `__main__`."""
    namespace = Namespace()
    namespace.install()
    exec("class A:\n    x = 5\na = A()", namespace.dict)
    assert pickle.loads(pickle.dumps(namespace.dict["a"])).x == 5


@pytest.mark.parametrize("damage", ["del __builtins__", "__builtins__ = {}", "__builtins__ = None", "__builtins__ = 5"])
def test_damaged_builtins_are_put_back(damage: str) -> None:
    """`__builtins__` of the namespace is the module again."""
    namespace = Namespace()
    exec(damage, namespace.dict)
    namespace.prepare()
    assert namespace.dict["__builtins__"] is builtins


def test_removed_builtins_come_back() -> None:
    """Those that the cell changed or added stay as it wanted them."""
    vars(builtins).pop("len")
    vars(builtins)["print"] = repr
    vars(builtins)["extra"] = 5
    heal_builtins()
    got = (vars(builtins)["len"], vars(builtins)["print"], vars(builtins)["extra"])
    _restore()
    assert got == (len, repr, 5)


@pytest.mark.parametrize("name", ["len", "isinstance", "type", "__import__", "__build_class__", "KeyError"])
def test_builtins_that_cannot_be_called_any_more_come_back(name: str) -> None:
    """The kernel and every library call them: `builtins.len = None` must not be the end of both."""
    original = vars(builtins)[name]
    vars(builtins)[name] = None
    heal_builtins()
    got = vars(builtins)[name]
    _restore()
    assert got is original


def test_a_builtin_that_refuses_to_be_compared_stays() -> None:
    """It can be called, so it is what the cell wanted."""

    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError

        def __call__(self) -> None: ...

    odd = Odd()
    vars(builtins)["print"] = odd
    heal_builtins()
    got = vars(builtins)["print"]
    _restore()
    assert got is odd


def test_all_builtins_can_go() -> None:
    """It needs none itself."""
    namespace = Namespace()
    vars(builtins).clear()
    namespace.prepare()
    assert vars(builtins).keys() >= BUILTINS.keys()


def test_added_builtins_come_back_too() -> None:
    """What the kernel adds is found by every module and healed like Python's own."""
    from holdfast.namespace import namespace as module

    kept = dict(module._PRISTINE)
    try:
        add_builtins({"holdfast_test_name": 5})
        assert eval("holdfast_test_name") == 5
        del builtins.holdfast_test_name  # type: ignore[attr-defined]
        heal_builtins()
        assert eval("holdfast_test_name") == 5
    finally:
        module._PRISTINE.clear()
        add_builtins(kept)


def test_injected_names_are_put_back_when_deleted() -> None:
    """And left alone when rebound."""
    namespace = Namespace({"input": "ours", "getpass": "ours"})
    del namespace.dict["input"]
    namespace.dict["getpass"] = "mine"
    namespace.prepare()
    assert (namespace.dict["input"], namespace.dict["getpass"]) == ("ours", "mine")


def test_the_users_names_are_visible() -> None:
    """Neither ours, nor Python's, nor keys that are no names."""
    namespace = Namespace({"input": input})
    namespace.begin(1, "code")
    namespace.result(1, 5)
    namespace.dict.update({"x": 1, "_private": 2, "__dunder": 3})
    namespace.dict[5] = namespace.dict[None] = namespace.dict[""] = 6  # type: ignore[index]
    assert sorted(namespace.visible()) == ["", "_private", "x"]


def test_compound_operations_wait_for_each_other() -> None:
    """While one holds the lock another thread cannot prepare; the same thread can."""
    namespace, done = Namespace(), threading.Event()

    def prepare() -> None:
        namespace.prepare()
        done.set()

    thread = threading.Thread(target=prepare)
    with namespace.exclusively() as ns:
        assert ns is namespace.dict
        namespace.prepare()
        thread.start()
        assert not done.wait(0.05)
    thread.join()
    assert done.is_set()


HOSTILE = st.lists(
    st.sampled_from(
        [
            "globals().clear()",
            "del _, __, ___, Out, In",
            "_ = 5",
            "Out = In = None",
            "del __builtins__",
            "__builtins__ = {}",
            "__builtins__ = None",
            "__name__ = None",
            "globals()[5] = 5",
            "globals()[''] = 5",
            "globals()[None] = globals()",
            "globals().update(dict.fromkeys(list(globals())))",
            "import builtins; vars(builtins).clear()",
            "import builtins; del builtins.len, builtins.__import__",
            "import sys; sys.modules.pop('__main__')",
            "import sys; sys.modules['__main__'] = None",
            "In.clear(); Out.clear()",
            "In.extend('abc' * 3)",
            "Out.update({n: n for n in range(20)})",
            "del globals()['_i1'], globals()['_1']",
            "raise ValueError",
        ]
    ),
    max_size=8,
)


@given(HOSTILE)
def test_the_next_cell_works_after_any_hostile_cells(codes: list[str]) -> None:
    """P4: one dict, its builtins, its history, and a function of before that sees what comes after."""
    namespace, main = Namespace({"input": input}), sys.modules["__main__"]
    try:
        namespace.install()
        ns = namespace.dict
        for count, code in enumerate(codes, 1):
            namespace.prepare()
            namespace.begin(count, code)
            try:
                exec(compile(code, "cell", "exec"), ns)
            except:  # noqa: E722 - the cell may have taken the name of any exception away
                heal_builtins()
            namespace.prepare()
            namespace.result(count, code)
        namespace.prepare()
        namespace.begin(99, "last")
        exec("import math\ndef f(): return x\nx = math.floor(2.5) + len('abc')\ny = f()", ns)
        namespace.result(99, ns["y"])
        assert ns["y"] == 5
        assert namespace.dict is ns is namespace.module.__dict__ is ns["f"].__globals__  # type: ignore[attr-defined]
        assert sys.modules["__main__"] is namespace.module
        assert namespace.results.out[99] == 5
        assert namespace.results.inputs[99] == "last"
        assert {"input", "_", "__", "___", "Out", "In", "_i", "__name__", "__builtins__"} <= ns.keys()
    finally:
        _restore()
        sys.modules["__main__"] = main


def test_cleared_it_is_as_before_the_first_cell() -> None:
    """What cells bound is gone, the module's own names and the results' are there and as they were; the dict stays."""
    namespace = Namespace({"input": len})
    before, its = dict(namespace.dict), namespace.dict
    namespace.begin(1, "x = 1")
    namespace.result(1, 41)
    namespace.dict.update(x=1, __doc__="mine", input=5, __file__="a.py", Out=None, _=7)
    namespace.clear()
    assert namespace.dict is its
    assert namespace.dict == before
    assert (namespace.dict["Out"], namespace.dict["In"], namespace.dict["_"]) == ({}, [""], "")
