"""A session that was written under one Python and one version of a package, and is opened under another."""

# ruff: noqa: E501 (tables of programs read better one a line)

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from helpers import elsewhere, kept_standard
from helpers.durable import Notebook
from holdfast.durable.folder import Session
from holdfast.durable.overview import Overview, banner
from holdfast.durable.pickling import functions, modules
from holdfast.durable.pickling.lost import LostValue

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Of what comes with Python, what another version of it really does not know; all of it must be named.
UNKNOWN = {"code object", "TracebackException", "configparser argparse json"}
#: What needs a kernel around it, or files that are not the session's.
APART = {"coroutine fn", "stdout", "module from file"}

DATACLASSES = {
    "plain": ("@dataclass\nclass D:\n    a: int\n    b: list = field(default_factory=list)\nd = D(1); same = D.__init__", "d == D(1) and repr(d) == 'D(a=1, b=[])' and D(2).b is not D(2).b and same is D.__init__ and D(1) != D(2)"),
    "frozen": ("@dataclass(frozen=True, order=True)\nclass D:\n    a: int\n    b: str = 'x'\nd = D(1); s = {d: 1}", "s[D(1)] == 1 and D(1) < D(2) and 'cannot assign' in refused(d, 'a') and d.b == 'x'"),
    "slots": ("@dataclass(slots=True, frozen=True)\nclass D:\n    a: int\n    b: list = field(default_factory=lambda: [7], compare=False)\nd = D(1)", "D(1).b == [7] and D(3) == D(3, []) and 'cannot' in refused(d, 'a')"),
    "keywords and InitVar": ("@dataclass(kw_only=True)\nclass D:\n    a: int\n    b: InitVar[int] = 2\n    c: ClassVar[int] = 9\n    def __post_init__(self, b): self.a += b\nd = D(a=1)", "d.a == 3 and D(a=1, b=5).a == 6 and D.c == 9 and repr(d) == 'D(a=3)'"),
    "inherited": ("@dataclass\nclass B:\n    a: int\n@dataclass\nclass D(B):\n    b: int = 2\n    def __repr__(self): return 'mine'\nd = D(1)", "D(1) == d and repr(d) == 'mine' and repr(B(4)) == 'B(a=4)' and D.__init__.__qualname__ == 'D.__init__'"),
    "in a function": ("def make(n):\n    @dataclass(unsafe_hash=True)\n    class D:\n        a: int = n\n    return D\nD, E = make(1), make(2)\nd = D()", "(D().a, E().a, hash(d) == hash(D(1)), d == E(1)) == (1, 2, True, False)"),
    "a field called self": ("@dataclass\nclass D:\n    self: int\nd = D(3)", "D(4).self == 4"),
    "changed afterwards": ("@dataclass\nclass D:\n    a: int\nD.__eq__ = lambda self, other: 'mine'\nd = D(1)", "(d == 5) == 'mine' and D(1).a == 1"),
    "replaced": ("import copy\n@dataclass\nclass D:\n    a: int\n    b: int = 1\nd = D(1)", "replace(d, a=2) == D(2) and (not hasattr(copy, 'replace') or copy.replace(d, b=3) == D(1, 3))"),
    "a named tuple and enums": ("import typing, enum\nclass N(typing.NamedTuple):\n    a: int\n    b: int = 2\n    def sum(self): return self.a + self.b\nclass C(enum.Enum):\n    R = 'r'\n    @property\n    def twice(self): return self.value * 2\nclass F(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\nn = N(1); f = F.A | F.B", "n == N(1) and n.sum() == 3 and C('r').twice == 'rr' and F.A in f and n._replace(a=5).sum() == 7"),
    "total ordering": ("@functools.total_ordering\nclass T:\n    def __init__(self, n): self.n = n\n    def __lt__(self, o): return self.n < o.n\n    def __eq__(self, o): return self.n == o.n\nt = T(1)", "T(2) >= t and t <= T(1)"),
}  # fmt: skip
_FIRST = """\
import functools
from dataclasses import dataclass, field, replace, InitVar
from typing import ClassVar
def refused(obj, name):
    try: setattr(obj, name, 1)
    except Exception as error: return str(error)
"""


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    """Sessions put their own namespace in the place of `__main__`."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


def _written(*cells: str, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """A notebook whose cells' text is known, as in a kernel."""
    notebook = Notebook()
    for number, cell in enumerate(cells, 1):
        name = f"<cell {number}>"
        monkeypatch.setitem(linecache.cache, name, (len(cell), None, cell.splitlines(keepends=True), name))
        notebook.run(cell)
        assert (notebook.errors, notebook.failed) == ([], "")
    return notebook


def _values(notebook: Notebook) -> dict[str, Any]:
    return notebook.namespace.dict


