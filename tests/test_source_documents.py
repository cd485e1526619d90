"""The test cases of the documents this project was created from, against the kernel itself.

Where a document is wrong its case is adapted, with the reason beside it; DESIGN section 4 decides.  Its cases
about crashes and remote engines (`namespace_recovery`, `namespace_durability`, `resonate_local_mode`,
`resonate_recovery`, `local_execution`, `crash_recovery`, transactions and checkpoints) belong to the durable
part and are tested with it; what they ask of one living process is here.

Their executors, managers and sessions do not exist here by those names: a cell sent to a kernel stands for
`executor.execute(...)`, `%%thread` for `execute_in_thread`, and one kernel for one session.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from helpers.kernel import Kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all: the documents are about what lasts from one execution to the next."""
    with Kernel(tmp_path_factory.mktemp("kernel")) as running:
        yield running


# ---------------------------------------------------------------- the namespace, across contexts


def test_namespace_across_contexts(kernel: Kernel) -> None:
    """What is bound in an async cell is seen in a thread, and what the thread binds in a sync cell."""
    kernel.run("import asyncio\nx = await asyncio.sleep(0, 42)")
    assert kernel.run("%%thread\ny = x * 2\ny").result == "84"
    assert kernel.run("z = x + y\nz").result == "126"


def test_a_function_defined_in_a_thread_sees_later_changes(kernel: Kernel) -> None:
    """The documents copy the namespace for a thread and merge the copy back.

    That is wrong for definitions: a function made in a copy keeps the copy as its globals and never sees a later
    change.  Here every mode runs on the one dict.
    """
    kernel.run("factor = 2")
    kernel.run("%%thread\ndef scaled(n): return n * factor")
    kernel.run("factor = 10")
    assert kernel.run("(scaled(3), scaled.__globals__ is globals())").result == "(30, True)"


def test_a_thread_may_bind_an_equal_value(kernel: Kernel) -> None:
    """The documents merge what differs by `!=`: an equal but other object, and an array, would be lost or raise."""
    kernel.run("import numpy as np\nvalue = 1; array = np.zeros(3)")
    kernel.run("%%thread\nvalue = True\narray = np.zeros(3); array[0] = 5\nfresh = None")
    assert kernel.run("(value, array[0].item(), fresh)").result == "(True, 5.0, None)"


def test_a_thread_may_delete(kernel: Kernel) -> None:
    """A merge of updates cannot carry a deletion; on one dict it is one."""
    kernel.run("doomed = 1")
    kernel.run("%%thread\ndel doomed")
    assert kernel.run("doomed").reply["ename"] == "NameError"


def test_concurrent_access_is_safe(kernel: Kernel) -> None:
    """Threads and tasks bind names at the same time; none is lost and nothing raises."""
    code = (
        "import asyncio, threading\n"
        "def bind(who):\n    for n in range(500): globals()[f'{who}_{n}'] = n\n"
        "async def bind_slowly(who):\n    for n in range(500):\n        globals()[f'{who}_{n}'] = n\n"
        "        if n % 50 == 0: await asyncio.sleep(0)\n"
        "threads = [threading.Thread(target=bind, args=(f'thread{k}',)) for k in range(4)]\n"
        "[t.start() for t in threads]\n"
        "await asyncio.gather(*(bind_slowly(f'task{k}') for k in range(4)))\n"
        "[t.join() for t in threads]\n"
        "sum(1 for name in globals() if name.startswith(('thread', 'task')) and name[-1].isdigit())"
    )
    assert kernel.run(code).result == "4000"
    kernel.run("for name in [n for n in globals() if n.startswith(('thread', 'task'))]: del globals()[name]")


def test_namespace_preservation(kernel: Kernel) -> None:
    """_ and __ exist after an execution, and _ is the last result."""
    kernel.run("result = 42")
    kernel.run("result")
    assert kernel.run("('_' in globals(), '__' in globals(), '___' in globals(), _)").result == "(True, True, True, 42)"


