"""Completion from the live session and from the text of the cell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.language.complete import MATCH_LIMIT, complete


class Point:
    """A class with a property that must not be evaluated."""

    evaluated = 0

    def __init__(self, x: int, *, y: int = 0) -> None:
        self.x_own = x

    @property
    def x_computed(self) -> str:
        type(self).evaluated += 1
        return ""

    def x_method(self, scale: int = 1) -> None: ...
    def _x_private(self) -> None: ...


def area(width: int, height: int = 1, /, unit: str = "m", *args: int, exact: bool = False) -> str:
    return ""


NAMESPACE: dict[str, Any] = {
    "os": os,
    "np": np,
    "df": pd.DataFrame({"alpha": [1], "be ta": [2]}),
    "d": {"key1": 1, 'q"x': 2, "k'z": {"inner": 3}, 5: 6, b"raw": 7, "a{b": 8},
    "p": Point(1),
    "Point": Point,
    "area": area,
    "zz_name": 1,
    "_zz_hidden": 2,
    "names": ["a"],
    "été": 1,
    "float_once": 1.5,
    "Path": Path,
}


def matches(code: str, pos: int | None = None, namespace: Mapping[str, object] = NAMESPACE) -> list[str]:
    """The matches of a reply whose every other part is checked as well."""
    at = len(code) if pos is None else pos
    reply: dict[str, Any] = complete(code, at, namespace)
    types = reply["metadata"]["_jupyter_types_experimental"]
    assert reply["status"] == "ok"
    assert [item["text"] for item in types] == reply["matches"]
    assert all(item["start"] == reply["cursor_start"] <= item["end"] == reply["cursor_end"] == at for item in types)
    assert all(isinstance(item["type"], str) and isinstance(item["signature"], str) for item in types)
    json.dumps(reply).encode()
    found: list[str] = reply["matches"]
    assert len(found) == len(set(found))
    return found


HAS = [
    ("os.pa", "path"),
    ("os.path.jo", "join"),
    ("import os; os.pa", "path"),
    ("import os.path as q; q.jo", "join"),
    ("from os import path as q; q.jo", "join"),
    ("df.gro", "groupby"),
    ("df.al", "alpha"),
    ("df.alpha.me", "mean"),
    ("df['alpha'].me", "mean"),
    ("df.alpha.str.up", "upper"),
    ("df.head().gro", "groupby"),
    ("df.groupby('alpha').me", "mean"),
    ("x = df.head()\nx.gro", "groupby"),
    ("p.x", "x_own"),
    ("p.x_computed.up", "upper"),
    ("Point(1).x_", "x_method"),
    ("area(1).up", "upper"),
    ("'abc'.up", "upper"),
    ("b'abc'.hex", "hex"),
    ("f'{os.pa", "path"),
    ('f\'{d["key1"]} {zz', "zz_name"),
    ("zz", "zz_name"),
    ("pri", "print"),
    ("whi", "while"),
    ("ét", "été"),
    ("\U0001f600\U0001d400 = 1; zz", "zz_name"),
    ("long_name = 1\nlong", "long_name"),
    ("def f(alpha, beta):\n    al", "alpha"),
    ("def f(s: str):\n    s.up", "upper"),
    ("def f(q: Path):\n    q.is_d", "is_dir"),
    ("for item_a in x: item", "item_a"),
    ("float_once = Path('x')\nfloat_once.is_d", "is_dir"),
    ("float_once = 3\nfloat_once.is_i", "is_integer"),
    ("area(un", "unit="),
    ("area(1, ex", "exact="),
    ("area(unit='m', ex", "exact="),
    ("Point(", "x="),
    ("p.x_method(sc", "scale="),
    ("np.zeros(sh", "shape="),
    ("def g(gamma): pass\ng(ga", "gamma="),
    ("d['ke", "key1']"),
    ('d["q', 'q\\"x"]'),
    ("d['k\\'", "k\\'z']"),
    ("d[b'r", "raw']"),
    ("d[f'a", "a{{b']"),
    ("d[\"k'z\"]['in", "inner']"),
    ("d[", '"key1"'),
    ("df['be", "be ta']"),
    ("print(df['al", "alpha']"),
    ("import nump", "numpy"),
    ("import os, nump", "numpy"),
    ("import os.pa", "path"),
    ("from nump", "numpy"),
    ("from os import pa", "path"),
    ("from os import (sep,\n  pa", "path"),
    ("from numpy.lin", "linalg"),
    ("from os ", "import"),
    ("if x: import nump", "numpy"),
    ("os.PATH", "path"),
    ("names[0].up", "upper"),
]


@pytest.mark.parametrize(("code", "word"), HAS)
def test_offers(code: str, word: str) -> None:
    """What a person would expect is among the matches, without jedi."""
    assert word in matches(code)


LACKS = [
    ("# os.pa", None),
    ("x = 5", None),
    ("'os.pa", None),
    ("area(wi", "width="),
    ("area(unit='m', ", "unit="),
    ("area(x=os.pa", "unit="),
    ("d['ke", "5"),
    ("import numpy as n", "numpy"),
    ("float_once = Path('x')\nfloat_once.", "is_integer"),
    ("def f(os):\n    os.pa", "path"),
    ("def f(alpha): pass\nalp", "alpha"),
    ("class A:\n    def m(self):\n        pass\nse", "self"),
]


@pytest.mark.parametrize(("code", "word"), LACKS)
def test_does_not_offer(code: str, word: str | None) -> None:
    """Comments, numbers and plain strings have no completions, other scopes lend none."""
    found = matches(code)
    assert word not in found if word else found == []


def test_order_is_public_private_special() -> None:
    """Public names come first, then those with one underscore, then those with two."""
    found = matches("p.")
    ranks = [2 if name.startswith("__") else 1 if name.startswith("_") else 0 for name in found]
    assert ranks == sorted(ranks)
    assert {0, 1, 2} == set(ranks)
    assert matches("area(1, ")[0] == "unit="


TYPES = [
    ("os.pat", "path", "module"),
    ("pri", "print", "function"),
    ("Poi", "Point", "class"),
    ("zz", "zz_name", "instance"),
    ("whi", "while", "keyword"),
    ("p.x", "x_computed", "property"),
    ("p.x", "x_method", "function"),
    ("area(un", "unit=", "param"),
    ("new_x = 1\nnew", "new_x", "statement"),
    ("open('/et", "etc/", "path"),
]


@pytest.mark.parametrize(("code", "word", "kind"), TYPES)
def test_types_are_jedis_words(code: str, word: str, kind: str) -> None:
    """Each match carries its type for the front end's icon."""
    reply: Any = complete(code, len(code), NAMESPACE)
    items = {item["text"]: item for item in reply["metadata"]["_jupyter_types_experimental"]}
    assert items[word]["type"] == kind


