"""User code cannot break the kernel: whatever one cell does, the next one works."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from helpers.kernel import Kernel, Shared

#: Cells that damage what a kernel could depend on.  What they do lasts until something repairs it.
#: Builtins that Python, asyncio or we call around every cell.
CALLED = ("len", "isinstance", "type", "__import__", "__build_class__", "getattr", "Exception", "tuple", "super", "str")

NAMESPACE = {
    "clears globals": "globals().clear()",
    "deletes the results": "del _, __, ___, Out, In",
    "deletes the inputs": "del _i, _ii, _iii",
    "binds _": "_ = 5",
    "binds Out and In": "Out = In = None",
    "clears Out and In": "Out.clear(); In.clear()",
    "shortens In": "del In[1:]",
    "fills In with nonsense": "In[:] = [1, None]",
    "sets __builtins__ to None": "__builtins__ = None",
    "sets __builtins__ to {}": "__builtins__ = {}",
    "sets __builtins__ to 5": "__builtins__ = 5",
    "deletes __builtins__": "del __builtins__",
    "clears the builtins": "__builtins__.__dict__.clear()",
    "deletes BaseException": "import builtins; del builtins.BaseException, builtins.Exception",
    "deletes the import function": "import builtins; del builtins.__import__",
    "rebinds len": "len = type = isinstance = None",
    "rebinds print": "print = None",
    "rebinds builtins.print": "import builtins; builtins.print = lambda *a, **k: None",
    "sets builtins.print to None": "import builtins; builtins.print = None",
    **{f"sets builtins.{name} to None": f"import builtins; builtins.{name} = None" for name in CALLED},
    "rebinds input": "input = 5",
    "changes __name__": "__name__ = 'other'",
    "deletes __name__": "del __name__",
    "replaces __main__": "import sys, types; sys.modules['__main__'] = types.ModuleType('__main__')",
    "removes __main__": "import sys; sys.modules.pop('__main__', None)",
    "empties sys.modules": "import sys; kept = dict(sys.modules); sys.modules.clear(); sys.modules.update(kept)",
    "shadows modules": "sys = asyncio = threading = os = 1",
    "puts other keys into globals": "globals()[5] = 6; globals()[(1, 2)] = 3",
    "clears sys.path": "import sys; sys.path.clear()",
    "sets sys.argv": "import sys; sys.argv = None",
    "sets sys.displayhook": "import sys; sys.displayhook = None",
    "sets sys.excepthook": "import sys; sys.excepthook = None",
    "shows None as last": "exec('_ = 1'); del _",
}
STREAMS = {
    "sets sys.stdout to None": "import sys; sys.stdout = None",
    "sets sys.stderr to None": "import sys; sys.stderr = None",
    "deletes sys.stdout": "import sys; del sys.stdout",
    "closes sys.stdout": "import sys; sys.stdout.close()",
    "sets sys.stdout to a closed file": "import sys, io; sys.stdout = io.StringIO(); sys.stdout.close()",
    "sets sys.stdout to 5": "import sys; sys.stdout = 5",
    "removes __stdout__": "import sys; sys.__stdout__ = sys.__stderr__ = None",
    "closes descriptor 0": "import os; os.close(0)",
    "closes descriptor 1": "import os; os.close(1)",
    "closes descriptor 2": "import os; os.close(2)",
    "closes descriptors 1 and 2": "import os\nfor fd in (1, 2): os.close(fd)",
    "points descriptor 1 elsewhere": "import os; fd = os.open(os.devnull, os.O_WRONLY); os.dup2(fd, 1); os.close(fd)",
    "closes the text layer": "import sys; open(1, 'w').close()",
}
RUNTIME = {
    "stops the loop": "import asyncio; asyncio.get_event_loop().stop()",
    "closes the loop": "import asyncio\ntry: asyncio.get_event_loop().close()\nexcept RuntimeError: pass",
    "stops the loop from a task": (
        "import asyncio\nasync def f(): asyncio.get_running_loop().stop()\nt = asyncio.ensure_future(f())"
    ),
    "stops the loop in an await": "import asyncio\nasyncio.get_event_loop().stop()\nawait asyncio.sleep(0)",
    "sets another event loop": "import asyncio; asyncio.set_event_loop(None)",
    "cancels all tasks": "import asyncio\nfor t in asyncio.all_tasks(): t.cancel()",
    "breaks the exception handler": "import asyncio; asyncio.get_event_loop().set_exception_handler(lambda *a: 1 / 0)",
    "sets a task factory": "import asyncio; asyncio.get_event_loop().set_task_factory(lambda *a, **k: 1 / 0)",
    "turns on asyncio's debug mode": "import asyncio; asyncio.get_event_loop().set_debug(True)",
    "ignores SIGINT": "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "takes SIGINT": "import signal; signal.signal(signal.SIGINT, lambda *a: None)",
    "resets SIGINT": "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)",
    "takes the wakeup descriptor": "import signal; signal.set_wakeup_fd(-1)",
    "sets an alarm": "from signal import *\nsignal(SIGALRM, SIG_IGN); setitimer(ITIMER_REAL, 0.001)",
    "lowers the recursion limit": "import sys; sys.setrecursionlimit(100)",
    "recurses without end": "def f(): f()\ntry: f()\nexcept RecursionError: pass",
    "turns off the collector": "import gc; gc.disable(); gc.set_threshold(1)",
    "makes warnings errors": "import warnings; warnings.simplefilter('error')",
    "sets a trace function": "import sys; sys.settrace(lambda *a: None)",
    "sets a profile function": "import sys; sys.setprofile(lambda *a: None)",
    "sets a switch interval": "import sys; sys.setswitchinterval(0.5)",
    "forks and exits": (
        "import os, warnings\nwith warnings.catch_warnings(action='ignore'):\n    p = os.fork()\n"
        "    if p == 0: os._exit(3)\n    os.waitpid(p, 0)"
    ),
    "forks and raises": (
        "import os, warnings\nwith warnings.catch_warnings(action='ignore'):\n    p = os.fork()\n"
        "if p == 0:\n    try: 1 / 0\n    finally: os._exit(3)\nos.waitpid(p, 0)"
    ),
    "changes the folder to one that is gone": (
        "import os, tempfile\nfolder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)"
    ),
    "changes the locale and the time zone": "import os, time; os.environ['TZ'] = 'Nowhere/None'; time.tzset()",
    "clears the environment": "import os; os.environ.clear()",
    "raises SystemExit": "raise SystemExit(4)",
    "raises GeneratorExit": "raise GeneratorExit",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises CancelledError": "import asyncio; raise asyncio.CancelledError",
    "raises an exception that cannot be shown": "class E(Exception):\n    def __str__(self): raise self\nraise E",
    "raises an exception with a broken class": (
        "class M(type):\n    def __getattribute__(self, name): raise RuntimeError(name)\n"
        "class E(Exception, metaclass=M): pass\nraise E"
    ),
    "raises a chain without end": (
        "a = ValueError('a'); b = ValueError('b')\na.__cause__ = b; b.__cause__ = a\nraise a"
    ),
    "raises a huge message": "raise ValueError('x' * 5_000_000)",
    "raises a large group": "raise ExceptionGroup('g', [ExceptionGroup('h', [ValueError(n) for n in range(500)])])",
    "shows a value whose class lies": "class L:\n    __class__ = property(lambda self: 1 / 0)\nL()",
    "shows a value without attributes": "class N:\n    def __getattribute__(self, name): raise SystemExit\nN()",
    "shows a value that says it has everything": (
        "class A:\n    def __getattr__(self, name): return lambda *a, **k: 5\nA()"
    ),
    "shows a list that holds itself": "x = []; x.append(x); x",
    "shows a deep list": "x = []\nfor _ in range(100_000): x = [x]\nx",
    "shows a dict that changes": (
        "class K:\n    def __repr__(self): d.pop(1, None); return 'k'\nd = {0: K(), 1: K()}; d"
    ),
    "exits in a repr": "class E:\n    def __repr__(self): raise SystemExit\nE()",
    "interrupts itself in a repr": "class E:\n    def __repr__(self): raise KeyboardInterrupt\nE()",
    "breaks linecache": "import linecache; linecache.cache = None",
    "breaks the traceback module": "import traceback; traceback.format_exception = traceback.TracebackException = None",
    "leaves threads that fail": "import threading\nt = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
    "breaks threading.excepthook": "import threading; threading.excepthook = None",
    "replaces Thread.start": "import threading\noriginal = threading.Thread.start; threading.Thread.start = original",
    "breaks weakref callbacks": "import weakref\nclass W: pass\nw = W(); r = weakref.ref(w, lambda _: 1 / 0); del w",
    "fails in a finalizer": "class D:\n    def __del__(self): 1 / 0\nD(); None",
}

CELLS = {**NAMESPACE, **STREAMS, **RUNTIME}


def _assert_fit(kernel: Kernel) -> None:
    """The next cells work: results, names, builtins, printing, descriptors, await and __main__."""
    assert kernel.run("20 + 22").result == "42"
    # Their values may be hostile: whoever shows Out shows what an earlier cell put there.
    names = ("_", "__", "___", "Out", "In", "_i", "_ii", "_iii", "input")
    assert kernel.run(f"[name for name in {names} if name not in globals()]").result == "[]"
    probe = (
        "import sys, os, builtins\nclass Probe: pass\n"
        "sys.stdout.write('out\\n'); sys.stderr.write('err\\n'); os.write(1, b'fd\\n')\n"
        "(__name__, sys.modules['__main__'].__dict__ is globals(), Probe.__module__, __builtins__ is builtins)"
    )
    result = kernel.run(probe)
    assert result.result == "('__main__', True, '__main__', True)", result.traceback
    assert (result.stdout, "err\n" in result.stderr) == ("out\nfd\n", True)
    assert kernel.run("import asyncio\nawait asyncio.sleep(0, 'awaited')").result == "'awaited'"
    assert kernel.run("1 / 0").reply["ename"] == "ZeroDivisionError"
    assert kernel.run("def f(x): return [y for y in x]\nsorted(f([2, 1]))").result == "[1, 2]"


#: Puts back what is the user's to break: a rebound builtin or a locale stays as the user left it.  The results go:
#: each cell that may change everything has to look through a list of 100,000 lists.
REPAIR = (
    "[globals().pop(name, None) for name in ('print', 'len', 'type', 'isinstance', 'input', 'os', 'threading', 'x')]\n"
    "Out.clear()\n[globals().pop(name) for name in [*globals()] if {*str(name)} <= {*'_0123456789'}]\n"
    "import sys\nsys.settrace(None); sys.setprofile(None); sys.setrecursionlimit(1000); sys.setswitchinterval(0.005)\n"
    "import builtins, gc, warnings, asyncio, os, linecache\n"
    "gc.enable(); gc.set_threshold(700, 10, 10)\nwarnings.resetwarnings(); warnings.simplefilter('default')\n"
    "os.chdir('/'); loop = asyncio.get_event_loop(); loop.set_debug(False); loop.set_exception_handler(None)\n"
    "loop.set_task_factory(None)\n"
)


@pytest.mark.parametrize("name", CELLS)
def test_the_next_cell_works(own_kernel: Kernel, name: str) -> None:
    """A cell that damages the kernel's surroundings is replied to, and so is the next, as if nothing was."""
    kernel = own_kernel
    assert kernel.run(CELLS[name]).reply["status"] in ("ok", "error")
    _assert_fit(kernel)


