"""Names that could be imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from holdfast.language import modules


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path that holds a module, a package, data and odds and ends."""
    (tmp_path / "zzmod.py").touch()
    (tmp_path / "zzdata").mkdir()
    (tmp_path / "zzpack" / "inner").mkdir(parents=True)
    for name in ("zzpack/__init__.py", "zzpack/one.py", "zzpack/inner/__init__.py", "zzpack/inner/two.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    (tmp_path / "zz-not.py").touch()
    (tmp_path / "zznote.txt").touch()
    (tmp_path / "zzext.cpython-313-x86_64-linux-gnu.so").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/nowhere", 5, *sys.path])
    return tmp_path


def test_top_level_names(folder: Path) -> None:
    """Modules, packages and extensions are found, other files and folders are not."""
    assert sorted(modules.top_level("zz")) == ["zzext", "zzmod", "zzpack"]
    assert "sys" in modules.top_level("sy")
    assert "json" in modules.top_level("js")


def test_submodules_are_found_without_imports(folder: Path) -> None:
    """The parent of a submodule is not imported."""
    assert sorted(modules.submodules("zzpack", "")) == ["inner", "one"]
    assert modules.submodules("zzpack.inner", "t") == ["two"]
    assert "zzpack" not in sys.modules


def test_a_new_module_is_seen(folder: Path) -> None:
    """The kept listing is read again when the folder changes."""
    modules.top_level("zz")
    listed = modules._listings[str(folder)]
    modules._listings[str(folder)] = (listed[0] - 1, [], [])
    assert "zzmod" in modules.top_level("zz")
