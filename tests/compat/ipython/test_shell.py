"""The shell object: what libraries read of it, and that it leads to the kernel's own parts."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel
from holdfast.compat.ipython import current
from holdfast.compat.ipython.completing import IPCompleter, provisionalcompleter, rectify_completions
from holdfast.compat.ipython.shell import InteractiveShell
from holdfast.durable.kinds import ATOM, kind_of
from holdfast.durable.reducers.registry import find


def test_libraries_take_it_for_a_notebooks(shell: Any) -> None:
    """Its class has the name that rich, pandas and tqdm look for; its repr says whose it is."""
    assert type(shell).__name__ == "ZMQInteractiveShell"
    assert "zmq" in str(type(shell)).lower()
    assert "Holdfast" in repr(shell)


def test_what_it_has_not_is_named(shell: Any) -> None:
    """An attribute of IPython's that is not here is an AttributeError that names it and Holdfast."""
    with pytest.raises(AttributeError, match=r"get_ipython\(\) has no 'prefilter_manager': it is Holdfast's"):
        _ = shell.prefilter_manager
    with pytest.raises(AttributeError, match=r"get_ipython\(\)\.kernel has no 'do_execute'"):
        _ = shell.kernel.do_execute


@pytest.mark.parametrize(
    "path",
    (
        " events kernel kernel.session display_formatter display_formatter.formatters display_pub displayhook "
        "history_manager magics_manager extension_manager alias_manager Completer custom_completers "
        "input_transformer_manager"
    ).split(" "),
)
def test_a_variable_holds_a_part_by_its_name(shell: Any, path: str) -> None:
    """A part is stored as where it is found: the stream has nothing of the kernel, and loading gives the new one's."""
    part = shell
    for name in path.split(".") if path else ():
        part = getattr(part, name)
    assert pickle.loads(pickle.dumps(part)) is part
    assert len(pickle.dumps(part)) < 200
    assert copy.deepcopy(part) is part
    assert kind_of(type(part)) == ATOM
    reducer = find(type(part), type(part).__mro__)
    assert reducer is not None
    assert reducer(part, None)[1] == (path,)  # type: ignore[arg-type]  # it needs no pickler


def test_a_part_is_lost_where_there_is_no_shell(shell: Any) -> None:
    """With the switch off the variable says so, instead of being None."""
    stored = pickle.dumps(shell.events)
    current.forget()
    with pytest.raises(RuntimeError, match="HOLDFAST_IPYTHON_COMPAT is 0"):
        pickle.loads(stored)


def test_user_ns_is_the_namespace(shell: Any, kernel: TwinKernel) -> None:
    """The dict itself, and the commit is told that anything in it may change."""
    assert shell.user_ns is kernel.namespace is shell.user_global_ns
    assert () in kernel.touches


