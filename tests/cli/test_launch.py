"""Which command line starts which kernel."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from helpers.source import ROOT
from holdfast.cli import launch
from holdfast.cli.refusal import Refusal


def test_our_kernel_runs_on_this_interpreter() -> None:
    """The name `holdfast` means the running interpreter, whatever is installed."""
    spec = launch.RunningInterpreter().get_kernel_spec("holdfast")
    assert spec.argv == [sys.executable, "-P", "-m", "holdfast", "-f", "{connection_file}"]
    assert spec.language == "python"


def test_the_shipped_kernelspec_says_the_same() -> None:
    """kernel.json of the distribution differs from what the command writes in the interpreter only."""
    shipped = json.loads((ROOT / "kernelspec" / "kernel.json").read_text())
    assert {**launch.description("python"), "env": {}} == {"env": {}, **shipped}


def test_other_names_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another name is an installed kernelspec."""
    folder = tmp_path / "kernels" / "other"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": ["other"], "display_name": "O", "language": "o"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    spec = launch.manager("other").kernel_spec
    assert spec is not None
    assert spec.argv == ["other"]


def test_an_unknown_name_lists_the_known() -> None:
    """The refusal of an unknown kernel names those there are."""
    with pytest.raises(Refusal, match=r"no kernel is named 'nonesuch'; there are: .*holdfast"):
        launch.manager("nonesuch")


def test_the_kernelspec_is_one_that_jupyter_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command would write is a kernelspec for jupyter_client."""
    folder = tmp_path / "kernels" / "mine"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(launch.description("/opt/py/bin/python", "Mine")))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    spec = KernelSpecManager().get_kernel_spec("mine")
    assert (spec.display_name, spec.interrupt_mode, spec.argv[0]) == ("Mine", "signal", "/opt/py/bin/python")
