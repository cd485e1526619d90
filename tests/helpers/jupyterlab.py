"""A JupyterLab server of the tests' own, and its page as a person uses it, in headless Chromium.

It must never be reachable or reach out: the server listens on loopback behind a token that is new each time,
and the browser resolves no name.

Rejected: selenium (a second program, chromedriver, whose version must match the browser's, and each wait
spelled by hand, where playwright's locators wait for what they act on); `window.jupyterapp` to run commands
(a person has no such thing; keys, menus and buttons do the same); `galata`, JupyterLab's own test kit (it
needs a Node.js project).
"""

from __future__ import annotations

import json
import os
import queue
import re
import secrets
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import nbformat
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright

from helpers.peers import KERNEL, ROOT, Household, PeerEnvironment

ARTIFACTS = ROOT / "tests" / "artifacts"
DISPLAY_NAME = {"holdfast": "Python 3 (Holdfast)", "python3": "Python 3 (ipykernel)"}[KERNEL]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WAIT_MS: Final = 90_000
START_TIMEOUT_S: Final = 180.0

# Nothing is fetched from outside; outputs stay in the page when they are scrolled away; and
# JupyterLab, which drops completions that take more than a second, waits on a busy machine too.
_PAGE_CONFIG = {
    "disabledExtensions": {
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension": True,
    }
}
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "completer-extension/manager": {"providerTimeout": WAIT_MS},
    "notebook-extension/tracker": {"windowingMode": "none"},
}

_WATCH_STATUS = """icon => {
    window.said = [];
    new MutationObserver(() => said.push(icon.dataset.status)).observe(icon, {attributes: true});
}"""


