"""What matplotlib's modules hold joins no two figures; what the user shares between them does."""

from __future__ import annotations

import io

import pytest

from helpers.durable import Notebook
from holdfast.durable.libraries import Held

FIGURE = """import io
{name} = Figure(layout='constrained')
axes = {name}.subplots()
axes.plot([1, 2, 3], label='x')
axes.plot(dates, range(9), 'o-')
axes.legend()
{name}.savefig(io.BytesIO())
del axes
"""


@pytest.fixture(scope="module", autouse=True)
def _fonts() -> None:
    """Matplotlib keeps the files of fonts open that it has drawn with."""
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.subplots().plot([1, 2], label="x")
    drawn.axes[0].legend()
    drawn.savefig(io.BytesIO())


@pytest.fixture
def notebook() -> Notebook:
    """With two figures that were drawn."""
    made = Notebook()
    made.run("from matplotlib.figure import Figure\nimport pandas as pd\ndates = pd.date_range('2025', periods=9)")
    for name in ("first", "second"):
        made.run(FIGURE.format(name=name))
        assert not made.errors
    return made


def test_figures_are_stored_apart(notebook: Notebook) -> None:
    """A new one does not store the others again."""
    by_root = notebook.committer.index.by_root
    first = by_root["first"]
    assert first is not by_root["second"]
    notebook.run(FIGURE.format(name="third"))
    assert by_root["first"] is first


def test_figures_come_back(notebook: Notebook) -> None:
    """Each whole, with its own copy of what the library's modules hold."""
    other, report = notebook.restored()
    assert not report.lost
    other.run("shown = [len(one.axes[0].lines) for one in (first, second)]\nfirst.savefig(__import__('io').BytesIO())")
    assert not other.errors
    assert other.namespace.dict["shown"] == [2, 2]


def test_what_the_user_shares_joins_them(notebook: Notebook) -> None:
    """A list that two figures hold is one list after a restore."""
    notebook.run("first.mine = second.mine = []")
    by_root = notebook.committer.index.by_root
    assert by_root["first"] is by_root["second"]
    other, _ = notebook.restored()
    other.run("same = first.mine is second.mine")
    assert other.namespace.dict["same"]


def test_a_user_s_list_that_became_a_setting_is_still_the_user_s(notebook: Notebook) -> None:
    """Matplotlib copies it: a change of it is stored, and it is one list for all who hold it."""
    setting = "matplotlib.rcParams['keymap.save']"
    notebook.run(f"import matplotlib\nbefore = {setting}\nmine = ['s']\n{setting} = mine\nother = [mine]")
    notebook.run("mine.append('x')")
    other, _ = notebook.restored()
    notebook.run(f"{setting} = before")
    other.run("same = other[0] is mine")
    assert other.namespace.dict["mine"] == ["s", "x"]
    assert other.namespace.dict["same"]


def test_no_artist_is_the_library_s(notebook: Notebook) -> None:
    """Figures may hang in its modules: they are the user's."""
    from matplotlib.artist import Artist

    held = Held()
    assert held.ids()
    assert not [one for one in held._objects if isinstance(one, Artist)]
