"""What libraries expect of IPython, in a real kernel without it (with it: the suite in tests/compat)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from helpers.kernel import Kernel
from helpers.lives import Lives


def test_get_ipython_is_there_without_an_import(fresh: Kernel) -> None:
    """A builtin; neither it nor anything else loads a module called IPython."""
    result = fresh.run("import sys; type(get_ipython()).__name__, 'IPython' in sys.modules")
    assert result.result == "('ZMQInteractiveShell', False)"


def test_display_classes_come_from_ipython(kernel: Kernel) -> None:
    """`from IPython.display import …`, the most frequent import of notebooks, and its old home."""
    for module in ("IPython.display", "IPython.core.display"):
        result = kernel.run(f"from {module} import HTML, display\ndisplay(HTML('<b>x</b>'))\nHTML('<i>y</i>')")
        assert [m.content["data"]["text/html"] for m in result.outputs] == ["<b>x</b>", "<i>y</i>"]


def test_the_kernel_tells_its_connection_file(kernel: Kernel) -> None:
    """By its name code finds the kernel's id, and with it the notebook that it belongs to."""
    kernel.run("import ipykernel")
    asked = "ipykernel.get_connection_file() == get_ipython().config['IPKernelApp']['connection_file']"
    assert kernel.run(asked).result == "True"
    assert kernel.run("'shell_port' in ipykernel.get_connection_info(unpack=True)").result == "True"


def test_what_is_not_there_is_an_import_error_in_the_cell(kernel: Kernel) -> None:
    """The traceback has the user's line only, and says what to do."""
    result = kernel.run("from IPython.parallel import Client")
    assert "%pip install ipython" in result.traceback
    assert "standins.py" not in result.traceback


def test_run_cell_is_a_part_of_the_cell(kernel: Kernel) -> None:
    """Its value and its error are shown below the cell, which goes on."""
    result = kernel.run("found = get_ipython().run_cell('a = 20\\na + 1')\nget_ipython().run_cell('1/0')\nfound.result")
    assert [m.msg_type for m in result.outputs] == ["execute_result", "error", "execute_result"]
    assert (result.result, result.error) == ("21", "ZeroDivisionError")
    assert result.reply["status"] == "ok"


def test_magics_are_registered_as_extensions_do_it(kernel: Kernel) -> None:
    """A class of magics, used in the next cell."""
    kernel.run(
        "from IPython.core.magic import Magics, magics_class, line_cell_magic\n"
        "@magics_class\nclass Tide(Magics):\n"
        "    @line_cell_magic\n    def tide(self, line, cell=None):\n"
        "        self.shell.user_ns['seen'] = line\n        return line, cell\n"
        "get_ipython().register_magics(Tide)"
    )
    assert kernel.run("place = 'Lerwick'\n%tide {place}").result == "('Lerwick', None)"
    assert kernel.run("%%tide low\nwater").result == "('low', 'water\\n')"
    assert kernel.run("seen").result == "'low'"


def test_events_are_fired_around_cells(kernel: Kernel) -> None:
    """Before and after, below the right cell, also when it fails; not any more once they are undone."""
    kernel.run(
        "def before(info): print('before', info.raw_cell)\n"
        "def after(result): print('after', result.result, result.success)\n"
        "ip = get_ipython()\n"
        "ip.events.register('pre_run_cell', before)\nip.events.register('post_run_cell', after)"
    )
    try:
        assert kernel.run("40 + 2").stdout == "before 40 + 2\nafter 42 True\n"
        assert kernel.run("1 / 0").stdout == "before 1 / 0\nafter None False\n"
    finally:
        kernel.run("ip.events.unregister('pre_run_cell', before); ip.events.unregister('post_run_cell', after)")
    assert kernel.run("40 + 2").stdout == ""


