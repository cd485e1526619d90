"""Streams, file descriptors and displays, as clients receive them."""

from __future__ import annotations

import pytest

from helpers.kernel import Kernel, Message, Result


def _texts(result: Result) -> list[tuple[str, str]]:
    """What was written, one entry for each run of one stream."""
    return [one for one in result.shown if one[0] in ("stdout", "stderr")]


def _data(messages: list[Message]) -> list[str]:
    return [m.content["data"]["text/plain"] for m in messages]


# ---------------------------------------------------------------- order


def test_stdout_and_stderr_keep_their_order(kernel: Kernel) -> None:
    """What was written alternately is shown alternately."""
    code = "import sys\nfor n in range(5):\n    print('o', n)\n    print('e', n, file=sys.stderr)"
    expected = [(name, f"{name[3]} {n}\n") for n in range(5) for name in ("stdout", "stderr")]
    assert _texts(kernel.run(code)) == expected


def test_descriptor_and_print_keep_their_order(kernel: Kernel) -> None:
    """os.write on descriptor 1 and print come out as they were made."""
    code = "import os\nfor n in range(50):\n    print('p', n)\n    os.write(1, b'w %d\\n' % n)"
    assert kernel.run(code).stdout == "".join(f"p {n}\nw {n}\n" for n in range(50))


def test_children_and_print_keep_their_order(kernel: Kernel) -> None:
    """What a child process wrote is shown between the prints around it."""
    code = "import subprocess\nfor n in range(5):\n    print('p', n)\n    subprocess.run(['echo', 'c', str(n)])"
    assert kernel.run(code).stdout == "".join(f"p {n}\nc {n}\n" for n in range(5))


def test_a_shells_output_and_print_keep_their_order(kernel: Kernel) -> None:
    """os.system and print keep their order, on both streams."""
    code = "import os\nprint('a')\nos.system('echo b; echo c >&2')\nprint('d')"
    result = kernel.run(code)
    assert (result.stdout, result.stderr) == ("a\nb\nd\n", "c\n")


def test_c_code_is_captured(kernel: Kernel) -> None:
    """printf of the C library arrives before the reply, also without a flush."""
    code = "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.printf(b'from C %d\\n', 7)\nlibc.puts(b'and puts');"
    assert kernel.run(code).stdout == "from C 7\nand puts\n"


def test_children_come_before_what_is_shown_after_them(kernel: Kernel) -> None:
    """What a finished child wrote stands before the cell's value, and before what is displayed after it."""
    code = "import os\nfor n in range(30):\n    os.system(f'echo c {n}')\n    display(n)\nos.system('echo d')"
    result = kernel.run(code)
    displays = [part for n in range(30) for part in (("stdout", f"c {n}\n"), ("display_data", str(n)))]
    assert result.shown == [*displays, ("stdout", "d\n"), ("execute_result", "0")]


def test_stderr_of_c_and_children_is_captured(kernel: Kernel) -> None:
    """Descriptor 2 is stderr."""
    result = kernel.run("import os\nos.write(2, b'two\\n'); os.write(1, b'one\\n');")
    assert (result.stdout, result.stderr) == ("one\n", "two\n")


def test_displays_and_prints_keep_their_order(kernel: Kernel) -> None:
    """print, display, print, result: in this order."""
    result = kernel.run("print('1')\ndisplay('2')\nprint('3')\n'4'")
    assert result.shown == [
        ("stdout", "1\n"),
        ("display_data", "'2'"),
        ("stdout", "3\n"),
        ("execute_result", "'4'"),
    ]


def test_output_comes_before_the_error(kernel: Kernel) -> None:
    """What a failing cell printed and wrote precedes its traceback."""
    result = kernel.run("import os\nprint('a')\nos.write(1, b'b\\n')\n1/0")
    assert [m.msg_type for m in result.outputs][-1] == "error"
    assert result.stdout == "a\nb\n"


def test_bytes_split_inside_a_character_arrive_whole(kernel: Kernel) -> None:
    """UTF-8 written below Python in pieces is one character; what is not UTF-8 is replaced, not lost."""
    code = (
        "import os, sys\nfor b in '\u2603'.encode():\n    os.write(1, bytes([b]))\n"
        "os.write(1, b'|\\xff|')\nsys.stdout.flush()"
    )
    assert kernel.run(code).stdout == "\u2603|\ufffd|"


# ---------------------------------------------------------------- whose