class LabServer:
    """A running JupyterLab server, its address, and its log.

    Raises:
        AssertionError: it did not say within a minute where it is running; with its log.
    """

    def __init__(self, peers: PeerEnvironment, household: Household) -> None:
        self._household = household
        self.work = household.work
        self.log: list[str] = []
        self._token = secrets.token_hex(16)
        self._settle(household.config)
        self._process = subprocess.Popen(
            peers.command(
                "jupyterlab",
                "--no-browser",
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                f"--IdentityProvider.token={self._token}",
                f"--ServerApp.root_dir={self.work}",
                "--ServerApp.allow_root=True",
                "--ServerApp.terminals_enabled=False",
                "--LabApp.extension_manager=readonly",
                "--LabApp.news_url=",
            ),
            cwd=self.work,
            env=household.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._addresses: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_log, name="jupyterlab-log", daemon=True)
        self._reader.start()
        try:
            self.address = self._wait_address()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _settle(config: Path) -> None:
        (config / "labconfig").mkdir()
        (config / "labconfig" / "page_config.json").write_text(json.dumps(_PAGE_CONFIG), encoding="utf-8")
        for name, settings in _SETTINGS.items():
            path = config / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(settings), encoding="utf-8")

    def _read_log(self) -> None:
        """Read the log to its end, so that the server never blocks on a full pipe; pass on where it runs."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:[1-9]\d*)/lab", line):
                self._addresses.put(found[1])
        self._addresses.put(None)

    def _wait_address(self) -> str:
        try:
            address = self._addresses.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            address = None
        assert address is not None, "JupyterLab did not start:\n" + "".join(self.log)
        return address

    def url(self, notebook: str | None = None) -> str:
        """The address of the page that opens `notebook`, or the launcher, in a workspace without tabs."""
        place = "lab" if notebook is None else f"lab/tree/{notebook}"
        return f"{self.address}/{place}?token={self._token}&reset"

    def kernels(self) -> list[dict[str, object]]:
        """The running kernels, as the server's REST interface describes them."""
        return [session["kernel"] for session in self._sessions()]

    def end_sessions(self) -> None:
        """Shut every kernel down, so that one test's loop does not take the processor from the next."""
        for session in self._sessions():
            self._request("DELETE", f"/api/sessions/{session['id']}")

    def _sessions(self) -> list[dict[str, dict[str, object]]]:
        sessions: list[dict[str, dict[str, object]]] = json.loads(self._request("GET", "/api/sessions"))
        return sessions

    def _request(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(
            self.address + path, method=method, headers={"Authorization": f"token {self._token}"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            body: bytes = response.read()
        return body

    def kill_kernel(self) -> None:
        """End the one kernel that runs by SIGKILL, as the system does when memory is short."""
        [kernel] = self.kernels()
        named = f"kernel-{kernel['id']}.json"
        [process] = self._household.processes(named)
        process.kill()

    def close(self) -> None:
        """Stop the server, which stops its kernels."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._reader.join(60)
        assert self._process.stderr is not None
        self._process.stderr.close()


def find_browser() -> str | None:
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def open_browser(executable: str, profile: Path, *, env: Mapping[str, str]) -> Iterator[BrowserContext]:
    """A headless Chromium with a new `profile`; its pages share one cache, so that only the first is slow."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=executable,
            headless=True,
            args=list(BROWSER_FLAGS),
            env=dict(env),
            viewport={"width": 1280, "height": 900},
        )
        browser.set_default_timeout(WAIT_MS)
        try:
            yield browser
        finally:
            browser.close()


def write_notebook(path: Path, cells: Sequence[str], *, kernel: str | None) -> None:
    """Write a notebook of code cells; without a kernel, JupyterLab asks which one to use."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    if kernel is not None:
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    nbformat.write(notebook, path)


def keep_picture(page: Page, name: str) -> None:
    """Keep what the page shows now."""
    ARTIFACTS.mkdir(exist_ok=True)
    # Written here, because playwright would leave a thread behind for it.
    (ARTIFACTS / f"{name}.png").write_bytes(page.screenshot())


class NotebookPage:
    """The notebook that is open in JupyterLab, or about to be."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.dialog = page.locator(".jp-Dialog")
        self.status = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        self.completions = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")
        self.cells = self.panel.locator(".jp-CodeCell")

    def pick_kernel(self, display_name: str) -> None:
        """Answer the dialog that asks for a kernel."""
        self.dialog.locator("select").select_option(label=display_name)
        self.accept_dialog()

    def accept_dialog(self) -> None:
        """Press the dialog's confirming button and wait until it is gone."""
        self.dialog.locator(".jp-mod-accept").click()
        self.dialog.wait_for(state="detached")

    def wait_kernel(self, display_name: str) -> None:
        """Wait until the page has a kernel of that name, started, connected and idle.

        The icon alone does not tell: before there is a kernel it says idle.
        """
        status_bar = self.page.get_by_role("contentinfo")
        expect(status_bar.get_by_text(f"{display_name} | Idle")).to_be_visible(timeout=WAIT_MS)

    def wait_status(self, status: str) -> None:
        """Wait until the kernel's icon says `status`: idle, busy, starting, ..."""
        expect(self.status).to_have_attribute("data-status", status)

    def watch_status(self) -> None:
        """Note from now on everything that the kernel's icon says, however shortly."""
        self.status.evaluate(_WATCH_STATUS)

    def wait_restarted(self) -> None:
        """Wait until the icon has said restarting since `watch_status`, and says idle."""
        self.page.wait_for_function("said.includes('restarting') && said.at(-1) === 'idle'")

    def start_cell(self, index: int) -> Locator:
        """Run the cell as Shift+Enter does, and return it while it may still be running."""
        cell = self.cells.nth(index)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        return cell

    def run_cell(self, index: int, *, count: int) -> Locator:
        """Run the cell and wait until it is done as execution `count`; return it."""
        cell = self.start_cell(index)
        self.wait_count(index, str(count))
        return cell

    def wait_count(self, index: int, count: str) -> None:
        """Wait until the prompt beside the cell says `count`: a number, `*` while it runs, or a space."""
        prompt = self.cells.nth(index).locator(".jp-InputPrompt")
        expect(prompt).to_have_text(f"[{count}]:")

    def write(self, index: int, source: str) -> None:
        """Type `source` into the cell, in place of what it has."""
        self.cells.nth(index).locator(".cm-content").fill(source)

    def press_keys(self, *keys: str) -> None:
        """Press one key after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def press_tab(self, index: int) -> None:
        """Put the caret at the end of the cell and ask for completions."""
        self.cells.nth(index).locator(".cm-content").click()
        self.press_keys("Control+End", "Tab")

    def output(self, index: int) -> Locator:
        """The output area below the cell."""
        return self.cells.nth(index).locator(".jp-OutputArea-output")

    def choose(self, menu: str, *items: str) -> None:
        """Choose an item of the menu bar, through its submenus."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
        for item in items:
            self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click()


#: Writes a notebook of the given cells and opens it; if it names a kernel, waits for that.
type Open = Callable[..., NotebookPage]
