"""What the tests of JupyterLab share: a server, a browser, pages, and notebooks that are open in them.

Sessions are kept in the household's own `HOLDFAST_HOME`, and go with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from helpers.jupyterlab import (
    ARTIFACTS,
    BROWSERS,
    DISPLAY_NAME,
    LabServer,
    NotebookPage,
    Open,
    find_browser,
    keep_picture,
    open_browser,
    write_notebook,
)
from helpers.peers import KERNEL, Household, PeerEnvironment, household, peers

__all__ = ["household", "peers"]


@pytest.fixture(scope="module")
def lab(peers: PeerEnvironment, household: Household, request: pytest.FixtureRequest) -> Iterator[LabServer]:
    """A JupyterLab server; its log is kept beside the pictures."""
    server = LabServer(peers, household)
    yield server
    server.close()
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / f"{request.node.path.stem}.log").write_text("".join(server.log), encoding="utf-8")


@pytest.fixture(scope="module")
def browser(household: Household) -> Iterator[BrowserContext]:
    """A headless Chromium; where there is none the tests are skipped, except in CI, which installs one."""
    executable = find_browser()
    if executable is None:
        missing = f"none of {', '.join(BROWSERS)} is installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with open_browser(executable, household.root / "profile", env=household.environment()) as browser:
        yield browser


@pytest.fixture
def page(lab: LabServer, browser: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page, of which a picture is kept; the kernels that were started from it are ended."""
    page = browser.new_page()
    yield page
    keep_picture(page, request.node.name)
    page.close()
    lab.end_sessions()


@pytest.fixture
def open_notebook(lab: LabServer, page: Page, request: pytest.FixtureRequest) -> Open:
    """Write a notebook of the given cells and open it; if it names a kernel, wait for that."""

    def open_cells(*cells: str, kernel: str | None = KERNEL) -> NotebookPage:
        path = lab.work / f"{request.node.name}.ipynb"
        write_notebook(path, cells, kernel=kernel)
        page.goto(lab.url(path.name))
        notebook = NotebookPage(page)
        if kernel is not None:
            notebook.wait_kernel(DISPLAY_NAME)
        return notebook

    return open_cells
