"""A session that survives its kernel, as a person in JupyterLab sees it: the kernel is killed from outside.

It must never look into the store or ask the kernel: what came back is what the page shows. A picture of each
banner and table is kept in `tests/artifacts`, to be looked at by people.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from helpers.jupyterlab import LabServer, NotebookPage, Open, keep_picture
from helpers.peers import KERNEL

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600, func_only=True),
    pytest.mark.skipif(KERNEL != "holdfast", reason="the reference kernel keeps nothing"),
]

#: The contrast of an element's text with what is behind it, as WCAG 2 defines it.
CONTRAST = """element => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(part => {
            const c = part / 255;
            return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let behind = element;
    while (/, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const both = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(light);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""


def kill(lab: LabServer, notebook: NotebookPage) -> None:
    """Kill the kernel, and press OK in the dialog that says it died and is being restarted."""
    lab.kill_kernel()
    expect(notebook.dialog).to_contain_text("appears to have died. It will restart automatically.")
    keep_picture(notebook.page, "test_durable-died")
    notebook.accept_dialog()


def test_a_killed_kernel_goes_on(lab: LabServer, open_notebook: Open) -> None:
    """The next cell sees the variables, with what they share, below a banner that the one after it has not."""
    notebook = open_notebook("x = [1]; y = x\nparts = (part for part in x)\ny", "y.append(2); x", "x is y")
    notebook.run_cell(0, count=1)
    kill(lab, notebook)
    notebook.run_cell(1, count=2)
    keep_picture(notebook.page, "test_a_killed_kernel_goes_on-banner")
    expect(notebook.output(1)).to_have_text([re.compile("^Restored 2 variables as of cell \\[1\\]"), "[1, 2]"])
    expect(notebook.output(1).first).to_contain_text("1 could not be kept: parts (%session why)")
    notebook.run_cell(2, count=3)
    expect(notebook.output(2)).to_have_text("True")


def test_restart_is_clean(lab: LabServer, open_notebook: Open) -> None:
    """Kernel > Restart leaves what was restored behind, and so does the kernel after it."""
    notebook = open_notebook("x = 1", "x")
    notebook.run_cell(0, count=1)
    kill(lab, notebook)
    notebook.run_cell(1, count=2)
    expect(notebook.output(1)).to_have_text([re.compile("^Restored 1 variable"), "1"])
    notebook.watch_status()
    notebook.choose("Kernel", "Restart Kernel…")
    notebook.accept_dialog()
    notebook.wait_restarted()
    notebook.run_cell(1, count=1)
    expect(notebook.output(1)).to_have_text(re.compile("NameError: name 'x' is not defined"))


def test_checkout_brings_back_what_a_restart_left_behind(open_notebook: Open) -> None:
    """The variables as an earlier cell left them, with what they share; `%undo` goes back to none."""
    notebook = open_notebook(
        "x = [1]; y = x", "x.append(2)", "%checkout 1", "y.append(3); x", "%undo", "%checkout 1:2", "x, y is x"
    )
    notebook.run_cell(0, count=1)
    notebook.run_cell(1, count=2)
    notebook.watch_status()
    notebook.choose("Kernel", "Restart Kernel…")
    notebook.accept_dialog()
    notebook.wait_restarted()
    notebook.run_cell(2, count=1)
    keep_picture(notebook.page, "test_checkout_after_restart")
    expect(notebook.output(2)).to_have_text(re.compile("^Checked out \\[1\\] of .*: 2 variables back \\(x, y\\)"))
    notebook.run_cell(3, count=2)
    expect(notebook.output(3)).to_have_text("[1, 3]")
    notebook.run_cell(4, count=3)
    notebook.run_cell(5, count=4)
    notebook.run_cell(6, count=5)
    keep_picture(notebook.page, "test_checkout_after_restart-branch")
    expect(notebook.output(6)).to_have_text("([1, 2], True)")


def test_a_notebook_that_is_opened_again_goes_on(lab: LabServer, open_notebook: Open) -> None:
    """Closed with its kernel, opened from the list of files: the variables are there, below a banner."""
    notebook = open_notebook("x = [1]; y = x", "y.append(2); x")
    notebook.run_cell(0, count=1)
    notebook.press_keys("Control+s")
    notebook.choose("File", "Close and Shut Down Notebook…")
    notebook.accept_dialog()
    expect(notebook.panel).to_have_count(0)
    assert lab.kernels() == []
    notebook.page.locator(".jp-DirListing-item", has_text="test_a_notebook_that_is_opened_again").dblclick()
    notebook.wait_kernel("Python 3 (Holdfast)")
    notebook.run_cell(1, count=2)
    keep_picture(notebook.page, "test_a_notebook_that_is_opened_again-banner")
    expect(notebook.output(1)).to_have_text(["Restored 2 variables as of cell [1]", "[1, 2]"])


def test_a_prompt_that_was_open_is_asked_again(lab: LabServer, open_notebook: Open) -> None:
    """A cell killed while it asks, run again, takes the answer it had and asks what is open."""
    notebook = open_notebook("a = input('first? ')\nb = input('second? ')\na + b")
    cell = notebook.start_cell(0)
    prompts, field = cell.locator(".jp-Stdin-prompt"), cell.locator(".jp-Stdin-input")
    expect(prompts).to_have_text("first? ")
    field.fill("hold")
    field.press("Enter")
    expect(prompts).to_have_text(["first? ", "second? "])
    kill(lab, notebook)
    keep_picture(notebook.page, "test_a_prompt_that_was_open-killed")
    # JupyterLab runs nothing while it thinks that a question is open, so that one is to be answered, to nobody.
    notebook.start_cell(0)
    expect(notebook.dialog).to_contain_text("pending input")
    notebook.accept_dialog()
    field.fill("lost")
    field.press("Enter")
    notebook.start_cell(0)
    expect(prompts).to_have_text("second? ")
    keep_picture(notebook.page, "test_a_prompt_that_was_open-asked")
    field.fill("fast")
    field.press("Enter")
    notebook.wait_count(0, "1")
    expect(notebook.output(0).last).to_have_text("'holdfast'")


def test_session_is_a_table(open_notebook: Open) -> None:
    """`%session`, completed by Tab, shows the variables as a table, legible in the light and in the dark."""
    notebook = open_notebook("x = [1]; y = x\nparts = (part for part in x)\nlog = open('run.log', 'w')", "%ses")
    notebook.run_cell(0, count=1)
    notebook.press_tab(1)
    expect(notebook.completions).to_have_text(re.compile("%session"))
    notebook.press_keys("Enter")
    expect(notebook.cells.nth(1).locator(".cm-content")).to_have_text("%session")
    notebook.run_cell(1, count=2)
    rows = notebook.output(1).locator("tbody tr")
    expect(rows.locator("td:first-child")).to_have_text(["log", "parts", "x", "y"])
    light = [row.evaluate(CONTRAST) for row in rows.all()]
    keep_picture(notebook.page, "test_session_is_a_table-light")
    notebook.choose("Settings", "Theme", "JupyterLab Dark")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(notebook.page.locator("#jupyterlab-splash")).to_have_count(0)
    dark = [row.evaluate(CONTRAST) for row in rows.all()]
    keep_picture(notebook.page, "test_session_is_a_table-dark")
    # JupyterLab would keep it for the tests that follow.
    notebook.choose("Settings", "Theme", "JupyterLab Light")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", "true")
    # What WCAG asks of text is 4.5.
    assert min(light + dark) > 4.5
