"""`holdfast doctor` finds what is wrong and says what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from holdfast.app import sessions
from holdfast.cli import doctor, launch
from holdfast.cli.main import main


def install_spec(folder: Path, content: object) -> None:
    """Write a kernel.json as `holdfast`."""
    place = folder / "kernels" / "holdfast"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(content))


def specs(*folders: Path) -> KernelSpecManager:
    """Return a kernelspec manager that looks into some folders only."""
    return KernelSpecManager(kernel_dirs=[str(folder / "kernels") for folder in folders])


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """In the project's own environment nothing is wrong, and the exit code is 0."""
    with pytest.raises(SystemExit) as end:
        main(["doctor"])
    out = capsys.readouterr().out
    assert end.value.code == 0, out
    assert "1+1 = 2" in out
    assert out.rstrip().endswith("all is well")


def test_sessions_on_the_network_are_no_fault_but_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do about it; a local folder is only named."""
    monkeypatch.setenv("HOLDFAST_HOME", "/data")
    here = doctor.sessions_folder()
    assert (here.found, here.well, here.remedy) == ("/data", True, "")
    monkeypatch.setattr(sessions, "on_network", lambda place: place == "/data")
    there = doctor.sessions_folder()
    assert (there.found, there.well) == ("/data (on the network)", True)
    assert "set HOLDFAST_HOME to a local folder" in there.remedy


def test_a_kernelspec_is_found(tmp_path: Path) -> None:
    """A kernelspec whose interpreter exists is well."""
    install_spec(tmp_path, launch.description(sys.executable))
    assert doctor.kernelspec(specs(tmp_path)).well


WRONG = [
    ("the interpreter is gone", launch.description("/nowhere/python"), "/nowhere/python, which is not there"),
    ("argv is missing", {"display_name": "H"}, "cannot be used"),
    ("argv is empty", {"argv": []}, "cannot be used"),
]


@pytest.mark.parametrize(("case", "content", "said"), WRONG, ids=lambda part: str(part)[:24])
def test_a_wrong_kernelspec_is_named(case: str, content: object, said: str, tmp_path: Path) -> None:
    """What is wrong with a kernelspec is said, with what to do."""
    install_spec(tmp_path, content)
    finding = doctor.kernelspec(specs(tmp_path))
    assert not finding.well
    assert said in finding.found
    assert "holdfast install" in finding.remedy


def test_a_missing_kernelspec_is_named(tmp_path: Path) -> None:
    """Without a kernelspec Jupyter does not list the kernel; the remedy is `holdfast install`."""
    finding = doctor.kernelspec(specs(tmp_path))
    assert (finding.well, finding.found) == (False, "Jupyter does not list Holdfast")


def test_a_runtime_folder_that_can_be_made_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that does not exist yet is judged by the one it will be made in."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "a" / "b"))
    assert doctor.runtime_folder().well


def test_a_runtime_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder nobody can write to is wrong, and the variable to set is named."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/proc/1/nowhere")
    finding = doctor.runtime_folder()
    assert not finding.well
    assert "JUPYTER_RUNTIME_DIR" in finding.remedy


def test_a_kernel_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    """The last line that a dying kernel wrote is the finding."""

    class Dying(launch.RunningInterpreter):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            program = "import sys; sys.exit('no such luck')"
            return KernelSpec(argv=[sys.executable, "-c", program], display_name="D", language="python")

    def make() -> AsyncKernelManager:
        return AsyncKernelManager(kernel_name="holdfast", kernel_spec_manager=Dying())

    finding = doctor.kernel(make)
    assert (finding.well, finding.found) == (False, "did not answer: no such luck")
