"""The real ipywidgets and what is built on it, through the wire, where the compatibility suite cannot look.

That suite compares what is seen with ipykernel, script by script (tests/compat).  Here are clicks, subshells, nbclient,
and what becomes of widgets when the kernel dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from helpers.compat_environments import environment, variables
from helpers.kernel import Kernel, Process, Result, Shared, wait_for
from holdfast.cli import launch
from holdfast.cli.watchful import WatchfulClient


def _kernel(folder: Path, **more: str) -> Kernel:
    process = Process(folder, python=environment("ipython").python, environment={**variables(), **more})
    return Kernel(folder, process=process)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The module's kernel, where the libraries are; before anything is imported there."""
    holder = Shared(lambda: _kernel(tmp_path_factory.mktemp("kernel")))
    yield holder
    holder.end()


OUT = """
import ipywidgets as widgets
button, out = widgets.Button(), widgets.Output()
def press(_):
    print('pressed')
    with out:
        print('inside')
button.on_click(press)
"""


def _models(result: Result) -> dict[str, str]:
    """The comm of each model that a cell opened."""
    return {
        str(message.content["data"].get("state", {}).get("_model_name")): str(message.content["comm_id"])
        for message in result.of_type("comm_open")
    }


def _click(kernel: Kernel, comm_id: str, **header: Any) -> Result:
    """Click a button as the page does; its callback is over."""
    content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
    sent = kernel.send("comm_msg", content, header=header)
    kernel.until(lambda: sent.states[-1:] == ["idle"], "the callback")
    return sent


def _captures(result: Result, comm_id: str) -> list[str]:
    """The messages that an Output widget asked the page to capture, "" for none, in order."""
    states = [m.content["data"]["state"] for m in result.of_type("comm_msg") if m.content["comm_id"] == comm_id]
    return [state["msg_id"] for state in states if "msg_id" in state]


def test_ipython_comes_with_the_users_import(tmp_path: Path) -> None:
    """It is installed where ipywidgets is, and nothing of ours imports it before the user's code does."""
    with _kernel(tmp_path) as kernel:
        assert kernel.run("from importlib.metadata import version; bool(version('ipython'))").result == "True"
        assert kernel.run("import sys; sorted({'IPython', 'ipykernel', 'traitlets'} & {*sys.modules})").result == "[]"
        kernel.run("display(5); get_ipython().user_ns['x'] = 1")
        assert kernel.run("'IPython' in sys.modules").result == "False"
        assert kernel.run("import ipywidgets; 'IPython' in sys.modules, 'ipykernel' in sys.modules").result == (
            "(True, False)"
        )


def test_a_click_shows_what_its_callback_prints(kernel: Kernel) -> None:
    """Below the click, and in the Output widget, which asks for just that part."""
    comms = _models(kernel.run(OUT))
    sent = _click(kernel, comms["ButtonModel"])
    assert sent.stdout == "pressed\ninside\n"
    assert _captures(sent, comms["OutputModel"]) == [sent.msg_id, ""]
    kinds = [m.msg_type for m in sent.of_type("stream", "comm_msg")]
    assert kinds == ["stream", "comm_msg", "stream", "comm_msg"]


def test_a_click_comes_through_a_blocking_cell(kernel: Kernel) -> None:
    """JupyterLab sends it to a subshell: what is captured there is the click's, not the cell's."""
    comms = _models(kernel.run(OUT))
    subshell = str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])
    code = "import threading\ndone = threading.Event()\nbutton.on_click(lambda _: done.set())\n"
    running = kernel.start(f"{code}print('ready')\ndone.wait(60)")
    sent = _click(kernel, comms["ButtonModel"], subshell_id=subshell)
    assert kernel.finish(running).result == "True"
    assert (running.stdout, sent.stdout) == ("ready\n", "pressed\ninside\n")
    assert _captures(sent, comms["OutputModel"]) == [sent.msg_id, ""]
    kernel.request("delete_subshell_request", {"subshell_id": subshell}, "control")


def test_a_callback_that_fails_is_shown(kernel: Kernel) -> None:
    """As an error below the click; the next one works."""
    comms = _models(kernel.run(OUT + "button.on_click(press, remove=True)\nbutton.on_click(lambda _: 1 / 0)\n"))
    sent = _click(kernel, comms["ButtonModel"])
    assert sent.error == "ZeroDivisionError"
    assert "button.on_click(lambda _: 1 / 0)" in sent.traceback
    assert _click(kernel, comms["ButtonModel"]).error == "ZeroDivisionError"


def test_a_callback_leaves_the_figures_of_the_cell_alone(kernel: Kernel) -> None:
    """What it draws itself is shown below the click; what the cell beside it has open, at the end of the cell."""
    kernel.run("import matplotlib.pyplot as plt, asyncio\n" + OUT)
    draw = "button.on_click(lambda _: (plt.figure(figsize=(1, 1)), plt.plot([3, 1]), go.set()))"
    comms = _models(kernel.run(f"go = asyncio.Event()\n{OUT}{draw}"))
    running = kernel.start("plt.figure(figsize=(2, 1))\nprint('ready')\nawait go.wait()")
    sent = _click(kernel, comms["ButtonModel"])
    kernel.finish(running)
    shown = [[m.content["data"]["text/plain"] for m in one.of_type("display_data")] for one in (sent, running)]
    assert shown == [["<Figure size 100x100 with 1 Axes>"], ["<Figure size 200x100 with 0 Axes>"]]


