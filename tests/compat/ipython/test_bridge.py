"""Linking an installed IPython: its functions are replaced one by one (the real one is in tests/kernel)."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel
from holdfast.compat.ipython import bridge, current, install, magic
from holdfast.output import capturing, display


def _module(name: str, **names: object) -> Any:
    module = ModuleType(name)
    vars(module).update(names)
    return module


def _reset(shell: Any) -> None:
    shell_class: Any = type(shell)
    shell_class.face = None


def test_every_name_that_is_waited_for_has_a_link() -> None:
    """The table of the hooks and that of the links name the same modules."""
    assert set(bridge._LINKS) == set(install.BRIDGED)


@pytest.mark.parametrize("name", ["IPython", "IPython.core.getipython"])
def test_get_ipython_gives_the_shell(shell: Any, name: str) -> None:
    """Under both names."""
    module = _module(name, get_ipython=None, other=3)
    bridge.link(module)
    assert module.get_ipython() is shell
    assert module.other == 3


def test_display_reaches_the_kernel(shell: Any) -> None:
    """The functions and the handle are ours."""
    module = _module("IPython.core.display_functions")
    bridge.link(module)
    assert module.display is display.display
    assert module.DisplayHandle is display.DisplayHandle
    assert module.clear_output is display.clear_output


def test_the_shell_passes_for_theirs(shell: Any) -> None:
    """`isinstance` and the singleton's methods, without being an instance of their class."""

    class Base:
        pass

    class InteractiveShell(Base):
        """Theirs."""

        _instance = None

    module = _module("IPython.core.interactiveshell", InteractiveShell=InteractiveShell)
    try:
        bridge.link(module)
        assert isinstance(shell, InteractiveShell)
        assert isinstance(shell, Base)
        assert shell.__class__.__name__ == type(shell).__name__ == "ZMQInteractiveShell"
        assert InteractiveShell.instance() is shell  # type: ignore[attr-defined]
        assert InteractiveShell.initialized()  # type: ignore[attr-defined]
        assert not hasattr(InteractiveShell(), "events")
    finally:
        _reset(shell)


def test_their_connection_file_is_that_of_this_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs is asked where an application of theirs is meant, or where the kernel was started without one."""
    module = _module("ipykernel.connect", get_connection_file=lambda app=None: f"theirs of {app}")
    bridge.link(module)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "-m", "holdfast", "-f", "kernel-7.json"])
    assert module.get_connection_file() == "kernel-7.json"
    assert module.get_connection_file("an app") == "theirs of an app"
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "pytest"])
    assert module.get_connection_file() == "theirs of None"


def test_the_shell_passes_for_a_kernels(shell: Any) -> None:
    """ipykernel's class, which is derived from IPython's."""

    class InteractiveShell:
        """Theirs."""

    class ZMQInteractiveShell(InteractiveShell):
        """A kernel's."""

    try:
        bridge.link(_module("IPython.core.interactiveshell", InteractiveShell=InteractiveShell))
        assert not isinstance(shell, ZMQInteractiveShell)
        bridge.link(_module("ipykernel.zmqshell", ZMQInteractiveShell=ZMQInteractiveShell))
        assert isinstance(shell, ZMQInteractiveShell)
        assert isinstance(shell, InteractiveShell)
    finally:
        _reset(shell)


def test_their_class_attribute_sets_the_option(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> None:
    """Looked at before each cell: an assignment replaces their trait, which is put back."""

    class InteractiveShell:
        """Theirs."""

        ast_node_interactivity: Any = object()

    trait = InteractiveShell.ast_node_interactivity
    try:
        bridge.link(_module("IPython.core.interactiveshell", InteractiveShell=InteractiveShell))
        options: Any = kernel.options
        edges.hooks.before(None)
        assert options.ast_node_interactivity == "last_expr"
        InteractiveShell.ast_node_interactivity = "all"
        edges.hooks.before(None)
        assert options.ast_node_interactivity == "all"
        assert InteractiveShell.ast_node_interactivity is trait
    finally:
        _reset(shell)


def test_decorators_register_here(shell: Any, kernel: TwinKernel) -> None:
    """`register_line_magic` of the real one."""
    module = _module("IPython.core.magic", Magics=object)
    bridge.link(module)
    assert module.register_line_magic is magic.register_line_magic
    assert module.Magics is object


def test_captures_are_ours(shell: Any) -> None:
    """`capture_output` catches what this kernel displays."""
    module = _module("IPython.utils.capture")
    bridge.link(module)
    assert module.capture_output is capturing.capture_output


def test_other_modules_stay_as_they_are(shell: Any) -> None:
    """A module that nobody waits for."""
    module = _module("IPython.core.oinspect", get_ipython=3)
    bridge.link(module)
    assert module.get_ipython == 3
    assert current.shell() is shell
