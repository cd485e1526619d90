"""What a user sees of real libraries on Holdfast is what they see on ipykernel, but for what a script lists.

The golden data is recorded with the real ipykernel (`tests/compat/record.py`), never with Holdfast.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import compat_run, compat_scripts
from helpers.compat_facts import difference


def _runs() -> list[object]:
    """Each script in each environment that it is for; nightly ones are marked."""
    runs: list[object] = []
    for name in compat_scripts.names():
        try:
            script = compat_scripts.read(name)
        except compat_scripts.ScriptError:
            runs.append(pytest.param(name, ""))  # its own test says what is wrong with it
            continue
        marks = [pytest.mark.nightly] if script.nightly else []
        runs += [pytest.param(name, where, marks=marks) for where in script.environments]
    return runs


@pytest.mark.timeout(900)  # the first time, the environment is built
@pytest.mark.parametrize(("name", "where"), _runs())
def test_a_script_shows_what_ipykernel_shows(name: str, where: str, tmp_path: Path) -> None:
    """Each cell has the facts that were recorded, or its difference is listed with a reason; no listed one is stale."""
    script = compat_scripts.read(name)
    expected = script.expected(where)
    found = script.loosened(compat_run.on_holdfast(script.cells, where, tmp_path))
    listed = script.differs.get(where, {})
    lines = {title: difference(expected[title], found[title]) for title in expected}
    wrong = [f"{title}\n{line}" for title, line in lines.items() if line and title not in listed]
    same = [title for title in listed if not lines[title]]
    assert not wrong, "cells that differ (- ipykernel, + Holdfast): " + "\n".join(wrong)
    assert not same, f"these cells do not differ any more: {same}; take them out of the script's header"


def test_golden_data_belongs_to_a_script() -> None:
    """No golden data is left over from a script that is gone."""
    assert sorted(path.stem for path in compat_scripts.GOLDEN.glob("*.json")) == compat_scripts.names()
