"""Magics that run code, seen from a client: timing, capture, files, tracebacks, the debugger, reloading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers.kernel import Kernel
from helpers.lives import Lives

TIMES = re.compile(r"CPU times: user .+, sys: .+, total: .+\nWall time: .+\n")


# ---------------------------------------------------------------- time, prun


def test_time_stands_above_the_value(kernel: Kernel) -> None:
    """`%%time` prints, then the cell's value is shown; names are bound."""
    result = kernel.run("%%time\nx = 5\nx + 1")
    assert [kind for kind, _ in result.shown] == ["stdout", "execute_result"]
    assert (TIMES.fullmatch(result.stdout) is not None, result.result) == (True, "6")
    assert kernel.run("x").result == "5"


def test_a_timed_cell_awaits(kernel: Kernel) -> None:
    """The waiting counts as time on the wall; `%time await f()` works, too."""
    result = kernel.run("%%time\nimport asyncio\nawait asyncio.sleep(0.02, 'slept')")
    assert result.result == "'slept'"
    line = kernel.run("%time await asyncio.sleep(0.02, 'slept')")
    assert line.result == "'slept'"
    assert all(re.search(r"Wall time: (?:\d\d[\d.]* ms|[\d.]+ s)", text) for text in (result.stdout, line.stdout))


def test_an_error_below_time_points_to_its_line(kernel: Kernel) -> None:
    """The first line counts."""
    result = kernel.run("%%time\nz = 1\n1/0")
    assert TIMES.fullmatch(result.stdout)
    assert "----> 3 1/0" in result.traceback


def test_timeit_awaits_in_a_line_and_in_a_cell(kernel: Kernel) -> None:
    """On the loop of the cells."""
    kernel.run("import asyncio; loop = asyncio.get_running_loop(); seen = []")
    code = "seen.append(asyncio.get_running_loop() is loop); await asyncio.sleep(0)"
    assert "2 runs, 1 loop each" in kernel.run(f"%timeit -n 1 -r 2 {code}").stdout
    assert "2 runs, 1 loop each" in kernel.run(f"%%timeit -n 1 -r 2\n{code}").stdout
    assert kernel.run("seen").result == "[True, True, True, True]"


def test_an_interrupt_ends_what_is_timed(kernel: Kernel) -> None:
    """At once."""
    result = kernel.start("import time\n%timeit -n 1 -r 1 print('ready', flush=True); time.sleep(60)")
    kernel.interrupt()
    assert kernel.finish(result).error == "KeyboardInterrupt"


def test_prun_opens_the_pager(kernel: Kernel) -> None:
    """With the functions of the cell, and none of the kernel."""
    result = kernel.run("%%prun\ndef of_mine(): return 1\nof_mine()")
    page = result.reply["payload"][0]
    assert page["source"] == "page"
    assert "(of_mine)" in page["data"]["text/plain"]
    assert "holdfast" not in page["data"]["text/plain"]


# ---------------------------------------------------------------- capture


def test_capture_takes_everything(kernel: Kernel) -> None:
    """Prints, displays, the value, output of commands, of children and of C code; in order."""
    code = (
        "%%capture seen\nimport os, subprocess, sys\nprint('a')\n!echo b\nsubprocess.run(['echo', 'c'])\n"
        "os.write(1, b'd\\n')\nprint('e')\nprint('err', file=sys.stderr)\ndisplay(1)\n'value'"
    )
    assert kernel.run(code).outputs == []
    # A command writes to a terminal, whose lines end in two characters.
    assert kernel.run("seen.stdout.split(), seen.stderr").result == r"(['a', 'b', 'c', 'd', 'e'], 'err\n')"
    shown = kernel.run("seen()").shown
    assert [(kind, text.replace("\r", "")) for kind, text in shown] == [
        ("stdout", "a\nb\nc\nd\ne\n"), ("stderr", "err\n"), ("display_data", "1"), ("display_data", "'value'")
    ]  # fmt: skip


def test_children_that_are_forked_are_captured(kernel: Kernel) -> None:
    """What a child prints with Python's own `print` is not lost with its memory."""
    child = "if not (pid := os.fork()):\n    print('b', flush=True)\n    os._exit(0)\n"
    code = f"%%capture seen\nimport os\nprint('a')\n{child}waited = os.waitpid(pid, 0)\nprint('c')"
    assert kernel.run(code).outputs == []
    assert kernel.run("seen.stdout").result == r"'a\nb\nc\n'"


def test_after_a_capture_all_is_shown_again(kernel: Kernel) -> None:
    """Also after one that failed, whose error is shown."""
    assert kernel.run("%%capture\nprint(1)\n1/0").error == "ZeroDivisionError"
    result = kernel.run("import os\nos.write(1, b'1\\n')\nprint(2)\ndisplay(3)\n4")
    assert result.shown == [("stdout", "1\n2\n"), ("display_data", "3"), ("execute_result", "4")]


# ---------------------------------------------------------------- run, files


