"""Documents that cannot lie: commands, options, settings and paths are those of the source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from helpers import source
from holdfast.cli.main import app

DOCUMENTS = [
    *(source.ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((source.ROOT / "docs").glob("*.md")),
]
SETTING = re.compile(r"\bHOLDFAST_[A-Z][A-Z0-9_]*\b")
QUOTED = re.compile(r"`([^`\n]+)`")
TOP = {path.name for path in source.ROOT.iterdir() if path.name != ".git"}
RINGS = {path.name for path in source.PACKAGE.iterdir()}
# Made by running things, so absent from a fresh clone.
MADE = re.compile(r"^(\.cache|\.venv|dist|tests/artifacts)(/|$)|\.executed\.ipynb$")


def _text() -> str:
    return "\n".join(path.read_text("utf-8") for path in DOCUMENTS)


def _commands() -> dict[str, Any]:
    """Return the commands of the command line by name, as typer builds them."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_command_is_documented(name: str) -> None:
    """Each command of the CLI, with each of its options, stands in the README or in docs/."""
    text = _text()
    command = _commands()[name]
    assert f"holdfast {name}" in text
    options = {option for param in command.params for option in param.opts if option.startswith("--")}
    assert {option for option in options - {"--help"} if f"`{option}" not in text} == set()


def test_every_setting_is_documented() -> None:
    """Each HOLDFAST_ variable that the source reads stands in the README or in docs/."""
    read = {name for path in source.modules().values() for name in SETTING.findall(path.read_text("utf-8"))}
    assert read - set(SETTING.findall(_text())) == set()


def test_documents_name_only_settings_that_exist() -> None:
    """No document names a HOLDFAST_ variable that nothing reads."""
    files = [*source.modules().values(), *(source.ROOT / "tests").rglob("*.py")]
    known = {name for path in files for name in SETTING.findall(path.read_text("utf-8"))}
    assert set(SETTING.findall(_text())) - known == set()


def _repository_paths(text: str) -> set[str]:
    """Return what stands in backticks and reads like a path of the repository or of the package."""
    found = set()
    for quoted in QUOTED.findall(text):
        if re.fullmatch(r"\.?[\w-][\w.*-]*(/[\w.*{},-]+)*/?", quoted) and not MADE.search(quoted):
            first = quoted.partition("/")[0]
            placed = "/" in quoted and (first in TOP or first in RINGS)
            if placed or re.search(r"\.(toml|md|ipynb|py|svg|png)$", quoted):
                found.add(quoted)
    return found


def _exists(path: str) -> bool:
    places = (source.ROOT, source.PACKAGE, source.ROOT / "docs", source.ROOT / "notebooks")
    return any(any(place.glob(path.rstrip("/"))) for place in places)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_in_documents_exist(document: Path) -> None:
    """Each path of the repository that a document names is there."""
    paths = _repository_paths(document.read_text("utf-8"))
    assert {path for path in paths if not _exists(path)} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_lead_somewhere(document: Path) -> None:
    """Each relative link of a document leads to a file."""
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_paths_are_told_from_other_words() -> None:
    """What reads like a path is taken for one; mime types, commands and names are not."""
    text = "`kernel/holdfast` `wire/frames.py` `text/plain` `uv run pytest` `README.md` `a/b` `_repr_html_`"
    assert _repository_paths(text) == {"kernel/holdfast", "wire/frames.py", "README.md"}