@pytest.fixture
def own_kernel(launch: Callable[..., Kernel]) -> Kernel:
    """A kernel of this test's own: what is broken in it stays broken."""
    return launch()


def test_a_broken_print_costs_no_warning(own_kernel: Kernel) -> None:
    """What the kernel itself says below a cell does not go through the user's print."""
    own_kernel.run("import builtins; builtins.print = None\nasync def work(): pass")
    assert own_kernel.run("pending = work()").reply["status"] == "ok"
    assert own_kernel.run("1").result == "1"


def test_an_interrupt_works_after_sigint_was_taken(own_kernel: Kernel) -> None:
    """The next cell can be interrupted, whatever handler the last one left."""
    for name in ("ignores SIGINT", "takes SIGINT", "resets SIGINT"):
        own_kernel.run(RUNTIME[name])
        result = own_kernel.start("print('ready')\nwhile True: pass")
        own_kernel.interrupt()
        assert own_kernel.finish(result).reply["ename"] == "KeyboardInterrupt"


def test_a_handler_left_behind_does_not_end_an_idle_kernel(own_kernel: Kernel) -> None:
    """SIGINT between cells is harmless even when the last cell reset the handler."""
    own_kernel.run(RUNTIME["resets SIGINT"])
    own_kernel.interrupt()
    assert own_kernel.run("1").result == "1"


