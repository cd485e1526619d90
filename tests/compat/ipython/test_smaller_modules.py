"""The small tools that extensions import from IPython."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.shell import TwinKernel
from holdfast.compat.ipython import files, kernels, lines, namespacing, texts, tracing
from holdfast.compat.ipython.values import Struct


def test_a_struct_is_a_dict_with_attributes() -> None:
    """Set, read, delete, merge; a method's name is refused."""
    struct = Struct(a=1)
    struct.b = 2
    struct.merge({"a": 5, "c": 3})
    assert struct == {"a": 1, "b": 2, "c": 3}
    assert struct.hasattr("c")
    del struct.c
    assert type(struct.copy()) is Struct
    with pytest.raises(AttributeError, match=r"no 'c', but: a, b"):
        _ = struct.c
    with pytest.raises(AttributeError, match="method of dict"):
        struct.items = 3  # type: ignore[method-assign,assignment]


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache folder is made, the settings' is not."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "settings"))
    assert files.get_ipython_cache_dir() == str(tmp_path / "cache" / "ipython")
    assert (tmp_path / "cache" / "ipython").is_dir()
    assert files.get_ipython_dir() == str(tmp_path / "settings")
    assert not (tmp_path / "settings").exists()


def test_files_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name in folders, with and without suffix, by pattern."""
    (tmp_path / "chart.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert files.filefind("chart.py", ["nowhere", str(tmp_path)]) == str(tmp_path / "chart.py")
    assert files.get_py_filename("chart") == "chart.py"
    assert files.shellglob(["ch*.py", "none*"]) == ["chart.py", "none*"]
    for find in (files.filefind, files.get_py_filename):
        with pytest.raises(OSError, match="there is no file 'missing'"):
            find("missing")
    assert files.compress_user(os.path.expanduser("~/x")) == "~/x"


@pytest.mark.parametrize(
    ("text", "dedented"),
    [("  a\n  b", "a\nb"), ("a\n    b\n    c", "a\nb\nc"), ("\n  a\n   b", "\na\n b"), ("one", "one")],
)
def test_dedent_knows_docstrings(text: str, dedented: str) -> None:
    """The first line may stand at the quotes."""
    assert texts.dedent(text) == dedented


def test_texts() -> None:
    """Small formatters."""
    assert texts.get_text_list(["a", "b", "c"]) == "a, b and c"
    assert texts.list_strings("a") == ["a"]
    assert texts.marquee("x", 9) == "*** x ***"
    assert texts.indent("a\nb") == "    a\n    b"
    assert texts.DollarFormatter().format("$x {x}", x=3) == "3 3"
    assert texts.FullEvalFormatter().format("{x + 1}", x=3) == "4"


def test_a_page_is_shown_in_the_pager(shell: Any, kernel: TwinKernel) -> None:
    """A text, or a bundle."""
    texts.page("one")
    texts.page({"text/plain": "two", "text/html": "<b>"})
    assert kernel.pages == ["one", "two"]


def test_a_question_is_asked_until_it_is_answered(shell: Any, kernel: TwinKernel) -> None:
    """y or n; nothing is the default."""
    kernel.answers = iter(["perhaps", "YES", ""])
    assert texts.ask_yes_no("Sure?")
    assert not texts.ask_yes_no("Sure?", default="n")


def test_a_tee_writes_to_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And puts the stream back."""
    before = sys.stdout
    tee = texts.Tee(str(tmp_path / "log"), channel="stdout")
    print("both")
    tee.close()
    assert sys.stdout is before
    assert (tmp_path / "log").read_text() == "both\n"
    assert capsys.readouterr().out == "both\n"


def test_commands_are_found() -> None:
    """find_cmd names what is missing; getoutput gives what is printed."""
    assert os.path.isabs(texts.find_cmd("sh"))
    with pytest.raises(texts.FindCmdError, match="no command 'no-such'"):
        texts.find_cmd("no-such")
    assert texts.getoutput("echo a") == "a\n"
    assert texts.system("exit 3") == 3


def test_a_temporary_program_is_deleted() -> None:
    """After the with block."""
    with texts.temp_pyfile("x = 1") as name:
        assert Path(name).read_text() == "x = 1"
    assert not os.path.exists(name)


def test_tracebacks_are_the_kernels(shell: Any) -> None:
    """A formatter of `ultratb` gives what a cell shows."""
    formatter = tracing.AutoFormattedTB(mode="Verbose", tb_offset=1)
    error = ValueError("no")
    assert formatter.structured_traceback(ValueError, error, None) == ["reported ValueError: no"]
    assert formatter.text(ValueError, error, None) == "reported ValueError: no"


def test_a_formatter_is_an_excepthook(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`sys.excepthook = ColorTB()`."""
    error = ValueError("no")
    tracing.ColorTB()(ValueError, error, None)
    assert capsys.readouterr().err == "reported ValueError: no\n"


def test_classes_of_magics_call_the_kernels(shell: Any, kernel: TwinKernel) -> None:
    """`NamespaceMagics(shell).who_ls()`, as variable panels call it."""
    kernel.magics.register("who_ls", lambda rest: ["x", rest])
    magics = namespacing.NamespaceMagics(shell)
    assert magics.who_ls() == ["x", ""]
    assert magics.who_ls("int") == ["x", "int"]
    with pytest.raises(AttributeError, match="NamespaceMagics has no 'nonsense'"):
        _ = magics.nonsense


def test_cells_are_transformed() -> None:
    """A TransformerManager of one's own."""
    manager = lines.TransformerManager()
    manager.line_transforms.append(lambda lines: [line.replace("tide", "ls") for line in lines])
    assert manager.transform_cell("%tide") == "get_ipython().run_line_magic('ls', '')\n"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("x = 1", "x = 1\n"),
        ("%cd ..", "get_ipython().run_line_magic('cd', '..')\n"),
        ("if x:\n    files = !ls *.py", "if x:\n    files = get_ipython().getoutput('ls *.py')\n"),
        ("!ls", "get_ipython().system('ls')\n"),
        ("%%time\nf()", "get_ipython().run_cell_magic('time', '', 'f()\\n')\n"),
        ("%%bash --out x\nls\n", "get_ipython().run_cell_magic('bash', '--out x', 'ls\\n')\n"),
        ("len?", "get_ipython().run_line_magic('pinfo', 'len')\n"),
        ("len??", "get_ipython().run_line_magic('pinfo2', 'len')\n"),
    ],
)
def test_what_is_no_python_becomes_calls_of_the_shell(cell: str, code: str) -> None:
    """The form that formatters of notebooks turn back."""
    assert lines.as_calls(cell) == code


def test_the_connection_file_is_that_of_the_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By its command line."""
    connection = tmp_path / "kernel.json"
    connection.write_text('{"ip": "127.0.0.1"}')
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "-m", "holdfast", "-f", str(connection)])
    assert kernels.get_connection_file() == str(connection)
    assert kernels.get_connection_info(unpack=True) == {"ip": "127.0.0.1"}
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "pytest"])
    with pytest.raises(RuntimeError, match="without a connection file"):
        kernels.get_connection_file()