def test_a_thread_writes_into_its_own_cell(kernel: Kernel) -> None:
    """Text of a thread whose cell has ended goes below that cell, not below the newest one."""
    kernel.run("import threading; go = threading.Event(); said = threading.Event()")
    first = kernel.run(
        "def work():\n    go.wait(60); print('from the thread'); said.set()\nthreading.Thread(target=work).start()"
    )
    second = kernel.run("print('mine'); go.set(); said.wait(60)")
    kernel.until(lambda: first.stdout, "the thread's text")
    assert (first.stdout, second.stdout) == ("from the thread\n", "mine\n")


def test_a_batch_client_gets_late_text_with_the_cell_that_runs(kernel: Kernel) -> None:
    """nbclient drops what belongs to a cell that has ended; it is known by its `allow_stdin`."""
    kernel.run("import threading; go = threading.Event(); handle = display('old', display_id=True)")
    work = "def work():\n    go.wait(60); print('late'); handle.update('new')\n"
    first = kernel.run(f"{work}thread = threading.Thread(target=work); thread.start()", allow_stdin=False)
    second = kernel.run("go.set(); thread.join()", allow_stdin=False)
    assert second.shown == [("stdout", "late\n"), ("update_display_data", "'new'")]
    third = kernel.run("print('mine')")
    assert (first.outputs, third.stdout) == ([], "mine\n")


def test_a_task_writes_into_its_own_cell(kernel: Kernel) -> None:
    """Text of a task whose cell has ended goes below that cell."""
    kernel.run("import asyncio; gate = asyncio.Event()")
    first = kernel.run(
        "async def work():\n    await gate.wait()\n    print('from the task')\ntask = asyncio.create_task(work())"
    )
    second = kernel.run("print('mine'); gate.set(); await task")
    kernel.until(lambda: first.stdout, "the task's text")
    assert (first.stdout, second.stdout) == ("from the task\n", "mine\n")


def test_a_pool_writes_into_the_cell_that_submits(kernel: Kernel) -> None:
    """A pool's thread outlives its cell; each call belongs to the cell that submitted it."""
    kernel.run("from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)")
    results = [kernel.run(f"pool.submit(print, 'call {n}').result()") for n in range(3)]
    assert [result.stdout for result in results] == [f"call {n}\n" for n in range(3)]
    kernel.run("pool.shutdown()")


def test_an_executor_call_writes_into_its_cell(kernel: Kernel) -> None:
    """loop.run_in_executor and asyncio.to_thread carry the cell."""
    code = (
        "import asyncio\nloop = asyncio.get_running_loop()\n"
        "await loop.run_in_executor(None, print, {0})\nawait asyncio.to_thread(print, {0})"
    )
    results = [kernel.run(code.format(n)) for n in (1, 2)]
    assert [result.stdout for result in results] == ["1\n1\n", "2\n2\n"]


def test_a_thread_displays_into_its_own_cell(kernel: Kernel) -> None:
    """display() in a thread whose cell has ended goes below that cell."""
    kernel.run("import threading; go = threading.Event(); said = threading.Event()")
    first = kernel.run(
        "def work():\n    go.wait(60); display('late'); said.set()\nthreading.Thread(target=work).start()"
    )
    kernel.run("go.set(); said.wait(60)")
    kernel.until(lambda: first.of_type("display_data"), "the thread's display")
    assert _data(first.of_type("display_data")) == ["'late'"]


def test_a_thread_of_a_thread_belongs_to_the_cell(kernel: Kernel) -> None:
    """What a thread starts belongs to the cell of that thread."""
    code = (
        "import threading\ndef outer():\n    t = threading.Thread(target=lambda: print('inner')); t.start(); t.join()\n"
        "t = threading.Thread(target=outer); t.start(); t.join()"
    )
    assert kernel.run(code).stdout == "inner\n"


def test_context_variables_stay_out_of_threads(kernel: Kernel) -> None:
    """Only the cell is carried into a thread, not its context, as in Python itself."""
    code = (
        "import threading, contextvars\nv = contextvars.ContextVar('v', default='default'); v.set('cell')\n"
        "seen = []\nt = threading.Thread(target=lambda: seen.append(v.get())); t.start(); t.join(); seen"
    )
    assert kernel.run(code).result == "['default']"


def test_output_can_follow_the_newest_cell(fresh: Kernel) -> None:
    """holdfast.output_follows('newest') sends a thread's text wherever the person is."""
    fresh.run("import holdfast, threading; go = threading.Event(); said = threading.Event()")
    first = fresh.run(
        "holdfast.output_follows('newest')\n"
        "threading.Thread(target=lambda: (go.wait(60), print('x'), said.set())).start()"
    )
    second = fresh.run("go.set(); said.wait(60)")
    fresh.until(lambda: second.stdout, "the thread's text")
    assert (first.stdout, second.stdout) == ("", "x\n")