def test_a_page_that_is_opened_again_gets_the_states(kernel: Kernel) -> None:
    """As JupyterLab asks for them: by a comm of its own, all in one message, with their buffers."""
    code = "import ipywidgets as widgets\nslider, image = widgets.IntSlider(value=7), widgets.Image(value=b'depths')"
    comms = _models(kernel.run(code))
    content = {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}}
    kernel.send("comm_open", content, metadata={"version": "1.0.0"})
    asked = kernel.send("comm_msg", {"comm_id": "control", "data": {"method": "request_states"}})
    [answer] = kernel.until(lambda: asked.of_type("comm_msg"), "the states")
    data = answer.content["data"]
    assert data["method"] == "update_states"
    assert data["states"][comms["IntSliderModel"]]["state"]["value"] == 7
    assert [comms["ImageModel"], "value"] in [[path[0], path[-1]] for path in data["buffer_paths"]]
    assert b"depths" in answer.buffers
    kernel.send("comm_close", {"comm_id": "control", "data": {}})


def test_a_task_of_a_callback_belongs_to_the_click(kernel: Kernel) -> None:
    """What it prints later is below the click that started it."""
    code = "import asyncio\nasync def later():\n    await asyncio.sleep(0)\n    print('later')\n"
    comms = _models(kernel.run(f"{OUT}{code}button.on_click(lambda _: asyncio.create_task(later()))"))
    sent = _click(kernel, comms["ButtonModel"])
    kernel.until(lambda: "later" in sent.stdout, "what the task prints")


def test_data_travels_as_it_was(kernel: Kernel) -> None:
    """What a cell changes in an array after it has sent it does not show in the page."""
    code = """
import ipywidgets as widgets, numpy as np, traitlets
class Field(widgets.Widget):
    data = traitlets.Any().tag(sync=True, to_json=lambda value, widget: {'bytes': memoryview(value)})
depths = np.arange(4, dtype='float64').reshape(2, 2)
field = Field(data=depths)
depths[:] = -1
"""
    [opened] = [m for m in kernel.run(code).of_type("comm_open") if m.buffers]
    assert opened.content["data"]["buffer_paths"] == [["data", "bytes"]]
    assert memoryview(opened.buffers[0]).cast("d").tolist() == [0.0, 1.0, 2.0, 3.0]


class _Specs(KernelSpecManager):
    """Knows this kernel, where the libraries are."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Whatever the name is."""
        return KernelSpec(**launch.description(str(environment("ipython").python), env=variables()))


def test_nbclient_keeps_what_an_output_widget_caught(tmp_path: Path) -> None:
    """It catches what the kernel routes there, and tells the widget; the state of all widgets is in the notebook."""
    cells = [
        "import ipywidgets as widgets\nout, slider = widgets.Output(), widgets.IntSlider(value=3)\nout",
        "with out:\n    print('inside')\n    display(slider)\nprint('outside')",
        "slider.value = 7\n[output['output_type'] for output in out.outputs]",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    manager = AsyncKernelManager(kernel_name="holdfast", kernel_spec_manager=_Specs())
    client = WatchfulClient(notebook, km=manager, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    asyncio.run(client.async_execute(cleanup_kc=True))
    assert [output.get("text") for output in notebook.cells[1].outputs] == ["outside\n"]
    assert notebook.cells[2].outputs[0].data["text/plain"] == "['stream', 'display_data']"
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"].state
    (caught,) = [one.state for one in states.values() if one.model_name == "OutputModel"]
    assert [output.output_type for output in caught.outputs] == ["stream", "display_data"]
    assert [one.state.value for one in states.values() if one.model_name == "IntSliderModel"] == [7]


LOST = """
import ipywidgets as widgets, plotly.graph_objects as go
seen = [1]
slider = widgets.IntSlider(value=3)
slider.observe(lambda change: seen.append(change['new']), 'value')
panel = {'slider': slider, 'depth': 3.7, 'moved': seen}
figure = go.Figure(go.Bar(y=[3, 1]))
slider
"""


def test_widgets_end_with_the_kernel_and_figures_come_back(tmp_path: Path) -> None:
    """The banner names them and what to do; what is beside them in a container is kept, and what a callback changed."""
    home = {"HOLDFAST_HOME": str(tmp_path / "home"), "HOLDFAST_SESSION": "tested", "HOLDFAST_DURABILITY": "process"}
    kernel = _kernel(tmp_path, **home)
    try:
        slider = _models(kernel.run(LOST))["IntSliderModel"]
        moved = {"method": "update", "state": {"value": 8}, "buffer_paths": []}
        kernel.send("comm_msg", {"comm_id": slider, "data": moved})
        assert kernel.run("seen").result == "[1, 8]"
        [mark] = (tmp_path / "home").glob("sessions/*/running")
        wait_for(lambda: b"widgets" in mark.read_bytes(), "the note that there are widgets")
    finally:
        kernel.process.kill()
        kernel.close()
    with _kernel(tmp_path, **home) as again:
        result = again.run("figure, panel['depth'], panel['moved'], type(panel['slider']).__name__")
        assert "[1, 8],\n 'LostValue')" in str(result.result)
        banner = [m.content["data"]["text/plain"] for m in result.of_type("display_data") if "holdfast" in m.metadata]
        assert "widgets do not come back by themselves: run the cells that show them again" in banner[0].splitlines()
        assert "slider" in banner[0].splitlines()[0]
        assert "a widget lives in the page that showed it" in again.run("slider.value").traceback
        assert [m.msg_type for m in again.run("figure").outputs] == ["display_data"]
