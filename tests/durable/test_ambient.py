"""The state around the variables: what is kept of it, and what comes back."""

from __future__ import annotations

import subprocess
import sys
import warnings

from helpers import source
from holdfast.durable.ambient import Ambient


def test_nothing_changed_is_nothing_to_keep() -> None:
    """What was so before any cell ran is not the session's."""
    assert Ambient().changed() == []
    assert [what for what, _ in Ambient().listed()] == []


def test_a_filter_is_listed() -> None:
    """A cell that filters warnings changed what is around the variables."""
    ambient = Ambient()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ambient.changed() == ["@aplace"]
        assert [what for what, _ in ambient.listed()] == ["warnings filters"]


PROGRAM = """
import sys
from holdfast.durable.ambient import Ambient
first, second = Ambient(), Ambient()
import matplotlib
matplotlib.use("agg")
first.changed(), second.changed()
assert "@arcparams" not in first.values, "which backend draws is not the cell's state"
matplotlib.rcParams["figure.dpi"] = 77
assert first.changed() == ["@arcparams"]
assert first.values["@arcparams"] == {"figure.dpi": 77}
assert ("matplotlib rcParams", "figure.dpi") in first.listed()
assert first.changed() == []
kept = dict(first.values)
matplotlib.rcParams["figure.dpi"] = matplotlib.rcParamsOrig["figure.dpi"]
assert first.changed() == ["@arcparams"]
assert first.values["@arcparams"] is None
assert "matplotlib rcParams" in second.restore(kept)
assert matplotlib.rcParams["figure.dpi"] == 77
assert second.changed() == []
"""


def test_rc_params_of_matplotlib_come_back() -> None:
    """Those that a cell changed, without the choice of a backend; in a process of its own, matplotlib is for good."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=source.ROOT)
    assert done.returncode == 0, done.stderr


def test_rc_params_wait_for_nobody() -> None:
    """A session that does not use matplotlib does not import it to set them."""
    program = (
        "import sys\nfrom holdfast.durable.ambient import Ambient\n"
        "assert Ambient().restore({'@arcparams': {'figure.dpi': 77}}) == []\nassert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=source.ROOT)
    assert done.returncode == 0, done.stderr