def test_os_exit_in_a_fork_leaves_the_kernel(kernel: Kernel) -> None:
    """A forked child that ends, in whatever way, takes neither the sockets nor the loop with it."""
    for end in ("os._exit(0)", "sys.exit(0)", "raise ValueError", "os.kill(os.getpid(), 9)"):
        code = (
            "import os, sys, warnings\nwith warnings.catch_warnings(action='ignore'):\n    pid = os.fork()\n"
            f"if pid == 0:\n    try:\n        {end}\n    finally: os._exit(1)\nos.waitpid(pid, 0)[0] == pid"
        )
        assert kernel.run(code).result == "True"
        assert kernel.run("1").result == "1"


def test_a_recursion_of_900_frames_is_shown_fast(kernel: Kernel) -> None:
    """A traceback of 900 frames costs the kernel less than ten times the processor time of one of 9 frames."""
    import time

    # Linux' clock of the time that all threads of that process have run: waiting for a processor is not counted.
    clock = ~kernel.process.popen.pid << 3 | 2
    kernel.run("import sys; sys.setrecursionlimit(3000)\ndef f(n): return f(n - 1) if n else 1 / 0")

    def seconds(frames: int) -> float:
        at = time.clock_gettime(clock)
        assert kernel.run(f"f({frames})").reply["ename"] == "ZeroDivisionError"
        return time.clock_gettime(clock) - at

    for frames in (9, 900):  # what is imported with the first error is not counted
        seconds(frames)
    assert min(seconds(900) for _ in range(10)) < 10 * min(seconds(9) for _ in range(10))


