"""Widgets and plots: what libraries decide at their import by looking for ipykernel, decided here for this kernel.

It must never import a library, nor anything when the kernel starts: each hook waits for the user's own import.

None of these libraries asks whether the frontend can show what it makes; each asks for a module or a class of
ipykernel's by name.  Rejected: stub modules of those names.  With `ipykernel.zmqshell` in `sys.modules`, an import of
the real one gets the stub; with a shell class that claims to be of `ipykernel.`, whoever looks there does not find it.
"""

from __future__ import annotations

import os
import sys

from holdfast.compat import figures, finder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from holdfast.output.comms import Comms

__all__ = ["flush", "install"]

#: What plotly chooses for a shell that it does not know: the whole library in each figure, or a browser.
_PLOTLY_FALLBACKS = ("plotly_mimetype+notebook", "browser")


def install(comms: Comms) -> None:
    """Wait for the libraries; `comms` are the kernel's."""

    def adopt(_module: ModuleType) -> None:
        comms.adopt(sys.modules["comm"])

    def bind(module: ModuleType) -> None:
        _bind_comm(module, comms)

    comms.after.append(flush)
    finder.when_imported("comm", comms.adopt)
    finder.when_imported("ipykernel.comm.comm", bind)
    finder.when_imported("ipykernel.ipkernel", adopt)  # it has just put its own in their place
    finder.when_imported("tqdm.autonotebook", _choose_bars)
    finder.when_imported("plotly.io._renderers", _choose_renderer)


def flush() -> None:
    """Show the figures that a callback drew, as those of a cell are at its end."""
    if "matplotlib" in sys.modules:
        figures.flush_figures()


def _bind_comm(module: Any, comms: Comms) -> None:
    """`ipykernel.comm.Comm` of an installed ipykernel, whose kernel does not run here, speaks through this one.

    The class stays as it is: code asks for its traits, and inherits from it.
    """
    ours = comms.comm_class
    module.BaseComm.publish_msg = ours.publish_msg
    module.BaseComm.handle_msg = ours.handle_msg


def _choose_bars(module: Any) -> None:
    """`tqdm.auto` has chosen text because no ipykernel is loaded: where there are widgets it draws those."""
    import importlib

    notebook: Any = importlib.import_module("tqdm.notebook")
    if module.tqdm is notebook.tqdm:
        return
    if notebook.IProgress is None:
        import warnings

        warnings.warn(notebook.WARN_NOIPYW, sys.modules["tqdm.std"].TqdmWarning, stacklevel=2)
        return
    module.tqdm, module.trange = notebook.tqdm, notebook.trange


def _choose_renderer(module: Any) -> None:
    """Figures are sent as plotly's own MIME type, which JupyterLab draws without loading the library anew."""
    if "PLOTLY_RENDERER" not in os.environ and module.renderers.default in _PLOTLY_FALLBACKS:
        module.renderers.default = "plotly_mimetype"
