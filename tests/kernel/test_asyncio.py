"""Top-level await, background tasks, nested loops and context variables."""

from __future__ import annotations

import pytest

from helpers.kernel import Kernel


def test_await_at_the_top_level(kernel: Kernel) -> None:
    """`await`, `async for` and `async with` work outside functions."""
    code = (
        "import asyncio, contextlib\n"
        "async def gen():\n    yield 1\n    yield 2\n"
        "@contextlib.asynccontextmanager\nasync def manager():\n    yield 3\n"
        "seen = [x async for x in gen()]\n"
        "async for x in gen(): seen.append(x)\n"
        "async with manager() as m: seen.append(m)\n"
        "seen.append(await asyncio.sleep(0, 4))\nseen"
    )
    assert kernel.run(code).result == "[1, 2, 1, 2, 3, 4]"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("await asyncio.sleep(0, 5)", "5"),
        ("x = await asyncio.sleep(0, 6)\nx", "6"),
        ("[await asyncio.sleep(0, n) for n in range(3)]", "[0, 1, 2]"),
        ("await asyncio.sleep(0)\n7", "7"),
        ("8 if await asyncio.sleep(0, True) else 9", "8"),
        ("await asyncio.sleep(0, 10);", None),
        ("(await asyncio.sleep(0, 3)) + (await asyncio.sleep(0, 4))", "7"),
        ("f'{await asyncio.sleep(0, 1)}'", "'1'"),
        ("lambda: 1\nawait asyncio.sleep(0, 'after a lambda')", "'after a lambda'"),
    ],
)
def test_an_awaited_value_is_shown(kernel: Kernel, code: str, shown: str | None) -> None:
    """The last expression of an async cell is its result."""
    kernel.run("import asyncio")
    assert kernel.run(code).result == shown


def test_an_async_cell_binds_globals(kernel: Kernel) -> None:
    """What an async cell binds is there for functions and later cells, at once."""
    kernel.run("import asyncio\nbound = 1\ndef look(): return bound")
    assert kernel.run("await asyncio.sleep(0); bound = 2\nawait asyncio.sleep(0); look()").result == "2"
    assert kernel.run("bound").result == "2"


def test_an_error_in_an_async_cell_is_shown(kernel: Kernel) -> None:
    """The traceback of an async cell has the user's frames."""
    result = kernel.run("import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    1/0\nawait f()")
    assert result.reply["ename"] == "ZeroDivisionError"
    assert "line 5" in result.traceback
    assert "line 4, in f" in result.traceback


def test_a_cell_cancelled_by_its_own_code_says_so(kernel: Kernel) -> None:
    """A CancelledError that no interrupt caused is a CancelledError."""
    code = "import asyncio\nasyncio.current_task().cancel()\nawait asyncio.sleep(1)"
    assert kernel.run(code).reply["ename"] == "CancelledError"
    assert kernel.run("await asyncio.sleep(0, 1)").result == "1"


# ---------------------------------------------------------------- tasks


def test_a_sync_cell_starts_tasks(kernel: Kernel) -> None:
    """asyncio.create_task works in a cell without await, and the task runs between cells."""
    kernel.run("import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 5")
    kernel.run("task = asyncio.create_task(f())")
    assert kernel.run("await task").result == "5"


def test_tasks_run_between_cells(kernel: Kernel) -> None:
    """A background task gets on while no cell runs."""
    first = kernel.run(
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.02)\n    print('on its own')\n"
        "t = asyncio.create_task(f())"
    )
    kernel.until(lambda: first.stdout == "on its own\n", "the task's text, with no cell running")


def test_callbacks_run_between_cells(kernel: Kernel) -> None:
    """loop.call_later works from a sync cell."""
    first = kernel.run("import asyncio\nasyncio.get_running_loop().call_later(0.01, print, 'called')")
    kernel.until(lambda: "called" in first.stdout, "the callback's text")


def test_one_loop_for_life(kernel: Kernel) -> None:
    """All cells, sync and async, see the same running loop."""
    kernel.run("import asyncio\nloops = {asyncio.get_running_loop(), asyncio.get_event_loop()}")
    kernel.run("await asyncio.sleep(0); loops.add(asyncio.get_running_loop())")
    assert kernel.run("len(loops | {asyncio.get_event_loop()})").result == "1"


def test_primitives_last_across_cells(kernel: Kernel) -> None:
    """Locks, queues and futures made in one cell work in the next."""
    kernel.run(
        "import asyncio\nq = asyncio.Queue(); lock = asyncio.Lock(); fut = asyncio.get_running_loop().create_future()"
    )
    kernel.run("async with lock: await q.put(1)\nfut.set_result(2)")
    assert kernel.run("(await q.get(), await fut)").result == "(1, 2)"


