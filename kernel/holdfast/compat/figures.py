"""How matplotlib figures become outputs: the settings, the rendering, and the flush at the end of a cell.

It must never import matplotlib: all that is here runs in kernels whose user may never plot.

A figure that was displayed during the cell (`display(fig)`, or as the value of the last line) and has not
changed since is not shown a second time at its end; other kernels show it twice.

The backend bears the name by which libraries and notebooks know the one of notebooks: some compare it with
`matplotlib.get_backend()`, or look for "inline" in it.  `compat.inline` makes that name lead to ours.

Figures of a cell that is still running beside this one (in a subshell, in the background, awaiting while a callback
runs) are not shown here, nor closed: they are half drawn.
"""

from __future__ import annotations

import os
import sys
from weakref import WeakKeyDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType
    from typing import Any, Protocol

    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.figure import Figure

    class Registry(Protocol):
        """Where printers are registered for a class that may not be imported yet."""

        def register_by_name(self, module: str, qualname: str, mime: str, fn: Callable[[Any], Any], /) -> object: ...


__all__ = [
    "BACKEND",
    "InlineSettings",
    "activate",
    "begin",
    "end",
    "flush_figures",
    "loaded",
    "name_backend",
    "register",
    "select",
    "set_matplotlib_formats",
    "settings",
    "show_figures",
]

BACKEND = "module://matplotlib_inline.backend_inline"
#: Other names of it.
_SAME_BACKEND = frozenset({BACKEND, "inline", "module://ipykernel.pylab.backend_inline"})

_MIMETYPES = {"png": "image/png", "jpeg": "image/jpeg", "svg": "image/svg+xml", "pdf": "application/pdf"}
_SAME_FORMAT = {"jpg": "jpeg", "png2x": "retina"}


class InlineSettings:
    """What `%config InlineBackend` sets: formats, whether figures are closed, options of `savefig`."""

    __slots__ = ("_formats", "_rc", "close_figures", "print_figure_kwargs")

    def __init__(self) -> None:
        self._formats = frozenset({"png"})
        self._rc: dict[str, object] = {}
        self.close_figures = True
        self.print_figure_kwargs: dict[str, object] = {"bbox_inches": "tight"}

    @classmethod
    def instance(cls, *args: object, **kwargs: object) -> InlineSettings:
        """The settings of this kernel, as libraries ask for them."""
        return settings

    @property
    def figure_formats(self) -> set[str]:
        """Of png, retina (png of twice the pixels), jpeg, svg and pdf.  ValueError: another format."""
        return set(self._formats)

    @figure_formats.setter
    def figure_formats(self, formats: str | Iterable[str]) -> None:
        names = formats.replace(",", " ").split() if isinstance(formats, str) else formats
        chosen = frozenset(_SAME_FORMAT.get(name.lower(), name.lower()) for name in names)
        known = {*_MIMETYPES, "retina"}
        if not chosen or chosen - known:
            raise ValueError(
                f"cannot show figures as {', '.join(sorted(chosen - known)) or 'nothing'}: "
                f"choose one or several of {', '.join(sorted(known))}"
            )
        self._formats = chosen

    @property
    def figure_format(self) -> str:
        """The formats as one text; setting it, to one name or several, sets `figure_formats`."""
        return ",".join(sorted(self._formats))

    @figure_format.setter
    def figure_format(self, formats: str | Iterable[str]) -> None:
        self.figure_formats = formats

    @property
    def rc(self) -> dict[str, object]:
        """Changes to `matplotlib.rcParams`, made when they are set or when matplotlib is imported."""
        return self._rc

    @rc.setter
    def rc(self, changes: Mapping[str, object]) -> None:
        self._rc = dict(changes)
        if "matplotlib" in sys.modules:
            sys.modules["matplotlib"].rcParams.update(changes)


settings = InlineSettings()

