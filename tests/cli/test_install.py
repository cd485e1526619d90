"""`holdfast install` writes a kernelspec that starts this interpreter."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from helpers.source import ROOT
from holdfast.cli.install import LOGOS, install, logos
from holdfast.cli.main import main
from holdfast.cli.refusal import Refusal


def test_it_writes_into_a_prefix(tmp_path: Path) -> None:
    """The kernelspec lies where Jupyter looks below a prefix, and names this interpreter."""
    folder = install(prefix=str(tmp_path), user=False, name="holdfast", display_name="Python 3 (Holdfast)")
    assert folder == tmp_path / "share" / "jupyter" / "kernels" / "holdfast"
    written = json.loads((folder / "kernel.json").read_text())
    assert written["argv"][0] == sys.executable
    assert written["display_name"] == "Python 3 (Holdfast)"


def test_it_brings_the_logos(tmp_path: Path) -> None:
    """Frontends find a picture in SVG and in both sizes of PNG."""
    folder = install(prefix=str(tmp_path), user=False, name="holdfast", display_name="H")
    assert {path.name for path in folder.iterdir()} == {"kernel.json", *LOGOS}


def test_others_may_read_it(tmp_path: Path) -> None:
    """A kernelspec in a shared prefix is readable by everyone."""
    folder = install(prefix=str(tmp_path), user=False, name="holdfast", display_name="H")
    assert stat.S_IMODE(folder.stat().st_mode) & 0o055 == 0o055


def test_the_default_is_the_users_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a place the kernelspec goes to the user's data folder, and its path is printed."""
    with pytest.raises(SystemExit) as end:
        main(["install", "--name", "mine", "--display-name", "Mine"])
    assert end.value.code == 0
    folder = Path(os.environ["JUPYTER_DATA_DIR"], "kernels", "mine")
    assert capsys.readouterr().out == f"wrote {folder}\n"
    assert json.loads((folder / "kernel.json").read_text())["display_name"] == "Mine"


def test_installing_again_replaces(tmp_path: Path) -> None:
    """A second install over the first leaves the second."""
    for name in ("first", "second"):
        folder = install(prefix=str(tmp_path), user=False, name="holdfast", display_name=name)
    assert json.loads((folder / "kernel.json").read_text())["display_name"] == "second"


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where the folder should be is a refusal that says what to use."""
    (tmp_path / "share").write_text("a file")
    with pytest.raises(Refusal, match="cannot write the kernelspec"):
        install(prefix=str(tmp_path), user=False, name="holdfast", display_name="H")


def test_the_logos_are_pictures() -> None:
    """All three logos are found; the PNGs have the sizes that their names say."""
    found = {path.name: path for path in logos()}
    assert set(found) == set(LOGOS)
    for size in (32, 64):
        head = (ROOT / "kernelspec" / f"logo-{size}x{size}.png").read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (size, size)