# ---------------------------------------------------------------- when and how much


def test_a_lone_line_arrives_while_the_cell_runs(kernel: Kernel) -> None:
    """The first line is not held back until the cell ends."""
    result = kernel.execute("import threading; done = threading.Event()\nprint('first'); done.wait(60)")
    kernel.until(lambda: result.stdout, "the first line")
    assert not result.is_done
    kernel.interrupt()
    kernel.finish(result)


def test_a_line_after_a_silence_arrives_while_the_cell_runs(kernel: Kernel) -> None:
    """The stream's clock starts again after a pause."""
    code = "import time, threading\nprint('one'); time.sleep(0.3); print('two'); threading.Event().wait(60)"
    result = kernel.execute(code)
    kernel.until(lambda: result.stdout == "one\ntwo\n", "the second line")
    assert not result.is_done
    kernel.interrupt()
    kernel.finish(result)


def test_text_without_a_newline_arrives(kernel: Kernel) -> None:
    """A progress dot is seen at once."""
    result = kernel.execute("import threading\nprint('.', end=''); threading.Event().wait(60)")
    kernel.until(lambda: result.stdout == ".", "the dot")
    kernel.interrupt()
    kernel.finish(result)


def test_a_hundred_thousand_lines_arrive(kernel: Kernel) -> None:
    """Every line is there, in order, in few messages, before the reply's idle."""
    result = kernel.run("for n in range(100_000): print(n)")
    assert result.stdout == "".join(f"{n}\n" for n in range(100_000))
    assert len(result.of_type("stream")) < 1000


def test_fifty_megabytes_arrive(kernel: Kernel) -> None:
    """A flood loses nothing, and is cut into messages that clients can take."""
    result = kernel.run("for n in range(500): print('%06d' % n + 'x' * 99_993)")
    text = result.stdout
    assert len(text) == 500 * 100_000
    assert [text[at : at + 6] for at in range(0, len(text), 100_000)] == [f"{n:06d}" for n in range(500)]
    assert max(len(m.content["text"]) for m in result.of_type("stream")) < 10_000_000


def test_fifty_megabytes_in_one_write_arrive(kernel: Kernel) -> None:
    """One write of 50 MB is one text."""
    result = kernel.run("import sys; sys.stdout.write('y' * 50_000_000);")
    assert len(result.stdout) == 50_000_000


def test_a_flood_below_python_arrives(kernel: Kernel) -> None:
    """A child that writes 5 MB, far more than a pipe holds, ends and loses nothing."""
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"print('z' * 4_999_999)\"], check=True);"
    assert len(kernel.run(code).stdout) == 5_000_000


def test_threads_that_write_at_once_lose_nothing(kernel: Kernel) -> None:
    """Eight threads of 2,000 lines each: every line is there, each thread's in order."""
    code = (
        "import threading, sys\n"
        "def work(n):\n    for k in range(2000): sys.stdout.write(f'{n} {k}\\n')\n"
        "ts = [threading.Thread(target=work, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts];"
    )
    lines = [line.split() for line in kernel.run(code).stdout.splitlines()]
    for n in range(8):
        assert [int(k) for who, k in lines if who == str(n)] == list(range(2000))


# ---------------------------------------------------------------- forks

#: Python warns of a fork in a process with threads; every Jupyter kernel has some.
_QUIETLY = "import os, multiprocessing, warnings\nwith warnings.catch_warnings(action='ignore'):\n"


def test_a_forked_child_prints(kernel: Kernel) -> None:
    """What a forked child prints is shown; it shares no queue with the kernel."""
    code = (
        _QUIETLY + "    print('before')\n    pid = os.fork()\n"
        "    if pid == 0:\n        print('child'); os._exit(0)\n    os.waitpid(pid, 0); print('after')"
    )
    assert kernel.run(code).stdout == "before\nchild\nafter\n"


def test_multiprocessing_prints(kernel: Kernel) -> None:
    """Processes that multiprocessing forks print below the cell and end."""
    code = (
        _QUIETLY + "    context = multiprocessing.get_context('fork')\n"
        "    ps = [context.Process(target=print, args=(f'p{n}',)) for n in range(3)]\n"
        "    [p.start() for p in ps]; [p.join() for p in ps]\n[p.exitcode for p in ps]"
    )
    result = kernel.run(code)
    assert result.result == "[0, 0, 0]"
    assert sorted(result.stdout.splitlines(keepends=True)) == ["p0\n", "p1\n", "p2\n"]


