"""`%%capture`: what a cell prints and displays becomes a variable instead.

It must never keep an error from being shown: what was captured until then is kept, too.
"""

from __future__ import annotations

from holdfast.magics.port import Kernel, WrapperMagic
from holdfast.magics.words import BadWords, Options
from holdfast.output.capturing import CapturedIO, capture_output


def wrapper(_name: str, kernel: Kernel) -> WrapperMagic:
    """`%%capture`."""

    def capture(rest: str) -> _Capture:
        """Run the cell and show nothing: `%%capture x` binds x to what it printed and displayed.

        `x.stdout` and `x.stderr` are text, `x.outputs` the displays and the cell's value, `x()` shows all of it.
        --no-stdout, --no-stderr, --no-display: this is shown, not captured.
        """
        name, options = "", Options("%%capture", rest, long=("no-stdout", "no-stderr", "no-display"))
        if options.text:
            name, _, options.text = options.text.partition(" ")
            # Options may stand behind the name, too.
            later = Options("%%capture", options.text, long=("no-stdout", "no-stderr", "no-display"))
            if later.text or not name.isidentifier():
                raise BadWords("%%capture", f"{rest!r} is not the name of one variable")
            chosen = {option: option in options or option in later for option in ("no-stdout", "no-stderr", "no-display")}
        else:
            chosen = {option: option in options for option in ("no-stdout", "no-stderr", "no-display")}
        streams = capture_output(*(not hidden for hidden in chosen.values()))
        return _Capture(kernel, name, streams)

    return capture


class _Capture:
    """The capture around one cell."""

    #: It is left after the cell's value was shown.
    takes_value = True

    def __init__(self, kernel: Kernel, name: str, streams: capture_output) -> None:
        self._kernel = kernel
        self._name = name
        self._streams = streams
        self._captured = CapturedIO()

    def __enter__(self) -> None:
        self._captured = self._streams.__enter__()

    def __exit__(self, *error: object) -> None:
        try:
            self._kernel.flush_figures()
        finally:
            self._streams.__exit__(*error)
            if self._name:
                self._kernel.namespace[self._name] = self._captured
                self._kernel.touched(self._name)