_asked_for = False
_selected = False
# What was rendered for display, and how often outputs had been cleared by then.
_displayed: WeakKeyDictionary[Figure, int] = WeakKeyDictionary()
# The cells that are running, by id.
_running: dict[int, object] = {}


def begin(cell: object) -> None:
    """A cell, known by its token, runs from now on."""
    _running[id(cell)] = cell


def end(cell: object) -> None:
    """A cell runs no more."""
    _running.pop(id(cell), None)


def set_matplotlib_formats(*formats: str, **options: object) -> None:
    """Chooses the formats of figures; `options` go to `savefig` (such as `dpi`, `pil_kwargs`)."""
    settings.figure_formats = formats
    settings.print_figure_kwargs.update(options)


def select(matplotlib: ModuleType) -> None:
    """Makes ours the backend of a matplotlib that was just imported, unless MPLBACKEND names another.

    To be handed to `finder.when_imported("matplotlib", ...)`.  Unlike a variable in the environment this does
    not reach child processes, which may run an interpreter that has no Holdfast.
    """
    global _selected
    wanted = os.environ.get("MPLBACKEND")
    if wanted and wanted not in _SAME_BACKEND and not _asked_for:
        return
    _selected = True
    matplotlib.use(BACKEND)
    matplotlib.interactive(True)
    matplotlib.rcParams.update(settings.rc)


def name_backend(module: Any) -> None:
    """Tells matplotlib of our backend: it would look through all that is installed for a package of that name.

    To be handed to `finder.when_imported("matplotlib.backends.registry", ...)`, so that it is known when matplotlib
    reads MPLBACKEND; a kernel that ipykernel's kernel has started finds its name there.
    """
    registry = module.backend_registry
    if "is_valid_backend" in vars(registry):
        return
    theirs = registry.is_valid_backend

    def is_valid_backend(backend: str) -> bool:
        known: bool = backend in _SAME_BACKEND or theirs(backend)
        return known

    is_valid_backend.__doc__ = theirs.__doc__
    registry.is_valid_backend = is_valid_backend
    registry._name_to_module["inline"] = BACKEND


def activate() -> None:
    """Makes ours the backend, now or when matplotlib is imported: what `%matplotlib inline` asks for."""
    global _asked_for
    _asked_for = True
    pyplot = sys.modules.get("matplotlib.pyplot")
    matplotlib = sys.modules.get("matplotlib")
    if pyplot is not None and matplotlib is not None:
        pyplot.switch_backend(BACKEND)
        matplotlib.interactive(True)
    elif matplotlib is not None:
        select(matplotlib)


def loaded(matplotlib: ModuleType) -> None:
    """Tells that matplotlib has loaded the backend: figures are shown unasked from now on.

    After `select` that is said already, and the user may have called `plt.ioff()` since.
    """
    if not _selected:
        matplotlib.interactive(True)


def register(formatters: Registry) -> None:
    """Registers printers for `matplotlib.figure.Figure`, by name; each looks at `settings` when it runs."""
    formatters.register_by_name("matplotlib.figure", "Figure", "image/png", _png)
    for name in ("jpeg", "svg", "pdf"):
        formatters.register_by_name("matplotlib.figure", "Figure", _MIMETYPES[name], _printer(name))


def flush_figures() -> None:
    """Shows and closes what the cell has plotted; to be called after each cell, also after one that failed.

    Figures made while `plt.ioff()` held, on another backend, or by another cell that is still running are left
    alone.  Without pyplot this is one look into `sys.modules`.  What a figure raises is raised after the others were
    shown.
    """
    managers = [manager for manager in _open_managers() if getattr(manager, "automatic", False)]
    if not managers:
        return
    changed = [manager for manager in managers if not _is_on_display(manager.canvas.figure)]
    show_figures(changed, closing=managers if settings.close_figures else ())