def test_lines_of_forked_children_stay_whole(kernel: Kernel) -> None:
    """Children that print at once do not write into each other's lines."""
    code = (
        _QUIETLY + "    context = multiprocessing.get_context('fork')\n"
        "    def work(n):\n        for k in range(300): print(n, k)\n"
        "    ps = [context.Process(target=work, args=(n,)) for n in range(4)]\n"
        "    [p.start() for p in ps]; [p.join() for p in ps]"
    )
    lines = kernel.run(code).stdout.splitlines()
    assert sorted(lines) == sorted(f"{n} {k}" for n in range(4) for k in range(300))


@pytest.mark.parametrize("end", ["sys.stdout.flush(); os._exit(0)", "pass"])
def test_the_unfinished_line_of_a_forked_child_is_shown(kernel: Kernel, end: str) -> None:
    """When the child flushes it, and when the child comes to the end of its cell."""
    code = (
        "import sys\n" + _QUIETLY + "    pid = os.fork()\n"
        f"if pid == 0:\n    print('child', end='')\n    {end}\nelse:\n    os.waitpid(pid, 0)"
    )
    assert kernel.run(code).stdout == "child"


def test_a_forked_child_can_be_terminated(kernel: Kernel) -> None:
    """SIGTERM ends it, as `Process.terminate()` expects: our handler is not for it."""
    code = (
        _QUIETLY + "    import time, signal\n    context = multiprocessing.get_context('fork')\n"
        "    p = context.Process(target=time.sleep, args=(60,)); p.start()\n"
        "p.terminate(); p.join(60); p.exitcode == -signal.SIGTERM"
    )
    assert kernel.run(code).result == "True"


def test_signals_of_a_forked_child_are_its_own(kernel: Kernel) -> None:
    """A SIGINT that a child gets interrupts no cell of the kernel."""
    code = (
        _QUIETLY + "    import time, signal\n    reader, writer = os.pipe()\n    pid = os.fork()\n"
        "if pid == 0:\n    try:\n        os.write(writer, b'.'); time.sleep(60)\n"
        "    except KeyboardInterrupt: os._exit(5)\n    finally: os._exit(6)\n"
        "os.read(reader, 1); os.kill(pid, signal.SIGINT)\n"
        "status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\ntime.sleep(0.2)\nstatus"
    )
    assert kernel.run(code).result == "5"


# ---------------------------------------------------------------- the stream objects


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("sys.stdout.encoding", "'UTF-8'"),
        ("sys.stdout.errors is not None", "True"),
        ("sys.stdout.isatty()", "False"),
        ("sys.stdout.fileno(), sys.stderr.fileno()", "(1, 2)"),
        ("sys.stdout.writable(), sys.stdout.readable(), sys.stdout.seekable()", "(True, False, False)"),
        ("sys.stdout.closed", "False"),
        ("sys.stdout.name, sys.stderr.name", "('<stdout>', '<stderr>')"),
        ("sys.stdout.mode", "'w'"),
        ("sys.stdout.newlines", "None"),
        ("sys.stdout.line_buffering", "True"),
        ("sys.stdout.reconfigure(line_buffering=True)", "None"),
        ("sys.stdout.flush()", "None"),
        ("isinstance(sys.stdout, __import__('io').TextIOBase)", "True"),
        ("sys.__stdout__ is not None and sys.__stdout__.writable()", "True"),
        ("sys.stdout.write('')", "0"),
        ("sys.stdout.buffer.write(b'')", "0"),
        ("sys.stdout.buffer.writable()", "True"),
        ("hasattr(sys.stdout, 'softspace')", "False"),
    ],
)
def test_attributes_that_libraries_read(kernel: Kernel, code: str, expected: str) -> None:
    """sys.stdout has what click, tqdm, rich and subprocess look at."""
    assert kernel.run(f"import sys\nrepr(({code}))").result == repr(expected)


def test_the_binary_buffer_is_in_order(kernel: Kernel) -> None:
    """sys.stdout.buffer writes bytes between prints."""
    code = (
        "import sys\nprint('a')\n"
        "sys.stdout.buffer.write(b'b\\n'); sys.stdout.buffer.write('\u2603\\n'.encode())\n"
        "print('c')"
    )
    assert kernel.run(code).stdout == "a\nb\n\u2603\nc\n"


