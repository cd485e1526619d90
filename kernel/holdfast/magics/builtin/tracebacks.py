"""`%xmode` and `%tb`: how much of an error is shown, and the last one once more.

They must never change what an error is, only how it is told.
"""

from __future__ import annotations

import sys

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

#: In the order in which `%xmode` goes through them.
MODES = ("Plain", "Context", "Verbose", "Minimal")
#: What can stand behind a name, for completion.
WORDS = {"xmode": MODES}


def line(name: str, kernel: Kernel) -> LineMagic:
    """`%xmode` and `%tb`."""
    return _xmode(kernel) if name == "xmode" else _tb(kernel)


def _mode(magic: str, text: str) -> str:
    found = [mode for mode in MODES if mode.lower() == text.lower()]
    if not found:
        raise BadWords(magic, f"there is no mode {text!r}; there are {', '.join(MODES)}")
    return found[0]


def _xmode(kernel: Kernel) -> LineMagic:
    def xmode(rest: str) -> None:
        """Say how tracebacks are shown from now on: Plain, Context (the default), Verbose or Minimal.

        Context: lines around each; Verbose: arguments' values, too; Plain: one line each; Minimal: only the error.
        Without a word it goes on to the next one.
        """
        after = MODES[(MODES.index(kernel.options.xmode) + 1) % len(MODES)]
        kernel.options.xmode = _mode("%xmode", rest) if rest else after
        print(f"Exception reporting mode: {kernel.options.xmode}")

    return xmode


def _tb(kernel: Kernel) -> LineMagic:
    def tb(rest: str) -> None:
        """Show the traceback of the last error once more; with a word, as that mode of `%xmode` has it."""
        mode = _mode("%tb", rest) if rest else kernel.options.xmode
        error = kernel.last_error
        if error is None:
            print("No traceback available to show.", file=sys.stderr)
            return
        usual, kernel.options.xmode = kernel.options.xmode, mode
        try:
            lines = list(kernel.report(error))
        finally:
            kernel.options.xmode = usual
        content = {"ename": type(error).__name__, "evalue": str(error), "traceback": lines}
        kernel.publish("error", content)

    return tb
