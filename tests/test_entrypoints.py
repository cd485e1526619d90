"""Entry points of installed packages: what is found where, and when importlib.metadata is not asked at all."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import zipfile
from pathlib import Path

import pytest

from holdfast.entrypoints import entry_points

GROUP = "holdfast.tests"
METADATA = "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"


def _install(folder: Path, points: str | None) -> Path:
    info = folder / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    if points is not None:
        (info / "entry_points.txt").write_text(points)
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups that importlib.metadata was asked for."""
    groups: list[str] = []
    real = importlib.metadata.entry_points

    def ask(*, group: str) -> importlib.metadata.EntryPoints:
        groups.append(group)
        return real(group=group)

    monkeypatch.setattr(importlib.metadata, "entry_points", ask)
    return groups


def _names(path: str | Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    standard = [folder for folder in sys.path if "site-packages" not in folder]
    monkeypatch.setattr(sys, "path", [str(path), *standard])
    return [entry.name for entry in entry_points(GROUP)]


def test_those_of_the_group_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, and without loading anything: there is no such module."""
    points = f"[console_scripts]\nother = acme:main\n\n[{GROUP}]\none = acme:one\ntwo = acme:two\n"
    assert _names(_install(tmp_path / "site", points), monkeypatch) == ["one", "two"]


@pytest.mark.parametrize("points", [None, "[console_scripts]\nother = acme:main\n"])
def test_nobody_is_asked_where_none_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], points: str | None
) -> None:
    """Asking parses what every installed package says."""
    assert _names(_install(tmp_path / "site", points), monkeypatch) == []
    assert asked == []


def test_the_current_folder_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty entry of `sys.path` is the current folder."""
    monkeypatch.chdir(_install(tmp_path / "site", f"[{GROUP}]\none = acme:one\n"))
    assert _names("", monkeypatch) == ["one"]


def test_a_zip_file_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """importlib.metadata reads it, so it is asked."""
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        archive.writestr("acme-1.0.dist-info/METADATA", METADATA)
        archive.writestr("acme-1.0.dist-info/entry_points.txt", f"[{GROUP}]\none = acme:one\n")
    try:
        assert _names(tmp_path / "site.zip", monkeypatch) == ["one"]
    finally:
        importlib.invalidate_caches()  # importlib.metadata keeps the file open


def test_a_folder_that_is_not_there_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    """As `sys.path` often names some."""
    assert _names(tmp_path / "nowhere", monkeypatch) == []
    assert asked == []
