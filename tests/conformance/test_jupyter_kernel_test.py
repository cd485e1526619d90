"""The conformance tests of the Jupyter project, every one of them enabled.

They run through `unittest` itself and not through pytest's collection of its classes: a test of theirs that
finds a sample missing skips itself, part of it even inside a `subTest`, and here a skip is a failure.
"""

from __future__ import annotations

import json
import shutil
import sys
import unittest
from collections.abc import Iterator

import jupyter_kernel_test
import pytest

from helpers.source import ROOT

KERNEL = "holdfast-conformance"

pytestmark = pytest.mark.keeps(
    "fds", "threads", "tasks", reason="jupyter_client keeps one event loop per thread for its blocking calls"
)


class Conformance(jupyter_kernel_test.KernelTests):  # type: ignore[misc]
    """What the tests need to know of Python and of us."""

    __test__ = False  # see the module's docstring
    kernel_name = KERNEL
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('a warning', file=sys.stderr)"
    completion_samples = [
        {"text": "zi", "matches": {"zip"}},
        {"text": "import coloursys_nothing_of_that_name", "matches": set()},
        {"text": "'text'.isdig", "matches": {"isdigit"}},
        {"text": "from colorsys import rgb_to_h", "matches": {"rgb_to_hls", "rgb_to_hsv"}},
        {"text": "pri"},
    ]
    complete_code_samples = [
        "1",
        "print('hello, world')",
        "def f(x):\n    return x * 2\n\n",
        "await something()",
        "x = [\n1,\n2]",
        "%time 1",
        "!ls",
    ]
    incomplete_code_samples = [
        "print('''hello",
        ("def f(x):\n    x * 2"),
        "x = (1,",
        "for x in y:",
        "if a:\n    b\nelse:",
    ]
    invalid_code_samples = ["import = 7q", "def f(:", "1 1", "x = 'a"]
    code_page_something = "len?"
    code_generate_error = "raise ValueError('on purpose')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "'text'", "result": "'text'"},
        {"code": "{'b': [1, 2.5], 'a': {3, 1, 2}}", "result": "{'b': [1, 2.5], 'a': {1, 2, 3}}"},
        {"code": "int", "result": "int"},
        {"code": "(None, True)", "result": "(None, True)"},
        {"code": "import asyncio; await asyncio.sleep(0, 'awaited')", "result": "'awaited'"},
    ]
    code_display_data = [
        {"code": "from holdfast.display import HTML\ndisplay(HTML('<b>bold</b>'))", "mime": "text/html"},
        {"code": "display({'text/html': '<i>i</i>', 'text/plain': 'i'}, raw=True)", "mime": "text/html"},
        {"code": "display('plain')", "mime": "text/plain"},
    ]
    code_history_pattern = "6 [*]*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "clear_output()"


class Welcome(jupyter_kernel_test.IopubWelcomeTests):  # type: ignore[misc]
    """The first message of an iopub subscription."""

    __test__ = False
    kernel_name = KERNEL
    support_iopub_welcome = True


@pytest.fixture(scope="module", autouse=True)
def _kernelspec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The project's kernelspec, pointed at the interpreter that runs the tests, where Jupyter looks for it."""
    root = tmp_path_factory.mktemp("jupyter")
    folder = root / "kernels" / KERNEL
    shutil.copytree(ROOT / "kernelspec", folder)
    spec = json.loads((folder / "kernel.json").read_text())
    spec["argv"][0] = sys.executable
    (folder / "kernel.json").write_text(json.dumps(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(root))
        yield


@pytest.fixture(scope="module")
def _started(_kernelspec: None) -> Iterator[None]:
    """The one kernel of the class, as unittest would start it."""
    Conformance.setUpClass()
    yield
    Conformance.tearDownClass()


def _run(case: unittest.TestCase) -> None:
    """Run one test of theirs: it must neither fail nor skip itself, nor any part of it."""
    result = unittest.TestResult()
    case.run(result)
    problems = [text for _, text in (*result.errors, *result.failures)]
    assert not problems, "\n".join(problems)
    assert [reason for _, reason in result.skipped] == []
    assert result.testsRun == 1


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize("name", unittest.defaultTestLoader.getTestCaseNames(Conformance))
def test_the_kernel_conforms(name: str) -> None:
    """The test of jupyter_kernel_test passes, and no part of it is skipped."""
    _run(Conformance(name))


def test_a_subscription_is_welcomed() -> None:
    """The first message on iopub is the welcome (JEP 65)."""
    Welcome.setUpClass()
    try:
        _run(Welcome("test_recv_iopub_welcome_msg"))
    finally:
        Welcome.tearDownClass()


def test_every_test_is_enabled() -> None:
    """Every sample that a test of theirs asks for is there, and all three kinds of history."""
    samples = [name for name in vars(jupyter_kernel_test.KernelTests) if name.startswith("code_") or "samples" in name]
    assert len(samples) == 13
    assert [name for name in samples if not getattr(Conformance, name)] == []
    assert set(Conformance.supported_history_operations) == {"tail", "range", "search"}


def test_a_skip_would_be_noticed() -> None:
    """The way in which the tests are run turns a skip into a failure, also one inside a subTest."""

    class Skips(unittest.TestCase):
        def test_whole(self) -> None:
            self.skipTest("no sample")

        def test_part(self) -> None:
            with self.subTest("part"):
                raise unittest.SkipTest("no sample")

    for name in ("test_whole", "test_part"):
        with pytest.raises(AssertionError, match="no sample"):
            _run(Skips(name))
