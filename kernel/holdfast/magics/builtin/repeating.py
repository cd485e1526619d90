"""A statement that is run many times, and what is said of how long that took.

It must never leave the garbage collector off, nor bind a name among the user's: the statement runs in a function
whose globals are their variables.
"""

from __future__ import annotations

import ast
import gc
import inspect
import itertools
import linecache
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from holdfast.magics.builtin.units import format_time
from holdfast.magics.parse import lower

#: Seconds that a run of as many loops as are chosen for it takes at least.
ENOUGH = 0.2
_MOST_DIGITS = 9  # of the number of loops that is chosen

_TEMPLATE = """
{prefix}def inner(_it, _timer{names}):
    pass
    _t0 = _timer()
    for _i in _it:
        pass
    _t1 = _timer()
    return _t1 - _t0
"""
_TAKEN = ("_it", "_timer")
_numbers = itertools.count(1)


class TimeitResult:
    """What `%timeit -o` gives: all runs, and their best, worst and average; times are seconds per loop."""

    def __init__(self, loops: int, all_runs: list[float], compile_time: float, precision: int) -> None:
        self.loops = loops
        self.repeat = len(all_runs)
        #: Seconds of each run, of all its loops together.
        self.all_runs = all_runs
        self.compile_time = compile_time
        self._precision = precision
        self.timings = [run / loops for run in all_runs]
        self.best = min(self.timings)
        self.worst = max(self.timings)

    @property
    def average(self) -> float:
        """The mean of the runs."""
        return math.fsum(self.timings) / len(self.timings)

    @property
    def stdev(self) -> float:
        """Their standard deviation."""
        mean = self.average
        return math.sqrt(math.fsum((timing - mean) ** 2 for timing in self.timings) / len(self.timings))

    def __str__(self) -> str:
        mean, deviation = (format_time(value, self._precision) for value in (self.average, self.stdev))
        runs = f"{self.repeat} run{'s' if self.repeat > 1 else ''}"
        loops = f"{self.loops:,} loop{'s' if self.loops > 1 else ''}"
        return f"{mean} ± {deviation} per loop (mean ± std. dev. of {runs}, {loops} each)"

    def __repr__(self) -> str:
        return f"<TimeitResult : {self}>"


class Timed:
    """A statement and its set-up, compiled: `inner(iterable, timer)` gives seconds, or something that awaits them.

    `here` are the variables of the function in which it stands, which it sees, too.
    """

    def __init__(self, code: str, setup: str, here: Mapping[str, object], namespace: dict[str, Any]) -> None:
        self.setup = setup
        self._here = {name: value for name, value in here.items() if name.isidentifier() and name not in _TAKEN}
        filename = f"<timeit {next(_numbers)}>"
        # Tracebacks quote the code as it was written.
        linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
        trees = [compile(lower(text).code, filename, "exec", flags, dont_inherit=True) for text in (setup, code)]
        self.is_async = any(_awaits(compile(tree, filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)) for tree in trees)
        names = "".join(f", {name}" for name in self._here)
        template = ast.parse(_TEMPLATE.format(prefix="async " if self.is_async else "", names=names))
        function: Any = template.body[0]
        function.body[2].body = trees[1].body or [ast.Pass()]
        function.body[:1] = trees[0].body
        ast.fix_missing_locations(template)
        started = time.perf_counter()
        compiled = compile(template, filename, "exec", dont_inherit=True)
        self.compile_time = time.perf_counter() - started
        made: dict[str, Any] = {}
        exec(compiled, namespace, made)
        self._inner: Callable[..., Any] = made["inner"]

    def run(self, loops: int, timer: Callable[[], float]) -> float | Awaitable[float]:
        """Seconds of one run."""
        again: Iterable[None] = itertools.repeat(None, loops)
        seconds: float | Awaitable[float] = self._inner(again, timer, **self._here)
        return seconds


def _awaits(code: Any) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


async def measure(timed: Timed, timer: Callable[[], float], loops: int, runs: int, precision: int) -> TimeitResult:
    """Run it `runs` times of `loops` loops; 0 for as many as take long enough."""
    if not loops:
        for digits in range(_MOST_DIGITS + 1):
            loops = 10**digits
            if await _seconds(timed, loops, timer) >= ENOUGH:
                break
    all_runs = [await _seconds(timed, loops, timer) for _ in range(max(runs, 1))]
    return TimeitResult(loops, all_runs, timed.compile_time, precision)


async def _seconds(timed: Timed, loops: int, timer: Callable[[], float]) -> float:
    collects = gc.isenabled()
    gc.disable()
    try:
        seconds = timed.run(loops, timer)
        return await seconds if isinstance(seconds, Awaitable) else seconds
    finally:
        if collects:
            gc.enable()
