"""`%transaction`, with transactions that only write down what they are asked for."""

from __future__ import annotations

import pytest

from holdfast.magics.builtin.transaction import COMMANDS, make


class Asked:
    """See `Transactions`."""

    policy = "explicit"

    def __init__(self) -> None:
        self.uncommitted: list[int] = [4, 5]
        self.calls: list[str] = []

    def choose(self, words: str) -> None:
        """Noted."""
        self.calls.append(words)

    def commit_now(self) -> None:
        """Noted; nothing is uncommitted after it."""
        self.uncommitted.clear()
        self.calls.append("committed")

    def roll_back_now(self) -> object:
        """Noted."""
        self.calls.append("rolled back")
        return "Rolled back: a put back"


OPEN = "transactions: explicit; not committed: [4], [5]\n"


@pytest.mark.parametrize(
    ("rest", "calls", "said"),
    [
        ("", [], OPEN),
        (" commit ", ["committed"], "transactions: explicit; everything is committed\n"),
        ("rollback", ["rolled back"], "Rolled back: a put back\n"),
        ("explicit best_effort", ["explicit best_effort"], OPEN),
        ("rollback best_effort", ["rollback best_effort"], OPEN),
    ],
)
def test_it_asks_and_says_how_things_stand(
    rest: str, calls: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone it only says; a rollback says what it did."""
    asked = Asked()
    make(lambda: asked)(rest)
    assert (asked.calls, capsys.readouterr().out) == (calls, said)


def test_completion_knows_its_words() -> None:
    """The two commands and the four policies."""
    assert set(COMMANDS) == {
        "commit", "rollback", "commit_always", "commit_on_success", "rollback_on_failure", "explicit",
    }  # fmt: skip
