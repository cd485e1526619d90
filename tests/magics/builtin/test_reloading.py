"""`%autoreload` and `%aimport` over the kernel in memory."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords

NAME = "edited_by_test_autoreload"


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Write the module's file."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def edit(text: str) -> None:
        (tmp_path / f"{NAME}.py").write_text(text)
        importlib.invalidate_caches()

    edit("def f(): return 1")
    yield edit
    sys.modules.pop(NAME, None)


@pytest.fixture
def kernel(edit: Callable[[str], None]) -> MagicKernel:
    """It has imported the module's function, and reloads nothing yet."""
    kernel = MagicKernel()
    kernel.line("autoreload 0")
    kernel.run(f"import {NAME}\nfrom {NAME} import f")
    return kernel


@pytest.mark.parametrize("mode", ["2", "all", "3", "complete"])
def test_an_edit_counts_from_the_next_cell_on(kernel: MagicKernel, edit: Callable[[str], None], mode: str) -> None:
    """For the function that was imported before, too."""
    kernel.line(f"autoreload {mode}")
    edit("def f(): return 22")
    assert kernel.run("f()") == 22


@pytest.mark.parametrize("mode", ["0", "off", "1", "explicit"])
def test_other_modes_load_nothing_by_themselves(kernel: MagicKernel, edit: Callable[[str], None], mode: str) -> None:
    """Mode 1 only what `%aimport` has named."""
    kernel.line(f"autoreload {mode}")
    edit("def f(): return 22")
    assert kernel.run("f()") == 1
    kernel.line(f"aimport {NAME}")
    edit("def f(): return 333")
    assert kernel.run("f()") == (333 if mode in ("1", "explicit") else 1)


@pytest.mark.parametrize("word", ["", "now"])
def test_it_can_be_asked_for_once(kernel: MagicKernel, edit: Callable[[str], None], word: str) -> None:
    """`%autoreload` alone, or with now; -p says what was loaded."""
    edit("def f(): return 22")
    kernel.line(f"autoreload {word}")
    assert kernel.run("f()") == 22


def test_a_module_whose_code_fails_is_told_once(
    kernel: MagicKernel, edit: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The cell runs, with the old code."""
    kernel.line("autoreload 2")
    edit("def f(: pass")
    assert [kernel.run("f()"), kernel.run("f()")] == [1, 1]
    told = capsys.readouterr().err
    assert told.startswith(f"[autoreload of {NAME} failed: ")
    assert told.count("SyntaxError") == 1
    edit("def f(): return 22")
    assert kernel.run("f()") == 22


def test_a_class_that_cannot_be_patched_is_replaced_in_variables(
    kernel: MagicKernel, edit: Callable[[str], None]
) -> None:
    """And the commit is told."""
    kernel.line("autoreload 2")
    edit("class C:\n    __slots__ = ()")
    kernel.run(f"from {NAME} import C as mine")
    kernel.touches.clear()
    edit("class C:\n    __slots__ = ('x',)")
    assert kernel.run(f"mine is {NAME}.C") is True
    assert kernel.touches == [("mine",)]


def test_new_names_come_along_in_mode_3(kernel: MagicKernel, edit: Callable[[str], None]) -> None:
    """Where others were imported from the module."""
    kernel.line("autoreload 3")
    edit("def f(): return 1\ndef g(): return 2\n_private = 1")
    assert kernel.run("g()") == 2
    assert "_private" not in kernel.namespace


def test_pieces_of_a_cell_do_not_look_again(kernel: MagicKernel, edit: Callable[[str], None]) -> None:
    """A module does not change in the middle of a cell."""
    kernel.line("autoreload 2")
    kernel.namespace.update(run=kernel.run, edit=edit)
    assert kernel.run("edit('def f(): return 22')\nrun('f()')") == 1
    assert kernel.run("f()") == 22


def test_print_says_what_is_loaded(
    kernel: MagicKernel, edit: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """-p."""
    kernel.line("autoreload 2 -p")
    edit("def f(): return 22")
    kernel.run("f()")
    assert capsys.readouterr().out == f"Reloading '{NAME}'.\n"


def test_aimport_lists_both_kinds(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """A name with a minus is left out."""
    kernel.line(f"aimport {NAME}, json.decoder")
    kernel.line(f"aimport -{NAME}")
    kernel.line("aimport")
    assert capsys.readouterr().out == f"Modules to reload:\njson.decoder\n\nModules to skip:\n{NAME}\n"
    assert kernel.namespace["json"] is sys.modules["json"]


def test_a_mode_that_there_is_not_is_said(kernel: MagicKernel) -> None:
    """With those that there are."""
    with pytest.raises(BadWords, match="complete"):
        kernel.line("autoreload 5")
