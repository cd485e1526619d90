"""`%pip`, `%uv`, `%conda`: which command runs, and what is said of it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.builtin import packages
from holdfast.magics.builtin.packages import NoInstaller, _command

PYTHON = "/env/bin/python"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str | None]:
    """A machine with no installer at all: programs by name, and "module pip" for the module."""
    found: dict[str, str | None] = {}
    monkeypatch.setattr(sys, "executable", PYTHON)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setattr("shutil.which", found.get)
    monkeypatch.setattr(packages, "find_spec", lambda name: found.get(f"module {name}"))
    return found


@pytest.mark.parametrize(
    ("there", "line", "command"),
    [
        ({"module pip": "yes"}, "pip install x", f"{PYTHON} -m pip install x"),
        ({"uv": "/bin/uv"}, "pip install -q x", f"/bin/uv pip install --python {PYTHON} -q x"),
        ({"uv": "/bin/uv"}, "pip --version", "/bin/uv --version"),
        ({"uv": "/bin/uv"}, "uv pip install x", f"/bin/uv pip install --python {PYTHON} x"),
        ({"uv": "/bin/uv"}, "uv pip list --python other", "/bin/uv pip list --python other"),
        ({"uv": "/bin/uv"}, "uv --version", "/bin/uv --version"),
        ({"module uv": "yes"}, "uv pip freeze", f"{PYTHON} -m uv pip freeze --python {PYTHON}"),
    ],
)
def test_it_is_for_the_python_of_the_kernel(
    machine: dict[str, str | None], there: dict[str, str], line: str, command: str
) -> None:
    """And for no other that may be first on PATH."""
    machine.update(there)
    name, _, rest = line.partition(" ")
    assert _command(name, rest) == command


def test_conda_is_asked_nothing(machine: dict[str, str | None], tmp_path: Path) -> None:
    """It gets the environment of the kernel, and yes for an answer."""
    machine["conda"] = "/bin/conda"
    (tmp_path / "conda-meta").mkdir()
    assert _command("conda", "install x") == f"/bin/conda install --prefix {tmp_path} --yes x"
    assert _command("conda", "list") == f"/bin/conda list --prefix {tmp_path}"
    assert _command("conda", "install -y -n other x") == "/bin/conda install -y -n other x"


@pytest.mark.parametrize("line", ["pip install x", "uv pip install x", "conda install x", "mamba list"])
def test_without_an_installer_it_says_what_to_do(machine: dict[str, str | None], line: str) -> None:
    """Nothing is run."""
    name, _, rest = line.partition(" ")
    with pytest.raises(NoInstaller, match=PYTHON):
        _command(name, rest)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, the first on the path; what runs there instead of pip installs `known` and `fresh`."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(packages, "_command", lambda name, rest: f"sh {tmp_path}/installer")
    made = "".join(
        f"mkdir -p {folder}/{name}-2.dist-info\necho '{name}/__init__.py,,' > {folder}/{name}-2.dist-info/RECORD\n"
        f"echo '{name}-2.dist-info/RECORD,,' >> {folder}/{name}-2.dist-info/RECORD\n"
        for name in ("known", "fresh")
    )
    (tmp_path / "installer").write_text(made + f"echo x = 5 > {folder}/fresh.py\n")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is a script of a POSIX shell")
def test_a_restart_is_due_for_what_is_in_use(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only then is one spoken of, and it says for what."""
    monkeypatch.delitem(sys.modules, "fresh", raising=False)
    module = ModuleType("known")
    module.__file__ = str(site / "known.py")
    monkeypatch.setitem(sys.modules, "known", module)
    MagicKernel().line("pip install known fresh")
    shown = capsys.readouterr().out
    assert "Restart the kernel" in shown
    assert "known was imported" in shown
    assert "fresh" not in shown


@pytest.mark.skipif(sys.platform == "win32", reason="the installer is a script of a POSIX shell")
def test_what_was_installed_can_be_imported(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At once, and without a word about a restart."""
    with pytest.raises(ImportError):
        __import__("fresh")
    MagicKernel().line("pip install fresh")
    assert __import__("fresh").x == 5
    del sys.modules["fresh"]
    assert capsys.readouterr().out == ""
