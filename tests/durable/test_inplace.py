"""An image in place: what code changes is put back into the same objects, for each type that can be."""

from __future__ import annotations

import pytest

from helpers.durable import Notebook
from holdfast.durable.bulk import LARGE, Bank
from holdfast.durable.inplace import Image, PutBack
from holdfast.durable.store.chunks import Kept, fingerprints, keep
from holdfast.executor.compile import compile_cell

IMPORTS = """\
import array, collections, dataclasses, enum, functools, io, random, types, weakref
import numpy as np
import pandas as pd
"""
_CLOSURE = """\
def make():
    n, box = 0, []
    def add(v):
        nonlocal n
        n += 1
        box.append(v)
        return n, box
    return add
x = make()"""
_PROPERTY = """\
class P:
    _v = 1
    @property
    def v(self): return self._v
    @v.setter
    def v(self, v): self._v = v
x = P()"""
#: What makes it; what changes it in place; an expression that must be the same object, in value and identity.
CHANGES = {
    "list": ("x = [1, [2]]; y = x[1]", "x.append(3); y.append(4); x[0] = 9; x.sort(key=str)"),
    "sublist": ("class L(list): pass\nx = L([1]); x.tag = [1]", "x.append(2); x.tag.append(2); x.more = 1"),
    "dict, order kept": ("x = {'a': 1, 'b': [2]}", "del x['a']; x['a'] = 1; x['b'].append(3)"),
    "subdict": ("class D(dict): pass\nx = D(a=[1]); x.n = 1", "x.clear(); x.n = 2"),
    "keys without a hash any more": (
        "class K:\n    h = 1\n    def __hash__(self): return self.h\nk = K(); x = {k: [1]}",
        "x.clear(); k.h = 2",
    ),
    "OrderedDict": ("x = collections.OrderedDict(a=1, b=2)", "x.move_to_end('a'); x['c'] = 3"),
    "defaultdict": ("x = collections.defaultdict(list, a=[1])", "x['b'].append(1); x.default_factory = None"),
    "Counter": ("x = collections.Counter('abca')", "x.update('zz'); del x['a']"),
    "ChainMap": ("x = collections.ChainMap({'a': 1}, {})", "x['b'] = 2; x.maps.append({})"),
    "set": ("x = {1, 'a', (2,)}", "x.clear(); x.add(3)"),
    "subset": ("class S(set): pass\nx = S({1}); x.n = 1", "x.add(2); x.n = 2"),
    "deque": ("x = collections.deque([1, 2], 3)", "x.extend([3, 4]); x.rotate()"),
    "bytearray": ("x = bytearray(b'abc'); y = memoryview(x)", "x[0] = 0; y[1] = 0"),
    "a bytearray of another size": ("x = bytearray(b'abc')", "x += b'def'"),
    "array.array": ("x = array.array('d', [1, 2])", "x.append(3); x[0] = 9"),
    "instance": ("class P: pass\nx = P(); x.v = [1]", "x.v.append(2); x.w = 1; del x.v"),
    "an instance's dict replaced": ("class P: pass\nx = P(); x.v = 1; y = x.__dict__", "x.__dict__ = {'v': 2}"),
    "an instance's class": ("class P: pass\nclass Q: pass\nx = P()", "x.__class__ = Q"),
    "slots": (
        "class P: __slots__ = ('a', 'b')\nclass Q(P): __slots__ = ('c',)\nx = Q(); x.a = [1]; x.c = 1",
        "x.a.append(2); x.b = 3; del x.c",
    ),
    "frozen dataclass": (
        "@dataclasses.dataclass(frozen=True)\nclass P:\n    v: list\nx = P([1])",
        "object.__setattr__(x, 'v', 2)",
    ),
    "dataclass with slots": ("@dataclasses.dataclass(slots=True)\nclass P:\n    v: int = 1\nx = P()", "x.v = 2"),
    "class": (
        "class P:\n    n = 1\n    box = []\n    def f(self): return 1\nx = P()",
        "P.n = 2; P.box.append(1); P.f = None; P.g = 3; del P.n",
    ),
    "a class's counter by its instances": (
        "class P:\n    n = 0\n    def __init__(self): type(self).n += 1\nx = P()",
        "y = P(); z = x.__class__()",
    ),
    "bases of a class": ("class A: pass\nclass B: pass\nclass P(A): pass", "P.__bases__ = (B,)"),
    "enum": ("class E(enum.Enum):\n    A = 1\nx = [E.A]", "E.A.note = 1; x.clear(); E.extra = 2"),
    "function": (
        "def x(a, b=[], *, c={}): b.append(a)\nx.n = 1",
        "x(1); x.n = 2; x.__defaults__ = (1,); x.__kwdefaults__['c'] = 2",
    ),
    "the code of a function": ("def x(): return 1\ndef y(): return 2", "x.__code__ = y.__code__; x.__name__ = 'z'"),
    "closure": (_CLOSURE, "x(1); x(2)"),
    "what a function mentions": ("x = [1]\ndef f(): x.append(2)", "f()"),
    "a global that a function binds": ("x = [1]\ndef f():\n    global x\n    x = 2", "f()"),
    "a method": ("class P:\n    def put(self, v): self.v = v\nx = P(); put = x.put", "put(1)"),
    "a built-in method": ("x = []; put = x.append", "put(1)"),
    "partial": ("x = []; put = functools.partial(list.append, x)", "put(1)"),
    "lru_cache": ("box = []\n@functools.lru_cache\ndef x(v): return [v, len(box)]\nx(1)", "x(1).append(2)"),
    "property": (_PROPERTY, "x.v = 2"),
    "weakref": ("class P: pass\np = P(); p.v = 1; x = weakref.ref(p)", "x().v = 2; del p"),
    "WeakValueDictionary": ("class P: pass\np = P(); x = weakref.WeakValueDictionary(a=p)", "x.clear(); del p"),
    "WeakSet": ("class P: pass\np = P(); x = weakref.WeakSet([p])", "x.clear(); p.v = 1"),
    "exception": ("x = ValueError(1)", "x.args = (2,); x.add_note('n')"),
    "namespace": ("x = types.SimpleNamespace(a=[1])", "x.a.append(2); x.b = 1"),
    "iterator's list": ("y = [1, 2]; x = (y, [y])", "x[1][0].append(3)"),
    "cycle": ("x = []; y = {'x': x}; x.append(y)", "y['n'] = 1; x.append(x)"),
    "StringIO": ("x = io.StringIO('abc'); x.seek(1)", "x.write('zzzz')"),
    "BytesIO": ("x = io.BytesIO(b'abc')", "x.write(b'zzzz')"),
    "lock": ("import threading\nx = threading.Lock(); y = x.locked()", "x.acquire(); y = x.locked()"),
    "Random": ("x = random.Random(1)", "x.random(); x.gauss(0, 1)"),
    "numpy's Generator": ("x = np.random.default_rng(1)", "x.random(5)"),
    "numpy's RandomState": ("x = np.random.RandomState(1)", "x.rand(5)"),
    "array": ("x = np.arange(10.); y = x[2:4]; z = x[::-1]", "x += 1; y[:] = 0; z[0] = 7"),
    "a view only": ("x = np.arange(10.)[2:4]", "x[0] = 7"),
    "large array": ("x = np.zeros((600, 600)); y = x.T", "x[5] = 1; y[3] = 2"),
    "large array, Fortran order": ("x = np.asfortranarray(np.ones((600, 600)))", "x[:] = 2"),
    "the shape of an array": ("x = np.arange(6)", "x.shape = (2, 3)"),
    "read-only array": ("x = np.arange(6); x.flags.writeable = False", "x.flags.writeable = True; x[0] = 9"),
    "dates": ("x = np.array(['2026-01-01'], 'M8[D]')", "x[0] = '2027-01-01'"),
    "records": ("x = np.zeros(3, [('a', 'i4'), ('b', 'f8')])", "x['a'] = 1; x[0] = (2, 3)"),
    "object array": ("x = np.array([[1], 'a', None], dtype=object)", "x[0].append(2); x[1] = 5"),
    "masked array": ("x = np.ma.array([1, 2, 3], mask=[0, 1, 0])", "x[0] = np.ma.masked; x[2] = 9"),
    "scalar array": ("x = np.array(5.)", "x[()] = 6"),
    "frame": (
        "x = pd.DataFrame({'a': [1, 2], 'b': ['u', 'v']}); y = x",
        "x.loc[0, 'a'] = 9; x['c'] = 1; x.columns = ['p', 'q', 'r']; x.index.name = 'i'; del x['q']",
    ),
    "frame in place": (
        "x = pd.DataFrame({'a': [2, 1], 'b': [None, 3.]}); y = x.index",
        "x.insert(0, 'n', 1); x.iloc[0, 0] = 5; x.attrs['k'] = [1]; x.index = [5, 6]",
    ),
    "what a frame's cells hold": ("x = pd.DataFrame({'a': [[1], {}]})", "x.a[0].append(2); x.loc[1, 'a'] = 3"),
    "series": ("x = pd.Series([1, 2], name='s')", "x.iloc[0] = 9; x.name = 't'; x.index = ['a', 'b']"),
    "new, rebound and deleted names": ("x = [1]; y = [2]; z = [3]", "x = 5; del y; n = 1; z = z"),
}  # fmt: skip


