"""Loops and processes that cells bring along: what helps them is imported when they are, and not before.

It must never import one of the libraries it waits for.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from types import ModuleType

from holdfast.compat.finder import when_imported
from holdfast.executor.interrupt import Interrupts
from holdfast.executor.loop import UserLoop, aside, nest_all
from holdfast.executor.runner import Runner

_LOOPS = ("anyio", "nest_asyncio", "nest_asyncio2", "trio", "uvloop")
#: Modules of `multiprocessing`: imported by all of it, with the first process that is forked, and one started anew.
_ALL, _FORKS = "multiprocessing.util", "multiprocessing.popen_fork"
_STARTERS = tuple(f"multiprocessing.popen_{kind}" for kind in ("spawn_posix", "forkserver", "spawn_win32"))


def install(loop: UserLoop, variables: dict[str, object], interrupts: Interrupts, runner: Runner) -> None:
    """Be there when the user's code imports one; `variables` are the user's, the runner is the main thread's."""
    for name in _LOOPS:
        when_imported(name, _adopt_loops)
    when_imported(_ALL, _tie_workers)
    if sys.platform == "linux":
        when_imported(_FORKS, _tie_forks)
    for name in _STARTERS:
        when_imported(name, _send_by_value)
    loop.on_nested = partial(_hint, loop, variables)
    loop.on_escape = partial(_escaped, interrupts, runner)


def _adopt_loops(module: ModuleType) -> None:
    from holdfast.compat.loops import adopt

    adopt(module, aside, nest_all)


def _tie_workers(_module: ModuleType) -> None:
    from holdfast.app.children import tie_workers

    tie_workers()


def _tie_forks(module: ModuleType) -> None:
    from holdfast.app.children import tie_forks

    tie_forks(module)


def _send_by_value(_module: ModuleType) -> None:
    from holdfast.compat.spawning import send_by_value

    send_by_value()


def _escaped(interrupts: Interrupts, runner: Runner, error: BaseException) -> None:
    """A signal handler of the user's has raised `error` while the loop waited: it is the waiting cell's, or shown."""
    if not interrupts.escaped(error):
        runner.complain(error)


def _hint(loop: UserLoop, variables: dict[str, object], hint: str) -> None:
    """Once, to who runs the kernel's own loop by hand in a cell, and has not said that loops are to nest."""
    caller = sys._getframe(1).f_back  # of the loop's method
    if caller is not None and caller.f_globals is variables and not any(name in sys.modules for name in _LOOPS[1:3]):
        loop.on_nested = lambda _hint: None
        print(hint, file=sys.stderr)


def end_children() -> None:
    """At the very end of the kernel: end what cells have started and left running."""
    if not hasattr(os, "getpgid"):
        return
    try:
        if hasattr(os, "waitid"):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:  # there is no child, which is the rule
        return
    from holdfast.app.children import end_all

    end_all()
