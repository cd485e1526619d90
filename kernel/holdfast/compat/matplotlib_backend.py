"""The matplotlib backend that displays figures in the notebook; only matplotlib imports it.

It must never draw before a figure is shown: a plot of fifty calls is rendered once.

Selected by `figures.select`, or by MPLBACKEND=module://holdfast.compat.matplotlib_backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from holdfast.compat import figures

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureCanvasBase

__all__ = ["FigureCanvas", "FigureManager", "show"]


class FigureManager(FigureManagerBase):
    """One figure of pyplot; `automatic` if it is to be shown at the end of its cell unasked."""

    def __init__(self, canvas: FigureCanvasBase, num: int | str) -> None:
        super().__init__(canvas, num)
        self.automatic = mpl.is_interactive()

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


figures.loaded(mpl)
