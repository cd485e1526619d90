"""What a kernel sets up at its start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from helpers.shell import TwinEdges
from holdfast.app.settings import read
from holdfast.compat import finder
from holdfast.compat.ipython import bridge, current, install
from holdfast.errors import PeerError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, object]]:
    """The shell, installed for one test; the names that became builtins."""
    builtins: dict[str, object] = {}
    monkeypatch.setattr(install, "add_builtins", builtins.update)
    finder.uninstall()
    install.install(TwinEdges)
    yield builtins
    install.uninstall()
    finder.uninstall()


def test_cells_have_get_ipython_without_an_import(installed: Mapping[str, Any]) -> None:
    """A builtin, as libraries look for it; nothing is made before it is called."""
    assert set(installed) == {"get_ipython", "__IPYTHON__"}
    assert current._shell is None
    assert installed["get_ipython"]() is current.shell()


def test_its_finder_is_the_last(installed: Mapping[str, object]) -> None:
    """Whatever else can be imported wins; installing twice adds one."""
    install.install(TwinEdges)
    assert isinstance(sys.meta_path[-1], install.StandIns)
    assert sum(isinstance(one, install.StandIns) for one in sys.meta_path) == 1


def test_other_names_are_none_of_its_business() -> None:
    """It answers for two packages only."""
    assert install.StandIns().find_spec("numpy") is None
    assert install.StandIns().find_spec("IPythonic") is None


def test_nothing_is_imported_for_it() -> None:
    """A session that never asks pays for this module and two small ones."""
    program = (
        "import sys, holdfast.app.wiring; before = set(sys.modules)\n"
        "from holdfast.compat.ipython import install; install.install(lambda: None)\n"
        "ours = sorted(name for name in sys.modules if name.startswith('holdfast.compat.ipython.'))\n"
        "print(ours, 'IPython' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    wanted = ["holdfast.compat.ipython.current", "holdfast.compat.ipython.install"]
    assert done.stdout.strip() == f"{wanted} False"


def test_a_real_module_is_linked_and_a_stand_in_is_not(
    installed: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bridge is for what is installed."""
    linked: list[ModuleType] = []
    monkeypatch.setattr(bridge, "link", linked.append)
    module = ModuleType("IPython")
    install._bridge(module)
    assert linked == [module]
    import importlib

    importlib.import_module("IPython.core.getipython")
    assert linked == [module]
    for name in [name for name in sys.modules if name.partition(".")[0] == "IPython"]:
        del sys.modules[name]


@pytest.mark.parametrize(("value", "wanted"), [("", True), ("1", True), ("0", False)])
def test_the_switch(value: str, wanted: bool) -> None:
    """HOLDFAST_IPYTHON_COMPAT."""
    assert read({"HOLDFAST_IPYTHON_COMPAT": value}).ipython_compat is wanted


def test_a_wrong_switch_is_refused() -> None:
    """As every setting."""
    with pytest.raises(PeerError, match="HOLDFAST_IPYTHON_COMPAT is 'no': expected one of '1', '0'"):
        read({"HOLDFAST_IPYTHON_COMPAT": "no"})
