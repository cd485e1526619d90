"""`%pinfo`, `%psource` and their kin: what an object is, in the pager or below the cell.

It must never say more of an object than `obj?` does, and never call it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable

from holdfast.magics.expand import variables_of_caller
from holdfast.magics.lowered import HELP
from holdfast.magics.port import Kernel, LineMagic

_MISSING = object()


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "pinfo": lambda _kernel: _pinfo,
        "pinfo2": lambda _kernel: _pinfo2,
        "pdoc": _pdoc,
        "psource": _psource,
        "pdef": _pdef,
        "pfile": _pfile,
        "page": _page,
    }
    return made[name](kernel)


def _pinfo(rest: str) -> None:
    """Show what an object is, as `obj?` does."""
    vars(builtins)[HELP](rest, 0)


def _pinfo2(rest: str) -> None:
    """Show what an object is, with its source, as `obj??` does."""
    vars(builtins)[HELP](rest, 1)


def _meant(kernel: Kernel, text: str) -> object:
    """The object of that name; says so where there is none."""
    names = text.split(".")
    try:
        if not all(name.isidentifier() for name in names):
            raise NameError
        variables = variables_of_caller(kernel.namespace)
        found = variables[names[0]] if names[0] in variables else vars(builtins)[names[0]]
        for name in names[1:]:
            found = getattr(found, name)
        return found
    except (NameError, KeyError, AttributeError):
        print(f"Object `{text}` not found.")
        return _MISSING


def _pdoc(kernel: Kernel) -> LineMagic:
    def pdoc(rest: str) -> None:
        """Show the docstring of an object in the pager."""
        import inspect

        if (found := _meant(kernel, rest)) is not _MISSING:
            text = inspect.getdoc(found)
            kernel.page(text) if text else print(f"`{rest}` has no docstring.")

    return pdoc


def _psource(kernel: Kernel) -> LineMagic:
    def psource(rest: str) -> None:
        """Show the source of an object in the pager."""
        if (found := _meant(kernel, rest)) is not _MISSING:
            text = kernel.source(found)
            kernel.page(text) if text else print(f"The source of `{rest}` cannot be had.")

    return psource


def _pdef(kernel: Kernel) -> LineMagic:
    def pdef(rest: str) -> None:
        """Print how an object is called."""
        import inspect

        if (found := _meant(kernel, rest)) is not _MISSING:
            try:
                print(f"{rest}{inspect.signature(found)}")  # type: ignore[arg-type]
            except (TypeError, ValueError):
                print(f"How `{rest}` is called cannot be had.")

    return pdef


def _pfile(kernel: Kernel) -> LineMagic:
    def pfile(rest: str) -> None:
        """Show the file that defines an object in the pager."""
        import inspect
        import linecache

        if (found := _meant(kernel, rest)) is not _MISSING:
            try:
                lines = linecache.getlines(inspect.getsourcefile(found) or "")  # type: ignore[arg-type]
            except (OSError, TypeError):
                lines = []
            kernel.page("".join(lines)) if lines else print(f"The file of `{rest}` cannot be had.")

    return pfile


def _page(kernel: Kernel) -> LineMagic:
    def page(rest: str) -> None:
        """Show a value in the pager; -r: as `str` gives it."""
        raw = rest.startswith("-r ")
        if (found := _meant(kernel, rest.removeprefix("-r ").strip())) is not _MISSING:
            kernel.page(str(found) if raw else kernel.formatters.plain.text(found))

    return page