def test_a_file_is_written_run_and_fails(kernel: Kernel, tmp_path: Path) -> None:
    """Its names come here; the traceback has its lines."""
    name = f"{tmp_path}/program.py"
    assert kernel.run(f"%%writefile {name}\ndef f(x):\n    return 1 / x\nv = f(2)\n").stdout == f"Writing {name}\n"
    assert kernel.run(f"%run {name}\nv, f(4)").result == "(0.5, 0.25)"
    failed = kernel.run(f"%%writefile -a {name}\nf(0)\n").stdout + kernel.run(f"%run {name}").traceback
    assert re.search(r"program\.py:4\n.*----> 4 f\(0\)", failed, re.DOTALL)
    assert "holdfast" not in failed


def test_load_replaces_the_cell(kernel: Kernel, tmp_path: Path) -> None:
    """The line becomes a comment above the code."""
    (tmp_path / "code.py").write_text("x = 1\n")
    payload = kernel.run(f"%load {tmp_path}/code.py").reply["payload"]
    assert payload == [
        {"source": "set_next_input", "text": f"# %load {tmp_path}/code.py\nx = 1\n", "replace": True}
    ]  # fmt: skip


def test_html_is_shown(kernel: Kernel) -> None:
    """As it stands."""
    data = kernel.run("%%html\n<b>{x}</b>").of_type("display_data")[0].content["data"]
    assert data["text/html"].strip() == "<b>{x}</b>"


# ---------------------------------------------------------------- tracebacks, interactivity


def test_xmode_holds_until_it_is_changed(kernel: Kernel) -> None:
    """`%tb` shows the last error once more."""
    kernel.run("def f(a): return 1 / a")
    try:
        kernel.run("%xmode Minimal")
        assert kernel.run("f(0)").traceback == "ZeroDivisionError: division by zero"
        kernel.run("%xmode Verbose")
        assert "in f(a=0)" in kernel.run("f(0)").traceback
    finally:
        kernel.run("%xmode Context")
    assert "in f(a)\n" in kernel.run("%tb").traceback


def test_every_expression_can_be_shown(kernel: Kernel) -> None:
    """Each as a result of its own; `_` is the last one."""
    option = "get_ipython().ast_node_interactivity"
    kernel.run(f"{option} = 'all'")
    try:
        result = kernel.run("1\nfor n in range(2): n\n'end'")
    finally:
        kernel.run(f"{option} = 'last_expr'")
    assert result.shown == [("execute_result", text) for text in ("1", "0", "1", "'end'")]
    assert kernel.run("1\n_").shown == [("execute_result", "'end'")]


# ---------------------------------------------------------------- the debugger


def test_debug_looks_at_the_last_error(kernel: Kernel) -> None:
    """Prompts of the cell; what is printed comes in between."""
    kernel.run("def g(a):\n    b = a * 2\n    return 1 / 0")
    kernel.run("g(4)")
    result = kernel.run("%debug", answers=["p b", "up", "up", "q"])
    assert result.asked == [("ipdb> ", False)] * 4
    assert re.match(r"> Cell In\[\d+\]\(3\)g\(\)\n", result.stdout)
    assert "\n8\n" in result.stdout
    assert "*** Oldest frame" in result.stdout
    assert result.reply["status"] == "ok"


