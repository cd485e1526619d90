"""`%time`, `%%time`, `%timeit` and `%%timeit`: how long code takes.

They must never count what is ours as the code's: compiling is over when the clock starts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from holdfast.magics.builtin.repeating import Timed, TimeitResult, measure
from holdfast.magics.builtin.units import format_time
from holdfast.magics.expand import locals_of_caller, variables_of_caller
from holdfast.magics.parse import lower
from holdfast.magics.port import CellMagic, Kernel, LineMagic, WrapperMagic
from holdfast.magics.words import BadWords, Options

_OPTIONS = "n:r:tcp:qov:"
_AWAITS = "in a function it cannot await; put it at the top level of a cell"


def line(name: str, kernel: Kernel) -> LineMagic:
    """`%time` and `%timeit`."""
    return _time(kernel) if name == "time" else _timeit(kernel)


def cell(_name: str, kernel: Kernel) -> CellMagic:
    """`%%timeit`."""

    def timeit(rest: str, body: str) -> object:
        """Run the lines below many times: how long they take.  What stands behind the options runs before each run.

        Options as for `%timeit`.
        """
        options = Options("%%timeit", rest, _OPTIONS)
        if not body.strip():
            raise BadWords("%%timeit", "there is nothing below it; `%timeit` times the rest of its line")
        timed = Timed(body, options.text, {}, kernel.namespace)
        return _finish(kernel, options, timed, body, nested=True)

    return _with_marks(timeit)


def wrapper(_name: str, kernel: Kernel) -> WrapperMagic:
    """`%%time`."""

    def timed(rest: str) -> Clock:
        """Run the cell and say how long it took: CPU time of this process, and time on the wall."""
        if rest:
            raise BadWords("%%time", f"nothing can stand behind it, and {rest!r} does; put it on the next line")
        return Clock()

    return timed


def _with_marks[F: Callable[..., object]](magic: F) -> F:
    """`{name}` in its line is code, and a `;` at its end means that nothing is shown."""
    magic.no_var_expand = magic.output_can_be_silenced = True  # type: ignore[attr-defined]
    return magic


def _time(kernel: Kernel) -> LineMagic:
    def timed(rest: str) -> object:
        """Run a statement or an expression once and say how long it took; its value is that of the expression.

        `%time x = f()` binds x.  `%time --no-raise-error f()` goes on where f fails.  Above a cell, `%%time` times
        all of it.
        """
        options = Options("%time", rest, long=("no-raise-error",)) if rest.startswith("--") else None
        code = options.text if options is not None else rest
        try:
            return _timed(kernel, code)
        except Exception:
            if options is None:
                raise
            return None

    return _with_marks(timed)


def _timed(kernel: Kernel, code: str) -> object:
    variables = locals_of_caller()
    if variables is not kernel.namespace:
        return _timed_in_function(code, kernel.namespace, variables)
    # The piece is compiled, then it runs inside the clock: what is measured is the code alone.
    if "await" in code:
        return kernel.run_async(f"%%time\n{code}")
    return kernel.run(f"%%time\n{code}")


def _timed_in_function(code: str, namespace: dict[str, Any], variables: dict[str, Any]) -> object:
    """In a function the code sees its variables, and binds those that it has (from Python 3.13 on)."""
    if "await" in code:
        raise BadWords("%time", _AWAITS)
    code = lower(code).code
    try:
        compiled = compile(code, "<timed>", "eval", dont_inherit=True)
    except SyntaxError:
        compiled = None
    if compiled is None:
        compiled = compile(code, "<timed>", "exec", dont_inherit=True)
    with Clock():
        return eval(compiled, namespace, variables)


class Clock:
    """Prints, when it is left, how long it was entered."""

    def __enter__(self) -> None:
        self._cpu = cpu_times()
        self._wall = time.perf_counter()

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        wall = time.perf_counter() - self._wall
        user, system = (now - then for now, then in zip(cpu_times(), self._cpu, strict=True))
        print(f"CPU times: user {format_time(user)}, sys: {format_time(system)}, total: {format_time(user + system)}")
        print(f"Wall time: {format_time(wall)}")


def cpu_times() -> tuple[float, float]:
    """Seconds of this process: its own code's, and the system's for it."""
    if sys.platform == "win32":
        import os

        times = os.times()
        return times.user, times.system
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime, usage.ru_stime


def _timeit(kernel: Kernel) -> LineMagic:
    def timeit(rest: str) -> object:
        """Run a statement many times: how long it takes.  Above a cell, `%%timeit` times all of it.

        -n N: N loops in each run (else as many as take 0.2 s)   -r R: R runs (else 7)
        -o: the result is the line's value   -q: say nothing   -v NAME: bind NAME to the result
        -p P: P digits (else 3)   -c: CPU time   -t: time on the wall (as without)
        """
        options = Options("%timeit", rest, _OPTIONS)
        if not options.text:
            return None
        variables = variables_of_caller(kernel.namespace)
        here = {} if variables is kernel.namespace else dict(variables.maps[0])  # type: ignore[attr-defined]
        timed = Timed(options.text, "", here, kernel.namespace)
        if timed.is_async and variables is not kernel.namespace:
            raise BadWords("%timeit", _AWAITS)
        return _finish(kernel, options, timed, options.text)

    return _with_marks(timeit)


def _finish(kernel: Kernel, options: Options, timed: Timed, code: str, *, nested: bool = False) -> object:
    """Measure and say it; a coroutine for a line that awaits, whose cell awaits it, unless `nested`."""
    timer = time.process_time if "c" in options else time.perf_counter
    kernel.ran(code)
    if timed.setup:
        kernel.ran(timed.setup)

    async def run() -> object:
        result = await measure(timed, timer, options.number("n", 0), options.number("r", 7), options.number("p", 3))
        return _say(kernel, options, result)

    if not timed.is_async:
        return _now(run())
    if not nested:
        return run()
    import asyncio

    return asyncio.get_running_loop().run_until_complete(run())


def _now(coroutine: Any) -> object:
    """The value of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise RuntimeError("the code that is timed waits for something, and nobody can wait here")


def _say(kernel: Kernel, options: Options, result: TimeitResult) -> TimeitResult | None:
    if "q" not in options:
        if result.worst > 4 * result.best and result.best > 0 and result.worst > 1e-6:
            times = result.worst / result.best
            print(
                f"The slowest run took {times:.2f} times longer than the fastest. "
                "This could mean that an intermediate result is being cached."
            )
        print(result)
        if result.compile_time > 0.1:
            print(f"Compiler time: {result.compile_time:.2f} s")
    if name := options.get("v"):
        kernel.namespace[name] = result
        kernel.touched(name)
    return result if "o" in options else None
