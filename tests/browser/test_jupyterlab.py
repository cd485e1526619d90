"""JupyterLab on the kernel, in headless Chromium: what a person sees and clicks.

It must never ask the kernel behind the page's back: what a test waits for is what the page shows. A picture
of the page at the end of every test is kept in `tests/artifacts`.
"""

from __future__ import annotations

import re
import shutil

import nbformat
import pytest
from playwright.sync_api import Page, expect

from helpers.jupyterlab import DISPLAY_NAME, LabServer, NotebookPage, Open, keep_picture
from helpers.peers import KERNEL, ROOT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]


def test_is_offered_by_the_launcher_with_its_logo(lab: LabServer, page: Page) -> None:
    """The launcher shows the kernel with its logo; a click opens a notebook that runs on it."""
    page.goto(lab.url())
    card = page.locator('.jp-LauncherCard[data-category="Notebook"]').filter(has_text=DISPLAY_NAME)
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    keep_picture(page, "test_is_offered_by_the_launcher-shown")
    card.click()
    notebook = NotebookPage(page)
    notebook.wait_kernel(DISPLAY_NAME)
    notebook.write(0, "6 * 7")
    notebook.run_cell(0, count=1)
    expect(notebook.output(0)).to_have_text("42")


def test_picks_the_kernel_in_the_dialog(lab: LabServer, open_notebook: Open) -> None:
    """A notebook that names no kernel asks for one; the one picked runs its cell."""
    notebook = open_notebook("print('picked')", kernel=None)
    notebook.pick_kernel(DISPLAY_NAME)
    notebook.wait_kernel(DISPLAY_NAME)
    notebook.run_cell(0, count=1)
    expect(notebook.output(0)).to_have_text("picked\n")
    assert [kernel["name"] for kernel in lab.kernels()] == [KERNEL]


@pytest.mark.skipif(KERNEL != "holdfast", reason="the tour shows what only this kernel does")
def test_runs_the_tour(lab: LabServer, page: Page) -> None:
    """The tour, opened without a kernel and given this one, runs to its end by Run All without an error."""
    tour = nbformat.read(ROOT / "notebooks" / "tour.ipynb", as_version=4)
    tour.metadata.pop("kernelspec", None)
    shutil.copytree(ROOT / "notebooks", lab.work / "notebooks", dirs_exist_ok=True)
    nbformat.write(tour, lab.work / "notebooks" / "tour.ipynb")
    codes = [cell.source for cell in tour.cells if cell.cell_type == "code"]
    page.goto(lab.url("notebooks/tour.ipynb"))
    notebook = NotebookPage(page)
    notebook.pick_kernel(DISPLAY_NAME)
    notebook.wait_kernel(DISPLAY_NAME)
    notebook.choose("Run", "Run All Cells")
    notebook.wait_count(len(codes) - 1, str(len(codes)))
    expect(notebook.panel.locator('.jp-OutputArea-output img[src^="data:image/png"]')).not_to_have_count(0)
    expect(notebook.panel.locator('[data-mime-type="application/vnd.jupyter.error"]')).to_have_count(0)


def test_shows_a_plot(open_notebook: Open) -> None:
    """A figure made with pyplot is shown as a picture below its cell; the notebook chooses no backend."""
    notebook = open_notebook("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()")
    notebook.run_cell(0, count=1)
    picture = notebook.output(0).locator("img")
    expect(picture).to_have_attribute("src", re.compile(r"^data:image/png;base64,"))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300


def test_answers_an_input(open_notebook: Open) -> None:
    """`input()` shows its prompt with a field in the page; what is typed there is its value."""
    notebook = open_notebook("name = input('Who is there? ')\nprint(name.upper())")
    cell = notebook.start_cell(0)
    expect(cell.locator(".jp-Stdin-prompt")).to_contain_text("Who is there?")
    keep_picture(notebook.page, "test_answers_an_input-asked")
    cell.locator(".jp-Stdin-input").fill("ada")
    cell.locator(".jp-Stdin-input").press("Enter")
    notebook.wait_count(0, "1")
    expect(notebook.output(0).last).to_have_text("ADA\n")


def test_interrupts_a_loop_by_keys(open_notebook: Open) -> None:
    """The I key pressed twice ends `while True: pass` with KeyboardInterrupt, and the next cell runs."""
    notebook = open_notebook("kept = 6\nprint('going')\nwhile True: pass", "kept * 7")
    notebook.start_cell(0)
    expect(notebook.output(0)).to_have_text("going\n")
    notebook.press_keys("Escape", "i", "i")
    notebook.wait_count(0, "1")
    expect(notebook.output(0).last).to_contain_text("KeyboardInterrupt")
    notebook.run_cell(1, count=2)
    expect(notebook.output(1)).to_have_text("42")


