"""What libraries append to `get_ipython().configurables` has options for `%config`."""

from __future__ import annotations

from typing import Any

from helpers.shell import TwinKernel


class Theirs:
    """Has an option."""

    limit = 5


def test_what_is_appended_is_configurable(shell: Any, kernel: TwinKernel) -> None:
    """By the name of its class; one that comes later takes its place."""
    for _ in range(2):
        theirs = Theirs()
        shell.configurables.append(theirs)
        assert kernel.configurables["Theirs"] is theirs
    assert shell.configurables[-1] is theirs


def test_ours_stay_ours(shell: Any, kernel: TwinKernel) -> None:
    """A class of theirs with the same name does not take our place."""
    own = kernel.configurables["InteractiveShell"]
    shell.configurables.append(type("InteractiveShell", (), {})())
    assert kernel.configurables["InteractiveShell"] is own
