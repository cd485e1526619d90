"""HTML, Markdown, Math, Latex, SVG, Pretty and Code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from holdfast.output.mime import HTML, SVG, Code, Latex, Markdown, Math, Pretty


def test_html_gives_html() -> None:
    """HTML is text/html, also for template engines."""
    assert HTML("<b>")._repr_html_() == "<b>"
    assert HTML("<b>").__html__() == "<b>"


def test_markdown_gives_markdown() -> None:
    """Markdown is text/markdown."""
    assert Markdown("*a*")._repr_markdown_() == "*a*"


def test_latex_is_left_alone() -> None:
    """Latex keeps its own delimiters."""
    assert Latex(r"\begin{eqnarray} x \end{eqnarray}")._repr_latex_() == r"\begin{eqnarray} x \end{eqnarray}"


@pytest.mark.parametrize("formula", ["x^2", "$x^2$", "$$x^2$$"])
def test_math_is_shown_in_display_style(formula: str) -> None:
    """Math wraps a formula, whether it came with dollar signs or not."""
    assert Math(formula)._repr_latex_() == r"$\displaystyle x^2$"


def test_pretty_prints_without_quotes() -> None:
    """Pretty gives its text to the printer as it is."""
    written: list[str] = []

    class Printer:
        def text(self, text: str) -> None:
            written.append(text)

    Pretty("as it is")._repr_pretty_(Printer(), cycle=False)
    assert written == ["as it is"]


ELEMENT = '<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>'


@pytest.mark.parametrize(
    "around",
    [
        "",
        '<?xml version="1.0"?>\n',
        '\ufeff<?xml version="1.0"?><!-- made by <svg> tools -->\n',
        '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n "http://x/svg11.dtd">\n',
        "<!DOCTYPE svg [ <!ELEMENT a ANY> ]>",
    ],
)
def test_svg_keeps_the_element_only(around: str) -> None:
    """Declaration, doctype and comments before the element are left out."""
    assert SVG(around + ELEMENT)._repr_svg_() == ELEMENT


def test_svg_entities_are_filled_in() -> None:
    """Entities of the doctype are replaced before it is left out."""
    drawing = '<!DOCTYPE svg [<!ENTITY ink "red">]><svg fill="&ink;"/>'
    assert SVG(drawing)._repr_svg_() == '<svg fill="red"/>'


def test_svg_is_read_from_bytes_and_files(tmp_path: Path) -> None:
    """Bytes and files hold UTF-8."""
    path = tmp_path / "a.svg"
    path.write_text(f'<?xml version="1.0"?>{ELEMENT}', encoding="utf-8")
    assert [SVG(ELEMENT.encode())._repr_svg_(), SVG(filename=path)._repr_svg_()] == [ELEMENT, ELEMENT]


@pytest.mark.parametrize(("value", "error"), [("nope.svg", ValueError), ("<html/>", ValueError), (3, TypeError)])
def test_svg_refuses_what_is_no_drawing(value: object, error: type[Exception]) -> None:
    """What holds no <svg> element is an error that quotes it."""
    with pytest.raises(error, match="SVG"):
        SVG(value)


def test_code_is_highlighted() -> None:
    """Code is HTML with Pygments' classes, with rules bound to our own class, and LaTeX."""
    code = Code("def f(): pass", language="python")
    html = code._repr_html_()
    assert '<div class="highlight holdfast-code"><pre>' in html
    assert '<span class="k">def</span>' in html
    assert ".holdfast-code .k {" in html
    style = html.partition("</style>")[0].removeprefix("<style>")
    assert [rule for rule in style.splitlines() if not rule.startswith(".holdfast-code ")] == []
    assert code._repr_latex_().startswith(r"\begin{Verbatim}")


def test_code_in_an_unknown_language_is_plain() -> None:
    """A language that Pygments does not know is shown as text."""
    assert "<span></span>a &lt; b" in Code("a < b", language="no such language")._repr_html_()


def test_code_is_python_unless_told_otherwise() -> None:
    """Without language and file, code is highlighted as Python."""
    assert '<span class="k">def</span>' in Code("def f(): pass")._repr_html_()


def test_the_suffix_names_the_language(tmp_path: Path) -> None:
    """A file's suffix decides when no language is given."""
    path = tmp_path / "f.py"
    path.write_text("def f(): pass", encoding="utf-8")
    assert '<span class="k">def</span>' in Code(filename=path)._repr_html_()


def test_code_without_pygments_is_preformatted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pygments is not installed, code is escaped in <pre> or verbatim."""
    monkeypatch.setitem(sys.modules, "pygments.formatters.html", None)
    monkeypatch.setitem(sys.modules, "pygments.formatters.latex", None)
    code = Code('a < "b"', language="python")
    assert code._repr_html_() == '<pre>a &lt; "b"</pre>'
    assert code._repr_latex_() == '\\begin{verbatim}\na < "b"\n\\end{verbatim}\n'


def test_code_is_its_own_text() -> None:
    """text/plain of code is the code."""
    assert repr(Code("x = 1")) == "x = 1"