def test_functions_carry_signatures() -> None:
    """A function's match shows its parameters, a method's without `self`."""
    reply: Any = complete("p.x_m", 5, NAMESPACE)
    assert reply["metadata"]["_jupyter_types_experimental"][0]["signature"] == "(scale=1)"


@pytest.mark.parametrize("pos", [-1, 6, 10**9])
def test_cursor_out_of_range_is_refused(pos: int) -> None:
    """A cursor that is not in the code is an error that says so."""
    with pytest.raises(ValueError, match=f"cursor_pos {pos} is outside the code, which has 5 characters"):
        complete("os.pa", pos, NAMESPACE)


def test_positions_are_code_points() -> None:
    """Astral characters count as one, in the cursor and in what comes back."""
    code = "'\U0001f600\U0001f600'; os.pa + 1"
    reply = complete(code, 11, NAMESPACE)
    assert (reply["cursor_start"], reply["cursor_end"]) == (9, 11)
    assert "path" in reply["matches"]  # type: ignore[operator]


def test_text_after_the_cursor_is_left() -> None:
    """In the middle of a cell the text before the cursor decides, and only that is replaced."""
    assert "path" in matches("os.pa\nx = [1", 5)
    assert matches("d['ke']", 5) == ["key1"]
    assert matches("d['ke]", 5) == ["key1'"]


def test_properties_are_not_evaluated() -> None:
    """Completing an object, and after a property of it, runs none of its properties."""
    before = Point.evaluated
    matches("p.")
    matches("p.x_computed.")
    assert Point.evaluated == before


class Counting(Mapping[str, object]):
    """A namespace of 100,000 names that counts how often it is walked and asked."""

    def __init__(self) -> None:
        self.data = {f"v{index}": index for index in range(100_000)}
        self.walks = 0
        self.asked = 0

    def __getitem__(self, name: str) -> object:
        self.asked += 1
        return self.data[name]

    def __iter__(self) -> Iterator[str]:
        self.walks += 1
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


def test_large_namespaces_are_walked_once() -> None:
    """Among 100,000 names one walk and a look at each match are all the work."""
    names = Counting()
    assert len(matches("v9999", namespace=names)) == 11
    assert names.walks == 1
    assert names.asked <= 11


def test_attributes_ask_only_for_the_root() -> None:
    """A dotted name among 100,000 others costs one look."""
    names = Counting()
    names.data["os"] = os  # type: ignore[assignment]
    assert "path" in matches("os.pa", namespace=names)
    assert (names.walks, names.asked) == (0, 1)