@pytest.mark.parametrize("call", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_breakpoint_stops_the_cell(kernel: Kernel, call: str) -> None:
    """Variables are seen and changed, steps go from line to line, and nothing is traced afterwards."""
    kernel.run("import sys")
    result = kernel.run(f"n = 1\n{call}\nm = n + 1\nm", answers=["p n", "!n = 5", "n", "c"])
    assert result.result == "6"
    assert re.search(r"> Cell In\[\d+\]\(3\)<module>\(\)", result.stdout)
    assert kernel.run("sys.gettrace() is None").result == "True"


def test_a_breakpoint_in_a_cell_that_awaits(kernel: Kernel) -> None:
    """Steps go over the await; the next cell is not stepped."""
    code = "import asyncio\nbreakpoint()\nawait asyncio.sleep(0)\nk = 1"
    result = kernel.run(code, answers=["n", "n", "n", "c"])
    assert re.search(r"\(4\)<module>\(\)", result.stdout)
    assert kernel.run("k").result == "1"


def test_steps_end_with_the_cell(kernel: Kernel) -> None:
    """One more step than there are lines: the cell is over, and its value is shown."""
    kernel.run("def g():\n    breakpoint()\n    return 4")
    result = kernel.run("v = g()\nv", answers=["s"] * 4 + ["n"] * 2 + ["unused"] * 4)
    assert (result.result, result.error) == ("4", None)
    assert set(re.findall(r"^> (\S+)", result.stdout, re.MULTILINE)) == {"Cell"}


def test_leaving_the_debugger_ends_the_cell(kernel: Kernel) -> None:
    """Which says so in one line; the error before it is still the last one."""
    kernel.run("1/0")
    result = kernel.run("breakpoint()\nnever = 1", answers=["q"])
    assert (result.error, result.traceback) == ("BdbQuit", "BdbQuit")
    assert kernel.run("'never' in globals(), type(sys.last_exc).__name__ if 'sys' in globals() else 0").error is None


@pytest.mark.parametrize("code", ["breakpoint()", "%debug", "%%debug\nx = 1"])
def test_where_nobody_can_answer_nothing_hangs(kernel: Kernel, code: str) -> None:
    """The cell fails and says why."""
    kernel.run("1/0")
    result = kernel.run(code, allow_stdin=False)
    assert result.error == "StdinNotImplementedError"
    assert "bdb.py" not in result.traceback


def test_an_interrupt_leaves_the_debugger(kernel: Kernel) -> None:
    """At the prompt."""
    result = kernel.execute("breakpoint()\n1")
    kernel.wait_for_prompt(result)
    kernel.interrupt()
    kernel.until(lambda: result.is_done, "the end of the cell")
    assert result.error == "KeyboardInterrupt"
    assert kernel.run("2").result == "2"


def test_ipdb_leads_to_the_same_prompt(kernel: Kernel, tmp_path: Path) -> None:
    """Its own debugger wants a terminal."""
    (tmp_path / "ipdb.py").write_text(
        "def set_trace(): raise RuntimeError\ndef post_mortem(tb=None): raise RuntimeError\n"
    )
    kernel.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    result = kernel.run("here = 3\nimport ipdb; ipdb.set_trace()\n1", answers=["p here", "c"])
    assert (result.error, [prompt for prompt, _ in result.asked]) == (None, ["ipdb> "] * 2)
    assert "\n3\n" in result.stdout


def test_pdb_on_opens_it_after_an_error(kernel: Kernel) -> None:
    """The error is shown as always."""
    kernel.run("%pdb on")
    try:
        result = kernel.run("here = 7\n1/0", answers=["p here", "q"])
        silent = kernel.run("1/0", allow_stdin=False)
    finally:
        kernel.run("%pdb off")
    assert (result.error, silent.error) == ("ZeroDivisionError", "ZeroDivisionError")
    assert "\n7\n" in result.stdout


# ---------------------------------------------------------------- autoreload


def test_an_edited_module_counts_in_the_next_cell(kernel: Kernel, tmp_path: Path) -> None:
    """For what was imported from it, and for its old objects; a cell in between that fails keeps the old code."""
    module = tmp_path / "edited_by_kernel.py"
    module.write_text("class C:\n    def m(self): return 1\n")
    first = "%load_ext autoreload\n%autoreload 2\nfrom edited_by_kernel import C\nc = C()"
    kernel.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{first}")
    module.write_text("class C:\n    def m(self): return 22\n    def more(self): return 3\n")
    assert kernel.run("c.m(), c.more(), type(c) is C").result == "(22, 3, True)"
    module.write_text("class C(: pass\n")
    failed = kernel.run("c.m()")
    assert (failed.result, failed.stderr.count("SyntaxError")) == ("22", 1)
    assert kernel.run("c.m()\n").stderr == ""
    kernel.run("%autoreload 0")


def test_an_interrupt_ends_a_reload(kernel: Kernel, tmp_path: Path) -> None:
    """The module's code is the user's."""
    module = tmp_path / "slow_to_reload.py"
    module.write_text("x = 1\n")
    kernel.run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n%autoreload 2")
    kernel.run("import slow_to_reload")
    module.write_text("print('ready', flush=True)\nwhile True: pass\n")
    result = kernel.start("slow_to_reload.x")
    kernel.interrupt()
    assert kernel.finish(result).error == "KeyboardInterrupt"
    kernel.run("%autoreload 0")
    assert kernel.run("slow_to_reload.x").result == "1"


# ---------------------------------------------------------------- what is kept


def test_what_these_magics_make_survives_sigkill(tmp_path: Path) -> None:
    """Captures, results, names of files that were run, variables changed by timed code and in the debugger."""
    lives = Lives(tmp_path)
    (tmp_path / "program.py").write_text("factor = 3\ndef f(x):\n    return x * factor\nclass K:\n    v = 1\nk = K()\n")
    with lives.kernel() as kernel:
        kernel.run("seen = []\nn = 1")
        kernel.run("%%capture c\nprint('out')\n5")
        kernel.run("%timeit -n 1 -r 3 -q -v result seen.append(1)")
        kernel.run(f"%run {tmp_path}/program.py")
        kernel.run("%time timed = 8")
        kernel.run("stats = %prun -q -r f(1)")
        kernel.run("breakpoint()", answers=["!n = 9", "c"])
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert kernel.run("c.stdout, len(c.outputs), len(seen), result.repeat").result == r"('out\n', 1, 3, 3)"
        assert kernel.run("f(2), k.v, type(k) is K, timed, n").result == "(6, 1, True, 8, 9)"
        assert "function calls" in kernel.run("_ = stats.print_stats()").stdout