def test_an_async_cell_leaves_no_task_behind(kernel: Kernel) -> None:
    """After an async cell the loop has the tasks that it had before, in particular not the cell's."""
    kernel.run("import asyncio; before = len(asyncio.all_tasks())")
    kernel.run("await asyncio.sleep(0)")
    assert kernel.run("len(asyncio.all_tasks()) - before").result == "0"


@pytest.mark.parametrize("error", ["SystemExit", "KeyboardInterrupt", "BaseException('b')", "ValueError('v')"])
def test_what_escapes_a_task_ends_only_the_task(kernel: Kernel, error: str) -> None:
    """SystemExit and KeyboardInterrupt in a background task do not end the kernel."""
    kernel.run(f"import asyncio\nasync def f(): raise {error}\ntask = asyncio.create_task(f())")
    assert kernel.run("await asyncio.sleep(0.01)\ntask.done()").result == "True"
    assert error.split("(")[0] in str(kernel.run("repr(task.exception())").result)


# ---------------------------------------------------------------- nested loops


def test_asyncio_run_works(kernel: Kernel) -> None:
    """asyncio.run(main()) works in a cell as in a script."""
    code = "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    return 'ran'\nasyncio.run(main())"
    assert kernel.run(code).result == "'ran'"


def test_asyncio_run_works_in_an_async_cell(kernel: Kernel) -> None:
    """asyncio.run works after an await, and the cell goes on awaiting."""
    code = (
        "import asyncio\nawait asyncio.sleep(0)\nx = asyncio.run(asyncio.sleep(0, 1))\n"
        "y = await asyncio.sleep(0, 2)\n(x, y)"
    )
    assert kernel.run(code).result == "(1, 2)"


def test_asyncio_run_leaves_the_outer_loop_as_it_was(kernel: Kernel) -> None:
    """After asyncio.run, and after one that failed, the kernel's loop is the running one again."""
    kernel.run("import asyncio; outer = asyncio.get_running_loop()\nasync def bad(): 1/0")
    assert kernel.run("asyncio.run(bad())").reply["ename"] == "ZeroDivisionError"
    assert kernel.run("asyncio.get_running_loop() is outer is asyncio.get_event_loop()").result == "True"
    assert kernel.run("t = asyncio.create_task(asyncio.sleep(0, 3))\nawait t").result == "3"


def test_outer_tasks_resume_after_asyncio_run(kernel: Kernel) -> None:
    """Background tasks wait during asyncio.run and go on after it."""
    kernel.run(
        "import asyncio\nn = 0\nasync def tick():\n    global n\n"
        "    while True: n += 1; await asyncio.sleep(0.001)\nt = asyncio.create_task(tick())"
    )
    kernel.run("asyncio.run(asyncio.sleep(0.05))")
    assert kernel.run("before = n\nawait asyncio.sleep(0.05)\n(t.done(), n > before)").result == "(False, True)"
    kernel.run("t.cancel()")


def test_asyncio_run_stays_on_the_main_thread(kernel: Kernel) -> None:
    """sqlite3 connections and signal handlers, which are bound to their thread, work in it."""
    code = (
        "import asyncio, sqlite3, signal, threading\ndb = sqlite3.connect(':memory:')\n"
        "async def main():\n    signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "    return db.execute('select 1').fetchone(), threading.current_thread() is threading.main_thread()\n"
        "asyncio.run(main())"
    )
    assert kernel.run(code).result == "((1,), True)"


def test_runner_and_new_loops_work(kernel: Kernel) -> None:
    """asyncio.Runner and loops that the user makes run inside a cell."""
    code = (
        "import asyncio\nwith asyncio.Runner() as r: a = r.run(asyncio.sleep(0, 1)), r.run(asyncio.sleep(0, 2))\n"
        "loop = asyncio.new_event_loop()\nb = loop.run_until_complete(asyncio.sleep(0, 3)); loop.close()\n(a, b)"
    )
    assert kernel.run(code).result == "((1, 2), 3)"


def test_run_until_complete_on_the_kernels_loop(kernel: Kernel) -> None:
    """loop.run_until_complete on the running loop steps it, and other tasks run meanwhile."""
    code = (
        "import asyncio\nloop = asyncio.get_event_loop()\nother = loop.create_task(asyncio.sleep(0, 'other'))\n"
        "(loop.run_until_complete(asyncio.sleep(0.01, 'mine')), other.done())"
    )
    assert kernel.run(code).result == "('mine', True)"


def test_run_until_complete_in_an_async_cell(kernel: Kernel) -> None:
    """The same after an await."""
    code = (
        "import asyncio\nawait asyncio.sleep(0)\n"
        "x = asyncio.get_event_loop().run_until_complete(asyncio.sleep(0.01, 5))\n"
        "await asyncio.sleep(0)\nx"
    )
    assert kernel.run(code).result == "5"


