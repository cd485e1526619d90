"""What libraries decide at their import by looking for ipykernel is decided for this kernel.

The libraries are small fakes with the names that matter; tests/kernel/test_widgets.py has the real ones.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import comm
import pytest

from holdfast.compat import figures, finder, widgets
from holdfast.output.comms import Comms

Import = Callable[..., Any]
BARS = "tqdm = trange = {}\n"


@pytest.fixture
def sent() -> list[tuple[Any, ...]]:
    """What the comms published."""
    return []


@pytest.fixture
def comms(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[Any, ...]]) -> Iterator[Comms]:
    """The kernel's comms; the hooks are installed for one test."""
    monkeypatch.setattr(comm, "create_comm", comm.create_comm)
    monkeypatch.setattr(comm, "get_comm_manager", comm.get_comm_manager)
    finder.uninstall()
    made = Comms(lambda *message: sent.append(message))
    widgets.install(made)
    yield made
    finder.uninstall()


@pytest.fixture
def load(comms: Comms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Writes packages (a path to its text), imports the module of the first name, and unloads them after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in FAKED}

    def load(name: str, **texts: str) -> Any:
        for dotted, text in texts.items():
            target = tmp_path / (dotted.replace("__", "/") + ".py")
            target.parent.mkdir(parents=True, exist_ok=True)
            for folder in target.relative_to(tmp_path).parents[:-1]:
                (tmp_path / folder / "__init__.py").touch()
            target.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] in FAKED]:
        del sys.modules[name]
    sys.modules.update(hidden)


FAKED = frozenset({"tqdm", "plotly", "ipywidgets", "ipykernel"})


@pytest.mark.parametrize(
    ("chosen", "becomes"),
    [
        ("plotly_mimetype+notebook", "plotly_mimetype"),
        ("browser", "plotly_mimetype"),
        ("vscode", "vscode"),
        ("colab", "colab"),
        (None, None),
    ],
)
def test_plotly_sends_its_own_type(load: Import, chosen: str | None, becomes: str | None) -> None:
    """Where it fell back to what works for unknown shells; what it found out about the place it keeps."""
    text = f"class renderers: default = {chosen!r}\n"
    assert load("plotly.io._renderers", plotly__io___renderers=text).renderers.default == becomes


def test_plotly_does_what_the_environment_says(load: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    """PLOTLY_RENDERER is the user's choice."""
    monkeypatch.setenv("PLOTLY_RENDERER", "browser")
    text = "class renderers: default = 'browser'\n"
    assert load("plotly.io._renderers", plotly__io___renderers=text).renderers.default == "browser"


def _tqdm(load: Import, progress: str) -> Any:
    return load(
        "tqdm.autonotebook",
        tqdm__std=BARS.format("'text'") + "class TqdmWarning(Warning): pass\n",
        tqdm__notebook=BARS.format("'widget'") + f"IProgress = {progress}\nWARN_NOIPYW = 'there are no widgets'\n",
        tqdm__autonotebook="from tqdm.std import tqdm, trange\n",
    )


def test_bars_are_widgets_where_there_are_widgets(load: Import) -> None:
    """tqdm.auto takes them from this module."""
    module = _tqdm(load, "object")
    assert (module.tqdm, module.trange) == ("widget", "widget")


def test_bars_are_text_where_there_are_no_widgets(load: Import) -> None:
    """And it is said, in tqdm's own words."""
    with pytest.warns(Warning, match="there are no widgets"):
        module = _tqdm(load, "None")
    assert module.tqdm == "text"


def test_a_callback_shows_what_it_drew(comms: Comms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are shown after each message, as after a cell."""
    log: list[object] = []
    monkeypatch.setattr(figures, "flush_figures", lambda: log.append("shown"))
    monkeypatch.setitem(sys.modules, "matplotlib", sys)
    made = comm.create_comm(target_name="t")
    made.on_msg(lambda message: log.append("callback"))
    comms.handle("comm_msg", {"content": {"comm_id": made.comm_id, "data": {}}})
    assert log == ["callback", "shown"]


IPYKERNEL = """
import comm.base_comm
class BaseComm(comm.base_comm.BaseComm):
    def publish_msg(self, *args, **kwargs): raise RuntimeError("no kernel of mine runs here")
class Comm(BaseComm): pass
"""


def test_comms_of_an_installed_ipykernel_are_sent_here(load: Import, sent: list[tuple[Any, ...]]) -> None:
    """Its class stays as it is, and speaks through this kernel."""
    module = load("ipykernel.comm.comm", ipykernel__comm__comm=IPYKERNEL)
    made = module.Comm(target_name="bokeh", data={"a": 1})
    assert [(msg_type, content["data"]) for msg_type, content, *_ in sent] == [("comm_open", {"a": 1})]
    assert made.comm_id in comm.get_comm_manager().comms


def test_an_installed_ipykernel_does_not_take_the_comms(load: Import, comms: Comms) -> None:
    """Its kernel module replaces the functions of the `comm` package when it is imported."""
    text = "import comm\ncomm.create_comm = comm.get_comm_manager = None\n"
    load("ipykernel.ipkernel", ipykernel__ipkernel=text)
    assert comm.create_comm is comms.comm_class
    assert comm.get_comm_manager() is comms.manager
