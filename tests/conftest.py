"""What holds for every test: no leaks, a Jupyter of its own, and how hard hypothesis tries.

It must never hide a leak: a test that has to leave something behind says so with `keeps`, and why.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from helpers import leaks, ports

#: Kernels of more workers than that would wait for each other.
_WORKERS = 4
#: Variables that tell programs of which Jupyter they are, or how to show what they say.
_TELLING = (
    *("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JPY_SESSION_NAME", "JPY_PARENT_PID"),
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTHON_COLORS", "CLICOLOR", "CLICOLOR_FORCE"),
    *("TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS", "MPLBACKEND", "PYTHONWARNINGS"),
)
#: Those of ours that are meant for the tests.
_FOR_TESTS = ("HOLDFAST_TEST_KERNEL", "HOLDFAST_FUZZ_SEED")
_CACHE = Path(__file__).parents[1] / ".cache"
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_DATABASE = DirectoryBasedExampleDatabase(_CACHE / "hypothesis")

# No deadline in any of them: two cores shared with other work make every absolute time a coin toss.
settings.register_profile("quick", deadline=None, max_examples=25, suppress_health_check=_SLOW, database=_DATABASE)
settings.register_profile(
    "suite", deadline=None, max_examples=100, print_blob=True, suppress_health_check=_SLOW, database=_DATABASE
)
settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=5000,
    print_blob=True,
    suppress_health_check=_SLOW,
    database=_DATABASE,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

leaks.watch_shared_memory()

# A shell that runs us in the background, or nohup, has these ignored, and so would everything that a test starts.
for number, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, number) and signal.getsignal(getattr(signal, number)) is signal.SIG_IGN:
        signal.signal(getattr(signal, number), usual)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker for each core when everything is run; none for chosen tests, nightly ones, or where output is shown."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    usual = config.getoption("markexpr") == "not nightly" and not config.getoption("keyword")
    return min(os.cpu_count() or 1, _WORKERS) if everything and usual and config.getoption("capture") != "no" else 0


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a thread, descriptor, child process, asyncio task or shared memory behind."""
    kept: set[str] = set()
    for mark in request.node.iter_markers("keeps"):
        if not mark.kwargs.get("reason") or not set(mark.args) <= set(leaks.KINDS):
            pytest.fail(f"keeps() takes kinds of {leaks.KINDS} and a reason, got {mark.args} {mark.kwargs}")
        kept |= set(mark.args)
    before = leaks.Census.take()
    yield
    left = leaks.left_behind(before, frozenset(kept))
    if left:
        lines = [f"  {kind}: {word}" for kind, words in left.items() for word in words]
        pytest.fail("this test leaves behind:\n" + "\n".join(lines), pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def _own_jupyter() -> Iterator[None]:
    """Keep tests away from the files of whoever runs them, and theirs away from the tests."""
    # Short on purpose: the path of an ipc socket may have 107 bytes.
    home = tempfile.mkdtemp(prefix="hf-")
    folders = {
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_CONFIG_DIR": "config",
        "HOLDFAST_HOME": "holdfast",
    }
    with pytest.MonkeyPatch.context() as patch:
        for variable, name in folders.items():
            folder = Path(home, name)
            folder.mkdir(mode=0o700)
            patch.setenv(variable, str(folder))
        told = {variable for variable in os.environ if variable.startswith("HOLDFAST_")} - {*folders, *_FOR_TESTS}
        for variable in (*_TELLING, *told):
            patch.delenv(variable, raising=False)
        # jupyter_client looks for free ports, lets go of them, and starts a kernel that binds them half a second later.
        find = "jupyter_client.connect.LocalPortCache.find_available_port"
        patch.setattr(find, lambda _cache, ip: ports.own(ip))
        yield
    shutil.rmtree(home, ignore_errors=True)