def _another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this interpreter is not the one that wrote."""
    monkeypatch.setattr(functions, "magic", lambda: b"another")
    monkeypatch.setattr(functions, "marshal", None)
    monkeypatch.setattr(modules, "python", lambda: "3.99")


@pytest.mark.parametrize("what", DATACLASSES)
def test_what_python_writes_into_classes_comes_back(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods without a text of their own are written again by this Python, and nothing is lost."""
    cell, expression = DATACLASSES[what]
    notebook = _written(_FIRST, cell, monkeypatch=monkeypatch)
    _another_python(monkeypatch)
    other, report = notebook.restored()
    assert report.lost == ()
    other.namespace.install()
    assert eval(expression, other.namespace.dict) is True


def test_what_was_rebuilt_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions and classes by what the user calls them: in the banner, in the rows, and as data."""
    cells = ("def f(): return 1\nd = {'k': [lambda: 2]}", "class C:\n    def m(self): return 3\nc = C()", "x = [1]")
    notebook = _written(*cells, monkeypatch=monkeypatch)
    notebook.audit()
    assert notebook.restored()[1].rebuilt == ()
    _another_python(monkeypatch)
    other, report = notebook.restored()
    assert [(path, kind) for path, kind, _ in report.rebuilt] == [
        ("C", "class"),
        ("d['k'][0]", "function"),
        ("f", "function"),
    ]
    assert banner(report).splitlines() == [
        "Restored 5 variables as of cell [3], 3 rebuilt from source",
        f"restored under Python 3.99 (was {HERE})",
    ]
    session = cast(Session, SimpleNamespace(name="tested", folder="/folder", store=other.store))
    overview = Overview(other.committer, session, "full", report)
    rows = {row.name: (row.state, row.reason) for row in overview.variables()}
    assert rows["f"] == ("rebuilt", f"built from its source by Python {HERE}")
    assert rows["C"] == ("rebuilt", f"its methods were built from their source by Python {HERE}")
    assert rows["d"] == ("kept", f"d['k'][0]: built from its source by Python {HERE}")
    assert rows["x"] == ("kept", "")
    data = cast(dict[str, Any], overview.data()["restored"])
    assert ["C", "class", rows["C"][1]] in [list(part) for part in data["rebuilt"]]


def test_what_was_rebuilt_is_stored_for_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit stores it, so the next restore has nothing to build, and misses nothing."""
    cell = f"{_FIRST}@dataclass\nclass D:\n    a: int\nd = D(1)\ndef f(x): return [x]\ng = [lambda: f(2)]"
    notebook = _written(cell, monkeypatch=monkeypatch)
    with monkeypatch.context() as elsewhere:
        _another_python(elsewhere)
        other, report = notebook.restored()
        assert report.rebuilt
        elsewhere.undo()
        elsewhere.setattr(functions, "magic", lambda: b"another")
        elsewhere.setattr(modules, "python", lambda: "3.99")
        other.audit()
        again, report = other.restored()
        assert (report.rebuilt, report.lost) == ((), ())
        again.namespace.install()
        assert eval("(repr(d), D(2).a, f(1), g[0]())", _values(again)) == ("D(a=1)", 2, [1], [2])


def test_a_method_that_no_python_can_write_again_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataclass whose fields are gone: the method says so when it is called, and the restore names it."""
    cell = f"{_FIRST}@dataclass\nclass D:\n    a: int\ndel D.__dataclass_fields__\nd = D(1)"
    notebook = _written(cell, monkeypatch=monkeypatch)
    _another_python(monkeypatch)
    other, report = notebook.restored()
    assert ("D.__init__", "function") in [(path, kind) for path, kind, _ in report.lost]
    assert _values(other)["d"].a == 1
    with pytest.raises(TypeError, match="written by another Python"):
        _values(other)["D"](1)


# ------------------------------------------------------------------- packages

BEFORE = """\
__version__ = "1"
class Shelf:
    def __init__(self, size):
        self.size = size
        self.gone = True
class Slotted:
    __slots__ = ("a", "_b", "c")
    def __init__(self): self.a, self._b, self.c = 1, 2, 3
"""
AFTER = """\
import collections
__version__ = "2"
class Shelf:
    def __init__(self, size, open=False, *, label="none"):
        self.size = size
        self.open = open
        self.label = label
        self.books = []
        self.order = collections.OrderedDict()
        self.twice = size * 2
        self.taken = None
        if open:
            self.seldom = 1
    def take(self):
        del self.taken
class Slotted:
    __slots__ = ("a",)
