"""Cells in a thread and cells in the background: %%thread and %%bg."""

from __future__ import annotations

from collections.abc import Callable

from helpers.kernel import Kernel


def test_background_tasks_go_on_beside_a_cell_in_a_thread(kernel: Kernel) -> None:
    """%%thread keeps the loop free: a task gets on while the cell blocks."""
    kernel.run(
        "import asyncio, threading\ndone = threading.Event()\nasync def work():\n"
        "    await asyncio.sleep(0); done.set()\nt = asyncio.create_task(asyncio.sleep(0))"
    )
    kernel.run("loop = asyncio.get_running_loop()")
    code = "%%thread\nasyncio.run_coroutine_threadsafe(work(), loop)\ndone.wait(60)"
    assert kernel.run(code).result == "True"


def test_a_blocking_cell_keeps_tasks_waiting(kernel: Kernel) -> None:
    """Without %%thread the loop waits for the cell: what %%thread is for."""
    kernel.run(
        "import asyncio, threading\ndone = threading.Event()\nasync def work(): done.set()\n"
        "loop = asyncio.get_running_loop()"
    )
    assert kernel.run("task = asyncio.create_task(work())\ndone.wait(0.1)").result == "False"
    assert kernel.run("done.is_set()").result == "True"


def test_a_cell_in_a_thread_shows_output_result_and_error(kernel: Kernel) -> None:
    """%%thread differs from a plain cell in nothing that a client sees."""
    result = kernel.run("%%thread\nprint('out')\n6 * 7")
    assert (result.stdout, result.result) == ("out\n", "42")
    failed = kernel.run("%%thread\nx = 1\nx / 0")
    assert failed.reply["ename"] == "ZeroDivisionError"
    assert "line 3" in failed.traceback
    assert "holdfast/" not in failed.traceback
    assert kernel.run("(_, x)").result == "(42, 1)"


def test_a_cell_in_a_thread_runs_in_a_thread(kernel: Kernel) -> None:
    """%%thread is another thread than the main one."""
    assert (
        kernel.run("%%thread\nimport threading\nthreading.current_thread() is threading.main_thread()").result
        == "False"
    )


def test_cells_wait_for_a_cell_in_a_thread(kernel: Kernel) -> None:
    """Cells run one after the other, whatever their mode."""
    kernel.run("order = []")
    first = kernel.execute("%%thread\ninput(); order.append(1)")
    second = kernel.execute("order.append(2)")
    kernel.request("kernel_info_request", {})  # answered: what was sent before it on shell is in the queue
    kernel.finish(first, [""])
    kernel.finish(second)
    assert kernel.run("order").result == "[1, 2]"


def test_a_cell_in_a_thread_is_interrupted(kernel: Kernel) -> None:
    """An interrupt ends a loop of Python code in a thread."""
    result = kernel.start("%%thread\nprint('ready')\nwhile True: pass")
    kernel.interrupt()
    assert kernel.finish(result).reply["ename"] == "KeyboardInterrupt"
    assert kernel.run("1").result == "1"


def test_a_background_cell_is_replied_to_at_once(kernel: Kernel) -> None:
    """%%bg returns while its code still runs, and what it binds is seen."""
    kernel.run("import asyncio; gate = asyncio.Event(); happened = []")
    result = kernel.run("%%bg\nawait gate.wait()\nhappened.append('in the background')\nprint('late')")
    assert (result.reply["status"], kernel.run("happened").result) == ("ok", "[]")
    kernel.run("gate.set()")
    kernel.until(lambda: result.stdout == "late\n", "the output of the background cell, below it")
    assert kernel.run("happened").result == "['in the background']"


def test_a_background_cells_result_is_shown_below_it(kernel: Kernel) -> None:
    """The value of a background cell arrives late, as a child of its cell."""
    kernel.run("import asyncio")
    result = kernel.run("%%bg\nawait asyncio.sleep(0.02)\n'late value'")
    kernel.until(lambda: "late value" in str([m.content for m in result.outputs]), "the value")


def test_a_background_cells_error_is_shown_below_it(kernel: Kernel) -> None:
    """A failure in the background reaches the person, below its own cell, and aborts nothing."""
    kernel.run("import asyncio")
    result = kernel.run("%%bg\nawait asyncio.sleep(0.02)\n1 / 0")
    assert result.reply["status"] == "ok"
    kernel.until(lambda: "ZeroDivisionError" in str([m.content for m in result.outputs]), "the error")
    assert kernel.run("2").result == "2"


def test_two_background_cells_run_at_once(kernel: Kernel) -> None:
    """Background cells meet at a barrier."""
    kernel.run("import asyncio; barrier = asyncio.Barrier(2)")
    results = [kernel.run(f"%%bg\nawait barrier.wait()\nprint('met {n}')") for n in range(2)]
    for n, result in enumerate(results):
        kernel.until(lambda n=n, result=result: result.stdout == f"met {n}\n", "the meeting")  # type: ignore[misc]


def test_a_syntax_error_in_another_mode_is_an_error(kernel: Kernel) -> None:
    """The reply to a cell that cannot be compiled is an error in every mode."""
    for magic in ("%%thread", "%%bg"):
        assert kernel.run(f"{magic}\nx = (").reply["ename"] == "SyntaxError"


def test_a_blocking_cell_that_starves_tasks_gets_a_hint(kernel: Kernel) -> None:
    """A blocking call that keeps live tasks waiting for seconds is named, with the way out."""
    kernel.run(
        "import asyncio, time\nasync def tick():\n    while True: await asyncio.sleep(0.05)\n"
        "ticker = asyncio.create_task(tick())"
    )
    result = kernel.run("time.sleep(3.5)")
    kernel.run("ticker.cancel()")
    assert "%%thread" in result.stderr
    assert "time.sleep" in result.stderr


def test_blocking_cells_go_to_a_thread_when_asked_to(launch: Callable[..., Kernel]) -> None:
    """HOLDFAST_BLOCKING=thread runs a cell that blocks while tasks are alive in a thread by itself."""
    kernel = launch(environment={"HOLDFAST_BLOCKING": "thread"})
    kernel.run(
        "import asyncio, time, threading\ndef main(): return threading.current_thread() is threading.main_thread()"
    )
    assert kernel.run("time.sleep(0)\nmain()").result == "True"
    kernel.run("task = asyncio.create_task(asyncio.sleep(60))")
    assert kernel.run("time.sleep(0)\nmain()").result == "False"
    assert kernel.run("main()").result == "True"


def test_context_variables_of_a_cell_in_a_thread_last(kernel: Kernel) -> None:
    """What it sets the next cell sees; a background cell has a copy, like a task."""
    kernel.run("import contextvars\nvar = contextvars.ContextVar('var'); var.set('first')")
    assert kernel.run("%%thread\nseen = var.get()\nvar.set('thread');\nseen").result == "'first'"
    assert kernel.run("var.get()").result == "'thread'"
    kernel.run("import threading; over = threading.Event()")
    kernel.run("%%bg\nvar.set('background'); over.set()")
    assert kernel.run("over.wait(60), var.get()").result == "(True, 'thread')"


def test_names_bound_in_any_mode_are_everybodys(kernel: Kernel) -> None:
    """One namespace: a function of a cell in a thread sees what later cells bind."""
    kernel.run("%%thread\nn = 1\ndef look(): return n")
    kernel.run("import threading; over = threading.Event()")
    kernel.run("%%bg\nn = 2; over.set()")
    assert kernel.run("over.wait(60), look()").result == "(True, 2)"
