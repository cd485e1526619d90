"""What the command says when it cannot begin: one line, exit code 2.

Never raised once a notebook runs: from then on the exit code is about the notebook's cells.
"""

from __future__ import annotations

from holdfast.errors import HoldfastError


class Refusal(HoldfastError):
    """The command line asks for something that cannot be done; nothing was started or written."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the sentence on one line, whatever the parts hold."""
        text = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return " ".join(text.split())