"""


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Writes a version of a library and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def install(text: str) -> Any:
        (tmp_path / "shelves_of_a_library.py").write_text(text)
        sys.modules.pop("shelves_of_a_library", None)
        modules._known.pop("shelves_of_a_library", None)
        linecache.checkcache()
        importlib.invalidate_caches()
        return importlib.import_module("shelves_of_a_library")

    yield install
    sys.modules.pop("shelves_of_a_library", None)
    modules._known.pop("shelves_of_a_library", None)


def test_an_object_of_an_older_version_gets_what_is_new(shelves: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `__init__` sets by itself is set and said; what only its arguments could tell is named lost."""
    shelves(BEFORE)
    notebook = _written("import shelves_of_a_library as lib\ns = lib.Shelf(3)\nt = [s]", monkeypatch=monkeypatch)
    shelves(AFTER)
    other, report = notebook.restored()
    shelf = _values(other)["s"]
    assert (shelf.open, shelf.label, shelf.books, len(shelf.order), shelf.size) == (False, "none", [], 0, 3)
    assert not {"twice", "seldom", "taken"} & vars(shelf).keys()
    version = "this version of shelves_of_a_library"
    said = [f"{name} is new in {version}, and as in a new object" for name in ("books", "label", "open", "order")]
    assert report.fitted == tuple(("s", "Shelf", words) for words in said)
    assert report.lost == (("s", "Shelf", f"twice is new in {version}, and not known of it"),)
    assert report.versions == (("shelves_of_a_library", "2", "1"),)
    assert "restored under shelves_of_a_library 2 (was 1)" in banner(report)


