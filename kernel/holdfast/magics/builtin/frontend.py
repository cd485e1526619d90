"""`%autosave`: what only the frontend of a notebook can do.

It must never pretend: it says who decides.
"""

from __future__ import annotations

from holdfast.magics.port import Kernel, LineMagic


def line(_name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""

    def autosave(rest: str) -> None:
        """Set after how many seconds the notebook is saved; frontends of today decide that in their own settings."""
        print(
            f"Autosave is set in the frontend's settings (Document Manager); %autosave {rest} changes nothing".rstrip()
        )

    return autosave
