"""Runs the cells of a script on a kernel, as a page in a browser would: prompts are answered, sliders are moved.

It must never depend on which kernel it is: Holdfast and ipykernel are driven by the same client.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from helpers.compat_environments import environment, reference, variables
from helpers.compat_facts import Fact, Transcript
from helpers.compat_scripts import Cell
from helpers.kernel import Client, Json, Kernel, Process, Result, wait_for

#: A hang guard for one cell; panel and dask take their time to be imported on a busy machine.
CELL_SECONDS: Final = 240.0
READY: Final = "ready"


class Session:
    """Cells that one client has run, and what became of them."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._requests: dict[str, str] = {}

    def run(self, cell: Cell) -> None:
        """Run a cell to its end."""
        client = self._client
        if not cell.code:
            request = self._move(cell)
            client.until(lambda: request.states[-1:] == ["idle"], f"the end of {cell.title}", CELL_SECONDS)
            return
        request = client.execute(cell.code, stop_on_error=False)
        self._requests[request.msg_id] = cell.title
        if cell.widget is not None:
            client.until(
                lambda: READY in request.stdout or request.is_done, f"{READY!r} from {cell.title}", CELL_SECONDS
            )
            self._move(cell)
        client.finish(request, cell.answers, CELL_SECONDS)

    def _move(self, cell: Cell) -> Result:
        """Send what a page sends when the user changes the newest widget of a model."""
        assert cell.widget is not None
        model, state = cell.widget
        client = self._client
        opened = [
            message.content["comm_id"]
            for message in client.arrived
            if message.msg_type == "comm_open" and message.content["data"].get("state", {}).get("_model_name") == model
        ]
        assert opened, f"{cell.title}: no {model} was opened before"
        content = {"comm_id": opened[-1], "data": {"method": "update", "state": state, "buffer_paths": []}}
        request = client.send("comm_msg", content)
        self._requests[request.msg_id] = cell.title
        return request

    def facts(self) -> dict[str, list[Fact]]:
        """What was seen, by the title of the cell."""
        self._client.silence()
        return Transcript(str(self._folder)).facts(self._client.arrived, self._requests)


def on_holdfast(cells: Sequence[Cell], where: str, folder: Path) -> dict[str, list[Fact]]:
    """The facts of cells on Holdfast in an environment; the kernel must end well, and leave nothing running."""
    process = Process(folder, python=environment(where).python, environment=variables())
    with Kernel(folder, process=process) as kernel:
        session = Session(kernel, folder)
        for cell in cells:
            session.run(cell)
        return session.facts()


class ReferenceProcess(Process):
    """ipykernel, which takes its connection file away for a moment while it writes the ports into it."""

    @cached_property
    def connection(self) -> Json:
        """The connection file with the ports."""

        def read() -> Json | None:
            try:
                return super(ReferenceProcess, self).connection
            except FileNotFoundError:
                return None

        whole = wait_for(read, "ipykernel's connection file")
        assert whole is not None
        return whole


class Reference(Client):
    """A client of ipykernel, whose greeting on iopub holds no state."""

    def _is_greeted(self) -> bool:
        return any(message.msg_type == "iopub_welcome" for message in self.arrived)


def on_ipykernel(cells: Sequence[Cell], where: str, folder: Path) -> dict[str, list[Fact]]:
    """The facts of cells on the real ipykernel, beside the libraries of an environment."""
    program = ("-m", "ipykernel_launcher")
    python = reference(where).python
    process = ReferenceProcess(folder, python=python, environment=variables(), program=program, safe_path=False)
    try:
        client = Reference(process.connection)
        client.connect()
        session = Session(client, folder)
        for cell in cells:
            session.run(cell)
        facts = session.facts()
        client.close()
        return facts
    finally:
        process.kill()
