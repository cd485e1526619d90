"""Lint and strict types are part of the tests: CI runs nothing else."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from helpers import source

# mypy without its cache reads the libraries' types too: most of a minute on a slow machine.
PATIENCE_SECONDS = 1200


@pytest.mark.timeout(PATIENCE_SECONDS)
@pytest.mark.parametrize("words", [["ruff", "check", "--no-fix"], ["mypy"]], ids=["ruff", "mypy"])
def test_the_checker_is_content(words: list[str]) -> None:
    """The checker finds nothing to say, with the settings of pyproject.toml."""
    assert importlib.util.find_spec(words[0]) is not None
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=source.ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
