"""One word for one thing, and no drawer for odds and ends."""

from __future__ import annotations

import re

from helpers import source

DRAWERS = frozenset("utils util helpers helper common base manager misc shared core lib".split())


def _parts() -> dict[str, list[str]]:
    """Return the words of each module name, below the package's own."""
    return {name: name.split(".")[1:] for name in source.modules()}


def test_no_module_is_a_drawer() -> None:
    """No module or folder is called utils, helpers, common, base or manager."""
    assert {name for name, parts in _parts().items() if DRAWERS & {p.strip("_") for p in parts}} == set()


def test_folders_are_one_word() -> None:
    """A folder's name is one lower-case word."""
    folders = {part for parts in _parts().values() for part in parts[:-1]}
    assert {folder for folder in folders if not re.fullmatch(r"[a-z]+", folder)} == set()


def test_modules_are_lower_case() -> None:
    """A module's name is lower case, with underscores where two words are needed."""
    leaves = {parts[-1] for parts in _parts().values() if parts}
    assert {leaf for leaf in leaves if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*|__main__", leaf)} == set()
