"""`IPython` itself: who answers, and in place of which version.

It must never claim to be the real one: its version says whose it is.
"""

from __future__ import annotations

from typing import Any, NoReturn

from holdfast.compat.ipython.current import get_ipython

__all__ = [
    "__version__",
    "embed",
    "embed_kernel",
    "extract_module_locals",
    "get_ipython",
    "start_ipython",
    "start_kernel",
    "version",
    "version_info",
]

#: The version whose interface libraries are answered with; what follows the plus sign says by whom.
version_info = (9, 0, 0, "+holdfast")
__version__ = version = "9.0.0+holdfast"


def _not_here(name: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"{name} is not in Holdfast's stand-in for IPython: {instead}")


def embed(*args: object, **kwargs: object) -> NoReturn:
    """A prompt inside a program: not here."""
    _not_here("embed()", "use breakpoint(), or install ipython and run the program in a terminal")


def embed_kernel(*args: object, **kwargs: object) -> NoReturn:
    """A kernel inside a program: not here."""
    _not_here("embed_kernel()", "install ipykernel and run the program in a terminal")


def start_ipython(*args: object, **kwargs: object) -> NoReturn:
    """IPython in a terminal: not here."""
    _not_here("start_ipython()", "install ipython and run `ipython` in a terminal")


def start_kernel(*args: object, **kwargs: object) -> NoReturn:
    """Another kernel in this process: not here."""
    _not_here("start_kernel()", "this is a kernel already")


def extract_module_locals(depth: int = 0) -> tuple[Any, dict[str, Any]]:
    """(module, locals) of the caller, or of who is `depth` frames above it."""
    import sys

    frame = sys._getframe(depth + 1)
    return sys.modules[frame.f_globals["__name__"]], dict(frame.f_locals)
