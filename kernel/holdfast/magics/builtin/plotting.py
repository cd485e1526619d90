"""`%matplotlib`, `%pylab` and `%gui`: where figures go.

It must never import matplotlib before the user's code does, except for `%pylab`, which asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec

from holdfast.errors import CellError
from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

#: What can stand behind a name, for completion.
WORDS = {"matplotlib": ("inline", "widget")}

_INLINE = ("inline", "auto", "")
_WIDGET = ("widget", "ipympl")
#: The backend of notebooks before JupyterLab.
_OLD = ("notebook", "nbagg")
_FILES = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
_WINDOWS = ("gtk", "gtk3", "gtk4", "macosx", "osx", "qt", "qt4", "qt5", "qt6", "tk", "webagg", "wx")
#: What `%pylab` runs.
_NAMES = """import matplotlib, numpy
from matplotlib import mlab, pylab, pyplot
from holdfast.display import display
from holdfast.compat.ipython.pylab import figsize, getfigs
np, plt = numpy, pyplot"""
_ALL_NAMES = "from matplotlib.pylab import *\nfrom numpy import *"


class NoWindows(CellError):
    """A window was asked for."""

    def __init__(self, toolkit: str) -> None:
        super().__init__(toolkit)
        self.toolkit = toolkit

    def __str__(self) -> str:
        return (
            f"this kernel does not run the event loop of {self.toolkit}: %matplotlib inline shows figures in the "
            "notebook, and %matplotlib widget lets them be moved"
        )


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "matplotlib": _matplotlib,
        "pylab": _pylab,
        "gui": lambda _kernel: _gui,
    }
    return made[name](kernel)


def _matplotlib(kernel: Kernel) -> LineMagic:
    def matplotlib(rest: str) -> None:
        """Choose where figures go: `%matplotlib inline` (the notebook, as here without it) or `widget` (ipympl).

        `agg`, `svg` and the like: only into files.  --list: the names that there are.
        """
        if rest in ("-l", "--list"):
            print("Backends:", ", ".join(sorted({"inline", "widget", *_OLD, *_FILES})))
            return
        name = rest.partition("#")[0].strip("'\"; ")
        choose(kernel, name if name.startswith("module://") else name.lower())
        if not name:
            print("Figures are shown inline.")

    return matplotlib


def choose(kernel: Kernel, name: str) -> None:
    """Make a backend the one that is used; CellError: it cannot be."""
    if name in _INLINE:
        kernel.inline_figures()
    elif name in _WIDGET or (name in _OLD and find_spec("ipympl") is not None):
        if find_spec("ipympl") is None:
            raise BadWords(f"%matplotlib {name}", "it needs ipympl: %pip install ipympl")
        _use("module://ipympl.backend_nbagg")
    elif name in _OLD:
        print(
            f"%matplotlib {name} is for notebooks before JupyterLab: figures are shown inline; with ipympl installed "
            "they can be moved",
            file=sys.stderr,
        )
        kernel.inline_figures()
    elif name.removesuffix("agg").removesuffix("cairo") in _WINDOWS:
        raise NoWindows(name)
    elif name in _FILES or name.startswith("module://"):
        _use(name)
    else:
        raise BadWords("%matplotlib", f"there is no backend {name!r}; %matplotlib --list names those that there are")


def _use(backend: str) -> None:
    import matplotlib as mpl

    mpl.use(backend)
    mpl.interactive(True)


def _pylab(kernel: Kernel) -> LineMagic:
    def pylab(rest: str) -> None:
        """Make all names of numpy and matplotlib variables, as `from pylab import *` does, and show figures inline.

        --no-import-all: only np, plt, numpy, matplotlib, pylab and mlab.
        """
        words = rest.split()
        choose(kernel, next((word for word in words if not word.startswith("-")), ""))
        before = dict(kernel.namespace)
        kernel.run(_NAMES if "--no-import-all" in words else f"{_NAMES}\n{_ALL_NAMES}")
        after = kernel.namespace
        replaced = sorted(name for name in before if name[0] != "_" and after.get(name) is not before[name])
        if replaced:
            print(f"%pylab has replaced these variables: {', '.join(replaced)}", file=sys.stderr)

    return pylab


def _gui(rest: str) -> None:
    """Choose an event loop: `asyncio` runs anyhow, and is the only one.  Others are refused, and the cell goes on."""
    if rest and rest not in ("asyncio", "inline", "none"):
        print(NoWindows(rest), file=sys.stderr)