def test_transformers_change_cells(kernel: Kernel) -> None:
    """Lines before they are read, trees before they are compiled; `In` has the cell as it was sent."""
    kernel.run(
        "import ast\nip = get_ipython()\n"
        "class Doubler(ast.NodeTransformer):\n"
        "    def visit_Constant(self, node): return ast.Constant(node.value * 2) if node.value == 20 else node\n"
        "ip.input_transformers_post.append(lambda lines: [line.replace('tide', '20') for line in lines])\n"
        "ip.ast_transformers.append(Doubler())"
    )
    try:
        assert kernel.run("tide + 2").result == "42"
        assert kernel.run("get_ipython().run_cell('tide + 3');").result == "43"
    finally:
        kernel.run("ip.input_transformers_post.clear(); ip.ast_transformers.clear()")
    assert kernel.run("20 + 1, In[-4]").result == "(21, 'tide + 2')"


def test_a_handler_shows_errors(kernel: Kernel) -> None:
    """set_custom_exc: what it prints instead of the traceback; the reply is an error as always."""
    kernel.run("get_ipython().set_custom_exc((ZeroDivisionError,), lambda *given, tb_offset=None: print('zero!'))")
    try:
        result = kernel.run("1 / 0")
        assert result.stdout == "zero!\n"
        assert result.reply["ename"] == "ZeroDivisionError"
        assert result.error is None
        assert "NameError" in kernel.run("nonsense").traceback
    finally:
        kernel.run("get_ipython().set_custom_exc((), None)")
    assert "ZeroDivisionError" in kernel.run("1 / 0").traceback


def test_interactivity_is_set_through_the_class(kernel: Kernel) -> None:
    """The line that notebooks begin with."""
    line = "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.ast_node_interactivity = "
    kernel.run(line + "'all'")
    try:
        assert [m.content["data"]["text/plain"] for m in kernel.run("1\n2").outputs] == ["1", "2"]
    finally:
        kernel.run(line + "'last_expr'")
    assert [m.content["data"]["text/plain"] for m in kernel.run("1\n2").outputs] == ["2"]


def test_output_goes_to_the_parent_that_was_set(kernel: Kernel) -> None:
    """`set_parent` in a thread: what it prints belongs to the cell whose message it is."""
    first = kernel.run("parent = get_ipython().get_parent()")
    kernel.run(
        "import threading\n"
        "def write():\n    get_ipython().set_parent(parent)\n    print('from elsewhere', flush=True)\n"
        "thread = threading.Thread(target=write); thread.start(); thread.join()"
    )
    kernel.until(lambda: first.stdout, "what the thread printed")
    assert first.stdout == "from elsewhere\n"


def test_the_execution_count_and_the_tail(kernel: Kernel) -> None:
    """plotly counts cells by them."""
    count = kernel.run("get_ipython().execution_count").reply["execution_count"]
    result = kernel.run("get_ipython().execution_count, list(get_ipython().history_manager.get_tail(1))[0][1]")
    assert result.result == f"({count + 2}, {count})"


def test_a_variable_that_holds_the_shell_comes_back(tmp_path: Path) -> None:
    """The shell, its parts, the module and what user_ns was given survive the process."""
    lives = Lives(tmp_path)
    with lives.kernel() as kernel:
        kernel.run("import IPython\nfrom IPython import get_ipython\nip = get_ipython(); events = ip.events")
        kernel.run("get_ipython().user_ns['given'] = 42")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        result = kernel.run("ip is get_ipython(), events is ip.events, IPython.version_info >= (8, 24), given")
        assert result.result == "(True, True, True, 42)"


def test_the_switch_takes_all_of_it_away(launch: Callable[..., Kernel]) -> None:
    """HOLDFAST_IPYTHON_COMPAT=0: no builtin, no stand-in."""
    kernel = launch(environment={"HOLDFAST_IPYTHON_COMPAT": "0"})
    assert kernel.run("get_ipython()").error == "NameError"
    assert kernel.run("import IPython").error == "ModuleNotFoundError"
    assert kernel.run("1 + 1").result == "2"
