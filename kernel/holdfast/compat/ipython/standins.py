"""Modules `IPython…` and `ipykernel…` for environments that do not have them, made of modules of ours when imported.

It must never answer for a package that is installed, nor for a name that has no meaning in this kernel: what is not
here says so, and how to get the real one.

A stand-in is a plain module that holds names of ours; what is missing is refused by its `__getattr__`, and for
`from … import name` by the import of a submodule of that name, which Python tries next.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["MODULES", "Loader", "is_one", "spec"]

_OURS = "holdfast.compat.ipython."
_DISPLAY = "holdfast.display"
_ORIGIN = "Holdfast's stand-in"

#: Name of a stand-in: the modules of ours whose public names it has; a name after a colon is the only one.
MODULES: dict[str, tuple[str, ...]] = {
    "IPython": (_OURS + "facade",),
    "IPython.core": (),
    "IPython.core.async_helpers": (_OURS + "lines:get_asyncio_loop",),
    "IPython.core.completer": (_OURS + "completing",),
    "IPython.core.debugger": (_OURS + "tracing:Pdb,set_trace",),
    "IPython.core.display": (_DISPLAY,),
    "IPython.core.display_functions": (
        _DISPLAY + ":DisplayHandle,clear_output,display,publish_display_data,update_display",
    ),
    "IPython.core.displayhook": (_OURS + "displaying:DisplayHook",),
    "IPython.core.displaypub": (_OURS + "displaying:DisplayPublisher",),
    "IPython.core.error": (_OURS + "errors",),
    "IPython.core.events": (_OURS + "events:EventManager",),
    "IPython.core.extensions": (_OURS + "magicside:ExtensionManager",),
    "IPython.core.formatters": (_OURS + "representing",),
    "IPython.core.getipython": (_OURS + "facade:get_ipython",),
    "IPython.core.history": (_OURS + "recall:HistoryManager",),
    "IPython.core.hooks": (_OURS + "errors:TryNext",),
    "IPython.core.inputtransformer2": (_OURS + "lines:TransformerManager",),
    "IPython.core.interactiveshell": (_OURS + "shell", _OURS + "values:ExecutionInfo,ExecutionResult"),
    "IPython.core.magic": (_OURS + "magic", _OURS + "magicside:MagicsManager"),
    "IPython.core.magic_arguments": (_OURS + "arguments",),
    "IPython.core.magics": (_OURS + "namespacing",),
    "IPython.core.magics.execution": (_OURS + "namespacing:ExecutionMagics,_format_time",),
    "IPython.core.magics.namespace": (_OURS + "namespacing:NamespaceMagics",),
    "IPython.core.magics.osm": (_OURS + "namespacing:OSMagics",),
    "IPython.core.page": (_OURS + "texts:page",),
    "IPython.core.pylabtools": (_OURS + "pylab",),
    "IPython.core.release": (_OURS + "facade:version,version_info,__version__",),
    "IPython.core.ultratb": (_OURS + "tracing",),
    "IPython.display": (_DISPLAY, _OURS + "pylab:set_matplotlib_close,set_matplotlib_formats"),
    "IPython.lib": (),
    "IPython.lib.display": (_DISPLAY + ":Audio,Code,FileLink,FileLinks,IFrame,ScribdDocument,VimeoVideo,YouTubeVideo",),
    "IPython.lib.latextools": (_OURS + "pylab:latex_to_html,latex_to_png",),
    "IPython.lib.pretty": (_OURS + "layouts",),
    "IPython.terminal": (),
    "IPython.terminal.interactiveshell": (_OURS + "shell:TerminalInteractiveShell",),
    "IPython.paths": (_OURS + "files",),
    "IPython.utils": (),
    "IPython.utils.capture": ("holdfast.output.capturing",),
    "IPython.utils.io": (_OURS + "texts:Tee,ask_yes_no,temp_pyfile", "holdfast.output.capturing:capture_output"),
    "IPython.utils.ipstruct": (_OURS + "values:Struct",),
    "IPython.utils.path": (_OURS + "files",),
    "IPython.utils.process": (
        _OURS + "texts:FindCmdError,find_cmd,getoutput,getoutputerror,system",
        _OURS + "splitting:arg_split",
    ),
    "IPython.utils.text": (_OURS + "texts", "holdfast.magics.slist:SList"),
    "ipykernel": (_OURS + "kernels:version_info,__version__,get_connection_file,get_connection_info",),
    "ipykernel.comm": (_OURS + "kernels:Comm,CommManager",),
    "ipykernel.comm.comm": (_OURS + "kernels:Comm",),
    "ipykernel.comm.manager": (_OURS + "kernels:CommManager",),
    "ipykernel.connect": (_OURS + "kernels:get_connection_file,get_connection_info",),
    "ipykernel.ipkernel": (_OURS + "kernels:IPythonKernel",),
    "ipykernel.kernelbase": (_OURS + "kernels:Kernel",),
    "ipykernel.zmqshell": (_OURS + "kernels:ZMQDisplayPublisher,ZMQInteractiveShell",),
}


def _missing(name: str) -> str:
    top, _, rest = name.partition(".")
    return (
        f"{top} is not installed, and Holdfast's stand-in for it has no {rest!r}: `%pip install {top.lower()}` and a "
        "restart of the kernel bring the real one"
    )


def spec(fullname: str) -> ModuleSpec | None:
    """The spec of a stand-in; None where the package is installed.

    ModuleNotFoundError, or ImportError for a name in a module that has no submodules: there is no such stand-in.
    """
    top = fullname.partition(".")[0]
    loaded = sys.modules.get(top)
    if loaded is not None and not is_one(loaded):
        return None
    if fullname not in MODULES:
        # Named after the package: that is what is not installed.
        parent = fullname.rpartition(".")[0]
        is_leaf = parent in MODULES and not any(name.startswith(f"{parent}.") for name in MODULES)
        raise (ImportError if is_leaf else ModuleNotFoundError)(_missing(fullname), name=top)
    found = ModuleSpec(fullname, _LOADER, origin=_ORIGIN, is_package=True)
    return found


def is_one(module: ModuleType) -> bool:
    """Whether a module is a stand-in."""
    found = getattr(module, "__spec__", None)
    return found is not None and found.loader is _LOADER


class Loader:
    """Fills a stand-in (importlib.abc.Loader)."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        """Give it its names."""
        name = module.__name__
        module.__doc__ = f"Holdfast's stand-in for {name}: the names that libraries use, answered by this kernel."
        taken: dict[str, Any] = {}
        for source in MODULES[name]:
            taken.update(_names_of(source))
        vars(module).update(taken)
        vars(module)["__all__"] = sorted(word for word in taken if not word.startswith("_"))

        def missing(word: str) -> Any:
            if f"{name}.{word}" in MODULES:  # as with the real one, which imports all of them at once
                return import_module(f"{name}.{word}")
            raise AttributeError(_missing(f"{name}.{word}"), name=word, obj=module)

        vars(module)["__getattr__"] = missing


_LOADER: Any = Loader()


def _names_of(source: str) -> dict[str, Any]:
    path, _, only = source.partition(":")
    module = import_module(path)
    words: Sequence[str] = only.split(",") if only else module.__all__
    return {word: getattr(module, word) for word in words}