def test_memory_is_bounded_under_a_flood_of_displays(fresh: Kernel) -> None:
    """A cell that displays without end waits for the kernel thread instead of filling the memory."""
    peak = "import resource\nresource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
    before = int(str(fresh.run(peak).result))
    fresh.run("for n in range(4000): display({'text/plain': 'x' * 50_000}, raw=True)")
    after = int(str(fresh.run(peak).result))
    assert after - before < 150_000, f"{after - before} KiB for 200 MB of displays"


# ---------------------------------------------------------------- sequences

#: In sequences only what the kernel repairs: a rebound builtin is the user's, and stays.
_REPAIRED = [
    name
    for name in CELLS
    if not re.search(r"builtins\.print|sys\.path|environment|trace|profile|recursion|linecache", name)
]
#: No shrinking: the kernel is one for all examples, and once it is broken every later one fails.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=60, phases=_PHASES)
@given(st.lists(st.sampled_from(sorted(set(_REPAIRED))), min_size=2, max_size=12))
def test_any_sequence_of_hostile_cells_leaves_a_fit_kernel(shared: Shared, names: list[str]) -> None:
    """After any sequence of hostile cells the next ones work, in one kernel that is never restarted."""
    shared.kernel.run(REPAIR)  # what an earlier example left is not part of this one
    for name in names:
        note(name)
        assert shared.kernel.run(CELLS[name]).reply["status"] in ("ok", "error")
    shared.kernel.run(REPAIR)
    _assert_fit(shared.kernel)


@settings(max_examples=100, phases=_PHASES)
@given(
    st.lists(
        st.sampled_from(sorted(name for name in NAMESPACE if name in _REPAIRED)),
        min_size=1,
        max_size=8,
    )
)
def test_any_damage_to_the_namespace_is_repaired(shared: Shared, names: list[str]) -> None:
    """The cell right after any sequence of damage to the namespace has a result, and _ follows it."""
    kernel = shared.kernel
    kernel.run(REPAIR)
    for name in names:
        note(name)
        kernel.run(NAMESPACE[name])
        assert kernel.run("6 * 7").result == "42"
    count = kernel.run("'last'").reply["execution_count"]
    assert kernel.run(f"_{count}").result == "'last'"
    kernel.run("globals().pop('_', None)")
    assert kernel.run("_").reply["status"] == "ok"