def test_config_has_the_section_that_libraries_look_for(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """polars asks whether IPKernelApp is in it; what is set stays."""
    monkeypatch.delitem(sys.modules, "traitlets.config.loader", raising=False)
    assert "IPKernelApp" in shell.config
    shell.config.InlineBackend = {"figure_format": "svg"}
    assert shell.config["InlineBackend"] == {"figure_format": "svg"}


def test_the_option_is_set_through_class_and_instance(shell: Any, kernel: TwinKernel) -> None:
    """`InteractiveShell.ast_node_interactivity = "all"`, as notebooks write it, and on the instance."""
    shell_class: Any = InteractiveShell
    options: Any = kernel.options
    shell_class.ast_node_interactivity = "all"
    assert options.ast_node_interactivity == shell.ast_node_interactivity == "all"
    shell.ast_node_interactivity = "last"
    assert options.ast_node_interactivity == shell_class.ast_node_interactivity == "last"
    with pytest.raises(ValueError, match="'all', 'last'"):
        shell.ast_node_interactivity = "every"


def test_switches_are_the_kernels_options(shell: Any, kernel: TwinKernel) -> None:
    """automagic and call_pdb."""
    shell.automagic, shell.call_pdb = False, True
    assert (kernel.options.automagic, kernel.options.pdb) == (False, True)
    assert (shell.automagic, shell.call_pdb) == (False, True)


def test_the_parent_goes_there_and_back(shell: Any, edges: TwinEdges) -> None:
    """`set_parent` takes what `get_parent` gave: output goes to that cell again; a stranger's changes nothing."""
    assert shell.get_parent() == {}
    edges.current = "first"
    parent = dict(shell.get_parent())
    edges.current = "second"
    shell.set_parent(parent)
    assert edges.current == "first"
    shell.kernel.set_parent([], {"header": {"msg_id": "unknown"}})
    assert shell.kernel.get_parent() == {"header": {"msg_id": "first"}}


def test_parents_do_not_pile_up(shell: Any, edges: TwinEdges) -> None:
    """Of the messages that were handed out the last few hundred are known."""
    for number in range(1000):
        edges.current = f"m{number}"
        shell.get_parent()
    shell.set_parent({"header": {"msg_id": "m0"}})
    assert str(edges.current) == "m999"
    shell.set_parent({"header": {"msg_id": "m990"}})
    assert str(edges.current) == "m990"
    assert len(shell._parents._tokens) < 300


def test_the_kernel_answers_libraries(shell: Any, edges: TwinEdges, kernel: TwinKernel) -> None:
    """`kernel` has comms, the shell, the session and sends messages for the cell."""
    assert shell.kernel.comm_manager == "the comms"
    assert shell.kernel.shell is shell
    assert shell.kernel.session.session == "twin"
    shell.kernel.session.send(shell.kernel.iopub_socket, "display_data", {"data": {}})
    assert kernel.published == [("display_data", {"data": {}})]


def test_frontend_calls_reach_the_kernel(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> None:
    """set_next_input and ask_exit."""
    shell.set_next_input("x = 1", replace=True)
    shell.ask_exit()
    assert kernel.next_inputs == [("x = 1", True)]
    assert edges.payload == [{"source": "ask_exit", "keepkernel": False}]


def test_a_gui_loop_is_refused_in_words(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Backends without a loop of their own are fine; others get a line."""
    shell.enable_gui(None)
    shell.enable_gui("inline")
    assert capsys.readouterr().err == ""
    shell.enable_gui("qt")
    assert "no event loop for qt" in capsys.readouterr().err


def test_objects_are_described(shell: Any, kernel: TwinKernel) -> None:
    """object_inspect gives found and text; the MIME one raises for what is not there."""
    kernel.namespace["x"] = 1
    assert shell.object_inspect("x", 1) == {"name": "x", "found": True, "docstring": "x, level 1"}
    assert shell.object_inspect_mime("x") == {"text/plain": "x, level 0"}
    assert not shell.object_inspect("y")["found"]
    with pytest.raises(KeyError):
        shell.object_inspect_mime("y")


def test_completions_are_the_kernels(shell: Any) -> None:
    """Each interface of the completer asks the kernel."""
    assert shell.Completer.all_completions("pri") == ["print"]
    assert shell.complete("pri") == ("pri", ["print"])
    assert [(c.start, c.end, c.text, c.type) for c in shell.Completer.completions("pri", 3)] == [
        (0, 3, "print", "function")
    ]


def test_a_completer_of_ones_own_knows_its_namespaces(edges: TwinEdges) -> None:
    """As JupyterLab makes one for a stopped frame: local names before global ones."""
    completer = IPCompleter(shell=None, namespace={"depth": 1}, global_namespace={"deep": 2}, parent=None)
    assert completer.all_completions("de") == ["deep", "depth"]
    with provisionalcompleter():
        assert [c.text for c in rectify_completions("de", completer.completions("de", 2))] == ["deep", "depth"]


def test_completers_of_extensions_are_kept(shell: Any) -> None:
    """`set_hook("complete_command", …)` by word and by pattern; they are asked with the line's parts."""
    asked: list[Any] = []

    def complete(shell: Any, event: Any) -> list[str]:
        asked.append(event)
        return ["alpha", "beta"]

    shell.set_hook("complete_command", complete, str_key="%mine")
    shell.set_hook("complete_command", complete, re_key=".*%yours")
    assert shell.custom_completers.complete("%mine al") == ("al", ["alpha"])
    assert shell.custom_completers.complete("x = %yours ") == ("", ["alpha", "beta"])
    assert shell.custom_completers.complete("other ") == ("", [])
    assert [(event.command, event.symbol, event.line) for event in asked] == [
        ("%mine", "al", "%mine al"),
        ("x", "", "x = %yours "),
    ]


def test_the_kernel_asks_completers(shell: Any, kernel: TwinKernel) -> None:
    """Where a line has a percent sign and no magic of its own knows more; one that fails offers nothing."""
    shell.set_hook("complete_command", lambda shell, event: ["alpha", "beta"], str_key="%mine")
    shell.set_hook("complete_command", lambda shell, event: 1 / 0, str_key="%mine")
    assert kernel.magics.complete("x = 1\n%mine be", 14) == [("beta", 12, "magic")]


def test_traitlets_take_it_as_a_parent(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With traitlets loaded its config is one of theirs, and a section of it is empty."""
    loader = pytest.importorskip("traitlets.config.loader")
    assert type(shell.config) is loader.Config
    assert type(shell._find_my_config(shell.config)) is loader.Config
