"""`%who` and its kin, `%reset` and its kin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel with variables, results and inputs."""
    kernel = MagicKernel(number=5, text="a\nb", numbers=[1, 2], array=np.zeros((3, 4)), _hidden=1)
    kernel.cell("number")
    kernel.scope.result(1, 5)
    return kernel


def out(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed."""
    return capsys.readouterr().out


def test_who_ls_lists_the_users_names(kernel: MagicKernel) -> None:
    """Neither results nor inputs, nor what begins with an underscore."""
    assert kernel.line("who_ls") == ["array", "number", "numbers", "text"]


@pytest.mark.parametrize(("types", "names"), [("int", ["number"]), ("str list", ["numbers", "text"]), ("dict", [])])
def test_types_choose(kernel: MagicKernel, types: str, names: list[str]) -> None:
    """By their names."""
    assert kernel.line(f"who_ls {types}") == names


def test_who_prints_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten names in each."""
    kernel = MagicKernel()
    kernel.namespace.update({f"v{at:02}": at for at in range(12)})
    kernel.line("who")
    rows = out(capsys).splitlines()
    assert [row.split() for row in rows] == [[f"v{at:02}" for at in range(9)], ["v09", "v10", "v11"]]


@pytest.mark.parametrize(("line", "said"), [("who", "no variables"), ("who int", "type int"), ("whos", "no variables")])
def test_nothing_to_list_is_said(capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    """In words."""
    MagicKernel().line(line)
    assert said in out(capsys)


def test_whos_is_a_table(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, type and what it holds, in columns."""
    kernel.line("whos")
    assert out(capsys).splitlines() == [
        "Variable   Type       Data/Info",
        "-------------------------------",
        "array      ndarray    3x4: 12 elems, type `float64`, 96 bytes",
        "number     int        5",
        "numbers    list       n=2",
        "text       str        a\\nb",
    ]


class Frame:
    """Has a shape, and a text that takes long."""

    shape = (3, 2)

    def __str__(self) -> str:
        raise AssertionError("a table is not made into text")


class Broken:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x" * 26 + "y" * 30, "x" * 25 + "<...>" + "y" * 25),
        (np.zeros((2000, 3000)), "2000x3000: 6000000 elems, type `float64`, 48000000 bytes (45.78 Mb)"),
        (np.float64(3), "3.0"),
        (Frame(), "Shape: (3, 2)"),
        (Broken(), "(its text cannot be had: ValueError)"),
        ({1, 2}, "n=2"),
    ],
)
def test_whos_is_short(capsys: pytest.CaptureFixture[str], value: Any, told: str) -> None:
    """Whatever the value."""
    MagicKernel(v=value).line("whos")
    assert out(capsys).splitlines()[-1].endswith(f"    {told}")


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("numb*", "number\nnumbers"),
        ("NUMB* -i", "number\nnumbers"),
        ("numb* list", "numbers"),
        ("_hid*", "_hidden"),
        ("-a *hid*", "_hidden"),
        ("-e user ascii", "ascii"),
        ("numbers.app*", "numbers.append"),
    ],
)
def test_psearch_finds_names(kernel: MagicKernel, rest: str, found: str) -> None:
    """The user's, Python's own, and attributes."""
    kernel.line(f"psearch {rest}")
    assert kernel.pages == [found]


@pytest.mark.parametrize("rest", ["NUMB*", "-e builtin asci*", "*hid*", "number?? x"])
def test_psearch_says_when_there_is_none(kernel: MagicKernel, capsys: pytest.CaptureFixture[str], rest: str) -> None:
    """Below the cell."""
    kernel.line(f"psearch {rest}")
    assert "Nothing matches" in out(capsys)


def test_reset_takes_everything(kernel: MagicKernel) -> None:
    """Variables, results and inputs; and all of it may have changed."""
    kernel.line("reset -f")
    assert list(kernel.scope.visible()) == []
    assert (kernel.namespace["Out"], kernel.namespace["In"], kernel.namespace["_"]) == ({}, [""], "")
    assert kernel.touches == [()]


def test_a_soft_reset_leaves_results(kernel: MagicKernel) -> None:
    """And inputs."""
    kernel.line("reset -sf")
    assert list(kernel.scope.visible()) == []
    assert (kernel.namespace["Out"], kernel.namespace["_1"], kernel.namespace["In"]) == ({1: 5}, 5, ["", "number"])


@pytest.mark.parametrize(
    ("what", "gone", "stays"),
    [("out", ["_1"], ["_i1", "array"]), ("in", ["_i1"], ["_1", "array"]), ("array", ["array"], ["_1", "number"])],
)
def test_reset_takes_what_it_is_told(kernel: MagicKernel, what: str, gone: list[str], stays: list[str]) -> None:
    """And nothing else."""
    kernel.line(f"reset -f {what}")
    assert all(name not in kernel.namespace for name in gone)
    assert all(name in kernel.namespace for name in stays)


@pytest.mark.parametrize(("answers", "left"), [(["y"], []), (["YES "], []), (None, [])])
def test_reset_asks(answers: list[str] | None, left: list[str]) -> None:
    """And goes on after a yes, or where nobody can be asked."""
    kernel = MagicKernel(answers, x=1)
    kernel.line("reset")
    assert list(kernel.scope.visible()) == left
    assert len(kernel.asked) == 1


@pytest.mark.parametrize("line", ["reset", "reset_selective x"])
@pytest.mark.parametrize("answer", ["n", "", "what?"])
def test_without_a_yes_nothing_is_deleted(line: str, answer: str) -> None:
    """Whatever was said instead."""
    kernel = MagicKernel([answer], x=1)
    kernel.line(line)
    assert kernel.namespace["x"] == 1
    assert kernel.touches == []


def test_reset_selective_takes_by_name(kernel: MagicKernel) -> None:
    """Those in which the expression is found; results stay."""
    kernel.line("reset_selective -f ^num")
    assert kernel.line("who_ls") == ["array", "text"]
    assert kernel.namespace["_1"] == 5
    assert kernel.touches == [("number", "numbers")]


def test_xdel_lets_the_value_go() -> None:
    """Its other names and the results that are it go too; equal ones stay."""
    kernel = MagicKernel(a=[1], equal=[1])
    kernel.namespace["b"] = kernel.namespace["a"]
    kernel.cell("a")
    kernel.scope.result(1, kernel.namespace["a"])
    kernel.line("xdel a")
    assert list(kernel.scope.visible()) == ["equal"]
    assert (kernel.namespace["Out"], kernel.namespace["_"], "_1" in kernel.namespace) == ({}, "", False)


def test_xdel_can_take_the_name_alone() -> None:
    """With -n."""
    kernel = MagicKernel(a=[1])
    kernel.namespace["b"] = kernel.namespace["a"]
    kernel.line("xdel -n a")
    assert list(kernel.scope.visible()) == ["b"]


@pytest.mark.parametrize("line", ["reset -f everything", "reset_selective -f (", "xdel nothing", "psearch"])
def test_what_it_cannot_use_is_refused(kernel: MagicKernel, line: str) -> None:
    """And nothing is deleted."""
    with pytest.raises(BadWords):
        kernel.line(line)
    assert kernel.line("who_ls") == ["array", "number", "numbers", "text"]
