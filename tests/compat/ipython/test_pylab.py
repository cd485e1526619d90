"""`IPython.core.pylabtools`: figures as images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.compat import figures
from holdfast.compat.ipython import pylab

plt: Any = pytest.importorskip("matplotlib.pyplot")
pytestmark = pytest.mark.keeps("fds", reason="matplotlib keeps the fonts open that it has used")


@pytest.fixture
def figure() -> Iterator[Any]:
    """A small figure of Agg's."""
    import matplotlib as mpl

    mpl.use("agg")
    made = plt.figure(figsize=(1, 1))
    made.add_subplot().plot([1, 2])
    yield made
    plt.close("all")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of figures that last one test."""
    made = figures.InlineSettings()
    monkeypatch.setattr(figures, "settings", made)
    return made


def test_a_figure_as_an_image(figure: Any) -> None:
    """png as bytes, svg as text, base64 on demand; twice the pixels for retina."""
    png, retina = pylab.print_figure(figure), pylab.print_figure(figure, "retina")
    assert isinstance(png, bytes)
    assert isinstance(retina, bytes)
    assert png.startswith(b"\x89PNG")
    width = [int.from_bytes(data[16:20]) for data in (png, retina)]
    assert abs(width[1] - 2 * width[0]) <= 2
    assert "<svg" in str(pylab.print_figure(figure, "svg"))
    assert str(pylab.print_figure(figure, base64=True)).startswith("iVBOR")


def test_an_empty_figure_has_no_image(figure: Any) -> None:
    """None, as the real one gives."""
    assert pylab.print_figure(plt.figure()) is None
    assert pylab.retina_figure(plt.figure()) is None


def test_open_figures(figure: Any) -> None:
    """All, or by number."""
    assert pylab.getfigs() == pylab.getfigs(figure.number) == [figure]
    with pytest.raises(ValueError, match="no open figure 77"):
        pylab.getfigs(77)


def test_settings_are_those_of_the_backend(settings: Any) -> None:
    """Formats and closing."""
    pylab.set_matplotlib_formats("svg", "retina")
    pylab.set_matplotlib_close(False)
    assert settings.figure_formats == {"svg", "retina"}
    assert not settings.close_figures
    pylab.select_figure_formats(None, {"png"})
    assert settings.figure_formats == {"png"}


def test_a_formula_becomes_a_png() -> None:
    """sympy draws by it; what matplotlib cannot draw has none, and is shown as text and LaTeX."""
    drawn = pylab.latex_to_png(r"$\displaystyle x^2$")
    assert isinstance(drawn, bytes)
    assert drawn.startswith(b"\x89PNG")
    assert str(pylab.latex_to_png("x", encode=True, wrap=True)).startswith("iVBOR")
    assert pylab.latex_to_png(r"$\nonsense$") is None
