"""Figures become outputs: at the end of a cell, by plt.show(), by display(), each once and in order."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from holdfast.compat import figures, finder, inline
from holdfast.compat.figures import flush_figures, set_matplotlib_formats, settings
from holdfast.output import display as display_module
from holdfast.output.display import clear_output, display
from holdfast.output.mime.image import picture_format, picture_size

pytestmark = pytest.mark.keeps("fds", reason="matplotlib keeps the fonts open that it has used")

TEXT = "<Figure size 640x480 with 1 Axes>"


class Formats:
    """Knows the registered printers; a printer that raises is noted, and text is always there."""

    def __init__(self) -> None:
        self.printers: dict[str, Callable[[Any], Any]] = {}
        self.errors: list[Exception] = []

    def register_by_name(self, module: str, qualname: str, mime: str, fn: Callable[[Any], Any]) -> None:
        assert (module, qualname) == ("matplotlib.figure", "Figure")
        self.printers[mime] = fn

    def format(
        self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        data: dict[str, object] = {"text/plain": repr(obj)}
        described: dict[str, object] = {}
        for mime, printer in self.printers.items() if isinstance(obj, Figure) else ():
            if include and mime not in include:
                continue
            try:
                made = printer(obj)
            except Exception as error:
                self.errors.append(error)
                continue
            data[mime], described[mime] = made if isinstance(made, tuple) else (made, None)
        data = {m: v for m, v in data.items() if v is not None and (not include or m in include)}
        return data, {m: v for m, v in described.items() if v is not None and m in data}


class Cell:
    """What a cell has displayed so far."""

    def __init__(self) -> None:
        self.formats = Formats()
        self.contents: list[dict[str, Any]] = []

    def publish(self, kind: str, content: dict[str, object], metadata: object, buffers: object) -> None:
        self.contents.append(content if kind == "display_data" else {"data": {"text/plain": kind}})

    @property
    def texts(self) -> list[str]:
        return [content["data"]["text/plain"] for content in self.contents]

    def picture(self, at: int = 0, mime: str = "image/png") -> bytes:
        return base64.b64decode(self.contents[at]["data"][mime])


@pytest.fixture
def cell() -> Iterator[Cell]:
    """A cell of a kernel whose backend is ours, in the state of a fresh kernel."""
    shown = Cell()
    figures.register(shown.formats)
    display_module.install(shown.publish, shown.formats)
    formats, options = settings.figure_formats, dict(settings.print_figure_kwargs)
    inline.install()
    with mpl.rc_context():
        plt.switch_backend(figures.BACKEND)
        plt.ion()
        yield shown
        plt.close("all")
        plt.switch_backend("agg")
        plt.ioff()
    settings.figure_formats, settings.print_figure_kwargs, settings.close_figures = formats, options, True
    display_module.uninstall()
    inline.uninstall()
    finder.uninstall()


def test_a_plot_is_shown_at_the_end_of_its_cell(cell: Cell) -> None:
    """The figure is a png with its text beside it, without metadata, and is closed."""
    plt.plot([1, 2])
    assert cell.contents == []
    flush_figures()
    assert cell.texts == [TEXT]
    assert picture_format(cell.picture()) == "png"
    assert cell.contents[0]["metadata"] == {}
    assert plt.get_fignums() == []


def test_a_plot_is_shown_once(cell: Cell) -> None:
    """The next cell shows nothing of the last one."""
    plt.plot([1, 2])
    flush_figures()
    flush_figures()
    assert cell.texts == [TEXT]


def test_pictures_are_cut_to_what_is_drawn(cell: Cell) -> None:
    """bbox_inches="tight" leaves out the margin, and can be turned off."""
    plt.plot([1, 2])
    flush_figures()
    settings.print_figure_kwargs = {"facecolor": "white"}
    plt.plot([1, 2])
    flush_figures()
    settings.print_figure_kwargs = {"bbox_inches": None}
    plt.plot([1, 2])
    flush_figures()
    tight, also_tight, whole = (picture_size(cell.picture(at)) for at in (0, 1, 2))
    assert whole == (640, 480)
    assert also_tight == tight
    assert tight is not None
    assert tight < whole


def test_figures_are_shown_in_order(cell: Cell) -> None:
    """Figures made one after the other are shown one after the other."""
    for width in (2, 3, 4):
        plt.figure(figsize=(width, 1))
        plt.plot([1])
    flush_figures()
    assert cell.texts == [f"<Figure size {width}00x100 with 1 Axes>" for width in (2, 3, 4)]


def test_show_in_the_middle_shows_what_is_open(cell: Cell) -> None:
    """plt.show() displays and closes; what follows is another figure."""
    plt.figure(figsize=(2, 1))
    plt.plot([1])
    plt.show()
    display("between")
    plt.figure(figsize=(3, 1))
    plt.plot([1])
    plt.show()
    flush_figures()
    assert cell.texts == [
        "<Figure size 200x100 with 1 Axes>",
        "'between'",
        "<Figure size 300x100 with 1 Axes>",
    ]


def test_show_can_keep_figures_open(cell: Cell) -> None:
    """plt.show(close=False) leaves the figure to go on with; unchanged, it is not shown again."""
    plt.plot([1])
    plt.show(close=False)
    assert plt.get_fignums() == [1]
    flush_figures()
    assert (cell.texts, plt.get_fignums()) == ([TEXT], [])


def test_show_takes_block(cell: Cell) -> None:
    """block, which means windows, is accepted and ignored."""
    plt.plot([1])
    plt.show(block=True)
    assert cell.texts == [TEXT]


def test_a_displayed_figure_is_not_shown_twice(cell: Cell) -> None:
    """display(fig), or fig as the last line, is the figure's one output."""
    fig, ax = plt.subplots()
    ax.plot([1])
    display(fig)
    flush_figures()
    assert (cell.texts, plt.get_fignums()) == ([TEXT], [])
    assert picture_format(cell.picture()) == "png"


