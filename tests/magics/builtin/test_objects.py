"""`%pinfo`, `%psource` and their kin."""

from __future__ import annotations

import builtins
import json
import sys
from types import ModuleType

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.lowered import HELP


def documented(a: int, *, b: str = "x") -> None:
    """Says something."""


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel with a function, a module and a value."""
    return MagicKernel(documented=documented, undocumented=lambda: None, json=json, value=[1], text="a\nb")


@pytest.mark.parametrize(("name", "level"), [("pinfo", 0), ("pinfo2", 1)])
def test_pinfo_is_a_question_mark(kernel: MagicKernel, monkeypatch: pytest.MonkeyPatch, name: str, level: int) -> None:
    """One, or two."""
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(builtins, HELP, lambda text, level: asked.append((text, level)), raising=False)
    kernel.line(f"{name} json.dumps")
    assert asked == [("json.dumps", level)]


@pytest.mark.parametrize(
    ("line", "page"),
    [
        ("pdoc documented", "Says something."),
        ("pdoc undocumented", None),
        ("psource documented", 'def documented(a: int, *, b: str = "x") -> None:\n    """Says something."""\n'),
        ("page value", "[1]"),
        ("page -r text", "a\nb"),
        ("pdoc len", "Return the number of items in a container."),
    ],
)
def test_the_pager_shows_it(kernel: MagicKernel, line: str, page: str | None) -> None:
    """What is asked for, and no more; nothing where there is none."""
    kernel.line(line)
    assert kernel.pages == ([page] if page else [])


def test_pfile_shows_the_whole_file(kernel: MagicKernel) -> None:
    """That defines the object."""
    kernel.line("pfile json.dumps")
    assert kernel.pages[0].startswith('r"""JSON')


def test_pdef_prints_the_signature(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Below the cell."""
    kernel.line("pdef documented")
    assert capsys.readouterr().out == "documented(a: 'int', *, b: 'str' = 'x') -> 'None'\n"


@pytest.mark.parametrize("name", ["pdoc", "psource", "pdef", "pfile", "page"])
@pytest.mark.parametrize("text", ["nothing", "json.nothing", "1 + 1", ""])
def test_what_is_not_there_is_said(
    kernel: MagicKernel, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    """And nothing is evaluated."""
    kernel.line(f"{name} {text}")
    assert capsys.readouterr().out == f"Object `{text}` not found.\n"


@pytest.mark.parametrize("line", ["psource len", "pfile len", "pfile value", "pdef value"])
def test_what_cannot_be_had_is_said(kernel: MagicKernel, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """C code has no source."""
    kernel.line(line)
    assert "cannot be had" in capsys.readouterr().out
    assert kernel.pages == []


def test_a_class_of_a_cell_has_no_file(
    kernel: MagicKernel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its module is the session's, which comes from none."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    kernel.namespace["Here"] = type("Here", (), {"__module__": "__main__"})
    kernel.line("pfile Here")
    assert capsys.readouterr().out == "The file of `Here` cannot be had.\n"
