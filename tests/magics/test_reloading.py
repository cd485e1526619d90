"""Modules that are loaded again where their files were edited."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from holdfast.magics.reloading import Reloader, reload

Edit = Callable[[str], ModuleType]
NAME = "edited_by_test_reloading"


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edit]:
    """Write the module, and import it the first time."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def edit(text: str) -> ModuleType:
        (tmp_path / f"{NAME}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(NAME)

    yield edit
    sys.modules.pop(NAME, None)


def test_only_what_was_edited_is_found(edit: Edit) -> None:
    """Once for each edit."""
    module = edit("x = 1")
    reloader = Reloader()
    reloader.look()
    assert reloader.changed(everything=True) == []
    edit("x = 22")
    assert reloader.changed(everything=True) == [(NAME, module)]
    assert reloader.changed(everything=True) == []


def test_what_was_edited_before_it_was_first_seen_counts(edit: Edit) -> None:
    """A module that the cell with `%load_ext autoreload` itself imports, and that is edited before the next one."""
    reloader = Reloader()
    reloader.look()
    module = edit("x = 1")
    edit("x = 22")
    assert reloader.changed(everything=True) == [(NAME, module)]
    assert reloader.changed(everything=True) == []


def test_an_older_file_counts_as_what_was_loaded(edit: Edit, tmp_path: Path) -> None:
    """Nothing is loaded again that nobody has written to."""
    reloader = Reloader()
    reloader.look()
    (tmp_path / f"{NAME}.py").write_text("x = 1")
    os.utime(tmp_path / f"{NAME}.py", (1, 1))
    importlib.invalidate_caches()
    importlib.import_module(NAME)
    assert reloader.changed(everything=True) == []


def test_modules_can_be_marked_or_left_out(edit: Edit) -> None:
    """Marked ones where not all are meant; skipped ones never."""
    module = edit("x = 1")
    reloader = Reloader()
    reloader.look()
    edit("x = 22")
    assert reloader.changed(everything=False) == []
    reloader.marked.add(NAME)
    reloader.skipped.add(NAME)
    assert reloader.changed(everything=False) == []
    reloader.skipped.clear()
    assert reloader.changed(everything=False) == [(NAME, module)]


def test_the_kernel_and_the_standard_library_are_not_watched() -> None:
    """An upgrade in the middle of a session would end it."""
    reloader = Reloader()
    reloader.look()
    watched = {name.partition(".")[0] for name in reloader._stamps}
    assert not watched & {"holdfast", "zmq", "json", "asyncio", "__main__"}


def test_an_edit_within_the_same_second_counts(edit: Edit) -> None:
    """Also one that leaves the size as it was: compiled code of the old text is not used."""
    module: Any = edit("def f(): return 1")
    edit("def f(): return 2")
    reload(module)
    assert module.f() == 2


def test_the_module_keeps_its_objects(edit: Edit) -> None:
    """What others hold of it is what it has; objects that its code makes anew are of the same classes."""
    module: Any = edit(
        "class C:\n    def m(self): return 1\ndef f(): return 1\nc = C()\nknown = {'C': C}\nclasses = [C]"
    )
    cls, f = module.C, module.f
    edit("class C:\n    def m(self): return 22\ndef f(): return 22\nc = C()\nknown = {'C': C}\nclasses = [C]")
    assert reload(module) == ({}, {})
    assert (module.C is cls, module.f is f, f(), module.c.m(), type(module.c)) == (True, True, 22, 22, cls)
    assert (module.known, module.classes) == ({"C": cls}, [cls])


def test_what_could_not_take_the_new_code_is_named(edit: Edit) -> None:
    """Old and new object, by name."""
    module: Any = edit("class C:\n    __slots__ = ()")
    old = module.C
    edit("class C:\n    __slots__ = ('x',)")
    assert reload(module) == ({"C": old}, {"C": module.C})
    assert module.C is not old


@pytest.mark.parametrize("broken", ["def f(: pass", "f = 5\n1/0", "raise SystemExit"])
def test_a_module_whose_code_fails_is_as_it_was(edit: Edit, broken: str) -> None:
    """All of it; the error comes through."""
    module: Any = edit("def f(): return 1")
    before = dict(vars(module))
    edit(broken)
    with pytest.raises((SyntaxError, ZeroDivisionError, SystemExit)):
        reload(module)
    assert (module.f(), dict(vars(module))) == (1, before)