def show_figures(
    managers: Iterable[FigureManagerBase] | None = None, *, closing: Iterable[FigureManagerBase] | None = None
) -> None:
    """Displays figures in order, by default all that are open here, and then closes them.

    `closing` names those to close where they are others than those shown.  Exception, or ExceptionGroup when
    there are several: what displaying raised; the other figures are shown and all are closed.
    """
    from holdfast.output.display import display

    shown = list(_open_managers() if managers is None else managers)
    errors: list[Exception] = []
    try:
        for manager in shown:
            try:
                display(manager.canvas.figure, metadata=_background(manager.canvas.figure))
            except Exception as error:
                errors.append(error)
            _mark(manager.canvas.figure)
    finally:
        for manager in shown if closing is None else list(closing):
            _close(manager)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup(f"{len(errors)} figures could not be displayed", errors)


def _open_managers() -> list[FigureManagerBase]:
    """Those of the figures that pyplot holds, in the order of their numbers; not those of other running cells."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    gcf = getattr(helpers, "Gcf", None)  # absent while matplotlib is being imported
    managers: list[FigureManagerBase] = gcf.get_all_fig_managers() if gcf is not None else []
    if not managers:
        return []
    from holdfast.output.attribution import TOKEN

    others = _running.keys() - {id(TOKEN.get())}
    return [manager for manager in managers if getattr(manager, "cell", None) not in others]


def _close(manager: FigureManagerBase) -> None:
    sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(manager)


def _mark(figure: Figure) -> None:
    """Remembers that the figure is on display as it is now; any change makes it stale again."""
    from holdfast.output.display import times_cleared

    _displayed[figure] = times_cleared()
    figure.stale = False


def _is_on_display(figure: Figure) -> bool:
    from holdfast.output.display import times_cleared

    return not figure.stale and _displayed.get(figure) == times_cleared()


def _png(figure: Figure) -> object:
    if "retina" in settings.figure_formats:
        data = _rendered(figure, "png", scale=2)
        if not isinstance(data, bytes):
            return None
        width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))  # of the IHDR chunk
        return data, {"width": width // 2, "height": height // 2}
    return _rendered(figure, "png") if "png" in settings.figure_formats else None


def _printer(name: str) -> Callable[[Figure], object]:
    def rendered(figure: Figure) -> object:
        return _rendered(figure, name) if name in settings.figure_formats else None

    return rendered


def _rendered(figure: Figure, name: str, scale: int = 1) -> bytes | str | None:
    """The figure in one format; None for a figure with nothing in it, whose text says so better."""
    if not _has_content(figure):
        return None
    from io import BytesIO

    options: dict[str, Any] = {
        "bbox_inches": "tight",
        "facecolor": figure.get_facecolor(),
        "edgecolor": figure.get_edgecolor(),
        **settings.print_figure_kwargs,
    }
    options["dpi"] = float(options.get("dpi") or figure.dpi) * scale
    written = BytesIO()
    # What matplotlib warns of quotes this line.
    figure.canvas.print_figure(written, format=name, **options)
    _mark(figure)
    return written.getvalue().decode("utf-8") if name == "svg" else written.getvalue()


def _has_content(figure: Figure) -> bool:
    return any(
        getattr(figure, kind, None)
        for kind in ("axes", "texts", "lines", "images", "patches", "artists", "legends", "subfigs")
    )


def _background(figure: Figure) -> Mapping[str, object] | None:
    """What JupyterLab needs to know of a transparent figure: on what its tick labels can be read."""
    colors = sys.modules["matplotlib.colors"]
    if colors.to_rgba(figure.get_facecolor())[3] != 0:
        return None
    axes = [axis for drawn in figure.axes for axis in (drawn.xaxis, drawn.yaxis)]
    labels = [label for axis in axes for label in axis.get_ticklabels()]
    light = [sum(colors.to_rgb(label.get_color())) > 1.5 for label in labels]
    return {"needs_background": "dark" if light and all(light) else "light"}
