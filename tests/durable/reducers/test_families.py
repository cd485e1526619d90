"""Values that pickle refuses come back as what they were, in a fresh interpreter."""
# ruff: noqa: E501 (tables of programs read better one a line)

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.streams import elsewhere, restore, run, save

FILE = "import tempfile, os\np = os.path.join({folder!r}, 'a.txt')\nopen(p, 'w').write('hello world')\n"
N = "import numpy as np\n"
D = "import pandas as pd\n"

CASES: list[tuple[str, str, str]] = [
    ("text file", FILE + "f = open(p, encoding='latin-1'); f.read(5)", "f.read() == ' world' and f.encoding == 'latin-1' and f.name == p"),
    ("appending", FILE + "f = open(p, 'a'); f.write('!')", "open(p).read() == 'hello world!' and f.mode == 'a'"),
    ("writing is not truncating", FILE + "f = open(p, 'w'); f.write('new')", "open(p).read() == 'new' and f.tell() == 3"),
    ("binary file", FILE + "f = open(p, 'rb'); f.seek(3)", "f.read(2) == b'lo'"),
    ("unbuffered file", FILE + "f = open(p, 'r+b', buffering=0); f.seek(3)", "f.read(2) == b'lo'"),
    ("closed file", FILE + "f = open(p); f.close()", "f.closed"),
    ("standard stream", "import sys; f = sys.stdout", "f is __import__('sys').stdout"),
    ("database in a file", FILE + "import sqlite3\nc = sqlite3.connect(p + '.db'); c.execute('create table t(x)'); c.execute('insert into t values (7)'); c.commit(); c.row_factory = sqlite3.Row", "c.execute('select x from t').fetchone()['x'] == 7"),
    ("database in memory", "import sqlite3\nc = sqlite3.connect(':memory:'); c.execute('create table t(x)'); c.execute('insert into t values (7)'); c.commit()", "c.execute('select x from t').fetchone() == (7,)"),
    ("locks", "import threading\nl = threading.Lock(); r = threading.RLock(); l.acquire(); both = [l]", "both[0] is l and l.acquire(False) and r.acquire(False)"),
    ("events and others", "import threading\ne = threading.Event(); e.set(); c = threading.Condition(); s = threading.Semaphore(1); b = threading.Barrier(1)", "e.is_set() and c.acquire() and s.acquire(False) and not s.acquire(False) and b.wait() == 0"),
    ("logger", "import logging\nl = logging.getLogger('of.mine'); l.setLevel(17)", "l is __import__('logging').getLogger('of.mine') and l.level == 17"),
    ("handler", "import logging, io\nout = io.StringIO(); l = logging.getLogger('of.mine2'); h = logging.StreamHandler(out); l.addHandler(h)", "l.error('x') is None and out.getvalue() == 'x\\n' and l.handlers == [h]"),
    ("anonymous mmap", "import mmap\nm = mmap.mmap(-1, 10); m.write(b'abc')", "m[:3] == b'abc' and m.tell() == 3"),
    ("mmap of a file", FILE + "import mmap\nfd = os.open(p, os.O_RDWR); m = mmap.mmap(fd, 0); os.close(fd); m[0:1] = b'J'", "m[:] == b'Jello world' and (m.__setitem__(slice(1, 2), b'o'), m.flush(), open(p).read())[2] == 'Jollo world'"),
    ("memoryview", "b = bytearray(b'0123456789'); v = memoryview(b)[2:8:2]; r = memoryview(b).toreadonly()", "bytes(v) == b'246' and (b.__setitem__(4, 65), bytes(v))[1] == b'2A6' and r.readonly"),
    ("fresh hash", "import hashlib\nh = hashlib.sha256()", "h.hexdigest()[:4] == 'e3b0'"),
    ("match", "import re\nm = re.search(r'(b)(?P<x>.)', 'abcb1'); n = list(re.finditer('b.', 'abcb1'))[1]", "m['x'] == 'c' and m.span() == (1, 3) and n[0] == 'b1'"),
    ("iterators", "l = [1, 2, 3]; i = iter(l); next(i); e = enumerate('ab'); next(e); z = zip(l, 'abc'); m = map(str, l); next(m); r = reversed(l); next(r)", "next(i) == 2 and next(e) == (1, 'b') and next(z) == (1, 'a') and next(m) == '2' and next(r) == 2 and i.__reduce__()[1][0] is l"),
    ("bound methods", "class C:\n    def m(self): return self\nc = C(); m = c.m; l = []; a = l.append; c.m = 3", "m() is c and m.__func__ is C.m and (a(1), l)[1] == [1]"),
    ("partial", "import functools\nk = []\np = functools.partial(list.append, k)", "(p(1), k)[1] == [1]"),
    ("lru_cache", "import functools\n@functools.lru_cache(maxsize=7)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf(9)", "f(10) == 55 and f.cache_parameters()['maxsize'] == 7"),
    ("weak references", "import weakref\nclass C: pass\nc = C(); c.me = weakref.ref(c); p = weakref.proxy(c); c.v = 1; d = weakref.WeakValueDictionary(a=c); k = weakref.WeakKeyDictionary({c: 2}); s = weakref.WeakSet([c]); dead = weakref.ref(C())", "c.me() is c and p.v == 1 and d['a'] is c and k[c] == 2 and c in s and dead() is None"),
    ("dict views", "d = {'a': 1}; k = d.keys(); v = d.values()", "(d.update(b=2), list(k), list(v))[1:] == (['a', 'b'], [1, 2])"),
    ("mapping proxy", "import types\nd = {'a': 1}; m = types.MappingProxyType(d)", "(d.update(b=2), m['b'])[1] == 2"),
    ("thread local", "import threading\nt = threading.local(); t.x = [1]; y = t.x", "t.x is y"),
    ("array and view", N + "a = np.arange(10.); v = a[2:9:3]; v2 = a[::-1]", "np.shares_memory(a, v) and list(v) == [2, 5, 8] and (a.__setitem__(5, 0.5), v[1], v2[4])[1:] == (0.5, 0.5)"),
    ("large array and view", N + "a = np.zeros((200, 200)); v = a.T[3:]", "np.shares_memory(a, v) and a.flags.writeable and v.shape == (197, 200) and (v.__setitem__((0, 1), 4), a[1, 3])[1] == 4"),
    ("orders and kinds", N + "f = np.asfortranarray(np.arange(6).reshape(2, 3)); g = f[1:]; r = np.arange(3); r.flags.writeable = False; d = np.array(['2020-01-01'], 'M8[D]'); z = np.zeros((0, 3)); s = np.array(3); m = np.ma.array([1, 2], mask=[0, 1]); b = np.arange(3, dtype='>i4')", "f.flags.f_contiguous and np.shares_memory(f, g) and g[0, 2] == 5 and not r.flags.writeable and d[0] == np.datetime64('2020-01-01') and z.shape == (0, 3) and s == 3 and m.mask[1] and b.dtype.str == '>i4'"),
    ("structured view", N + "r = np.zeros(3, dtype=[('x', 'i4'), ('y', 'f8')]); y = r['y']", "(y.__setitem__(1, 2.5), r['y'][1])[1] == 2.5"),
    ("objects", N + "k = [1]; o = np.array([k, None, 'x'], dtype=object); w = o[1:]", "o[0] is k and (o.__setitem__(1, 5), w[0])[1] == 5"),
    ("strings of an object array", N + "s = np.array(['x%d' % (i % 7) for i in range(3000)], dtype=object); t = np.array([f'é{i}' for i in range(3000)] + [None, '', float('nan')], dtype=object)", "s[8] == 'x1' and len(s) == 3000 and s.dtype == object and t[5] == 'é5' and t[3000] is None and t[3001] == '' and t[3002] != t[3002]"),
    ("over a bytearray", N + "b = bytearray(b'abcdef'); a = np.frombuffer(b, np.uint8)[2:]", "(b.__setitem__(2, 65), a[0])[1] == 65"),
    ("memmap", FILE + N + "m = np.memmap(p + '.bin', dtype='i4', mode='w+', shape=(3, 4)); m[:] = 5; s = m[1:]", "type(m) is np.memmap and (m == 5).all() and m.mode == 'r+' and np.shares_memory(m, s)"),
    ("frames", D + "f = pd.DataFrame({'a': [1, 2], 'b': [1.5, None], 'c': ['x', None], 'd': pd.Categorical(['u', 'v'])}, index=pd.MultiIndex.from_tuples([(1, 'p'), (2, 'q')])); g = f", "g is f and f['a'].tolist() == [1, 2] and f['d'].tolist() == ['u', 'v'] and f.index[1] == (2, 'q') and f['c'].isna().tolist() == [False, True]"),
    ("series of a frame is copied on write", D + "f = pd.DataFrame({'a': [1, 2]}); s = f['a']; g = f[:]", "(s.__setitem__(0, 9), f['a'][0])[1] == 1 and (g.__setitem__('a', 7), f['a'][0])[1] == 1"),
    ("times", D + "t = pd.date_range('2020', periods=3, tz='UTC'); s = pd.Series(t); d = pd.Timedelta(3)", "s[1] == t[1] and s.dt.tz is not None and d.value == 3"),
    ("index over a series", D + "s = pd.Series([1, 2, 3]); i = pd.Index(s)", "(s.__setitem__(0, 9), i[0])[1] == 1"),
    ("figure", "import matplotlib\nmatplotlib.use('agg')\nfrom matplotlib.figure import Figure\nf = Figure(); a = f.add_subplot(); l, = a.plot([1, 2])", "f.axes == [a] and a.lines[0] is l and list(l.get_ydata()) == [1, 2]"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    import logging

    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
    logging.getLogger("of.mine2").handlers.clear()


@pytest.mark.filterwarnings("ignore")
def test_every_family_comes_back_in_a_fresh_interpreter(tmp_path: Path) -> None:
    """Each program's variables load in another process, where its expression is true and nothing is lost."""
    saved, lost, spaces = [], {}, []
    for i, (name, code, expression) in enumerate(CASES):
        folder = tmp_path / str(i)
        folder.mkdir()
        spaces.append(run(code.replace("{folder!r}", repr(str(folder)))))
        one = save(spaces[-1])
        saved.append((one, expression))
        if one.lost:
            lost[name] = one.lost
    answers = elsewhere(saved)
    for namespace in spaces:
        for value in namespace.values():
            if (
                type(value).__name__ in ("TextIOWrapper", "BufferedReader", "FileIO", "Connection")
                and value is not sys.stdout
            ):
                value.close()  # type: ignore[attr-defined]
    assert not lost
    assert {case[0]: answer for case, answer in zip(CASES, answers, strict=True) if answer} == {}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = (i for i in [])", "where a generator stands"),
        ("import threading\nx = threading.Thread()", "a thread belongs to its process"),
        ("import hashlib\nx = hashlib.sha256(b'a')", "what a hash has seen"),
        ("import sqlite3\nc = sqlite3.connect(':memory:'); x = c.execute('select 1')", "a query under way"),
        (
            "import sys\ntry: 1 / 0\nexcept ZeroDivisionError as e: x = e.__traceback__",
            "calls of the process that ended",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_come_back_says_why(code: str, words: str) -> None:
    """The reason is a sentence about the kind of thing it is."""
    namespace = run(code)
    saved = save(namespace)
    if "c" in namespace:
        namespace["c"].close()  # type: ignore[attr-defined]
    assert [one.path for one in saved.lost] == ["x"]
    assert words in saved.lost[0].reason


def test_a_view_of_what_is_gone_does_not_keep_it() -> None:
    """A row of a large array that nobody holds any more is stored as a row."""
    saved = save(run("import numpy as np\nv = np.zeros((100, 100_000))[3]"))
    assert len(saved.values[0]) + sum(map(len, saved.values[1])) < 1_000_000


def test_a_view_of_a_view_shares_its_memory() -> None:
    """An array that is itself a view, as every restored one is, and a view of it stay joined."""
    values = restore(save(run("import numpy as np\na = np.frombuffer(bytearray(160000))\nv = a[1:4]")))
    array, view = values["a"], values["v"]
    array[1] = 9.0  # type: ignore[index]
    assert view[0] == 9.0  # type: ignore[index]


def test_a_file_that_is_gone_costs_itself_only(tmp_path: Path) -> None:
    """The file's variable is a placeholder with the reason; the others are there."""
    from holdfast.durable.pickling.lost import LostValue

    namespace = run(f"f = open({str(tmp_path / 'a')!r}, 'w+')\ny = 2")
    saved = save(namespace)
    namespace["f"].close()  # type: ignore[attr-defined]
    (tmp_path / "a").unlink()
    restored = restore(saved)
    assert restored["y"] == 2
    assert isinstance(restored["f"], LostValue)


def test_a_registered_reducer_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reducer for a class of a library serves it and its subclasses."""
    from decimal import Decimal

    from holdfast.durable.reducers import registry

    monkeypatch.setitem(registry._table, "decimal.Decimal", lambda obj, keeping: (Decimal, (str(obj + 1),)))
    assert restore(save(run("import decimal\nd = decimal.Decimal(1)")))["d"] == 2


def test_reducers_of_other_packages_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group `holdfast.reducers` names classes; it is asked once, when a foreign class turns up."""
    import importlib.metadata
    import types

    from holdfast import entrypoints
    from holdfast.durable.reducers import registry

    library = types.ModuleType("library_for_test")
    exec("class Handle:\n    def __reduce__(self): raise TypeError", library.__dict__)
    library.reduce = lambda obj, keeping: (list, ((1,),))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "library_for_test", library)
    entry = importlib.metadata.EntryPoint("library_for_test.Handle", "library_for_test:reduce", registry.GROUP)
    monkeypatch.setattr(entrypoints, "entry_points", lambda group: [entry])
    monkeypatch.setattr(registry, "_asked", False)
    # The table must be complete before it is replaced: it is filled once in a process.
    registry.find(object, (object,))
    monkeypatch.setattr(registry, "_table", dict(registry._table))
    assert restore(save(run("import library_for_test as lib\nh = lib.Handle()")))["h"] == [1]


def test_a_version_that_is_more_than_a_string_is_stored_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of a module may be of a class of its own, as torch's is: no commit fails for it."""
    import types

    from holdfast.durable.pickling.modules import versions

    class Version(str):
        pass

    library = types.ModuleType("library_with_version")
    library.__version__ = Version("2.0")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "library_with_version", library)
    assert list(map(type, versions(["library_with_version"]).values())) == [str]


def test_parts_of_the_kernel_are_refused() -> None:
    """What belongs to the kernel itself is never walked into: it leads to everything, the store included."""
    from holdfast.output.mailbox import Mailbox

    namespace = run("k = [1]\nx = [k]")
    namespace["x"].append(Mailbox.__new__(Mailbox))  # type: ignore[attr-defined]
    saved = save(namespace)
    assert [(one.path, one.reason) for one in saved.lost] == [
        ("x[1]", "it belongs to the kernel of the process that ended")
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import polars, numpy\nd = polars.DataFrame({'a': numpy.arange(100_000)})",
        "import polars, numpy\nd = polars.Series(numpy.arange(100_000))",
        "import pyarrow, numpy\nd = pyarrow.table({'a': numpy.arange(100_000)})",
        "import pandas, numpy\nd = pandas.DataFrame({'a': numpy.arange(100_000)})",
        "import pandas\nd = pandas.Series(range(100_000), dtype='int64[pyarrow]')",
    ],
)
def test_large_columns_lie_beside_the_stream(code: str) -> None:
    """The stream of a frame stays small; what it is about goes out of band, in chunks that are kept once."""
    stream, buffers = save(run(code)).values
    assert len(stream) < 10_000
    assert sum(map(len, buffers)) >= 800_000