def test_a_figure_that_changed_after_display_is_shown_again(cell: Cell) -> None:
    """What was drawn since belongs to the reader too."""
    fig, ax = plt.subplots()
    display(fig)
    ax.plot([1])
    flush_figures()
    assert cell.texts == [TEXT, TEXT]
    assert cell.picture(0) != cell.picture(1)


def test_a_figure_whose_output_was_cleared_is_shown_again(cell: Cell) -> None:
    """After clear_output the displayed figure is gone, so the end of the cell shows it."""
    fig, _ = plt.subplots()
    display(fig)
    clear_output()
    flush_figures()
    assert cell.texts == [TEXT, "clear_output", TEXT]


def test_a_figure_shown_as_text_only_is_shown_at_the_end(cell: Cell) -> None:
    """Only a rendered figure counts as displayed."""
    fig, _ = plt.subplots()
    display(fig, include=["text/plain"])
    flush_figures()
    assert ["image/png" in content["data"] for content in cell.contents] == [False, True]


def test_fig_show_displays_that_figure(cell: Cell) -> None:
    """fig.show() shows one figure, which stays open until the end of the cell and is not shown again."""
    first = plt.figure(figsize=(2, 1))
    first.gca()
    plt.figure(figsize=(3, 1)).gca()
    first.show()
    flush_figures()
    assert cell.texts == ["<Figure size 200x100 with 1 Axes>", "<Figure size 300x100 with 1 Axes>"]


def test_a_closed_figure_can_still_be_displayed(cell: Cell) -> None:
    """A figure of an earlier cell, closed since, is rendered when it is the value of a later one."""
    fig, _ = plt.subplots()
    flush_figures()
    display(fig)
    flush_figures()
    assert cell.texts == [TEXT, TEXT]
    assert cell.picture(0) == cell.picture(1)