def test_namespace_preservation_after_a_clear(kernel: Kernel) -> None:
    """The documents preserve the names by never letting the dict be replaced or cleared; users clear it anyway.

    Here they are rebuilt, so that no `KeyError: '_oh'` can follow.
    """
    kernel.run("globals().clear()")
    assert kernel.run("6 * 7").result == "42"
    assert kernel.run("_").result == "42"


def test_no_name_of_the_kernels_own_shows_up(kernel: Kernel) -> None:
    """The documents put `_result`, `_exit_code` and `_exception` into the namespace; here none of it leaks there."""
    kernel.run("1 / 0")
    kernel.run("5")
    code = "[n for n in globals() if n in ('_result', '__result__', '_exit_code', '_exception', '_oh', '_dh', '_ih')]"
    assert kernel.run(code).result == "[]"


def test_display_after_an_assignment(kernel: Kernel) -> None:
    """`result = 42`, then `result`: no KeyError, and the value is shown."""
    assert kernel.run("result = 42").outputs == []
    shown = kernel.run("result")
    assert (shown.reply["status"], shown.result) == ("ok", "42")


# ---------------------------------------------------------------- async functions and coroutines


def test_async_function_persistence(kernel: Kernel) -> None:
    """An async function defined in one execution is awaited in another."""
    kernel.run("import asyncio\nasync def fetch_data():\n    await asyncio.sleep(0.01)\n    return 'data'")
    assert kernel.run("result = await fetch_data(); result").result == "'data'"


def test_an_async_function_stays_what_it_is(kernel: Kernel) -> None:
    """The documents replace async functions by wrappers that start tasks; a function must stay what was written."""
    kernel.run("import inspect\nasync def work(): return 1")
    assert kernel.run("(inspect.iscoroutinefunction(work), work.__code__.co_name)").result == "(True, 'work')"


def test_coroutine_cleanup(kernel: Kernel) -> None:
    """A coroutine never awaited is tracked by its name, and awaiting it later gives its result.

    The documents start it as a task on the spot.  That runs code the user did not ask to run; here it is named
    below the cell and waits.
    """
    result = kernel.run(
        "import asyncio\nasync def slow_op():\n    await asyncio.sleep(0.01)\n    return 'done'\n\n"
        "task = slow_op()  # not awaited"
    )
    assert "'task'" in result.stderr
    assert result.reply_message.metadata["unawaited"] == ["task"]
    assert kernel.run("import inspect; inspect.getcoroutinestate(task)").result == "'CORO_CREATED'"
    assert kernel.run("await task").result == "'done'"


def test_no_coroutine_leak(kernel: Kernel) -> None:
    """An execution with await leaves no task behind."""
    kernel.run("import asyncio; initial = len(asyncio.all_tasks())")
    kernel.run("import asyncio; await asyncio.sleep(0)")
    kernel.run("await asyncio.gather(*[asyncio.sleep(0) for _ in range(10)])")
    assert kernel.run("len(asyncio.all_tasks()) == initial").result == "True"


# ---------------------------------------------------------------- the compile flag

TOP_LEVEL_AWAIT = "import asyncio; result = await asyncio.sleep(0, 'test')"


