"""The state around the variables: what is kept of it, and what comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

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


OPTIONS = """
from holdfast.durable.ambient import Ambient
first, second, third = Ambient(), Ambient(), Ambient()
import numpy, pandas
first.changed()
assert not {"@apandas", "@aprint"} & first.values.keys(), "what pandas chooses by itself is not the cell's state"
chosen, shape = pandas.get_option("display.max_columns"), "{:.2f}".format
pandas.set_option("display.max_columns", None)
pandas.options.display.float_format = shape
numpy.set_printoptions(precision=3, suppress=True)
assert first.changed() == ["@apandas", "@aprint"]
assert first.values["@apandas"] == {"display.max_columns": None, "display.float_format": shape}
assert first.values["@aprint"] == {"precision": 3, "suppress": True}
assert ("numpy print options", "precision suppress") in first.listed()
assert ("pandas options", "display.float_format display.max_columns") in first.listed()
assert first.changed() == []
kept = dict(first.values)
assert third.switch({}, ["@apandas", "@aprint"]) == []
assert (pandas.get_option("display.max_columns"), numpy.get_printoptions()["precision"]) == (chosen, 8)
assert first.changed() == ["@apandas", "@aprint"]
assert {"pandas options", "numpy print options"} <= set(second.restore(kept))
assert pandas.get_option("display.float_format") is shape
assert numpy.array_repr(numpy.array([1.23456])) == "array([1.235])"
assert second.changed() == []
"""


def test_options_of_pandas_and_numpy_come_back() -> None:
    """Those that a cell set; a checkout or a new session takes them back."""
    done = subprocess.run([sys.executable, "-c", OPTIONS], capture_output=True, text=True, cwd=source.ROOT)
    assert done.returncode == 0, done.stderr


def test_options_wait_for_nobody() -> None:
    """A session that uses neither does not import them to set them."""
    kept = "{'@apandas': {'display.max_rows': 7}, '@aprint': {'precision': 3}}"
    program = (
        f"import sys\nfrom holdfast.durable.ambient import Ambient\nassert Ambient().restore({kept}) == []\n"
        "assert 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=source.ROOT)
    assert done.returncode == 0, done.stderr


def test_a_switch_takes_back_what_the_other_state_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in it is as before any cell ran; what did not change is left alone."""
    path = list(sys.path)
    monkeypatch.setattr(sys, "path", list(path))
    monkeypatch.setenv("HF_KEPT", "before")
    monkeypatch.delenv("HF_NEW", raising=False)
    ambient = Ambient()
    os.environ["HF_KEPT"], os.environ["HF_NEW"] = "changed", "1"
    sys.path.append("/late")
    ambient.changed()
    state = dict(ambient.values)
    ambient.switch({}, ["@aplace"])
    assert (os.environ["HF_KEPT"], "HF_NEW" in os.environ, sys.path, ambient.changed()) == ("before", False, path, [])
    ambient.switch(state, ["@aplace"])
    assert (os.environ["HF_KEPT"], os.environ["HF_NEW"], sys.path[-1]) == ("changed", "1", "/late")
    ambient.switch({}, [])
    assert (os.environ["HF_NEW"], ambient.changed()) == ("1", [])
    del os.environ["HF_NEW"]
