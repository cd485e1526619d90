"""`_`, `__`, `___`, `_N`, `Out`; `_i`, `_iN`, `In`: kept, bounded, the user's own when the user takes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.namespace import results as module
from holdfast.namespace.namespace import Namespace
from holdfast.namespace.results import Outputs, Results, size, snapshot


class Cells:
    """Results and the dict they are reflected in; `show` is a cell with a value."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.ns: dict[str, object] = {}
        self.results = Results(limit)
        self.results.rebuild(self.ns)
        self.count = 0

    def run(self, code: str) -> None:
        """A stored cell without a value."""
        self.count += 1
        self.results.rebuild(self.ns)
        self.results.push_input(self.ns, self.count, code)

    def show(self, value: object) -> None:
        """A stored cell whose last expression has a value."""
        self.run(repr(value))
        self.results.push_output(self.ns, self.count, value)

    def last(self) -> list[object]:
        """The three newest results."""
        return [self.ns["_"], self.ns["__"], self.ns["___"]]


def test_the_names_are_there_from_the_start() -> None:
    """Empty, as in the shells that people know."""
    ns = Cells().ns
    assert ns == dict.fromkeys(("_", "__", "___", "_i", "_ii", "_iii"), "") | {"Out": {}, "In": [""]}


def test_results_move_on() -> None:
    """The newest is `_`, the ones before it `__` and `___`; each keeps its number."""
    cells = Cells()
    for value in "abcd":
        cells.show(value)
    assert cells.last() == ["d", "c", "b"]
    assert cells.ns["Out"] == {1: "a", 2: "b", 3: "c", 4: "d"}
    assert [cells.ns[f"_{n}"] for n in (1, 2, 3, 4)] == list("abcd")


def test_inputs_move_on() -> None:
    """`_i` is the input before the one that runs; `In` and `_iN` have all."""
    cells = Cells()
    for code in "abcd":
        cells.run(code)
    assert [cells.ns[name] for name in ("_i", "_ii", "_iii")] == ["c", "b", "a"]
    assert cells.ns["In"] == ["", "a", "b", "c", "d"]
    assert [cells.ns[f"_i{n}"] for n in (1, 2, 3, 4)] == list("abcd")


def test_a_cell_without_a_value_leaves_results_alone() -> None:
    """`_` stays what was shown last."""
    cells = Cells()
    cells.show(5)
    cells.run("x = 1")
    assert cells.ns["_"] == 5


def test_showing_out_is_no_result() -> None:
    """It would hold itself."""
    cells = Cells()
    cells.show(5)
    cells.show(cells.ns["Out"])
    assert (cells.ns["_"], cells.ns["Out"]) == (5, {1: 5})


# ---------------------------------------------------------------- the user's own


@pytest.mark.parametrize("name", ["_", "__", "___"])
def test_a_name_that_the_user_takes_stays_the_users(name: str) -> None:
    """gettext binds `_`; results go on beside it."""
    cells, mine = Cells(), object()
    cells.show(1)
    cells.ns[name] = mine
    for value in (2, 3, 4):
        cells.show(value)
    assert cells.ns[name] is mine
    assert [value for value in cells.last() if value is not mine] == [
        value for key, value in zip(("_", "__", "___"), (4, 3, 2), strict=True) if key != name
    ]


def test_a_name_that_the_user_deletes_comes_back() -> None:
    """With what it would hold had it never gone."""
    cells = Cells()
    cells.show(1)
    cells.ns["_"] = "mine"
    cells.show(2)
    del cells.ns["_"]
    cells.run("pass")
    assert cells.ns["_"] == 2
    cells.show(3)
    assert cells.last() == [3, 2, 1]


@pytest.mark.parametrize("name", ["Out", "In"])
def test_rebinding_a_table_does_not_stop_the_record(name: str) -> None:
    """The user's own stays; deleting it brings the record back, complete."""
    cells = Cells()
    cells.ns[name] = 5
    cells.show("a")
    assert cells.ns[name] == 5
    del cells.ns[name]
    cells.run("b")
    assert cells.ns[name] == {"Out": {1: "a"}, "In": ["", "'a'", "b"]}[name]


