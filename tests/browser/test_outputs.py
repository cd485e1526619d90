"""What a person sees again of a cell that went on while the tab was closed; and the kernel's state after a crash.

It must never look into the record or ask the kernel: what came back is what the page shows.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpers.jupyterlab import DISPLAY_NAME, LabServer, NotebookPage, Open, keep_picture, write_notebook
from helpers.kernel import wait_for
from helpers.peers import KERNEL

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600, func_only=True),
    pytest.mark.skipif(KERNEL != "holdfast", reason="the reference kernel keeps nothing"),
]

LONG = """import pathlib, time
print('before')
while not pathlib.Path({gate!r}).exists():
    time.sleep(0.05)
print('while nobody looked')
display({{'text/html': '<b style="color: seagreen">a table, say</b>'}}, raw=True)
progress = display('99 %', display_id=True)
progress.update('100 %')
6 * 7"""


def opened(page: Page, lab: LabServer, name: str) -> NotebookPage:
    """The notebook in a tab, with its kernel."""
    page.goto(lab.url(name))
    notebook = NotebookPage(page)
    notebook.wait_kernel(DISPLAY_NAME)
    return notebook


def test_a_tab_closed_in_a_long_cell(lab: LabServer, browser: BrowserContext, page: Page, tmp_path: Path) -> None:
    """Opened again, it does not have what the cell showed meanwhile; `%outputs` shows all of it, in order."""
    name, gate = "test_a_tab_closed_in_a_long_cell.ipynb", tmp_path / "gate"
    write_notebook(lab.work / name, [LONG.format(gate=str(gate)), "%outputs 1"], kernel=KERNEL)
    first = browser.new_page()
    notebook = opened(first, lab, name)
    notebook.start_cell(0)
    expect(notebook.output(0)).to_have_text("before")
    first.close()
    gate.touch()
    wait_for(lambda: lab.kernels()[0]["execution_state"] == "idle", "the end of the cell")
    notebook = opened(page, lab, name)
    expect(notebook.output(0)).to_have_count(0)
    notebook.run_cell(1, count=2)
    keep_picture(page, "test_a_tab_closed_in_a_long_cell-shown")
    shown: list[str | re.Pattern[str]] = [re.compile("before\\s+while nobody looked"), "a table, say", "'100 %'", "42"]
    expect(notebook.output(1)).to_have_text(shown)
    expect(notebook.output(1).locator("b")).to_have_css("color", "rgb(46, 139, 87)")


def test_the_state_of_a_kernel_that_was_started_again(lab: LabServer, open_notebook: Open) -> None:
    """After a crash it says idle, though nothing has run since."""
    notebook = open_notebook("x = 1", "x")
    notebook.run_cell(0, count=1)
    lab.kill_kernel()
    expect(notebook.dialog).to_contain_text("appears to have died. It will restart automatically.")
    notebook.accept_dialog()
    notebook.wait_kernel(DISPLAY_NAME)
    notebook.wait_status("idle")
