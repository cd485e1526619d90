"""Packages that add magics."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.errors import CellError

Write = Callable[[str, str], None]

NATIVE = """
def load_holdfast_extension(kernel):
    kernel.magics.register("native", lambda rest: "{0}" + rest)
def unload_holdfast_extension(kernel):
    kernel.namespace["unloaded"] = True
"""
FOREIGN = """
calls = []
def load_ipython_extension(shell):
    shell.append("loaded")
def unload_ipython_extension(shell):
    shell.append("unloaded")
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a module that can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names: list[str] = []

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        names.append(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `get_ipython()` gives: here a list of what was done with it."""
    done: list[str] = []
    monkeypatch.setattr(builtins, "get_ipython", lambda: done, raising=False)
    return done


def test_an_extension_of_ours_gets_the_kernel(write: Write) -> None:
    """It registers what it has; the commit is told that it may have changed anything."""
    write("extension_native", NATIVE.replace("{0}", "a"))
    kernel = MagicKernel()
    kernel.line("load_ext extension_native")
    assert kernel.line("native b") == "ab"
    assert () in kernel.touches


def test_an_extension_for_ipython_gets_its_shell(write: Write, shell: list[str]) -> None:
    """The one that `get_ipython()` gives."""
    write("extension_foreign", FOREIGN)
    kernel = MagicKernel()
    kernel.line("load_ext extension_foreign")
    kernel.line("unload_ext extension_foreign")
    assert shell == ["loaded", "unloaded"]
    assert kernel.magics.extensions == set()


def test_a_loaded_extension_is_not_loaded_twice(
    write: Write, shell: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, with what loads it again."""
    write("extension_foreign", FOREIGN)
    kernel = MagicKernel()
    kernel.line("load_ext extension_foreign")
    kernel.line("load_ext extension_foreign")
    assert shell == ["loaded"]
    assert "%reload_ext extension_foreign" in capsys.readouterr().out


def test_an_extension_is_loaded_again_with_its_new_code(write: Write) -> None:
    """It is unloaded first."""
    write("extension_native", NATIVE.replace("{0}", "a"))
    kernel = MagicKernel()
    kernel.line("reload_ext extension_native")
    assert kernel.line("native b") == "ab"
    write("extension_native", NATIVE.replace("{0}", "longer "))
    kernel.line("reload_ext extension_native")
    assert kernel.line("native b") == "longer b"
    assert kernel.namespace["unloaded"] is True


@pytest.mark.parametrize("name", ["autoreload", "storemagic"])
def test_what_the_kernel_brings_is_not_loaded(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Their magics are there; nothing is imported or said."""
    kernel = MagicKernel()
    for magic in ("load_ext", "reload_ext", "unload_ext"):
        kernel.line(f"{magic} {name}")
    assert (capsys.readouterr().out, name in sys.modules) == ("", False)


def test_a_module_that_is_none_says_so(write: Write, shell: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And so does one that was not loaded, or cannot be unloaded."""
    write("extension_none", "")
    write("extension_stays", "def load_ipython_extension(shell): pass")
    kernel = MagicKernel()
    kernel.line("load_ext extension_none")
    assert "extension_none is no extension" in capsys.readouterr().out
    kernel.line("unload_ext extension_none")
    assert "is not loaded" in capsys.readouterr().out
    kernel.line("load_ext extension_stays")
    kernel.line("unload_ext extension_stays")
    assert "cannot be unloaded" in capsys.readouterr().out


def test_a_module_that_is_not_there_is_python_s_own_error() -> None:
    """Nothing is added to it."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'extension_nowhere'$"):
        MagicKernel().line("load_ext extension_nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import extension_other_module", "the extension extension_needs cannot be loaded: No module named"),
        ("from IPython.nowhere import x", "extension_needs cannot be loaded.*%pip install ipython"),
        ("def load_ipython_extension(shell): import extension_other_module", "extension_needs cannot be loaded"),
    ],
)
def test_what_an_extension_needs_is_said(write: Write, shell: list[str], text: str, message: str) -> None:
    """With the extension that needs it, where the error itself does not say."""
    write("extension_needs", text)
    with pytest.raises(ModuleNotFoundError, match=message):
        MagicKernel().line("load_ext extension_needs")


def test_without_a_shell_an_extension_for_ipython_cannot_be_loaded(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that was told not to stand in for IPython says so."""
    monkeypatch.delattr(builtins, "get_ipython", raising=False)
    write("extension_foreign", FOREIGN)
    with pytest.raises(CellError, match="extension_foreign was not loaded: it is made for IPython"):
        MagicKernel().line("load_ext extension_foreign")


def test_one_name_is_wanted() -> None:
    """Else it is said how it goes."""
    with pytest.raises(CellError, match="%load_ext autoreload"):
        MagicKernel().line("load_ext")