def test_clearing_the_tables_does_not_stop_the_record() -> None:
    """`In.clear()` and `Out.clear()` lose what was there, not what comes."""
    cells = Cells()
    for value in "abc":
        cells.show(value)
    cells.results.inputs.clear()
    cells.results.out.clear()
    cells.show("d")
    assert cells.ns["In"] == ["", "", "", "", "'d'"]
    assert cells.ns["Out"] == {4: "d"}


def test_a_gap_in_the_numbers_is_filled() -> None:
    """`In[n]` is cell n, also when cells before it left no input."""
    cells = Cells()
    cells.count = 4
    cells.run("five")
    assert cells.ns["In"] == ["", "", "", "", "", "five"]


# ---------------------------------------------------------------- bounds


def test_out_is_bounded_by_bytes() -> None:
    """The oldest go first, their numbered names with them; the newest stays however large."""
    cells = Cells(limit=100)
    cells.show("a" * 60)
    cells.show("b" * 60)
    assert list(cells.ns["Out"]) == [2]  # type: ignore[call-overload]
    assert "_1" not in cells.ns
    cells.show("c" * 1000)
    assert list(cells.ns["Out"]) == [3]  # type: ignore[call-overload]
    assert cells.last() == ["c" * 1000, "b" * 60, "a" * 60]


def test_out_is_bounded_by_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The namespace does not grow with history."""
    monkeypatch.setattr(module, "KEPT", 10)
    cells = Cells()
    for n in range(50):
        cells.show(n)
    assert list(cells.ns["Out"]) == list(range(41, 51))  # type: ignore[call-overload]
    numbered = [name for name in cells.ns if name[1:].removeprefix("i").isdecimal()]
    assert len(numbered) == 20


def test_what_the_user_bound_is_not_let_go() -> None:
    """A numbered name that the user rebound is not deleted with its result."""
    cells = Cells(limit=100)
    cells.show("a" * 60)
    cells.ns["_1"] = "mine"
    cells.show("b" * 60)
    assert cells.ns["_1"] == "mine"


def test_a_result_that_was_let_go_says_so() -> None:
    """Not a bare number."""
    with pytest.raises(KeyError, match="let go to bound memory"):
        Outputs()[7]
    assert Outputs().get(7) is None


class Odd:
    """A value that answers nothing."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", 3),
        (b"abcd", 4),
        (bytearray(5), 5),
        ([1, 2], 128),
        ({1: 2}, 64),
        ((), 0),
        (5, 64),
        (object(), 64),
        (np.zeros(1000), 8000),
        (np.float64(1), 8),
        (pd.Series([1.0] * 100), 800),
        (pd.DataFrame({"a": [1.0] * 100}), 800),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sizes_are_estimated(value: object, expected: int) -> None:
    """Bytes for buffers and text, a flat rate for the rest; a few per cent off is no matter."""
    assert size(value) == pytest.approx(expected, rel=0.1, abs=8)


def test_a_value_that_cannot_be_measured_is_kept() -> None:
    """Its exception is not the cell's."""
    cells = Cells()
    cells.show(5)
    odd = Odd()
    cells.count += 1
    cells.results.push_output(cells.ns, cells.count, odd)
    assert cells.ns["_"] is odd


# ---------------------------------------------------------------- whose name it is


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("_", True),
        ("___", True),
        ("_iii", True),
        ("Out", True),
        ("In", True),
        ("_5", True),
        ("_i12", True),
        ("____", False),
        ("_x", False),
        ("_i", True),
        ("_ix", False),
        ("i5", False),
        ("x", False),
        ("", False),
    ],
)
def test_it_knows_its_own_names(name: str, ours: bool) -> None:
    """Completion, `%who` and durability leave them out."""
    assert Results(100).owns(name) is ours


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["show", "run", "delete", "bind", "clear"]),
        st.sampled_from(["_", "__", "___", "_i", "_ii", "Out", "In", "_1", "_i2", "x"]),
        st.integers(0, 200),
    ),
    max_size=40,
)


