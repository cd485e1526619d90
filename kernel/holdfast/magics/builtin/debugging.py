"""`%debug`, `%%debug` and `%pdb`: Python's debugger on the last error, on code, and after each error.

They must never leave the interpreter tracing when they are done.
"""

from __future__ import annotations

import bdb
import pdb  # noqa: F401, T100 - first: the kernel puts its debugger there when it is imported
import sys

from holdfast.magics.builtin.debugger import Debugger, post_mortem
from holdfast.magics.port import Kernel, LineMagic, WrapperMagic
from holdfast.magics.words import BadWords

_ON = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}


def line(name: str, kernel: Kernel) -> LineMagic:
    """`%debug` and `%pdb`."""
    return _debug(kernel) if name == "debug" else _pdb(kernel)


def wrapper(_name: str, _kernel: Kernel) -> WrapperMagic:
    """`%%debug`."""

    def debug(rest: str) -> _Traced:
        """Run the cell in the debugger, from its first line on; `c` goes on to its end, `q` leaves it."""
        if rest:
            raise BadWords("%%debug", f"nothing can stand behind it, and {rest!r} does; `b` sets breakpoints")
        return _Traced()

    return debug


class _Traced:
    """The debugger around code."""

    def __enter__(self) -> None:
        self._debugger = Debugger()
        self._debugger.reset()
        print("NOTE: Enter 'c' at the ipdb>  prompt to continue execution.")
        sys.settrace(self._debugger.trace_dispatch)

    def __exit__(self, *_error: object) -> None:
        sys.settrace(None)
        self._debugger.quitting = True


def _debug(kernel: Kernel) -> LineMagic:
    def debug(rest: str) -> None:
        """Look at where the last error came from, in the debugger; or run a statement in it.

        At its prompt: `p x` prints, `u` and `d` go up and down, `l` lists, `q` leaves, `h` is the help.
        """
        if rest:
            try:
                kernel.run(f"%%debug\n{rest}")
            except bdb.BdbQuit:
                return
        elif kernel.last_error is None:
            print("%debug: there has been no error yet, so there is nothing to look at", file=sys.stderr)
        else:
            post_mortem(kernel.last_error)

    debug.no_var_expand = True  # type: ignore[attr-defined]
    return debug


def _pdb(kernel: Kernel) -> LineMagic:
    def automatic(rest: str) -> None:
        """Say whether each error opens the debugger: `%pdb on`, `%pdb off`; alone it changes between the two."""
        if rest and rest.lower() not in _ON:
            raise BadWords("%pdb", f"{rest!r} is neither on nor off")
        kernel.options.pdb = _ON[rest.lower()] if rest else not kernel.options.pdb
        print(f"Automatic pdb calling has been turned {'ON' if kernel.options.pdb else 'OFF'}")

    return automatic
