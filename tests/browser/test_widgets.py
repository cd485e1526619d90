"""Widgets and plots in JupyterLab: they are drawn, they move, and what their callbacks show appears at once.

The kernel runs in the environment of the compatibility suite, which has the libraries, and IPython with them;
JupyterLab finds their extensions there.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from helpers.compat_environments import environment, variables
from helpers.jupyterlab import DISPLAY_NAME, NotebookPage, Open, keep_picture
from helpers.peers import KERNEL, Household

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600, func_only=True),
    pytest.mark.skipif(KERNEL != "holdfast", reason="the reference kernel has no libraries of its own"),
]

SLIDER = """import ipywidgets as widgets
slider, out = widgets.IntSlider(value=1, max=10), widgets.Output()
def show(change):
    with out:
        print('depth', change['new'])
slider.observe(show, 'value')
display(slider, out)"""
AWAITS = """import asyncio
deep = asyncio.Event()
slider.observe(lambda change: change['new'] == 4 and deep.set(), 'value')
print('waiting')
await deep.wait()
print('moved to', slider.value)"""
BLOCKS = """import time
print('waiting')
while slider.value < 4:
    time.sleep(0.02)
print('moved to', slider.value)"""


@pytest.fixture(scope="module")
def household(household: Household) -> Household:
    """Its kernel runs where the libraries are, and JupyterLab finds their extensions."""
    libraries = environment("ipython")
    household.variables["JUPYTER_PATH"] = str(libraries.root / "share" / "jupyter")
    household.add_kernelspec(python=libraries.python, variables=variables())
    return household


def move(notebook: NotebookPage) -> None:
    """Press the right arrow on the slider: one step."""
    handle = notebook.output(0).locator(".noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")


def shown(notebook: NotebookPage) -> Locator:
    """All that the first cell shows, with what is in its Output widget."""
    return notebook.cells.nth(0).locator(".jp-Cell-outputArea")


@pytest.mark.parametrize("waits", [AWAITS, BLOCKS], ids=["awaits", "blocks"])
def test_a_slider_moves_while_a_cell(open_notebook: Open, waits: str) -> None:
    """Awaits, or even blocks the kernel: its callback's output appears, and the cell sees where it is."""
    notebook = open_notebook(SLIDER, waits)
    notebook.run_cell(0, count=1)
    notebook.start_cell(1)
    expect(notebook.output(1)).to_have_text("waiting")
    move(notebook)
    expect(shown(notebook)).to_contain_text("depth 2")
    notebook.wait_count(1, "*")
    keep_picture(notebook.page, f"test_a_slider_moves_while_a_cell-{'awaits' if waits == AWAITS else 'blocks'}")
    move(notebook)
    expect(shown(notebook)).to_contain_text("depth 3")
    move(notebook)
    expect(notebook.output(1)).to_contain_text("moved to 4")
    expect(shown(notebook)).to_contain_text("depth 4")
    notebook.wait_count(1, "2")


def test_plotly_figures_are_drawn(open_notebook: Open) -> None:
    """As the value of a cell, with show(), and as a widget that a later cell changes."""
    figure = "import plotly.graph_objects as go\nfig = go.Figure(go.Bar(x=['spar', 'can', 'buoy'], y=[3, 1, 2]))\nfig"
    widget = "moving = go.FigureWidget(go.Bar(y=[3, 1]))\nmoving"
    notebook = open_notebook(figure, "fig.show()", widget, "moving.data[0].y = [1, 2, 3, 4]")
    for index, bars in enumerate((3, 3, 2)):
        notebook.run_cell(index, count=index + 1)
        expect(notebook.output(index).locator(".bars .point")).to_have_count(bars)
    notebook.run_cell(3, count=4)
    expect(notebook.output(2).locator(".bars .point")).to_have_count(4)
    notebook.wait_kernel(DISPLAY_NAME)


def test_a_bokeh_plot_is_drawn(open_notebook: Open) -> None:
    """With the library from its package, and pushed to when it changes."""
    load = "from bokeh.io import output_notebook, push_notebook, show\nfrom bokeh.resources import INLINE\n"
    show = """from bokeh.layouts import column
from bokeh.models import Div
from bokeh.plotting import figure
plot, text = figure(width=300, height=200), Div(text='three lights')
plot.line([1, 2, 3], [1, 4, 9])
handle = show(column(text, plot), notebook_handle=True)"""
    notebook = open_notebook(
        load + "output_notebook(INLINE)", show, "text.text = 'four lights'\npush_notebook(handle=handle)"
    )
    notebook.run_cell(0, count=1)
    notebook.run_cell(1, count=2)
    plot = notebook.output(1).locator(".bk-Figure")
    expect(plot.locator("canvas").first).to_be_visible()
    expect(notebook.output(1).get_by_text("three lights")).to_be_visible()
    notebook.run_cell(2, count=3)
    expect(notebook.output(1).get_by_text("four lights")).to_be_visible()


def test_libraries_on_top_of_widgets(open_notebook: Open) -> None:
    """`interact` draws into its place, a bar of tqdm ends green, a figure of ipympl is a canvas."""
    interact = """import matplotlib.pyplot as plt
from ipywidgets import interact
@interact(slope=(1, 5))
def line(slope):
    plt.figure(figsize=(2, 1))
    plt.plot([0, slope])
    plt.show()
    print('slope', slope)"""
    bar = "from tqdm.auto import tqdm\nfor depth in tqdm(range(5), desc='sounding'):\n    pass"
    figure = "%matplotlib widget\nfig, ax = plt.subplots(figsize=(3, 2))\nax.plot([1, 2]);"
    notebook = open_notebook(interact, bar, figure)
    notebook.run_cell(0, count=1)
    expect(shown(notebook)).to_contain_text("slope 3")
    move(notebook)
    expect(shown(notebook)).to_contain_text("slope 4")
    expect(notebook.output(0).locator("img")).to_have_count(1)
    notebook.run_cell(1, count=2)
    expect(notebook.output(1)).to_contain_text("sounding: 100%")
    expect(notebook.output(1).locator(".progress-bar-success")).to_be_visible()
    notebook.run_cell(2, count=3)
    expect(notebook.output(2).locator(".jupyter-matplotlib-figure canvas").first).to_be_visible()
    notebook.wait_kernel(DISPLAY_NAME)