@given(OPERATIONS)
def test_no_sequence_of_operations_breaks_it(operations: list[tuple[str, str, int]]) -> None:
    """Whatever is deleted or rebound in between, results of later cells are where they belong."""
    cells, taken = Cells(limit=300), set[str]()
    shown: list[object] = ["", "", ""]
    for operation, name, number in operations:
        if operation == "show":
            value = "v" * number + str(cells.count)
            cells.show(value)
            shown.insert(0, value)
            # A deleted name comes back with the next cell.
            for key, expected in zip(("_", "__", "___"), shown, strict=False):
                assert key in taken or cells.ns[key] == expected
            assert cells.results.out[cells.count] == value
        elif operation == "run":
            cells.run("code")
            assert cells.results.inputs[cells.count] == "code"
        elif operation == "delete":
            cells.ns.pop(name, None)
            taken.discard(name)
        elif operation == "bind":
            cells.ns[name] = f"mine {number}"
            taken.add(name)
        else:
            cells.ns.clear()
            taken.clear()
        assert cells.results._total == sum(freed for _, freed in cells.results._sizes)


def test_a_snapshot_is_a_copy() -> None:
    """Of any mapping, also one that another thread is changing."""

    class Restless(dict[str, object]):
        """Changes its size under the first copy."""

        tries = 0

        def keys(self):  # type: ignore[no-untyped-def]
            Restless.tries += 1
            if Restless.tries == 1:
                raise RuntimeError("dictionary changed size during iteration")
            return super().keys()

    ns = {"a": [1]}
    copy = snapshot(ns)
    assert copy == ns
    assert copy is not ns
    assert snapshot(Restless(a=1)) == {"a": 1}


def test_results_can_be_put_back() -> None:
    """What was let go meanwhile is there again, inputs stay, and the bounds hold on."""
    cells = Cells(limit=300)
    cells.show("a" * 100)
    marked = cells.results.mark()
    for value in "bcd":
        cells.show(value * 200)
    cells.results.put_back(marked)
    assert (cells.results.out, cells.results.bound["_"], cells.results.bound["__"]) == ({1: "a" * 100}, "a" * 100, "")
    assert len(cells.results.inputs) == 5
    cells.show("e" * 250)
    assert cells.results.out == {5: "e" * 250}


def test_everything_can_be_forgotten() -> None:
    """As before the first cell, in the same containers; what the user bound stays."""
    namespace = Namespace()
    for count in (1, 2):
        namespace.begin(count, f"cell {count}")
        namespace.result(count, [count])
    out, inputs = namespace.dict["Out"], namespace.dict["In"]
    namespace.dict["_1"] = namespace.dict["__"] = "mine"
    namespace.results.forget(namespace.dict)
    ns = namespace.dict
    assert (ns["Out"] is out, ns["In"] is inputs, dict(namespace.results.out), inputs) == (True, True, {}, [""])
    assert {name: ns.get(name) for name in ("_", "__", "_1", "_2", "_i1", "_i")} == {
        "_": "", "__": "mine", "_1": "mine", "_2": None, "_i1": None, "_i": "",
    }  # fmt: skip
    namespace.begin(3, "next")
    namespace.result(3, "third")
    assert (ns["_"], ns["_3"], ns["In"]) == ("third", "third", ["", "", "", "next"])


def test_results_and_inputs_are_forgotten_apart() -> None:
    """Each leaves the other as it was."""
    cells = Cells()
    cells.show("a")
    cells.results.forget_outputs(cells.ns)
    assert (dict(cells.results.out), cells.ns["_"], cells.results.inputs) == ({}, "", ["", "'a'"])
    cells.show("b")
    cells.results.forget_inputs(cells.ns)
    assert (dict(cells.results.out), cells.ns["_"], cells.results.inputs) == ({2: "b"}, "b", [""])
    cells.show("c")
    assert (cells.last(), cells.ns["_i3"]) == (["c", "b", ""], "'c'")


def test_a_value_is_let_go() -> None:
    """Wherever it is a result; an equal one stays, and so does what the user bound."""
    cells = Cells()
    value = [1]
    for shown in (value, [1], value):
        cells.show(shown)
    cells.ns["_1"] = "mine"
    cells.results.let_go(cells.ns, value)
    assert (dict(cells.results.out), cells.last()) == ({2: [1]}, ["", [1], ""])
    assert (cells.ns["_1"], "_3" in cells.ns) == ("mine", False)
