"""`%%bash` and its kin, with real programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")
Cell = Callable[[str, str, str], object]


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel without variables."""
    return MagicKernel()


def test_both_streams_are_shown_as_such(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """The script's stdout and stderr are the cell's."""
    kernel.magics.cell("bash", "", "echo out\necho err >&2")
    assert capsys.readouterr() == ("out\n", "err\n")


def test_words_behind_the_name_are_the_programs(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """`%%script` runs any program; its options may stand among ours."""
    kernel.magics.cell("script", "bash -s one --no-raise-error 'two words'", 'echo "$1/$2"; exit 1')
    assert capsys.readouterr().out == "one/two words\n"


def test_a_script_that_fails_ends_the_cell(kernel: MagicKernel) -> None:
    """With its status, and what it wrote into variables."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        kernel.magics.cell("bash", "--out said", "echo hi; exit 3")
    assert (caught.value.returncode, caught.value.stdout) == (3, "hi\n")
    assert kernel.namespace["said"] == "hi\n"


def test_output_goes_into_variables(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """And is not shown; the commit is told of them."""
    kernel.magics.cell("bash", "--out said --err=complained", "echo out; echo err >&2")
    assert (kernel.namespace["said"], kernel.namespace["complained"]) == ("out\n", "err\n")
    assert capsys.readouterr() == ("", "")
    assert kernel.touches == [("said", "complained")]


def test_a_script_in_the_background_is_read_later(kernel: MagicKernel) -> None:
    """The cell goes on; `read` waits for the end, and the process is a variable."""
    kernel.magics.cell("bash", "--bg --out said --proc process", "echo done; exit 2")
    assert kernel.namespace["said"].read() == "done\n"
    assert kernel.namespace["process"].wait() == 2


def test_python_is_that_of_the_kernel(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is called so on PATH."""
    kernel.magics.cell("python", "", "import sys\nprint(sys.executable)")
    assert capsys.readouterr().out == f"{sys.executable}\n"


def test_a_program_that_is_not_there_is_named(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """The notebook goes on, as it does elsewhere."""
    kernel.magics.cell("script", "no-such-program", "x")
    assert "'no-such-program'" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "rest"), [("script", ""), ("bash", "--out"), ("bash", "--out 5x"), ("bash", "'")])
def test_words_that_it_cannot_use_are_refused(kernel: MagicKernel, name: str, rest: str) -> None:
    """Before anything runs."""
    with pytest.raises(BadWords):
        kernel.magics.cell(name, rest, "echo never")


def test_the_last_line_is_whole(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Some programs skip one without a line end."""
    kernel.magics.cell("script", "cat", "é")
    assert capsys.readouterr().out == "é\n"
