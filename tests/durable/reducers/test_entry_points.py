"""The example of docs/reducers.md, as a package that is installed: its reducer is found, asked, and loads again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers.kernel import Kernel

DOCUMENT = Path(__file__).parents[3] / "docs" / "reducers.md"
PACKAGE = """
class Connection:
    in_transaction = False
    def __init__(self, url, timeout):
        self.url, self.timeout = url, timeout
        self.socket = (None for _ in ())

def connect(url, timeout=1):
    return Connection(url, timeout)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package of the document's example and its entry points."""
    text = DOCUMENT.read_text("utf-8")
    blocks = dict(re.findall(r"```(python|toml)\n(.*?)```", text[text.index("## One example") :], re.DOTALL))
    assert blocks["toml"].startswith('[project.entry-points."holdfast.reducers"]\n')
    folder = tmp_path / "site"
    (folder / "acme").mkdir(parents=True)
    (folder / "acme" / "__init__.py").write_text(PACKAGE)
    (folder / "acme" / "keep.py").write_text(blocks["python"])
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    lines = [line.replace('"', "") for line in blocks["toml"].splitlines()[1:]]
    (info / "entry_points.txt").write_text("\n".join(["[holdfast.reducers]", *lines]))
    return folder


def test_the_documented_example_works(installed: Path, tmp_path: Path) -> None:
    """A connection comes back through the reducer after `kill -9`, shared as before; in a transaction it is lost."""
    environment = {
        "HOLDFAST_DURABILITY": "process",
        "HOLDFAST_HOME": str(tmp_path / "home"),
        "HOLDFAST_SESSION": "acme",
        "PYTHONPATH": str(installed),
    }
    kernel = Kernel(tmp_path, environment=environment)
    try:
        kernel.run("import acme; c = acme.connect('db://x', 7); both = [c]")
        kernel.run("busy = acme.connect('db://y'); busy.in_transaction = True")
    finally:
        kernel.process.kill()
        kernel.close()
    with Kernel(tmp_path, environment=environment) as kernel:
        result = kernel.run("both[0] is c, type(c).__name__, c.url, c.timeout")
        assert result.result == "(True, 'Connection', 'db://x', 7)"
        assert "1 of them reopened" in result.of_type("display_data")[0].content["data"]["text/plain"]
        assert "a transaction was under way" in kernel.run("busy.url").traceback