def image_of(notebook: Notebook, code: str, bank: Bank | None = None) -> Image:
    """The image of what a cell's code can reach."""
    unit = compile_cell(code, "<image>")
    image = Image(notebook.namespace, bank or Bank(None, lambda owner: {}))
    image.take(one for one in (unit.body, unit.last) if one is not None)
    return image


def _identities(notebook: Notebook) -> dict[str, int]:
    names = notebook.namespace.dict
    return {name: id(names[name]) for name in names if not name.startswith(("_i", "__"))}


def _lines(notebook: Notebook) -> list[str]:
    """The description without the inputs, which a rollback leaves."""
    return [line for line in notebook.describe() if not line.startswith("_i")]


def _rolled_back(before: str, change: str) -> tuple[Notebook, PutBack]:
    """A notebook in which `change` was made and put back; asserts that it changed anything, and nothing is left."""
    notebook = Notebook()
    notebook.execute(IMPORTS)
    notebook.execute(before)
    assert not notebook.errors
    lines, identities = _lines(notebook), _identities(notebook)
    image = image_of(notebook, change)
    notebook.execute(change)
    assert not notebook.errors
    assert _lines(notebook) != lines, "nothing was changed"
    done = image.put_back()
    assert _lines(notebook) == lines
    assert _identities(notebook) == identities
    return notebook, done


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CHANGES)
def test_it_is_put_back_in_place(kind: str) -> None:
    """Values, sharing and identities are what they were, and nothing is named as failed."""
    _, done = _rolled_back(*CHANGES[kind])
    assert not done.failed


