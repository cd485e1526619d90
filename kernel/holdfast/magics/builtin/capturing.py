"""`%%capture`: what a cell prints and displays becomes a variable instead.

It must never keep an error from being shown: what was captured until then is kept, too.
"""

from __future__ import annotations

from holdfast.magics.port import Kernel, WrapperMagic
from holdfast.magics.words import BadWords, split
from holdfast.output.capturing import CapturedIO, capture_output


def wrapper(_name: str, kernel: Kernel) -> WrapperMagic:
    """`%%capture`."""

    def capture(rest: str) -> _Capture:
        """Run the cell and show nothing: `%%capture x` binds x to what it printed and displayed.

        `x.stdout` and `x.stderr` are text, `x.outputs` the displays and the cell's value, `x()` shows all of it.
        --no-stdout, --no-stderr, --no-display: this is shown, not captured.
        """
        words = split("%%capture", rest)
        names = [word for word in words if not word.startswith("--")]
        hidden = [f"--no-{what}" for what in ("stdout", "stderr", "display")]
        if any(word not in hidden for word in words if word.startswith("--")):
            raise BadWords("%%capture", f"{rest!r} has an option that there is not; there are {', '.join(hidden)}")
        if len(names) > 1 or not all(name.isidentifier() for name in names):
            raise BadWords("%%capture", f"{' '.join(names)!r} is not the name of one variable")
        streams = capture_output(*(option not in words for option in hidden))
        return _Capture(kernel, names[0] if names else "", streams)

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
