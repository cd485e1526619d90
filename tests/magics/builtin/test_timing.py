"""`%time`, `%%time`, `%timeit` and `%%timeit` over the kernel in memory."""

from __future__ import annotations

import asyncio
import gc
import pickle
import re
import sys
import time
from typing import Any

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.builtin.repeating import TimeitResult
from holdfast.magics.words import BadWords

_TIME = r"[\d.e+]+ (?:s|ms|μs|ns)"
_TIMES = re.compile(rf"CPU times: user {_TIME}, sys: {_TIME}, total: {_TIME}\nWall time: {_TIME}\n")
# Three loops of some nanoseconds: what else the machine did meanwhile may be most of a run, and is said.
_SLOWEST = r"(?:The slowest run took .+\n)?"
_LOOPS = re.compile(rf"{_SLOWEST}{_TIME} ± {_TIME} per loop \(mean ± std\. dev\. of 2 runs, 3 loops each\)\n")


@pytest.fixture
def kernel() -> MagicKernel:
    """With two variables."""
    return MagicKernel(x=5, seen=[])


def test_time_gives_the_value_and_says_how_long(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """The value is that of the expression."""
    assert kernel.line("time x + 1") == 6
    assert _TIMES.fullmatch(capsys.readouterr().out)


def test_time_of_a_statement_binds(kernel: MagicKernel) -> None:
    """`%time y = …` binds y, and has no value."""
    assert kernel.line("time y = x * 2") is None
    assert kernel.namespace["y"] == 10


def test_time_of_an_error_says_how_long_it_took_until_then(
    kernel: MagicKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error comes through, the times stand above it."""
    with pytest.raises(ZeroDivisionError):
        kernel.line("time 1 / 0")
    assert _TIMES.fullmatch(capsys.readouterr().out)


def test_time_goes_on_after_an_error_where_it_is_asked_to(kernel: MagicKernel) -> None:
    """--no-raise-error."""
    assert kernel.line("time --no-raise-error 1 / 0") is None


def test_time_in_a_function_sees_its_variables(kernel: MagicKernel) -> None:
    """`%time` inside of a `def` reads the function's own."""
    kernel.namespace["magics"] = kernel.magics
    kernel.run("def f():\n    here = 4\n    return magics('time', 'here + x')\nvalue = f()")
    assert kernel.namespace["value"] == 9


@pytest.mark.skipif(sys.version_info < (3, 13), reason="a function's variables can be bound from Python 3.13 on")
def test_time_in_a_function_binds_its_variables(kernel: MagicKernel) -> None:
    """Those that the function has, also where an inner function and an outer one share them."""
    kernel.namespace["magics"] = kernel.magics
    kernel.run(
        "def f():\n    model = None\n    def inner():\n        nonlocal model\n"
        "        magics('time', 'model = 4')\n    inner()\n    magics('time', 'model += x')\n    return model\n"
        "value = f()"
    )
    assert kernel.namespace["value"] == 9
    assert "model" not in kernel.namespace


def test_time_in_a_class_makes_an_attribute(kernel: MagicKernel) -> None:
    """As a statement there does."""
    kernel.namespace["magics"] = kernel.magics
    kernel.run("class Sea:\n    wide = 2\n    magics('time', 'deep = wide * x')\nvalue = Sea.deep")
    assert kernel.namespace["value"] == 10


@pytest.mark.parametrize("line", ["'time', 'await x'", "'timeit', 'await x'"])
def test_in_a_function_nobody_can_wait(kernel: MagicKernel, line: str) -> None:
    """It says where it works."""
    kernel.namespace["magics"] = kernel.magics
    with pytest.raises(BadWords, match="top level"):
        kernel.run(f"def f():\n    magics({line})\nf()")


def test_time_awaits(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """With `await` in it the value is awaited by the cell; the waiting counts."""
    kernel.run("import asyncio")
    awaitable: Any = kernel.line("time await asyncio.sleep(0.02, 'slept')")
    assert asyncio.run(awaitable) == "slept"
    assert re.search(r"Wall time: (?:\d\d[\d.]* ms|[\d.]+ s)", capsys.readouterr().out)


def test_a_cell_below_time_runs_inside_the_clock(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Its names are bound, and what it prints stands above the times."""
    assert kernel.run("%%time\nz = 1\nprint('in')\nz + 1") == 2
    assert re.fullmatch("in\n" + _TIMES.pattern, capsys.readouterr().out)


def test_nothing_stands_behind_time_above_a_cell(kernel: MagicKernel) -> None:
    """It would be lost, so it is said."""
    with pytest.raises(BadWords, match="next line"):
        kernel.run("%%time z = 1\n2")


def test_timeit_says_its_line(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Mean, deviation, runs and loops, in the layout that people know."""
    assert kernel.line("timeit -n 3 -r 2 x + 1") is None
    assert _LOOPS.fullmatch(capsys.readouterr().out)


def test_timeit_gives_its_result_where_it_is_asked(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """-o is the value, -q says nothing, -v binds a name."""
    result = kernel.line("timeit -n 3 -r 2 -o -q -v kept x + 1")
    assert isinstance(result, TimeitResult)
    assert (result.loops, result.repeat, len(result.all_runs)) == (3, 2, 2)
    assert result.best == min(result.timings) <= result.average <= max(result.timings) == result.worst
    assert (kernel.namespace["kept"], kernel.touches, capsys.readouterr().out) == (result, [("kept",)], "")


def test_a_result_is_kept_with_the_session() -> None:
    """It can be pickled, and its text is the line that `%timeit` prints."""
    result = TimeitResult(10, [1e-6, 3e-6], 0.0, 3)
    text = "200 ns ± 100 ns per loop (mean ± std. dev. of 2 runs, 10 loops each)"
    assert str(pickle.loads(pickle.dumps(result))) == text
    assert repr(result) == f"<TimeitResult : {text}>"


def test_timeit_binds_nothing(kernel: MagicKernel) -> None:
    """The statement runs in a function: `x = 2` is its own x."""
    before = set(kernel.namespace)
    kernel.line("timeit -n 1 -r 1 x = 2")
    assert (kernel.namespace["x"], set(kernel.namespace)) == (5, before)


def test_timeit_runs_as_often_as_it_says(kernel: MagicKernel) -> None:
    """Loops times runs; functions see the session's variables."""
    kernel.line("timeit -n 3 -r 2 seen.append(x)")
    assert kernel.namespace["seen"] == [5] * 6


def test_what_is_timed_can_change_variables(kernel: MagicKernel) -> None:
    """The commit is told of the code that ran."""
    kernel.line("timeit -n 1 -r 1 seen.append(1)")
    assert kernel.codes == ["seen.append(1)"]


def test_loops_are_chosen_so_that_a_run_takes_long_enough(kernel: MagicKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without -n the number of loops is a power of ten."""
    ran: list[int] = []
    # A clock by which each loop takes 3 ms.
    monkeypatch.setattr(time, "perf_counter", lambda: len(ran) * 0.003)
    kernel.namespace["ran"] = ran
    result = kernel.line("timeit -o -q -r 1 ran.append(1)")
    assert isinstance(result, TimeitResult)
    assert result.loops == 100
    assert result.all_runs == pytest.approx([0.3])


def test_the_collector_is_off_while_it_is_timed(kernel: MagicKernel) -> None:
    """And on afterwards, also where the statement fails."""
    kernel.run("import gc")
    kernel.line("timeit -n 1 -r 1 seen.append(gc.isenabled())")
    with pytest.raises(ZeroDivisionError):
        kernel.line("timeit -n 1 -r 1 1/0")
    assert (kernel.namespace["seen"], gc.isenabled()) == ([False], True)


def test_a_cell_below_timeit_is_timed_after_its_set_up(kernel: MagicKernel) -> None:
    """What stands behind the options runs once for each run, and its names are there."""
    kernel.magics.cell("timeit", "-n 3 -r 2 start = seen.append('set up')", "seen.append(1)\nstart\n")
    assert kernel.namespace["seen"] == ["set up", 1, 1, 1] * 2


def test_timeit_above_nothing_is_said(kernel: MagicKernel) -> None:
    """It names the line magic."""
    with pytest.raises(BadWords, match="nothing below it"):
        kernel.magics.cell("timeit", "-n 1", "")


def test_timeit_awaits(kernel: MagicKernel) -> None:
    """With `await` in the statement the line is awaited by the cell."""
    kernel.run("import asyncio")
    awaitable: Any = kernel.line("timeit -n 2 -r 1 -o -q await asyncio.sleep(0.001)")
    result: object = asyncio.run(awaitable)
    assert isinstance(result, TimeitResult)
    assert result.best >= 0.001


def test_a_run_that_took_much_longer_is_named(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Four times the fastest."""
    kernel.run("import time\ndef once():\n    seen.append(1)\n    len(seen) == 1 and time.sleep(0.02)")
    kernel.line("timeit -n 1 -r 3 once()")
    assert capsys.readouterr().out.startswith("The slowest run took ")


def test_an_error_points_into_the_statement(kernel: MagicKernel) -> None:
    """Its last frame has the statement's own lines, which `linecache` can quote."""
    import linecache
    import traceback

    with pytest.raises(ZeroDivisionError) as caught:
        kernel.magics.cell("timeit", "-n 1 -r 1", "x\n1 / 0\n")
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.lineno, linecache.getline(last.filename, 2)) == (2, "1 / 0\n")
