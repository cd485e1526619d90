"""The matplotlib backend that displays figures in the notebook; only matplotlib imports it.

It must never draw before a figure is shown: a plot of fifty calls is rendered once.

Selected by `figures.select`; libraries find it as `matplotlib_inline.backend_inline` (see `compat.inline`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from holdfast.compat import figures
from holdfast.compat.figures import flush_figures, set_matplotlib_formats
from holdfast.output.attribution import TOKEN

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureCanvasBase

__all__ = [
    "FigureCanvas",
    "FigureManager",
    "configure_inline_support",
    "flush_figures",
    "set_matplotlib_close",
    "set_matplotlib_formats",
    "show",
]


class FigureManager(FigureManagerBase):
    """One figure of pyplot; `automatic` if it is to be shown at the end of its cell unasked."""

    def __init__(self, canvas: FigureCanvasBase, num: int | str) -> None:
        super().__init__(canvas, num)
        self.automatic = mpl.is_interactive()
        #: The cell that made it: the id of what outputs know it by, which must not be stored with a figure.
        self.cell = id(TOKEN.get())

    def show(self) -> None:
        """Displays this figure now (`fig.show()`); it stays open."""
        figures.show_figures([self], closing=())


class FigureCanvas(FigureCanvasAgg):
    """Agg, without drawing when idle."""

    manager_class = FigureManager

    def draw_idle(self, *args: object, **kwargs: object) -> None:
        """Does nothing: pyplot asks for it after each change, and nobody sees the result."""


def show(close: bool | None = None, block: bool | None = None) -> None:
    """Displays every open figure in order and closes it (`plt.show()`); `close=False` keeps them open."""
    closing = figures.settings.close_figures if close is None else close
    figures.show_figures(closing=None if closing else ())


def set_matplotlib_close(close: bool = True) -> None:
    """Whether figures are closed when they were shown at the end of a cell."""
    figures.settings.close_figures = close


def configure_inline_support(shell: object, backend: str) -> None:
    """Nothing: the backend needs no help of the shell's."""


figures.loaded(mpl)