def test_a_figure_without_pyplot_is_displayed(cell: Cell) -> None:
    """A Figure made by hand has no manager and is shown only when asked for."""
    fig = Figure(figsize=(2, 1))
    fig.subplots()
    flush_figures()
    display(fig)
    flush_figures()
    assert cell.texts == ["<Figure size 200x100 with 1 Axes>"]
    assert "image/png" in cell.contents[0]["data"]


def test_a_closed_plot_is_not_shown(cell: Cell, tmp_path: Path) -> None:
    """plt.close() after plt.savefig(): the file is there, the output is not."""
    plt.plot([1])
    plt.savefig(tmp_path / "a.png")
    plt.close()
    flush_figures()
    assert picture_format((tmp_path / "a.png").read_bytes()) == "png"
    assert cell.contents == []


def test_a_saved_plot_is_shown_as_well(cell: Cell, tmp_path: Path) -> None:
    """plt.savefig() alone does not take the place of the output."""
    plt.plot([1])
    plt.savefig(tmp_path / "a.png")
    flush_figures()
    assert cell.texts == [TEXT]


def test_pandas_and_subplots_are_one_figure(cell: Cell) -> None:
    """DataFrame.plot and a grid of axes give the figure that they drew on."""
    pd.DataFrame({"a": [1, 2], "b": [2, 1]}).plot()
    flush_figures()
    plt.subplots(2, 2)
    flush_figures()
    assert cell.texts == [TEXT, "<Figure size 640x480 with 4 Axes>"]


def test_an_empty_figure_is_text(cell: Cell) -> None:
    """A figure with nothing in it has no picture."""
    plt.figure()
    flush_figures()
    assert cell.contents[0]["data"] == {"text/plain": "<Figure size 640x480 with 0 Axes>"}


def test_a_figure_of_text_is_a_picture(cell: Cell) -> None:
    """A figure without axes may still have content."""
    plt.figtext(0.5, 0.5, "hello")
    flush_figures()
    assert picture_format(cell.picture()) == "png"


def test_a_figure_that_cannot_be_drawn_does_not_lose_the_others(cell: Cell) -> None:
    """A broken formula costs the picture of its figure only; all are closed."""
    plt.figure(figsize=(2, 1))
    plt.title(r"$\frac$")
    plt.figure(figsize=(3, 1)).gca()
    flush_figures()
    assert cell.texts == ["<Figure size 200x100 with 1 Axes>", "<Figure size 300x100 with 1 Axes>"]
    assert ["image/png" in content["data"] for content in cell.contents] == [False, True]
    assert [type(error) for error in cell.formats.errors] == [ValueError]
    assert plt.get_fignums() == []


@pytest.mark.parametrize("failing", [1, 2])
def test_an_output_that_cannot_be_sent_does_not_lose_the_others(cell: Cell, failing: int) -> None:
    """All are tried and closed, then the error is raised: itself, or in a group of several."""
    calls: list[object] = []

    def publish(kind: str, content: object, metadata: object, buffers: object) -> None:
        calls.append(content)
        if len(calls) <= failing:
            raise ConnectionError("gone")

    display_module.install(publish, cell.formats)
    for _ in range(3):
        plt.figure().gca()
    with pytest.raises(ConnectionError if failing == 1 else ExceptionGroup):
        flush_figures()
    assert (len(calls), plt.get_fignums()) == (3, [])


def test_figures_are_closed_when_the_user_interrupts(cell: Cell) -> None:
    """Ctrl-C while figures are shown ends it, and the next cell begins without them."""

    def publish(kind: str, content: object, metadata: object, buffers: object) -> None:
        raise KeyboardInterrupt

    display_module.install(publish, cell.formats)
    plt.figure().gca()
    plt.figure().gca()
    with pytest.raises(KeyboardInterrupt):
        flush_figures()
    assert plt.get_fignums() == []


def test_with_ioff_figures_wait_for_show(cell: Cell) -> None:
    """plt.ioff(): nothing at the end of the cell; plt.show() in a later one."""
    plt.ioff()
    plt.plot([1])
    flush_figures()
    assert (cell.texts, plt.get_fignums()) == ([], [1])
    plt.show()
    assert (cell.texts, plt.get_fignums()) == ([TEXT], [])