def _changed(before: str, change: str, bank: Bank | None = None) -> tuple[Notebook, Image]:
    """A notebook after a change, and the image of before."""
    notebook = Notebook()
    notebook.execute(IMPORTS)
    notebook.execute(before)
    image = image_of(notebook, change, bank)
    notebook.execute(change)
    return notebook, image


def test_no_code_of_the_users_runs() -> None:
    """Containers are read and written by their built-in classes' methods, whatever the notebook's class defines."""
    refuse = "raise TypeError"
    names = "__iter__ __len__ __getitem__ __setitem__ __eq__ __contains__ clear append update copy".split()
    methods = "\n".join(f"    def {name}(self, *a): {refuse}" for name in names)
    code = f"class L(list):\n{methods}\nclass D(dict):\n{methods}\n    def keys(self): {refuse}\nx, y = L([1]), D(a=1)"
    notebook, image = _changed(code, "list.append(x, 2); dict.clear(y)")
    assert not image.put_back().failed
    x, y = notebook.namespace.dict["x"], notebook.namespace.dict["y"]
    assert isinstance(x, list)
    assert isinstance(y, dict)
    assert (list.copy(x), list(dict.items(y))) == ([1], [("a", 1)])


def test_what_did_not_change_is_not_named() -> None:
    """The names that are put back are those that led to a change, the names that are new are removed."""
    _, image = _changed("a = [1]; b = [2]; c = {'b': b}", "len(a); b.append(3); new = a")
    assert image.put_back() == PutBack(("b",), ("new",), ())


def test_results_since_then_are_gone() -> None:
    """`Out`, `_` and `_3` are as they were; the inputs stay."""
    notebook = Notebook()
    notebook.execute("1")
    image = image_of(notebook, "2")
    notebook.execute("2")
    image.put_back()
    ns = notebook.namespace.dict
    assert (ns["_"], ns["Out"], "_2" in ns, notebook.namespace.results.bound["_"]) == (1, {1: 1}, False, 1)
    assert notebook.namespace.results.inputs == ["", "1", "2"]
    notebook.execute("3")
    assert (ns["_"], ns["__"], ns["Out"]) == (3, 1, {1: 1, 3: 3})


