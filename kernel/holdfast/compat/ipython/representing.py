"""`IPython.core.formatters`: classes that libraries derive their formatters from.

It must never be needed by the kernel itself: `output.formatters` shows values.
"""

from __future__ import annotations

from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.displaying import DisplayFormatter
from holdfast.output.mime_formatters import METHODS, PLAIN_TEXT, MimeFormatter
from holdfast.output.pretty import pretty

__all__ = [
    "BaseFormatter",
    "DisplayFormatter",
    "FormatterABC",
    "FormatterWarning",
    "HTMLFormatter",
    "IPythonDisplayFormatter",
    "JPEGFormatter",
    "JSONFormatter",
    "JavascriptFormatter",
    "LatexFormatter",
    "MarkdownFormatter",
    "MimeBundleFormatter",
    "PDFFormatter",
    "PNGFormatter",
    "PlainTextFormatter",
    "SVGFormatter",
    "format_display_data",
]


class FormatterWarning(UserWarning):
    """A formatter could not do what it was asked for."""


class BaseFormatter(MimeFormatter):
    """A formatter: by printers registered for classes, else by the method of an object that `print_method` names.

    A class derived from it says `format_type` and `print_method` as class attributes, plain ones or traits, or has a
    `__call__(obj)` of its own.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            # A trait (of traitlets) works in classes made for it only; what it stands for here is its default.
            if any(base.__module__.startswith("traitlets.") for base in type(value).__mro__) and hasattr(
                value, "default_value"
            ):
                setattr(cls, name, value.default_value)

    def __init__(self, **kwargs: Any) -> None:
        kind: Any = type(self)
        super().__init__(getattr(kind, "format_type", PLAIN_TEXT), getattr(kind, "print_method", None), _report_failure)
        self.enabled = getattr(kind, "enabled", True)
        for name, value in kwargs.items():
            if name not in ("parent", "config"):
                setattr(self, name, value)


class PlainTextFormatter(BaseFormatter):
    """Text, laid out as the kernel does it."""

    format_type = PLAIN_TEXT
    print_method = "_repr_pretty_"
    max_width = 79
    max_seq_length = 1000
    pprint = True

    def __call__(self, obj: object) -> object:
        """The text of `obj`."""
        if not self.pprint:
            return repr(obj)
        return pretty(obj, max_width=self.max_width, max_seq_length=self.max_seq_length)


def _formatter(name: str, mime: str, method: str) -> type[BaseFormatter]:
    made = type(name, (BaseFormatter,), {"format_type": mime, "print_method": method, "__module__": __name__})
    made.__doc__ = f"What gives {mime} of an object, by its `{method}`."
    return made


HTMLFormatter = _formatter("HTMLFormatter", "text/html", METHODS["text/html"])
MarkdownFormatter = _formatter("MarkdownFormatter", "text/markdown", METHODS["text/markdown"])
SVGFormatter = _formatter("SVGFormatter", "image/svg+xml", METHODS["image/svg+xml"])
PNGFormatter = _formatter("PNGFormatter", "image/png", METHODS["image/png"])
JPEGFormatter = _formatter("JPEGFormatter", "image/jpeg", METHODS["image/jpeg"])
LatexFormatter = _formatter("LatexFormatter", "text/latex", METHODS["text/latex"])
JSONFormatter = _formatter("JSONFormatter", "application/json", METHODS["application/json"])
JavascriptFormatter = _formatter("JavascriptFormatter", "application/javascript", METHODS["application/javascript"])
PDFFormatter = _formatter("PDFFormatter", "application/pdf", METHODS["application/pdf"])
IPythonDisplayFormatter = _formatter("IPythonDisplayFormatter", "", "_ipython_display_")
MimeBundleFormatter = _formatter("MimeBundleFormatter", "", "_repr_mimebundle_")
FormatterABC = BaseFormatter


def format_display_data(
    obj: object, include: Any = None, exclude: Any = None
) -> tuple[dict[str, object], dict[str, object]]:
    """(data, metadata) by MIME type, as the kernel shows `obj`."""
    shown: tuple[dict[str, object], dict[str, object]] = current.kernel().formatters.format(obj, include, exclude)
    return shown


def _report_failure(obj: object, mime: str, error: Exception) -> object:
    return current.kernel().formatters.plain.on_error(obj, mime, error)
