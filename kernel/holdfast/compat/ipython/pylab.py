"""`IPython.core.pylabtools`: figures as images, and their settings.

It must never import matplotlib unless it is asked for a figure.
"""

from __future__ import annotations

from typing import Any

from holdfast.compat import figures
from holdfast.compat.ipython import current

__all__ = [
    "activate_matplotlib",
    "configure_inline_support",
    "figsize",
    "find_gui_and_backend",
    "getfigs",
    "latex_to_html",
    "latex_to_png",
    "print_figure",
    "retina_figure",
    "select_figure_formats",
    "set_matplotlib_close",
    "set_matplotlib_formats",
]


def getfigs(*fig_nums: int) -> list[Any]:
    """Open figures, by number or all.  ValueError: there is none of that number."""
    from matplotlib._pylab_helpers import Gcf

    if not fig_nums:
        return [manager.canvas.figure for manager in Gcf.get_all_fig_managers()]
    found = []
    for number in fig_nums:
        manager = Gcf.figs.get(number)
        if manager is None:
            raise ValueError(f"there is no open figure {number}")
        found.append(manager.canvas.figure)
    return found


def figsize(sizex: float, sizey: float) -> None:
    """The size of new figures, in inches."""
    import matplotlib as mpl

    mpl.rcParams["figure.figsize"] = [sizex, sizey]


def print_figure(
    fig: Any, fmt: str = "png", bbox_inches: str | None = "tight", base64: bool = False, **kwargs: Any
) -> bytes | str | None:
    """A figure in a format (png, svg, jpeg, pdf): bytes, or text for svg; with `base64` that text.

    None for a figure with nothing in it.
    """
    if not fig.axes and not fig.lines:
        return None
    from io import BytesIO

    options = {"facecolor": fig.get_facecolor(), "edgecolor": fig.get_edgecolor(), "dpi": fig.dpi, **kwargs}
    if fmt in ("retina", "png2x"):
        fmt, options["dpi"] = "png", options["dpi"] * 2
    written = BytesIO()
    if fig.canvas is None or type(fig.canvas).__name__ == "FigureCanvasBase":
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        FigureCanvasAgg(fig)
    fig.canvas.print_figure(written, format=fmt, bbox_inches=bbox_inches, **options)
    data = written.getvalue()
    if fmt == "svg":
        return data.decode("utf-8")
    if base64:
        from binascii import b2a_base64

        return b2a_base64(data, newline=False).decode("ascii")
    return data


def retina_figure(fig: Any, base64: bool = False, **kwargs: Any) -> tuple[Any, dict[str, int]] | None:
    """A figure as png of twice the pixels, with the size in which to show it."""
    data = print_figure(fig, "retina", **kwargs)
    if not isinstance(data, bytes):
        return None
    width, height = (int.from_bytes(data[at : at + 4]) // 2 for at in (16, 20))  # of the IHDR chunk
    size = {"width": width, "height": height}
    if base64:
        from binascii import b2a_base64

        return b2a_base64(data, newline=False).decode("ascii"), size
    return data, size


def select_figure_formats(shell: object, formats: Any, **kwargs: Any) -> None:
    """The formats of figures."""
    figures.set_matplotlib_formats(*([formats] if isinstance(formats, str) else formats), **kwargs)


def set_matplotlib_formats(*formats: str, **kwargs: Any) -> None:
    """The formats of figures: png, retina, jpeg, svg, pdf."""
    figures.set_matplotlib_formats(*formats, **kwargs)


def set_matplotlib_close(close: bool = True) -> None:
    """Whether figures are closed when they were shown at the end of a cell."""
    figures.settings.close_figures = close


def find_gui_and_backend(gui: str | None = None, gui_select: str | None = None) -> tuple[str | None, str]:
    """(gui, backend) for a name that `%matplotlib` takes."""
    if gui in (None, "", "auto", "inline"):
        return "inline", figures.BACKEND
    return gui, str(gui)


def activate_matplotlib(backend: str) -> None:
    """Make that the backend."""
    if backend in ("inline", figures.BACKEND):
        figures.activate()
    else:
        current.kernel().magics("matplotlib", backend)


def configure_inline_support(shell: object, backend: str) -> None:
    """Nothing: the backend needs no help of the shell's."""


def latex_to_png(
    s: str,
    encode: bool = False,
    backend: str | None = None,
    wrap: bool = False,
    color: str = "Black",
    scale: float = 1.0,
) -> bytes | str | None:
    """A formula as a png, drawn by matplotlib; with `encode` as base64 text.  None: it cannot be drawn."""
    from io import BytesIO

    try:
        from matplotlib import mathtext
    except ImportError:
        return None
    text = s if "$" in s and not wrap else f"${s}$"
    written = BytesIO()
    try:
        mathtext.math_to_image(text.replace(r"\displaystyle", ""), written, dpi=120 * scale, format="png", color=color)
    except (ValueError, RuntimeError):  # matplotlib draws only a part of LaTeX
        return None
    if encode:
        from binascii import b2a_base64

        return b2a_base64(written.getvalue(), newline=False).decode("ascii")
    return written.getvalue()


def latex_to_html(s: str, alt: str = "image") -> str:
    """A formula as an image in HTML."""
    data = latex_to_png(s, encode=True, wrap=True)
    return f'<img src="data:image/png;base64,{data!s}" alt={alt!r}>'