def test_replies_are_bounded() -> None:
    """A prefix that fits everything gives no more than the limit, and looks at no more."""
    names = Counting()
    assert len(matches("v", namespace=names)) == MATCH_LIMIT
    assert names.asked <= MATCH_LIMIT + 10


def test_a_namespace_that_changes_meanwhile_does_not_matter() -> None:
    """Names come and go in another thread, and every request is answered."""
    names: dict[str, object] = {f"v{index}": index for index in range(2_000)}
    stop = threading.Event()

    def change() -> None:
        count = 0
        while not stop.is_set():
            count += 1
            names[f"w{count}"] = names
            names.pop(f"w{count - 50}", None)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(200):
            assert "v1999" in matches("v19", namespace=names)
    finally:
        stop.set()
        changer.join()


def test_a_name_deleted_after_listing_is_left_out() -> None:
    """What is gone when its type is looked up is not offered."""

    class Fleeting(Counting):
        def __getitem__(self, name: str) -> object:
            raise KeyError(name)

    assert matches("v9999", namespace=Fleeting()) == []


def test_user_key_completions_are_guarded() -> None:
    """`_ipython_key_completions_` is used where it is defined, and its errors are not ours."""

    class Store:
        def __init__(self, error: bool) -> None:
            self.error = error

        def _ipython_key_completions_(self) -> list[str]:
            if self.error:
                raise SystemExit
            return ["left", "right"]

    assert matches("s['le", namespace={"s": Store(False)}) == ["left']"]
    assert matches("s['le", namespace={"s": Store(True)}) == []


def test_paths_in_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and folders complete in strings that look like paths; hidden ones only when asked for."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "it's.csv").touch()
    (tmp_path / "data.csv").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    assert matches("open('da") == ["data.csv", "data/"]
    assert matches("x = './da") == ["data.csv", "data/"]
    assert matches("open('data/it") == ["it\\'s.csv"]
    assert matches('open("data/it') == ["it's.csv"]
    assert matches("open('.hi") == [".hidden"]
    assert matches("open('./") == ["data.csv", "data/"]
    assert matches("x = 'da") == []
    assert matches("open('http://da") == []
    assert matches("open('\0") == []


def test_names_that_are_not_text_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file name that is no UTF-8, or a lone surrogate among the names, does not spoil the reply."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff")).touch()
    (tmp_path / "ab").touch()
    monkeypatch.chdir(tmp_path)
    assert matches("open('a") == ["a\\udcff", "ab"]
    assert matches("zq", namespace={"zq\ud800": 1, "zqx": 2}) == ["zqx"]


def test_extra_answers_for_magic_lines() -> None:
    """The hook's words are used on magic lines only, filled up to one start, and fall through when empty."""
    seen: list[tuple[str, int]] = []

    def extra(code: str, pos: int) -> list[tuple[str, int, str]]:
        seen.append((code, pos))
        return [] if "os" in code else [("%time", 0, "function"), ("timeit", 1, "function")]

    assert complete("%ti", 3, {}, extra)["matches"] == ["%time", "%timeit"]
    assert "path" in complete("%time os.pa", 11, NAMESPACE, extra)["matches"]  # type: ignore[operator]
    complete("os.pa", 5, NAMESPACE, extra)
    assert seen == [("%ti", 3), ("%time os.pa", 11)]


def test_large_cells_are_read_in_part() -> None:
    """Only the end of a very long cell is read, and positions count from its start all the same."""
    code = "x = 1\n" * 100_000 + "os.pa"
    reply = complete(code, len(code), NAMESPACE)
    assert reply["cursor_start"] == len(code) - 2
    assert "path" in reply["matches"]  # type: ignore[operator]


@given(st.text(alphabet="osdfp.()[]{}'\"#\\\n %!@=,:1\U0001f600", max_size=30), st.data())
def test_never_raises(code: str, data: st.DataObject) -> None:
    """Any text and cursor has an answer whose parts fit together."""
    line = code.replace(".", "_")  # Dots would ask jedi, which is slow and tested elsewhere.
    matches(line, data.draw(st.integers(0, len(line))))


def test_jedi_is_not_imported_for_live_names() -> None:
    """The first requests of a session, also of an import that has not run, do without jedi."""
    program = (
        "import sys, os\n"
        "from holdfast.language.complete import complete\n"
        "for code in ('os.pa', 'import os; os.pa', 'pri', 'import nu', 'open(\"/e'):\n"
        "    assert complete(code, len(code), {'os': os})['matches'], code\n"
        "assert 'jedi' not in sys.modules and 'inspect' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=240)