@pytest.mark.parametrize("bad", ["b'bytes'", "5", "None"])
def test_write_refuses_what_is_no_text(kernel: Kernel, bad: str) -> None:
    """sys.stdout.write raises TypeError, as in Python."""
    assert kernel.run(f"import sys; sys.stdout.write({bad})").reply["ename"] == "TypeError"


def test_redirection_works(kernel: Kernel) -> None:
    """contextlib.redirect_stdout takes the text away, and gives the stream back."""
    code = (
        "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as s:\n"
        "    print('inside')\nprint('outside')\ns.getvalue()"
    )
    result = kernel.run(code)
    assert (result.stdout, result.result) == ("outside\n", "'inside\\n'")


def test_logging_writes_to_stderr(kernel: Kernel) -> None:
    """A logging handler made in one cell writes below the cell that logs."""
    kernel.run("import logging\nlog = logging.getLogger('t'); log.addHandler(logging.StreamHandler())")
    assert kernel.run("log.warning('careful')").stderr == "careful\n"


def test_warnings_name_the_cell(kernel: Kernel) -> None:
    """A warning is shown on stderr with its text and line."""
    result = kernel.run("import warnings\nwarnings.warn('beware')")
    assert "UserWarning: beware" in result.stderr
    assert "warnings.warn('beware')" in result.stderr


# ---------------------------------------------------------------- display


def test_a_display_is_updated(kernel: Kernel) -> None:
    """update_display names the display id of the display that it replaces."""
    result = kernel.run("h = display('one', display_id=True)\nh.update('two')\nh.display_id")
    shown, updated = result.of_type("display_data", "update_display_data")
    assert (shown.msg_type, updated.msg_type) == ("display_data", "update_display_data")
    assert (_data([shown]), _data([updated])) == (["'one'"], ["'two'"])
    assert repr(shown.content["transient"]["display_id"]) == result.result
    assert updated.content["transient"] == shown.content["transient"]


def test_a_display_is_updated_from_a_later_cell(kernel: Kernel) -> None:
    """A display id is good for the life of the kernel."""
    kernel.run("display('one', display_id='mine');")
    updated = kernel.run("update_display('two', display_id='mine')").of_type("update_display_data")[0]
    assert updated.content["transient"] == {"display_id": "mine"}


@pytest.mark.parametrize(("call", "wait"), [("clear_output()", False), ("clear_output(wait=True)", True)])
def test_output_is_cleared(kernel: Kernel, call: str, wait: bool) -> None:
    """clear_output reaches the client in its place among the outputs."""
    result = kernel.run(f"print('a')\n{call}\nprint('b')")
    assert result.shown == [("stdout", "a\n"), ("clear_output", ""), ("stdout", "b\n")]
    assert result.of_type("clear_output")[0].content == {"wait": wait}


def test_rich_representations_are_sent(kernel: Kernel) -> None:
    """A result brings its _repr_html_ beside its text."""
    code = "class R:\n    def _repr_html_(self): return '<b>r</b>'\n    def __repr__(self): return 'r'\nR()"
    data = kernel.run(code).of_type("execute_result")[0].content["data"]
    assert data == {"text/html": "<b>r</b>", "text/plain": "r"}


def test_a_failing_representation_costs_only_itself(kernel: Kernel) -> None:
    """An error in _repr_html_ is shown below the cell; the text is still there, and the cell is ok."""
    code = "class R:\n    def _repr_html_(self): 1/0\n    def __repr__(self): return 'r'\nR()"
    result = kernel.run(code)
    assert (result.reply["status"], result.result) == ("ok", "r")
    assert "ZeroDivisionError" in result.stderr


def test_a_failing_repr_is_shown(kernel: Kernel) -> None:
    """A value whose __repr__ raises costs the cell its result, and the kernel nothing."""
    result = kernel.run("class Bad:\n    def __repr__(self): raise RuntimeError('no repr')\nBad()")
    assert "no repr" in result.stderr + str(result.reply.get("evalue")) + str(result.result)
    assert kernel.run("1").result == "1"


def test_binary_buffers_travel(kernel: Kernel) -> None:
    """Buffers of a published message arrive as the frames that they are."""
    code = (
        "import comm\nc = comm.create_comm(target_name='t', data={'n': 1}, buffers=[b'\\x00\\xff', memoryview(b'two')])"
    )
    opened = kernel.run(code).of_type("comm_open")[0]
    assert (opened.buffers, opened.content["data"]) == ([b"\x00\xff", b"two"], {"n": 1})