def test_an_array_of_another_size_is_named() -> None:
    """What cannot be put back in place says so, and the rest is put back."""
    notebook, _ = _changed("x = np.arange(4); y = [1]", "y.append(2)")
    array = notebook.namespace.dict["x"]
    other = image_of(notebook, "x, y")
    array.__setstate__((1, (2,), array.dtype, False, bytes(16)))  # type: ignore[attr-defined]
    notebook.execute("y.append(3)")
    done = other.put_back()
    assert (done.names, [kind for _, kind, _ in done.failed]) == (("y",), ["ndarray"])


def test_a_held_bytearray_of_another_size_is_named() -> None:
    """A bytearray that grew cannot shrink while something that is no variable shows it."""
    notebook, image = _changed("x = bytearray(b'a')", "x += b'b'; v = memoryview(x)")
    view = notebook.namespace.dict["v"]
    assert isinstance(view, memoryview)
    with view:
        done = image.put_back()
    assert [(name, kind) for name, kind, _ in done.failed] == [("x", "bytearray")]


def test_it_can_be_put_back_twice() -> None:
    """An image stays good: what changes after a rollback is rolled back again."""
    change = "x.append(2); f.loc[0, 'a'] = 5; a[:] = 0"
    notebook, image = _changed("x = [1]; f = pd.DataFrame({'a': [1]}); a = np.ones(3)", change)
    image.put_back()
    lines = _lines(notebook)
    notebook.execute(change)
    image.put_back()
    assert _lines(notebook) == lines


def test_a_later_take_adds_only_what_is_new() -> None:
    """What was saved first stays the state to go back to."""
    notebook, image = _changed("x = [1]; y = [1]", "x.append(2)")
    image.take([compile_cell("x, y", "<x>").last])  # type: ignore[list-item]
    notebook.execute("x.append(3); y.append(2)")
    image.put_back()
    assert (notebook.namespace.dict["x"], notebook.namespace.dict["y"]) == ([1], [1])


class _Shelf:
    """A bank over a dict; what it was asked to keep and to give back."""

    def __init__(self) -> None:
        self.kept = 0
        self.read = 0

    def keep(self, owner: object, data: memoryview) -> Kept:
        """See `Bank`."""
        self.kept += data.nbytes
        return keep(data, lambda piece: bytes(piece))

    def give_back(self, kept: Kept, into: memoryview) -> None:
        """See `Bank`."""
        now = fingerprints(into)
        for number, chunk in enumerate(kept.buffer.chunks):
            if now[16 * number : 16 * (number + 1)] != kept.prints[16 * number : 16 * (number + 1)]:
                into[number << 20 : (number + 1) << 20] = chunk
                self.read += 1


def test_large_memory_goes_to_the_store_and_only_what_changed_comes_back() -> None:
    """An array of 4 MiB is kept once, however many views show it; one changed element reads one chunk."""
    shelf = _Shelf()
    change = "x[0] = 1; y = v[1:3]"
    notebook, image = _changed("x = np.zeros(4 * 131_072); v = x[5:]; w = [x]", change, shelf)  # type: ignore[arg-type]
    image.put_back()
    assert (shelf.kept, shelf.read) == (4 * LARGE, 1)
    assert not notebook.namespace.dict["x"].any()  # type: ignore[attr-defined]


def test_modules_and_the_kernel_are_not_looked_into() -> None:
    """An image of a cell that mentions modules holds nothing of theirs."""
    notebook = Notebook()
    notebook.execute("import sys, os, numpy as np, pandas as pd; x = [np, pd, os]")
    image = image_of(notebook, "x, np.sum, pd.concat, sys.modules")
    assert len(image._saved) < 10


def test_opaque_objects_are_listed() -> None:
    """Objects of C code that keep their state to themselves are named with the variable that leads to them."""
    notebook = Notebook()
    notebook.execute(
        "import threading\ng = (i for i in [1]); box = {'lock': threading.RLock()}; it = iter([1]); x = [1]"
    )
    image = image_of(notebook, "next(g), box, it, x")
    assert sorted({root for _, root in image.opaque.values()}) == ["box", "g", "it"]