def test_interrupts_a_sleep_by_the_toolbar(open_notebook: Open) -> None:
    """The toolbar's button ends `time.sleep`, and the cells queued behind it are not run."""
    notebook = open_notebook("import time\nprint('going')\ntime.sleep(600)", "print('not run')")
    notebook.start_cell(0)
    expect(notebook.output(0)).to_have_text("going\n")
    notebook.start_cell(1)
    notebook.wait_count(1, "*")
    notebook.panel.get_by_role("button", name="Interrupt the kernel").click()
    notebook.wait_count(0, "1")
    expect(notebook.output(0).last).to_contain_text("KeyboardInterrupt")
    notebook.wait_count(1, " ")
    expect(notebook.output(1)).to_have_count(0)


def test_restarts_with_a_clean_namespace(open_notebook: Open) -> None:
    """After 0, 0 and a confirmation the names are gone and executions count from one again."""
    notebook = open_notebook("before = 'restart'", "'before' in globals()")
    notebook.run_cell(0, count=1)
    notebook.run_cell(1, count=2)
    expect(notebook.output(1)).to_have_text("True")
    notebook.watch_status()
    notebook.press_keys("Escape", "0", "0")
    notebook.accept_dialog()
    notebook.wait_restarted()
    notebook.run_cell(1, count=1)
    expect(notebook.output(1)).to_have_text("False")


def test_completes_with_a_list(open_notebook: Open) -> None:
    """Tab shows the names that begin with what is typed, those of earlier cells among them."""
    notebook = open_notebook("harbour_north = harbour_south = 1", "harbour_")
    notebook.run_cell(0, count=1)
    notebook.press_tab(1)
    expect(notebook.completions).to_have_text([re.compile("harbour_north"), re.compile("harbour_south")])


@pytest.mark.xfail(KERNEL == "python3", reason="ipykernel answers when its cell has ended", strict=True)
def test_completes_beside_a_running_cell_that_stays_busy(lab: LabServer, open_notebook: Open) -> None:
    """Tab is answered while a cell runs; the kernel's icon goes on saying busy until the cell is done."""
    released = lab.work / "released"
    notebook = open_notebook(
        f"from pathlib import Path\nharbour_north = harbour_south = 1\nprint('going')\n"
        f"while not Path({str(released)!r}).exists(): pass",
        "harbour_",
    )
    notebook.start_cell(0)
    expect(notebook.output(0)).to_have_text("going\n")
    # The second list comes after the first request's own busy and idle have been seen.
    for _ in range(2):
        notebook.press_tab(1)
        expect(notebook.completions).to_have_text([re.compile("harbour_north"), re.compile("harbour_south")])
        keep_picture(notebook.page, "test_completes_beside_a_running_cell-list")
        notebook.press_keys("Escape")
        expect(notebook.completions).to_have_count(0)
    notebook.wait_count(0, "*")
    notebook.wait_status("busy")
    released.touch()
    notebook.wait_count(0, "1")
    notebook.wait_status("idle")


@pytest.mark.skipif(KERNEL != "holdfast", reason="the reference kernel goes on after an interrupted command")
def test_commands_look_as_on_a_terminal(open_notebook: Open) -> None:
    """Colours are colours, what a carriage return takes back is gone, and the interrupt ends what runs."""
    notebook = open_notebook(
        r"!printf '\033[32mgreen\033[0m and \033[1;31mred\033[0m\n'; ls -d --color=auto /; tput cols",
        r"""!for i in 10 50 100; do printf "\r$i %% of the work"; sleep 0.1; done; echo; echo done""",
        "!echo ready; exec sleep 1000",
        "_exit_code",
    )
    notebook.run_cell(0, count=1)
    shown = notebook.output(0)
    expect(shown.locator(".ansi-green-fg")).to_have_text("green")
    expect(shown.locator(".ansi-red-intense-fg, .ansi-red-fg")).to_have_text("red")
    expect(shown).to_contain_text("80")
    notebook.run_cell(1, count=2)
    expect(notebook.output(1)).to_have_text("100 % of the work\ndone\n")
    notebook.start_cell(2)
    expect(notebook.output(2).first).to_have_text("ready\n")
    notebook.choose("Kernel", "Interrupt Kernel")
    expect(notebook.output(2).last).to_contain_text("KeyboardInterrupt")
    notebook.run_cell(3, count=4)
    expect(notebook.output(3)).to_have_text("-2")
