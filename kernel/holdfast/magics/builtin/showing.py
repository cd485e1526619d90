"""`%%html`, `%%latex`, `%%markdown`, `%%javascript` (`%%js`) and `%%svg`: a cell that is a document, shown.

They must never read what the text means: it goes to the frontend as it stands.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast.magics.port import CellMagic, Kernel
from holdfast.magics.words import Options
from holdfast.output import mime

_KINDS: dict[str, tuple[str, str]] = {
    "html": ("HTML", "HTML"),
    "javascript": ("Javascript", "JavaScript, which the frontend runs"),
    "js": ("Javascript", "JavaScript, which the frontend runs"),
    "latex": ("Latex", "LaTeX"),
    "markdown": ("Markdown", "Markdown"),
    "svg": ("SVG", "an SVG image"),
}


def cell(name: str, kernel: Kernel) -> CellMagic:
    """The magic of that name."""
    kind, words = _KINDS[name.lower()]

    def show(rest: str, body: str) -> None:
        options = Options(f"%%{name}", rest, long=("isolated",) if name.lower() == "html" else ())
        made: Callable[..., object] = getattr(mime, kind)
        isolated = {"metadata": {"isolated": True}} if "isolated" in options else {}
        kernel.display(made(body, **isolated))

    show.__doc__ = f"Show the lines below as {words}." + (
        "\n\n--isolated: in a frame of its own, so that its styles reach nothing else." if name == "html" else ""
    )
    return show
