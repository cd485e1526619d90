"""`%cd` and its kin, `%env` and `%set_env`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MagicKernel:
    """A kernel that works in an empty folder of its own, with two more in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "two words").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "one"))
    return MagicKernel()


@pytest.mark.parametrize(
    ("rest", "there"),
    [("one", "one"), ("'two words'", "two words"), ('"one"', "one"), ("two words", "two words"), ("", "one"),
     ("~", "one"), ("~/../one", "one")],
)  # fmt: skip
def test_cd_goes_and_says_where(
    kernel: MagicKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: str, there: str
) -> None:
    """Quotes do not matter, `~` is the person's folder."""
    kernel.line(f"cd {rest}")
    assert Path.cwd() == tmp_path / there
    assert capsys.readouterr().out == f"{tmp_path / there}\n"


def test_cd_can_be_silent(kernel: MagicKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With -q."""
    kernel.line("cd -q one")
    assert Path.cwd() == tmp_path / "one"
    assert capsys.readouterr().out == ""


def test_cd_goes_back(kernel: MagicKernel, tmp_path: Path) -> None:
    """To the folder before, or to a number of %dhist."""
    for rest in ("one", "../two words", "-"):
        kernel.line(f"cd {rest}")
    assert Path.cwd() == tmp_path / "one"
    kernel.line("cd -0")
    assert Path.cwd() == tmp_path
    assert kernel.namespace["_dh"][:3] == [str(tmp_path), str(tmp_path / "one"), str(tmp_path / "two words")]


def test_a_folder_that_is_not_there_is_said(
    kernel: MagicKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the cell goes on, as it does elsewhere."""
    kernel.line("cd nowhere")
    assert Path.cwd() == tmp_path
    assert "'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize("rest", ["-", "-7"])
def test_cd_knows_what_was_before(kernel: MagicKernel, rest: str) -> None:
    """And says it when there was nothing."""
    with pytest.raises(BadWords):
        kernel.line(f"cd {rest}")


def test_pwd_is_the_folder(kernel: MagicKernel, tmp_path: Path) -> None:
    """As text."""
    assert kernel.line("pwd") == str(tmp_path)


def test_folders_can_be_stacked(kernel: MagicKernel, tmp_path: Path) -> None:
    """The newest comes back first."""
    assert kernel.line("pushd one") == [str(tmp_path)]
    assert kernel.line("pushd ../two words") == [str(tmp_path / "one"), str(tmp_path)]
    kernel.line("popd")
    assert Path.cwd() == tmp_path / "one"
    assert kernel.line("dirs") == [str(tmp_path)]
    kernel.line("popd")
    with pytest.raises(BadWords):
        kernel.line("popd")


def test_dhist_lists_with_numbers(kernel: MagicKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that `cd -N` takes."""
    kernel.line("cd -q one")
    kernel.line("dhist")
    assert capsys.readouterr().out == f"0: {tmp_path}\n1: {tmp_path / 'one'}\n"


@pytest.mark.parametrize(
    ("rest", "value"),
    [
        ("MINE=a b", "a b"),
        ("MINE a b", "a b"),
        ("MINE = a", "a"),
        ("MINE==a", "=a"),
        ("MINE=", ""),
        ("MINE='a'", "'a'"),
    ],
)
@pytest.mark.parametrize("magic", ["env", "set_env"])
def test_variables_are_set(
    kernel: MagicKernel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    magic: str,
    rest: str,
    value: str,
) -> None:
    """With a sign or a blank between name and value; what it is now is said."""
    monkeypatch.setenv("MINE", "before")
    assert kernel.line(f"{magic} {rest}") is None
    assert os.environ["MINE"] == value
    assert capsys.readouterr().out == f"env: MINE={value}\n"


def test_one_variable_is_a_value(kernel: MagicKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it looks like a secret: it was asked for."""
    monkeypatch.setenv("MY_TOKEN", "t")
    assert kernel.line("env MY_TOKEN") == "t"


def test_secrets_are_not_listed(kernel: MagicKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only their names are."""
    for name in ("MY_TOKEN", "API_KEY", "DB_PASSWORD", "KEYBOARD", "MONKEY"):
        monkeypatch.setenv(name, "shown")
    listed = kernel.line("env")
    assert isinstance(listed, dict)
    assert [listed[name] for name in ("MY_TOKEN", "API_KEY", "DB_PASSWORD")] == ["<hidden>"] * 3
    assert (listed["KEYBOARD"], listed["MONKEY"]) == ("shown", "shown")
    assert set(listed) == set(os.environ)


@pytest.mark.parametrize("line", ["env NO_SUCH_ONE", "env A B=C", "set_env", "set_env A", "set_env =x"])
def test_what_is_no_variable_is_refused(kernel: MagicKernel, line: str) -> None:
    """Nothing is set."""
    before = dict(os.environ)
    with pytest.raises(BadWords):
        kernel.line(line)
    assert dict(os.environ) == before
