"""Figures of real cells: which cell they are shown in, and what notebooks and libraries ask of the backend."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.kernel import Kernel, Result

pytestmark = pytest.mark.keeps("fds", reason="matplotlib keeps the fonts open that it has used")

TEXT = "<Figure size 200x100 with 1 Axes>"


def _shown(result: Result) -> list[str]:
    """What was displayed, in order: texts, and streams by their text."""
    return [
        message.content["text"] if message.msg_type == "stream" else message.content["data"]["text/plain"]
        for message in result.outputs
        if message.msg_type in ("stream", "display_data", "execute_result")
    ]


def _plot(width: int) -> str:
    return f"import matplotlib.pyplot as plt; plt.figure(figsize=({width}, 1)).gca();"


def test_a_figure_of_a_cell_in_the_background_is_shown_at_its_end(kernel: Kernel) -> None:
    """In the output of that cell, though it was replied to before it began."""
    kernel.run("import asyncio; drawn, go = asyncio.Event(), asyncio.Event()")
    behind = kernel.run(f"%%bg\n{_plot(2)}\ndrawn.set()\nawait go.wait();")
    beside = kernel.run(f"await drawn.wait()\n{_plot(3)}")
    assert _shown(beside) == ["<Figure size 300x100 with 1 Axes>"]
    assert _shown(behind) == []
    kernel.run("go.set()")
    kernel.until(lambda: _shown(behind) == [TEXT], "the figure of the cell in the background")
    assert kernel.run("plt.get_fignums()").result == "[]"


def test_a_cell_of_a_subshell_leaves_the_figures_of_a_running_cell(kernel: Kernel) -> None:
    """It shows and closes its own only; plt.show() there, too."""
    subshell = kernel.request("create_subshell_request", {}, "control").reply["subshell_id"]
    header: dict[str, Any] = {"header": {"subshell_id": subshell}}
    kernel.run("import threading; go = threading.Event()")
    running = kernel.start(f"{_plot(2)}\nprint('ready')\ngo.wait(60);")
    assert _shown(kernel.run(f"{_plot(3)}\nplt.show()", **header)) == ["<Figure size 300x100 with 1 Axes>"]
    assert _shown(kernel.run(f"{_plot(4)}", **header)) == ["<Figure size 400x100 with 1 Axes>"]
    kernel.run("go.set()", **header)
    kernel.request("delete_subshell_request", {"subshell_id": subshell}, "control")
    assert _shown(kernel.finish(running)) == ["ready\n", TEXT]


def test_figures_stand_below_the_traceback(kernel: Kernel) -> None:
    """A cell that fails shows what it has drawn."""
    failed = kernel.run(f"{_plot(2)}\n1 / 0")
    assert [message.msg_type for message in failed.outputs] == ["error", "display_data"]


@pytest.mark.parametrize("code", ["", "%matplotlib inline", "matplotlib.use('inline')"])
def test_the_backend_has_the_name_of_the_one_of_notebooks(kernel: Kernel, code: str) -> None:
    """Libraries compare it, and look for "inline" in it."""
    name = kernel.run(f"import matplotlib\n{code}\n{_plot(2)}\nplt.close()\n'inline' in matplotlib.get_backend()")
    assert name.result == "True"


def test_functions_are_imported_from_the_package_of_that_name(kernel: Kernel) -> None:
    """They work on this kernel's figures, and the package need not be there."""
    shown = kernel.run(
        "from matplotlib_inline.backend_inline import flush_figures, set_matplotlib_close\n"
        "from matplotlib_inline.config import InlineBackend\n"
        f"{_plot(2)}\nflush_figures()\nprint(InlineBackend.instance().figure_formats)"
    )
    assert _shown(shown) == [TEXT, "{'png'}\n"]


def test_the_packages_modules_are_ours(kernel: Kernel) -> None:
    """As attributes of the package, too, and under no second name."""
    result = kernel.run("import matplotlib_inline as package\npackage.backend_inline.__name__, package.config.__name__")
    assert result.result == "('holdfast.compat.matplotlib_backend', 'holdfast.compat.inline')"


def test_another_backend_comes_and_goes(kernel: Kernel) -> None:
    """matplotlib.use("agg") shows nothing, and %matplotlib inline brings figures back."""
    assert _shown(kernel.run(f"import matplotlib\nmatplotlib.use('agg')\n{_plot(2)}\nplt.show()")) == []
    assert _shown(kernel.run(f"plt.close('all')\n%matplotlib inline\n{_plot(2)}")) == [TEXT]


def test_children_choose_their_own_backend(kernel: Kernel) -> None:
    """They may run without this kernel."""
    result = kernel.run(
        "import subprocess, sys\n"
        "code = 'import matplotlib.pyplot as plt; plt.figure(); import matplotlib; print(matplotlib.get_backend())'\n"
        "subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout"
    )
    assert result.result == "'agg\\n'"


def test_pylab_has_the_names_that_notebooks_use(kernel: Kernel) -> None:
    """Those of numpy and of matplotlib, and those to size and find figures."""
    assert kernel.run("%pylab inline").error is None
    shown = kernel.run("figsize(2, 1); plot(linspace(0, 1, 3)); len(getfigs())")
    assert _shown(shown) == ["1", TEXT]
    kernel.run("matplotlib.rcdefaults(); %matplotlib inline")


@pytest.mark.parametrize("toolkit", ["qt", "tk", "macosx"])
def test_windows_are_refused(kernel: Kernel, toolkit: str) -> None:
    """The error says what there is instead."""
    refused = kernel.run(f"%matplotlib {toolkit}")
    assert refused.error == "NoWindows"
    assert "%matplotlib inline" in refused.reply["evalue"]


def test_an_older_name_is_shown_inline(kernel: Kernel) -> None:
    """`%matplotlib notebook` says what it does instead, and figures are shown."""
    said = kernel.run("%matplotlib notebook")
    assert "shown inline" in said.stderr
    assert _shown(kernel.run(_plot(2))) == [TEXT]