def test_a_figure_made_under_ioff_is_left_alone(cell: Cell) -> None:
    """`with plt.ioff():` hides one figure; others of the cell are shown."""
    with plt.ioff():
        plt.figure(figsize=(2, 1)).gca()
    plt.figure(figsize=(3, 1)).gca()
    flush_figures()
    assert (cell.texts, plt.get_fignums()) == (["<Figure size 300x100 with 1 Axes>"], [1])


def test_figures_can_stay_open(cell: Cell) -> None:
    """With close_figures off a figure goes on in the next cell, and is shown again when it changed."""
    settings.close_figures = False
    plt.plot([1])
    flush_figures()
    flush_figures()
    assert (len(cell.contents), plt.get_fignums()) == (1, [1])
    plt.plot([2])
    flush_figures()
    assert (len(cell.contents), plt.get_fignums()) == (2, [1])


def test_another_backend_is_left_alone(cell: Cell) -> None:
    """After matplotlib.use("agg") nothing is shown, and nothing closed."""
    mpl.use("agg")
    plt.plot([1])
    flush_figures()
    assert (cell.contents, plt.get_fignums()) == ([], [1])


def test_activate_brings_ours_back(cell: Cell) -> None:
    """`%matplotlib inline` after another backend shows figures from then on."""
    mpl.use("agg")
    plt.ioff()
    figures.activate()
    plt.plot([1])
    flush_figures()
    assert (mpl.get_backend(), cell.texts) == (figures.BACKEND, [TEXT])