def test_nested_runs_nest(kernel: Kernel) -> None:
    """asyncio.run in a coroutine of asyncio.run in an async cell."""
    code = (
        "import asyncio\nasync def inner(): return await asyncio.sleep(0, 'deep')\n"
        "def sync(): return asyncio.get_event_loop_policy().new_event_loop().run_until_complete(inner())\n"
        "await asyncio.sleep(0)\nasyncio.get_event_loop().run_until_complete(inner()), asyncio.run(inner())"
    )
    assert kernel.run(code).result == "('deep', 'deep')"


def test_an_error_passes_through_run_until_complete(kernel: Kernel) -> None:
    """The exception of the nested coroutine is the cell's."""
    code = "import asyncio\nasync def bad(): raise LookupError('x')\nasyncio.get_event_loop().run_until_complete(bad())"
    assert kernel.run(code).reply["ename"] == "LookupError"


def test_asyncio_run_in_a_thread_works(kernel: Kernel) -> None:
    """A thread of the user's may run a loop of its own."""
    code = (
        "import asyncio, threading\ngot = []\n"
        "t = threading.Thread(target=lambda: got.append(asyncio.run(asyncio.sleep(0, 1)))); t.start(); t.join(); got"
    )
    assert kernel.run(code).result == "[1]"


def test_run_coroutine_threadsafe_works(kernel: Kernel) -> None:
    """A thread hands a coroutine to the kernel's loop."""
    code = (
        "import asyncio\nloop = asyncio.get_running_loop()\n"
        "def work(): return asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01, 'there'), loop).result(20)\n"
        "await asyncio.to_thread(work)"
    )
    assert kernel.run(code).result == "'there'"


def test_an_asyncio_subprocess_works(kernel: Kernel) -> None:
    """asyncio.create_subprocess_exec runs and its output is read."""
    code = (
        "import asyncio, sys\np = await asyncio.create_subprocess_exec(sys.executable, '-c', 'print(5)', stdout=-1)\n"
        "(await p.communicate())[0].strip(), p.returncode"
    )
    assert kernel.run(code).result == "(b'5', 0)"


def test_a_server_lives_across_cells(kernel: Kernel) -> None:
    """A server started in one cell answers in the next."""
    kernel.run(
        "import asyncio\nasync def serve(reader, writer):\n    writer.write(await reader.readline()); writer.close()\n"
        "server = await asyncio.start_server(serve, '127.0.0.1', 0)\nport = server.sockets[0].getsockname()[1]"
    )
    code = (
        "r, w = await asyncio.open_connection('127.0.0.1', port)\nw.write(b'echo\\n')\n"
        "line = await r.readline()\nw.close()\nline"
    )
    assert kernel.run(code).result == "b'echo\\n'"
    kernel.run("server.close()")


# ---------------------------------------------------------------- context variables


@pytest.mark.parametrize("prefix", ["", "await asyncio.sleep(0); "], ids=["sync", "async"])
@pytest.mark.parametrize("suffix", ["", "; await asyncio.sleep(0)"], ids=["then nothing", "then await"])
def test_context_variables_last(kernel: Kernel, prefix: str, suffix: str) -> None:
    """What one cell sets the next sees, before and after awaits on either side."""
    kernel.run("import asyncio, contextvars\nvar = contextvars.ContextVar('var', default='unset')\nvar.set('unset');")
    kernel.run(f"{prefix}token = var.set('set'){suffix}")
    assert kernel.run("var.get()").result == "'set'"
    assert kernel.run("await asyncio.sleep(0); var.get()").result == "'set'"
    kernel.run(f"{prefix}var.reset(token){suffix}")
    assert kernel.run("var.get()").result == "'unset'"


def test_context_variables_last_through_asyncio_run(kernel: Kernel) -> None:
    """A coroutine in asyncio.run sees the cell's context variables."""
    kernel.run("import asyncio, contextvars\nseen = contextvars.ContextVar('seen'); seen.set('outer');")
    assert kernel.run("async def f(): return seen.get()\nasyncio.run(f())").result == "'outer'"


def test_a_task_has_a_copy_of_the_context(kernel: Kernel) -> None:
    """What a task sets stays its own, as in Python."""
    kernel.run("import asyncio, contextvars\nown = contextvars.ContextVar('own', default=0); own.set(1);")
    code = "async def f():\n    was = own.get(); own.set(9); return was\nawait asyncio.create_task(f()), own.get()"
    assert kernel.run(code).result == "(1, 1)"


def test_decimal_contexts_last(kernel: Kernel) -> None:
    """decimal's precision, a context variable of the standard library, holds for later cells."""
    kernel.run("import decimal; decimal.getcontext().prec = 5")
    assert kernel.run("str(decimal.Decimal(1) / 3)").result == "'0.33333'"
    kernel.run("decimal.getcontext().prec = 28")