def test_compile_flag_usage() -> None:
    """ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, which is 0x2000, enables await at the top level."""
    assert ast.PyCF_ALLOW_TOP_LEVEL_AWAIT == 0x2000
    compiled = compile(TOP_LEVEL_AWAIT, "<test>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(compiled, CodeType)
    assert compiled.co_flags & 0x80  # CO_COROUTINE: it has to be awaited


def test_the_documents_flag_is_another_one() -> None:
    """0x1000000, the documents' flag, is that of `from __future__ import annotations`, and await stays an error."""
    import __future__

    assert __future__.annotations.compiler_flag == 0x1000000
    with pytest.raises(SyntaxError, match="'await' outside function"):
        compile(TOP_LEVEL_AWAIT, "<test>", "exec", flags=0x1000000)


def test_code_flags_are_no_compiler_flags() -> None:
    """The documents take `compile('', '', 'exec').co_flags` as a base: those are flags of a code object.

    Passed back to the compiler they are refused or mean something else: CO_NEWLOCALS, the bit of every
    function, is no compiler flag at all.
    """

    def function() -> None: ...

    with pytest.raises(ValueError, match="unrecognised flags"):
        compile(TOP_LEVEL_AWAIT, "<test>", "exec", flags=function.__code__.co_flags)


def test_top_level_await_in_the_kernel(kernel: Kernel) -> None:
    """The documents' own line runs as a cell and binds its result."""
    assert kernel.run(TOP_LEVEL_AWAIT + "; result").result == "'test'"


# ---------------------------------------------------------------- one session, many executions


def test_namespace_persistence(kernel: Kernel) -> None:
    """Variables and functions of one execution are there in the next."""
    kernel.run("x = 42")
    assert kernel.run("x * 2").result == "84"
    kernel.run("def greet(name): return f'Hello {name}'")
    assert kernel.run("greet('World')").result == "'Hello World'"
    assert kernel.run("print(x)").stdout == "42\n"


def test_class_and_import_persistence(kernel: Kernel) -> None:
    """Classes can be instantiated and modules used in later executions."""
    kernel.run("import collections\nclass Point:\n    def __init__(self, x): self.x = x")
    assert kernel.run("(Point(3).x, collections.Counter('aab')['a'])").result == "(3, 2)"


def test_input_persistence(kernel: Kernel) -> None:
    """input() works on the first and on the second execution, and what it returned lasts."""
    assert kernel.run("name = input('Name: ')", answers=["Alice"]).asked == [("Name: ", False)]
    assert kernel.run("f'Hello {name}'").result == "'Hello Alice'"
    assert kernel.run("other = input('Other: ')\n(name, other)", answers=["Bob"]).result == "('Alice', 'Bob')"


def test_input_is_overridden_in_the_namespace_and_in_builtins(kernel: Kernel) -> None:
    """The documents override it in the namespace "not just globally"; library code finds only the global one."""
    code = "import builtins\n(globals()['input'] == builtins.input, builtins.input.__module__ == 'builtins')"
    assert kernel.run(code).result == "(True, False)"
    kernel.run(
        "import types; library = types.ModuleType('library')\nexec('def ask(): return input()', library.__dict__)"
    )
    assert kernel.run("library.ask()", answers=["through a library"]).result == "'through a library'"


def test_all_output_is_captured(kernel: Kernel) -> None:
    """The documents buffer output and send it when the cell has ended, which loses what comes later or below Python.

    Here it arrives while the cell runs, in order, also from descriptors and threads.
    """
    code = (
        "import os, sys, threading\nprint('one')\nos.write(1, b'two\\n')\n"
        "t = threading.Thread(target=print, args=('three',)); t.start(); t.join()\nprint('four', file=sys.stderr)"
    )
    result = kernel.run(code)
    assert (result.stdout, result.stderr) == ("one\ntwo\nthree\n", "four\n")


def test_an_execution_runs_without_a_server(tmp_path: Path) -> None:
    """Local mode: `result = 2 + 2` gives 4 with no engine to reach, and none is imported for it."""
    with Kernel(tmp_path) as kernel:  # one in which nothing has asked: a prompt is a promise of the engine
        assert kernel.run("result = 2 + 2\nresult").result == "4"
        assert kernel.run("import sys; [name for name in sys.modules if name.startswith('resonate')]").result == "[]"


def test_a_failed_execution_can_be_repeated(kernel: Kernel) -> None:
    """After an error the same session goes on, with what the failing cell bound before it failed.

    The documents retry it by themselves from a checkpoint; a cell never runs twice silently (promise P3).
    """
    kernel.run("runs = []")
    assert kernel.run("runs.append(1); x = 1 / 0").reply["ename"] == "ZeroDivisionError"
    assert kernel.run("runs").result == "[1]"
    assert kernel.run("runs.append(2); x = 1\nruns").result == "[1, 2]"
