"""Magics, commands and help in the cells of a real kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.kernel import Kernel, Result


def _page(result: Result) -> str:
    (payload,) = result.reply["payload"]
    assert payload["source"] == "page"
    return str(payload["data"]["text/plain"])


DOUBLE = """
import holdfast

@holdfast.register_magic
def double(line, cell=None):
    '''Say it twice.'''
    return (line if cell is None else cell) * 2
"""


def test_a_function_becomes_a_magic(kernel: Kernel) -> None:
    """For lines and cells, as its parameters say; variables are filled in where it stands."""
    kernel.run(DOUBLE)
    assert kernel.run("%double ab").result == "'abab'"
    assert kernel.run("word = 'x'\ny = %double {word}\ny").result == "'xx'"
    assert kernel.run("%%double\nbody").result == "'body\\nbody\\n'"
    assert kernel.run("def f(word):\n    y = %double $word\n    return y\nf('inner')").result == "'innerinner'"


def test_what_a_magic_changes_is_the_cells(kernel: Kernel) -> None:
    """A function of the notebook binds its variables."""
    kernel.run("import holdfast\n@holdfast.register_magic\ndef keep(line):\n    global kept\n    kept = line")
    kernel.run("%keep this")
    assert kernel.run("kept").result == "'this'"


def test_an_async_function_is_awaited(kernel: Kernel) -> None:
    """At top level by itself; in a function it gives something to await."""
    kernel.run(
        "import asyncio, holdfast\n@holdfast.register_magic\nasync def slow(line, cell=None):\n"
        "    await asyncio.sleep(0)\n    return [line, cell]"
    )
    assert kernel.run("%slow a").result == "['a', None]"
    assert kernel.run("x = %slow b\nx").result == "['b', None]"
    assert kernel.run("%%slow c\nd").result == "['c', 'd\\n']"
    assert kernel.run("async def f():\n    x = %slow e\n    return await x\nawait f()").result == "['e', None]"


def test_help_for_magics(kernel: Kernel) -> None:
    """Their docstrings, by `?` and by inspection."""
    kernel.run(DOUBLE)
    assert "Say it twice." in _page(kernel.run("%double?"))
    assert "def double" in _page(kernel.run("%%double??"))
    assert "Change the working folder" in _page(kernel.run("cd?"))
    reply = kernel.request("inspect_request", {"code": "%double x", "cursor_pos": 3, "detail_level": 0}).reply
    assert "Say it twice." in reply["data"]["text/plain"]


def test_completion_of_magics(kernel: Kernel) -> None:
    """Names after a percent sign, cell magics in the first line."""

    def matches(code: str) -> list[str]:
        reply = kernel.request("complete_request", {"code": code, "cursor_pos": len(code)}).reply
        return list(reply["matches"])

    assert matches("%lsm") == ["%lsmagic"]
    assert "%%bash" in matches("%%ba")
    assert "%%bash" not in matches("x = 1\n%%ba")


def test_automagic(kernel: Kernel) -> None:
    """A bare word is a magic where no variable has its name."""
    assert kernel.run("lsmagic").result is not None
    assert kernel.run("lsmagic = 5").error is None
    assert kernel.run("lsmagic").result == "5"
    kernel.run("del lsmagic")
    assert kernel.run("automagic off").stdout == "Automagic is off.\n"
    assert kernel.run("lsmagic").reply["ename"] == "NameError"
    kernel.run("%automagic on")


def test_tracebacks_quote_the_users_text(kernel: Kernel) -> None:
    """With its line numbers, below magics that go on over several lines."""
    result = kernel.run("x = !echo a \\\n   b\n%pwd\nprint(x)\n1 / 0")
    assert result.stdout == "['a b']\n"
    assert "line 5" in result.traceback
    assert "%pwd" in result.traceback
    assert "__holdfast" not in result.traceback


@pytest.mark.parametrize(
    ("code", "ename", "evalue"),
    [
        ("%lsmagci", "UnknownMagic", "there is no magic %lsmagci: did you mean %lsmagic?"),
        ("%bash ls", "OtherKind", "%bash cannot take a line: it is for a whole cell, with %%bash in its first line"),
        ("%%lsmagic\nx", "OtherKind", "%%lsmagic cannot take a whole cell: it is for one line, %lsmagic"),
    ],
)
def test_a_magic_that_is_not_there(kernel: Kernel, code: str, ename: str, evalue: str) -> None:
    """The error says what to write instead."""
    result = kernel.run(code)
    assert (result.reply["ename"], result.reply["evalue"]) == (ename, evalue)


def test_pasted_prompts(kernel: Kernel) -> None:
    """A cell copied from a console runs."""
    assert kernel.run(">>> a = 1\n>>> if a:\n...     a += 1\n...\n>>> a").result == "2"
    assert kernel.run("In [1]: b = !echo x\n   ...: b").result == "['x']"


WAITS = "!for i in $(seq 500); do [ -e {flag} ] && echo seen && exit; sleep 0.01; done"


@pytest.mark.parametrize("first", ["await asyncio.sleep(0)", "gate.clear()"])
def test_a_command_lets_the_loop_go_on(kernel: Kernel, tmp_path: Path, first: str) -> None:
    """In a cell that awaits, and in one that does not while a task is alive: it sees what the loop does meanwhile."""
    kernel.run(
        f"import asyncio\nflag = {str(tmp_path / 'flag')!r}\ngate = asyncio.Event()\n"
        "loop, task = asyncio.get_running_loop(), asyncio.create_task(gate.wait())\n"
        "def write(): open(flag, 'w').close()"
    )
    if "await" in first:
        kernel.run("gate.set()\nawait task")
    assert kernel.run(f"{first}\nloop.call_soon(write)\n{WAITS}").stdout.split() == ["seen"]
    kernel.run("gate.set()")


EXTENSION = """
from IPython.core.magic import Magics, line_cell_magic, magics_class

@magics_class
class Tide(Magics):
    @line_cell_magic
    def tide(self, line, cell=None):
        self.shell.user_ns["height"] = line
        return cell

def load_ipython_extension(shell):
    shell.register_magics(Tide)
"""


def test_an_extension_made_for_ipython_is_loaded(kernel: Kernel, tmp_path: Path) -> None:
    """Its magics are ours; what they bind is a variable."""
    kernel.run(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})")
    assert kernel.run(f"%%writefile {tmp_path}/tide_of_kernel.py\n{EXTENSION}").error is None
    assert kernel.run("%load_ext tide_of_kernel").error is None
    assert kernel.run("%%tide high\nwater").result == "'water\\n'"
    assert kernel.run("%tide low\nheight").result == "'low'"
    assert "%reload_ext tide_of_kernel" in kernel.run("%load_ext tide_of_kernel").stdout