# ---------------------------------------------------------------- coroutines never awaited


def test_a_forgotten_await_is_named(kernel: Kernel) -> None:
    """A coroutine left in a variable is named below the cell, and in the reply's metadata."""
    kernel.run("async def work(): return 'done'")
    result = kernel.run("pending = work()")
    assert "'pending'" in result.stderr
    assert "await pending" in result.stderr
    assert result.reply_message.metadata.get("unawaited") == ["pending"]
    assert kernel.run("await pending").result == "'done'"


def test_a_dropped_coroutine_is_warned_of(kernel: Kernel) -> None:
    """Python's own warning for a coroutine that was thrown away reaches the cell."""
    kernel.run("async def work(): pass")
    result = kernel.run("work();\n1")
    kernel.until(lambda: "never awaited" in result.stderr, "Python's warning")


# ---------------------------------------------------------------- libraries that bring loops


@pytest.fixture
def libraries(fresh: Kernel) -> Kernel:
    """A kernel whose folder has modules that refuse to work where the real ones do."""
    refusing = (
        "import asyncio\ndef _refuse():\n    if asyncio._get_running_loop(): raise RuntimeError('already running')\n"
    )
    modules = {
        "anyio": f"{refusing}def run(function):\n    _refuse()\n    return asyncio.run(function())\n",
        "uvloop": (
            f"{refusing}class Loop:\n    def run_until_complete(self, coroutine):\n        _refuse()\n"
            "        return asyncio.run(coroutine)\n    def run_forever(self):\n        _refuse()\n"
        ),
        "trio": "import signal\ndef run():\n    return signal.getsignal(signal.SIGINT)\n",
        "nest_asyncio": "def apply(loop=None): raise RuntimeError('asyncio is rewritten')\n",
        "nest_asyncio2": "def apply(loop=None): raise RuntimeError('asyncio is rewritten')\n",
    }
    for name, text in modules.items():
        (fresh.process.folder / f"{name}.py").write_text(text)
    fresh.run("import asyncio\nasync def f(): return await asyncio.sleep(0, 5)")
    return fresh


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("import anyio; anyio.run(f)", "5"),
        ("from anyio import run; await f(); run(f)", "5"),
        ("import uvloop; uvloop.Loop().run_until_complete(f())", "5"),
        ("import uvloop; uvloop.Loop().run_forever(); await f()", "5"),
        ("import signal, trio; trio.run() is signal.default_int_handler", "True"),
        ("import nest_asyncio; nest_asyncio.apply(); asyncio.get_event_loop().run_until_complete(f())", "5"),
        ("import nest_asyncio2 as n; n.apply(asyncio.get_event_loop()); asyncio.run(f())", "5"),
    ],
)
def test_other_libraries_loops_run_in_a_cell(libraries: Kernel, code: str, value: str) -> None:
    """The kernel's loop is set aside for them, and is the running one again afterwards."""
    libraries.run("outer = asyncio.get_running_loop()")
    assert libraries.run(code).result == value
    assert libraries.run("asyncio.get_running_loop() is outer").result == "True"
    result = libraries.start("import time; print('ready'); time.sleep(60)")
    libraries.interrupt()
    assert libraries.finish(result).error == "KeyboardInterrupt"


def test_all_loops_nest_once_a_library_asks_for_it(libraries: Kernel) -> None:
    """nest_asyncio: also asyncio.run in asyncio.run, and run_until_complete on a loop that runs, of whoever's."""
    code = (
        "async def deep():\n    loop = asyncio.get_running_loop()\n"
        "    return asyncio.run(f()), loop.run_until_complete(f()), await f()\nasyncio.run(deep())"
    )
    assert libraries.run(code).error == "RuntimeError"
    libraries.run("import nest_asyncio; nest_asyncio.apply()")
    assert libraries.run(code).result == "(5, 5, 5)"
    assert libraries.run("await deep()").result == "(5, 5, 5)"


def test_the_hint_to_await_is_given_once(fresh: Kernel) -> None:
    """`run_until_complete` of the kernel's own loop works, and `await` is named the first time that a cell uses it."""
    code = "import asyncio\nasyncio.get_event_loop().run_until_complete(asyncio.sleep(0, 1))"
    hinted, silent = fresh.run(code), fresh.run(code)
    assert (hinted.result, silent.result) == ("1", "1")
    assert "`await x`" in hinted.stderr
    assert silent.stderr == ""


def test_no_hint_where_loops_are_to_nest(libraries: Kernel) -> None:
    """Who has imported nest_asyncio knows."""
    libraries.run("import nest_asyncio; nest_asyncio.apply()")
    assert libraries.run("asyncio.get_event_loop().run_until_complete(f())").stderr == ""
