"""The table of docs/compatibility.md says what the suite has shown."""

from __future__ import annotations

import pytest

from helpers import compat_scripts, compat_table

HEADERS = [
    ("", "works", "works"),
    ("# not in plain: it needs IPython itself", "works", "no: it needs IPython itself"),
    ("# differs in plain: one: drawn as text.", "works", "partly: drawn as text"),
    ("# differs: one: no colours\n# differs in plain: two: no colours", "partly: no colours", "partly: no colours"),
    ("# otherwise: one: no noise", *["works. Otherwise on purpose: no noise"] * 2),
    (
        "# differs in plain: one: no colours\n# otherwise: two: no noise",
        "works. Otherwise on purpose: no noise",
        "partly: no colours. Otherwise on purpose: no noise",
    ),
    ("# differs: one: no colours\n# differs: two: no help", *["partly: no colours; no help"] * 2),
]


@pytest.mark.parametrize(("header", "ipython", "plain"), HEADERS)
def test_a_header_is_a_line_of_the_table(header: str, ipython: str, plain: str) -> None:
    """What a script lists as different or absent is what the table says, once, with the reason."""
    script = compat_scripts.parse("s", f"# Lib: what it does\n{header}\n\n# %% one\n1\n\n# %% two\n2\n")
    assert [compat_table.verdict(script, where) for where in ("ipython", "plain")] == [ipython, plain]


def test_the_document_has_the_table() -> None:
    """The table in the document is the one that the scripts make."""
    assert compat_table.documented() == compat_table.table(), "run python tests/compat/record.py --table"