def test_what_a_newer_version_kept_for_itself_is_dropped(shelves: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private slot that is no more there is said, a public one is named as lost: it may have been the user's."""
    shelves(BEFORE)
    notebook = _written("import shelves_of_a_library as lib\ns = lib.Slotted()", monkeypatch=monkeypatch)
    shelves(AFTER)
    other, report = notebook.restored()
    assert _values(other)["s"].a == 1
    assert [(path, words) for path, _, words in report.fitted] == [
        ("s", "_b is not in this version of shelves_of_a_library any more")
    ]
    assert [path for path, _, _ in report.lost] == ["Slotted.c"]


def test_under_the_same_versions_nothing_is_fitted(shelves: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that lacks an attribute because the user deleted it stays as it is."""
    shelves(AFTER)
    cell = "import shelves_of_a_library as lib\ns = lib.Shelf(3)\ndel s.open"
    other, report = _written(cell, monkeypatch=monkeypatch).restored()
    assert (report.fitted, report.lost, "open" in vars(_values(other)["s"])) == ((), (), False)


FRAMES = "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 's': ['x', 'y']}); s = df['a']; i = df.index; x = 1"


def test_frames_of_another_pandas_are_looked_at_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are there, and the banner says under which version."""
    pandas = pytest.importorskip("pandas", reason="pandas is a development dependency")
    monkeypatch.setitem(modules._known, "pandas", "3.0.1")
    notebook = _written(FRAMES, monkeypatch=monkeypatch)
    monkeypatch.setitem(modules._known, "pandas", pandas.__version__)
    other, report = notebook.restored()
    assert _values(other)["df"].to_dict("list") == {"a": [1, 2], "s": ["x", "y"]}
    assert (report.lost, report.versions) == ((), (("pandas", pandas.__version__, "3.0.1"),))
    assert f"restored under pandas {pandas.__version__} (was 3.0.1)" in banner(report)


def test_a_frame_that_does_not_work_there_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its check raises is the reason; what is beside it is there."""
    pandas = pytest.importorskip("pandas", reason="pandas is a development dependency")
    monkeypatch.setitem(modules._known, "pandas", "3.0.1")
    notebook = _written(FRAMES, monkeypatch=monkeypatch)
    monkeypatch.setitem(modules._known, "pandas", pandas.__version__)
    monkeypatch.setattr(pandas.DataFrame, "equals", lambda self, other: self._nothing_such)
    other, report = notebook.restored()
    assert [path for path, _, _ in report.lost] == ["df"]
    assert "stored under another version of pandas" in report.lost[0][2]
    assert type(_values(other)["df"]) is LostValue
    assert (_values(other)["s"].tolist(), _values(other)["x"]) == ([1, 2], 1)


def test_a_frame_that_cannot_be_loaded_there_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own class refuses what the stream says: a placeholder, and the rest of the session."""
    pandas = pytest.importorskip("pandas", reason="pandas is a development dependency")
    monkeypatch.setitem(modules._known, "pandas", "3.0.1")
    notebook = _written(FRAMES.replace("; s = df['a']; i = df.index", ""), monkeypatch=monkeypatch)
    monkeypatch.setitem(modules._known, "pandas", pandas.__version__)

    def refuse(*_: object) -> None:
        raise TypeError("another layout of blocks")

    monkeypatch.setattr(pandas.core.internals.managers.BlockManager, "__setstate__", refuse, raising=False)
    monkeypatch.setattr(pandas.core.generic.NDFrame, "__setstate__", refuse)
    other, report = notebook.restored()
    assert _values(other)["x"] == 1
    assert "df" in [path for path, _, _ in report.lost]


# ---------------------------------------------------------------- for real


def _cases(folder: Path) -> dict[str, elsewhere.Case]:
    """Everything that comes with Python, each case in names of its own."""
    cases: dict[str, elsewhere.Case] = {"": (f"D = {str(folder)!r}", "True")}
    for i, (what, cell, after, _) in enumerate(case for part in kept_standard.FAMILIES.values() for case in part):
        alone = what in APART or "await " in cell or "asyncio." in cell
        cases[what] = ("None", "True") if alone else (cell.replace("$", f"v{i}_"), after.replace("$", f"v{i}_"))
    return cases


def _frames() -> dict[str, elsewhere.Case]:
    return {
        "arrays": ("import numpy as np\np_a = np.arange(6).reshape(2, 3); p_v = p_a[0]", "p_v.base is p_a.base and bool(p_v.sum() == 3)"),
        "frame": ("import pandas as pd\np_f = pd.DataFrame({'a': np.arange(5.), 'b': list('vwxyz')}, index=list('abcde'))", "float(p_f.loc['c', 'a']) == 2.0 and list(p_f['b']) == list('vwxyz')"),
        "series": ("p_g = p_f.groupby('b')['a'].sum(); p_c = pd.Series(['u', 'v', 'u'], dtype='category')", "bool(p_g['v'] == 0 and p_c.tolist() == ['u', 'v', 'u'])"),
        "dates": ("p_t = pd.Series([1, 2], index=pd.date_range('2024-01-01', periods=2, tz='UTC'))", "bool(p_t.iloc[1] == 2 and str(p_t.index.tz) == 'UTC')"),
        "levels": ("p_m = pd.DataFrame({'x': [1]}, index=pd.MultiIndex.from_tuples([(1, 'a')])); p_s = pd.Timestamp('2024-01-01')", "bool(p_m.loc[(1, 'a'), 'x'] == 1 and p_s.year == 2024)"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def other() -> Path:
    """Another Python that is at hand."""
    found = elsewhere.other_python()
    if found is None:
        pytest.skip("no other Python that Holdfast runs under is at hand: the versions are faked above")
    return found


class Crossing(NamedTuple):
    """A session that crossed: from here to another Python or back; what was found, by what was to be true."""

    back: bool
    found: dict[str, Any]
    answers: dict[str, str]


@pytest.fixture(scope="module", params=[False, True], ids=["written there", "written here"])
def crossing(request: pytest.FixtureRequest, other: Path, tmp_path_factory: pytest.TempPathFactory) -> Crossing:
    """One session of everything, in one direction."""
    pythons = [other, Path(sys.executable)]
    writer, reader = reversed(pythons) if request.param else pythons
    home = tmp_path_factory.mktemp("crossing") / "home"
    cases = {**_cases(home), **_frames()}
    elsewhere.write(writer, home, [*cases.values()])
    found = elsewhere.read(reader, home, [*cases.values()])
    return Crossing(request.param, found, dict(zip(cases, found["answers"], strict=True)))


@pytest.mark.timeout(900)  # the first time, another environment is built
def test_a_session_crosses_pythons(crossing: Crossing) -> None:
    """Each value is as it was, or named; what another Python cannot know is one of a few; nothing ends the process."""
    standard = [what for part in kept_standard.FAMILIES.values() for what, *_ in part]
    wrong = {what: answer for what, answer in crossing.answers.items() if answer != "True" and what in standard}
    named = " ".join(path for path, _, _ in crossing.found["lost"])
    assert {what: answer for what, answer in wrong.items() if f"v{standard.index(what)}_" not in named} == {}
    assert wrong.keys() <= UNKNOWN, wrong
    assert "Python" in [name for name, _, _ in crossing.found["versions"]]
    assert len(crossing.found["rebuilt"]) > 40


@pytest.mark.timeout(900)
def test_a_session_crosses_versions_of_pandas(crossing: Crossing) -> None:
    """Each frame is as it was, or in an older pandas a placeholder that says why; arrays are there."""
    assert "pandas" in [name for name, _, _ in crossing.found["versions"]]
    wrong = {what: crossing.answers[what] for what in _frames() if crossing.answers[what] != "True"}
    assert "arrays" not in wrong
    assert crossing.back or not wrong, wrong
    assert all(answer.startswith("LostValueError") for answer in wrong.values()), wrong