def test_nothing_is_drawn_before_it_is_shown(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """In interactive mode pyplot asks for a redraw after each change; only the output is drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn: list[object] = []
    draw = FigureCanvasAgg.draw

    def noted(canvas: FigureCanvasAgg) -> None:
        drawn.append(canvas)
        draw(canvas)  # type: ignore[no-untyped-call]  # of matplotlib

    monkeypatch.setattr(FigureCanvasAgg, "draw", noted)
    for _ in range(20):
        plt.plot([1])
    assert drawn == []
    plt.gcf().canvas.draw()
    assert len(drawn) == 1


def test_pause_shows_what_was_drawn(cell: Cell) -> None:
    """plt.pause(), the loop of an animation, displays each state."""
    for _ in range(2):
        plt.plot([1])
        plt.pause(1e-6)
    assert cell.texts == [TEXT, TEXT]


@pytest.mark.parametrize(
    ("formats", "mimes"),
    [
        ("png", ["image/png"]),
        ("PNG", ["image/png"]),
        ("retina", ["image/png"]),
        ("svg", ["image/svg+xml"]),
        ("jpg", ["image/jpeg"]),
        ("pdf", ["application/pdf"]),
        ("png, svg", ["image/png", "image/svg+xml"]),
        ({"jpeg", "svg"}, ["image/jpeg", "image/svg+xml"]),
        (["png", "retina"], ["image/png"]),
    ],
)
def test_formats_can_be_chosen(cell: Cell, formats: str | Collection[str], mimes: list[str]) -> None:
    """figure_format takes one name or several."""
    settings.figure_format = formats
    plt.plot([1])
    flush_figures()
    assert sorted(set(cell.contents[0]["data"]) - {"text/plain"}) == mimes


def test_retina_has_twice_the_pixels_and_says_so(cell: Cell) -> None:
    """A retina png is shown at half of its size."""
    plt.plot([1])
    flush_figures()
    set_matplotlib_formats("retina")
    plt.plot([1])
    flush_figures()
    size = picture_size(cell.picture(1))
    assert size is not None
    assert cell.contents[1]["metadata"] == {"image/png": {"width": size[0] // 2, "height": size[1] // 2}}
    once = picture_size(cell.picture(0))
    assert once is not None
    assert [round(large / small, 1) for large, small in zip(size, once, strict=True)] == [2.0, 2.0]


def test_svg_is_text(cell: Cell) -> None:
    """An svg is sent as text, not as base64."""
    set_matplotlib_formats("svg")
    plt.plot([1])
    flush_figures()
    assert "<svg" in cell.contents[0]["data"]["image/svg+xml"]


def test_options_go_to_savefig(cell: Cell) -> None:
    """set_matplotlib_formats takes options of savefig, such as dpi."""
    set_matplotlib_formats("png", dpi=50, bbox_inches=None)
    plt.plot([1])
    flush_figures()
    assert picture_size(cell.picture()) == (320, 240)


def test_rc_is_matplotlibs(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `%config InlineBackend.rc` names is set at once, and again when matplotlib is imported later."""
    monkeypatch.setattr(settings, "_rc", {})
    monkeypatch.setattr(figures, "_selected", False)
    settings.rc = {"font.size": 21.0}
    assert mpl.rcParams["font.size"] == 21.0
    mpl.rcParams["font.size"] = 10.0
    figures.select(mpl)
    assert (mpl.rcParams["font.size"], settings.rc) == (21.0, {"font.size": 21.0})


@pytest.mark.parametrize(("formats", "named"), [("bmp", "bmp"), (["png", "tiff"], "tiff"), ([], "nothing")])
def test_an_unknown_format_is_named(formats: str | list[str], named: str) -> None:
    """The error says which formats there are, and the setting stays."""
    before = settings.figure_formats
    with pytest.raises(ValueError, match=f"cannot show figures as {named}: choose .* pdf, png, retina, svg"):
        settings.figure_formats = formats
    assert settings.figure_formats == before


@pytest.mark.parametrize(("color", "needed"), [("black", "light"), ("white", "dark")])
def test_a_transparent_figure_says_what_it_needs(cell: Cell, color: str, needed: str) -> None:
    """JupyterLab puts a background behind a figure whose own is transparent."""
    plt.figure(facecolor="none")
    plt.plot([1])
    plt.tick_params(colors=color)
    flush_figures()
    assert cell.contents[0]["metadata"] == {"needs_background": needed}


SCRIPT = """
import sys, os, json
from holdfast.compat import figures, inline
said = {"early": "matplotlib" in sys.modules}
figures.flush_figures()
inline.install()
if sys.argv[1] == "inline":
    figures.activate()
said["before"] = "matplotlib" in sys.modules
import matplotlib
said["by matplotlib"] = "holdfast.compat.matplotlib_backend" in sys.modules
import matplotlib.pyplot as plt
if sys.argv[2] == "ioff":
    plt.ioff()
plt.figure()
said["interactive"] = plt.isinteractive()
said["backend"] = matplotlib.get_backend()
figures.flush_figures()
said["open"] = plt.get_fignums()
said["environment"] = os.environ.get("MPLBACKEND")
print(json.dumps(said))
"""


@pytest.mark.parametrize(
    ("arguments", "variable", "interactive", "backend"),
    [
        (["", ""], None, True, figures.BACKEND),
        (["", "ioff"], None, False, figures.BACKEND),
        (["", ""], "agg", False, "agg"),
        (["inline", ""], "agg", True, figures.BACKEND),
        (["", ""], figures.BACKEND, True, figures.BACKEND),
        (["", ""], "inline", True, figures.BACKEND),
    ],
    ids=["unasked", "ioff", "other backend wanted", "%matplotlib inline", "its own name", "its short name"],
)
def test_the_backend_is_selected(arguments: list[str], variable: str | None, interactive: bool, backend: str) -> None:
    """By the import hook or by the variable; nothing of matplotlib is loaded before the user does it."""
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    if variable is not None:
        environment["MPLBACKEND"] = variable
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {
        "early": False,
        "before": False,
        "by matplotlib": False,
        "interactive": interactive,
        "backend": backend,
        "open": [] if interactive and backend == figures.BACKEND else [1],
        "environment": variable,
    }
