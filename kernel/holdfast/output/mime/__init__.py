"""The display classes of notebooks (HTML, Image, ...), each module loaded when one of its names is used.

It must never import a submodule by itself: a cell that shows HTML pays for HTML only.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from holdfast.output.mime.audio import Audio
    from holdfast.output.mime.content import DisplayObject, TextDisplayObject
    from holdfast.output.mime.direct import (
        display_html,
        display_javascript,
        display_jpeg,
        display_json,
        display_latex,
        display_markdown,
        display_pdf,
        display_png,
        display_pretty,
        display_svg,
    )
    from holdfast.output.mime.image import Image
    from holdfast.output.mime.links import FileLink, FileLinks
    from holdfast.output.mime.progress import ProgressBar
    from holdfast.output.mime.structured import JSON, GeoJSON, Javascript
    from holdfast.output.mime.text import HTML, SVG, Code, Latex, Markdown, Math, Pretty
    from holdfast.output.mime.video import IFrame, ScribdDocument, Video, VimeoVideo, YouTubeVideo

__all__ = [
    "HTML",
    "JSON",
    "SVG",
    "Audio",
    "Code",
    "DisplayObject",
    "FileLink",
    "FileLinks",
    "GeoJSON",
    "IFrame",
    "Image",
    "Javascript",
    "Latex",
    "Markdown",
    "Math",
    "Pretty",
    "ProgressBar",
    "ScribdDocument",
    "TextDisplayObject",
    "Video",
    "VimeoVideo",
    "YouTubeVideo",
    "display_html",
    "display_javascript",
    "display_jpeg",
    "display_json",
    "display_latex",
    "display_markdown",
    "display_pdf",
    "display_png",
    "display_pretty",
    "display_svg",
]

_HOMES = {
    "audio": ("Audio",),
    "content": ("DisplayObject", "TextDisplayObject"),
    "image": ("Image",),
    "links": ("FileLink", "FileLinks"),
    "progress": ("ProgressBar",),
    "structured": ("JSON", "GeoJSON", "Javascript"),
    "text": ("HTML", "SVG", "Code", "Latex", "Markdown", "Math", "Pretty"),
    "video": ("IFrame", "ScribdDocument", "Video", "VimeoVideo", "YouTubeVideo"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Loads the module that defines `name` (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOME.get(name, 'direct')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
