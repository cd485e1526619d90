"""JupyterLab's debugger on the kernel: what a person clicks, and what the panels beside the notebook show.

It must never ask the kernel behind the page's back.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from helpers.jupyterlab import NotebookPage, Open, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

CELL = """def area(width, height):
    result = width * height
    return result

rows = [area(n, 7) for n in (6, 1)]
print('areas', rows)"""

# How long a click may take to show, before it counts as dropped: a second one would take it back.
PATIENCE_MS = 40_000


class DebuggerPage:
    """The debugger of the notebook that is open."""

    def __init__(self, page: Page, notebook: NotebookPage) -> None:
        self.page = page
        self.notebook = notebook
        self.panel = page.locator("#jp-debugger-sidebar")
        self.frames = self.panel.locator(".jp-DebuggerCallstackFrame")
        self.variables = self.panel.locator(".jp-DebuggerVariables")

    def turn_on(self) -> None:
        """Press the bug in the notebook's toolbar, and wait until it says that the debugger is on.

        JupyterLab drops the click while it still asks the new notebook's kernel about the debugger: press again then.
        """
        button = self.notebook.panel.locator(".jp-DebuggerBugButton")
        is_on = expect(self.notebook.panel.locator(".jp-DebuggerBugButton[aria-pressed=true]"))
        button.click()
        try:
            is_on.to_be_visible(timeout=PATIENCE_MS)
        except AssertionError:
            button.click()
            is_on.to_be_visible()
        expect(self.panel).to_be_visible()

    def turn_off(self) -> None:
        """Press the bug that is on, and wait until it says that the debugger is off."""
        self.notebook.panel.locator(".jp-DebuggerBugButton[aria-pressed=true]").click()
        expect(self.notebook.panel.locator(".jp-DebuggerBugButton[aria-pressed=false]")).to_be_visible()

    def set_breakpoint(self, index: int, line: int) -> None:
        """Click in the gutter of a cell beside a line, and wait for the red dot and the entry in the list.

        A page that is just open may be deaf to the gutter, with the bug on (JupyterLab 4.6; no request is sent):
        1. it asks for ``debugInfo`` at each of the new kernel's states, and takes handlers away where that says "off";
        2. the bug is pressed between such a question and its answer: the debugger starts, the handlers are made;
        3. the old answer "off" arrives, and takes them away.
        What a person does helps: turn the debugger off and on.
        """
        icon = self.notebook.cells.nth(index).locator(".cm-breakpoint-gutter .cm-breakpoint-icon:visible")
        self._click_gutter(index, line)
        try:
            expect(icon).to_have_count(1, timeout=PATIENCE_MS)
        except AssertionError:
            self.turn_off()
            self.turn_on()
            self._click_gutter(index, line)
            expect(icon).to_have_count(1)
        expect(self.panel.locator(".jp-DebuggerBreakpoint")).to_have_count(1)

    def _click_gutter(self, index: int, line: int) -> None:
        cell = self.notebook.cells.nth(index)
        gutter, number = cell.locator(".cm-gutter.cm-breakpoint-gutter"), cell.locator(".cm-lineNumbers")
        beside = gutter.bounding_box()
        at = number.get_by_text(str(line), exact=True).bounding_box()
        assert beside is not None
        assert at is not None
        self.page.mouse.click(beside["x"] + beside["width"] / 2, at["y"] + at["height"] / 2)

    def press(self, name: str) -> None:
        """Press a button of the call stack's toolbar: Continue, Next, Step In, Step Out."""
        self.panel.locator(f"jp-button[aria-label^='{name}']:not([disabled])").click()


def test_a_breakpoint_stops_and_variables_are_shown(page: Page, open_notebook: Open) -> None:
    """Set by a click in the gutter, it stops the cell; its variables are in the panel; continue ends the cell."""
    notebook = open_notebook(CELL)
    debugger = DebuggerPage(page, notebook)
    debugger.turn_on()
    debugger.set_breakpoint(0, 2)
    notebook.start_cell(0)
    expect(debugger.frames).to_have_text([re.compile(r"^area.*:2$"), re.compile(r"^<module>.*:5$")])
    expect(debugger.variables).to_contain_text(re.compile(r"width\s*6"))
    expect(debugger.variables).to_contain_text(re.compile(r"height\s*7"))
    expect(notebook.cells.nth(0).locator(".jp-DebuggerEditor-highlight")).to_have_text("    result = width * height")
    notebook.wait_count(0, "*")
    keep_picture(page, "test_a_breakpoint_stops-first")
    debugger.press("Next")
    expect(debugger.variables).to_contain_text(re.compile(r"result\s*42"))
    keep_picture(page, "test_a_breakpoint_stops-stepped")
    debugger.press("Continue")
    expect(debugger.variables).to_contain_text(re.compile(r"width\s*1"))
    debugger.press("Continue")
    expect(notebook.output(0)).to_have_text("areas [42, 7]\n")
    notebook.wait_count(0, "1")
    expect(debugger.frames).to_have_count(0)


def test_a_restart_keeps_the_breakpoints(page: Page, open_notebook: Open) -> None:
    """The new kernel's cells have other file names: JupyterLab moves its breakpoints there, and they stop."""
    notebook = open_notebook(CELL)
    debugger = DebuggerPage(page, notebook)
    debugger.turn_on()
    debugger.set_breakpoint(0, 2)
    notebook.choose("Kernel", "Restart Kernel and Debug…")
    notebook.accept_dialog()
    expect(debugger.frames).to_have_text([re.compile(r"^area.*:2$"), re.compile(r"^<module>.*:5$")])
    expect(debugger.variables).to_contain_text(re.compile(r"width\s*6"))
