"""Completion of files in commands and in the words of magics."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.language.commands import paths
from holdfast.language.complete import complete


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some files, in the working folder."""
    (tmp_path / "data").mkdir()
    for name in ("data.csv", "day.py", "a b.txt", ".hidden", "data/inner.txt"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("code", "start", "texts"),
    [
        ("!cat da", 5, ["data.csv", "data/", "day.py"]),
        ("!cat data/", 10, ["inner.txt"]),
        ("!cat ./data/i", 12, ["inner.txt"]),
        ("!cat ~/dat", 7, ["data.csv", "data/"]),
        ("!cat ~", 5, ["~/"]),
        ("!cat .h", 5, [".hidden"]),
        ("!cat a", 5, ["a\\ b.txt"]),
        ("!cat a\\ b", 5, ["a\\ b.txt"]),
        ("!cat 'a b", 6, ["a b.txt"]),
        ("!cat x | grep -f day", 17, ["day.py"]),
        ("!cat x > dat", 9, ["data.csv", "data/"]),
        ("!x --file=dat", 10, ["data.csv", "data/"]),
        ("x = !cat day", 9, ["day.py"]),
        ("x = 1\n  !cat day", 13, ["day.py"]),
        ("%cd da", 4, ["data/"]),
        ("%run da", 5, ["data/", "day.py"]),
        ("%%writefile dat", 12, ["data.csv", "data/"]),
        ("%%bash\ncat day", 11, ["day.py"]),
        ("# why\n%%sh -x\nls\ncat day", 21, ["day.py"]),
        ("!cat nothing", 5, []),
    ],
)
def test_files_are_completed(code: str, start: int, texts: list[str]) -> None:
    """In commands, and for magics whose words are files; where they begin, and with what a shell needs."""
    assert paths(code, len(code)) == (start, texts)


@pytest.mark.parametrize(
    "code",
    [
        *("x = 1", "x != da", "a = b != da", "%time da", "%nothing da", "!ls -d", "!curl https://da", "!cat $da"),
        *("!cat {da", "%%bash", "%%html\nda", "'%cd da", "!" + "a" * 10_000, "!cat da\nx = d"),
    ],
)
def test_other_texts_have_no_files(code: str) -> None:
    """Python, options, addresses, variables, and magics of other kinds."""
    assert paths(code, len(code)) is None


def test_a_reply_has_them() -> None:
    """With their type; where there are none, Python's names."""
    reply = complete("!cat day", 8, {})
    assert (reply["matches"], reply["cursor_start"]) == (["day.py"], 5)
    assert complete("!echo $some_n", 13, {"some_name": 1})["matches"] == ["some_name"]
