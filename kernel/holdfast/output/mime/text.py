"""Display classes for text in one mime type: HTML, Markdown, Math, Latex, SVG, Pretty and Code.

It must never change what the user wrote, except for the wrapping that Math and SVG promise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.output.mime.content import DisplayObject, TextDisplayObject

if TYPE_CHECKING:
    from os import PathLike
    from typing import Protocol

    class _TextSink(Protocol):
        def text(self, text: str) -> object: ...


__all__ = ["HTML", "SVG", "Code", "Latex", "Markdown", "Math", "Pretty", "svg_element"]


class HTML(TextDisplayObject):
    """Text shown as HTML."""

    def _repr_html_(self) -> object:
        return self._data_and_metadata()

    def __html__(self) -> object:
        """For template engines: this text is markup already."""
        return self._repr_html_()


class Markdown(TextDisplayObject):
    """Text shown as Markdown."""

    def _repr_markdown_(self) -> object:
        return self._data_and_metadata()


class Latex(TextDisplayObject):
    """LaTeX text with its own delimiters."""

    def _repr_latex_(self) -> object:
        return self._data_and_metadata()


class Math(TextDisplayObject):
    """A formula, shown in display style; dollar signs around it are not needed."""

    def _repr_latex_(self) -> object:
        formula = rf"$\displaystyle {str(self.data).strip('$')}$"
        return (formula, dict(self.metadata)) if self.metadata else formula


class Pretty(TextDisplayObject):
    """Text shown as it is, without quotes."""

    def _repr_pretty_(self, printer: _TextSink, cycle: bool) -> object:
        return printer.text(str(self.data))


class SVG(DisplayObject):
    """A drawing; what stands around its <svg> element in a file is left out, since pages cannot hold it."""

    _read_flags = "rb"

    def _check_data(self) -> None:
        if isinstance(self.data, bytes):
            self.data = self.data.decode("utf-8", "replace")
        if self.data is None:
            return
        if not isinstance(self.data, str):
            raise TypeError(f"SVG shows text, not {type(self.data).__name__}; pass the text of the drawing")
        if "<svg" not in self.data:
            raise ValueError(
                f"cannot show SVG: there is no <svg> element in {self.data[:60]!r}; "
                "check the file name, or pass the text of the drawing"
            )
        self.data = svg_element(self.data)

    def reload(self) -> None:
        """Reads the drawing again from its file or address, where it has one."""
        super().reload()
        self._check_data()

    def _repr_svg_(self) -> object:
        return self._data_and_metadata()


_PROLOGUE = re.compile(r"(?:\s+|\ufeff|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*", re.DOTALL)


def svg_element(text: str) -> str:
    """The <svg> element of a drawing, without XML declaration, doctype and leading comments."""
    prologue = _PROLOGUE.match(text)
    assert prologue is not None  # it also matches nothing
    if "<!ENTITY" in prologue.group():
        # Some drawing programs define entities in the doctype; without it the element cannot be read.
        from xml.dom.minidom import parseString

        found = parseString(text.encode("utf-8")).getElementsByTagName("svg")
        return str(found[0].toxml()) if found else text
    return text[prologue.end() :]


class Code(TextDisplayObject):
    """A program's text, highlighted where Pygments is installed.

    `language` is a name that Pygments knows; without it the file's suffix decides, else it is Python.
    """

    def __init__(
        self,
        data: object = None,
        url: str | None = None,
        filename: str | PathLike[str] | None = None,
        language: str | None = None,
    ) -> None:
        self.language = language
        super().__init__(data=data, url=url, filename=filename)

    def __repr__(self) -> str:
        return str(self.data)

    def _repr_html_(self) -> str:
        try:
            from pygments.formatters.html import HtmlFormatter  # type: ignore[import-untyped, unused-ignore]
        except ImportError:
            from html import escape

            return f"<pre>{escape(str(self.data), quote=False)}</pre>"
        formatter = HtmlFormatter(cssclass="highlight holdfast-code")
        # Only rules bound to our own class: the others that Pygments gives would restyle the whole page.
        rules = str(formatter.get_style_defs(".holdfast-code")).splitlines()
        style = "\n".join(rule for rule in rules if rule.startswith(".holdfast-code"))
        return f"<style>{style}</style>{self._highlighted(formatter)}"

    def _repr_latex_(self) -> str:
        try:
            from pygments.formatters.latex import LatexFormatter  # type: ignore[import-untyped, unused-ignore]
        except ImportError:
            return f"\\begin{{verbatim}}\n{self.data}\n\\end{{verbatim}}\n"
        return self._highlighted(LatexFormatter())

    def _highlighted(self, formatter: object) -> str:
        from pygments import highlight  # type: ignore[import-untyped, unused-ignore]
        from pygments.lexers import get_lexer_by_name, get_lexer_for_filename  # type: ignore[import-untyped, unused-ignore]
        from pygments.util import ClassNotFound  # type: ignore[import-untyped, unused-ignore]

        text = str(self.data)
        try:
            if self.language is not None:
                lexer = get_lexer_by_name(self.language)
            elif self.filename is not None:
                lexer = get_lexer_for_filename(self.filename)
            else:
                lexer = get_lexer_by_name("python")  # guessing loads all lexers: 0.5 s, mostly for "text"
        except ClassNotFound:
            lexer = get_lexer_by_name("text")
        return str(highlight(text, lexer, formatter))
