"""`display_html` and its kin: a value in one mime type only, or ready content of that type with `raw=True`.

It must never add a text/plain twin: who calls these wants exactly that one type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.output.display import display

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
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


def display_pretty(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as text/plain."""
    _display_as("text/plain", objs, raw, metadata)


def display_html(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as text/html."""
    _display_as("text/html", objs, raw, metadata)


def display_markdown(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as text/markdown."""
    _display_as("text/markdown", objs, raw, metadata)


def display_latex(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as text/latex."""
    _display_as("text/latex", objs, raw, metadata)


def display_svg(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as image/svg+xml."""
    _display_as("image/svg+xml", objs, raw, metadata)


def display_png(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as image/png; raw content is bytes."""
    _display_as("image/png", objs, raw, metadata)


def display_jpeg(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as image/jpeg; raw content is bytes."""
    _display_as("image/jpeg", objs, raw, metadata)


def display_pdf(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as application/pdf; raw content is bytes."""
    _display_as("application/pdf", objs, raw, metadata)


def display_json(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as application/json; raw content is a dict or a list."""
    _display_as("application/json", objs, raw, metadata)


def display_javascript(*objs: object, raw: bool = False, metadata: Mapping[str, object] | None = None) -> None:
    """Shows values as application/javascript: the frontend runs them."""
    _display_as("application/javascript", objs, raw, metadata)


def _display_as(mimetype: str, objs: tuple[object, ...], raw: bool, metadata: Mapping[str, object] | None) -> None:
    shown = tuple({mimetype: obj} for obj in objs) if raw else objs
    display(*shown, raw=raw, metadata={mimetype: metadata} if metadata else None, include=[mimetype])
