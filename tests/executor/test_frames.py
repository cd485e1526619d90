"""Which frames a traceback shows, how a recursion is folded, and what a frame looks like."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from helpers.tracebacks import HIDDEN, LABELS, OURS, RULE, SUFFIX, failure, plain, shown, title
from holdfast.executor.traceback import Report, report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType


# --- one exception -----------------------------------------------------------------------------


def test_the_shape_and_the_colours() -> None:
    """A report is a rule, a title, one string per frame and the message, coloured by SGR codes."""
    found = report(failure("x = 0\n1 / x"), LABELS, HIDDEN)
    assert found == Report(
        "ZeroDivisionError",
        "division by zero",
        [
            f"\x1b[31m{RULE}\x1b[0m",
            f"\x1b[31mZeroDivisionError\x1b[0m                         {SUFFIX}",
            (
                "\x1b[36mCell In[3]\x1b[0m, \x1b[32mline 2\x1b[0m\n"
                "\x1b[32m      1\x1b[0m x = 0\n"
                "\x1b[1;32m----> 2\x1b[0m \x1b[1;31m1 / x\x1b[0m\n"
                "        \x1b[1;31m~~^~~\x1b[0m\n"
            ),
            "\x1b[31mZeroDivisionError\x1b[0m: division by zero",
        ],
    )


def test_frames_have_two_lines_of_context_without_blank_edges() -> None:
    """Each frame shows at most two lines on either side, and no blank line first or last."""
    source = "import os\n\n\ndef f(x, *more, k=1, **rest):\n    y = 2\n\n    return x[0] / (y - 2)\n\n\nf([1])\n"
    assert shown(source) == "\n".join(
        [
            RULE,
            title("ZeroDivisionError"),
            "Cell In[3], line 10",
            "---> 10 f([1])",
            "        ~^^^^^",
            "",
            "Cell In[3], line 7, in f(x, *more, k, **rest)",
            "      5     y = 2",
            "      6",
            "----> 7     return x[0] / (y - 2)",
            "                   ~~~~~^~~~~~~~~",
            "",
            "ZeroDivisionError: division by zero",
        ]
    )


@pytest.mark.parametrize(
    ("source", "line", "marks"),
    [
        ("x = 1 //0", "x = 1 //0", "    ~~^^~"),
        ("x = (1) ** ('a') ", "x = (1) ** ('a')", "    ~~~~^^~~~~~~"),
        ("d = {}\nd['a']['b'] = 1", "d['a']['b'] = 1", "~^^^^^"),
        ("x = int('y') + 1", "x = int('y') + 1", "    ~~~^^^^^"),
        ("x = int('y')", "x = int('y')", ""),
        ("'日本' + nothing", "'日本' + nothing", "         ^^^^^^^"),
        ("日 = {}['本'] + 1", "日 = {}['本'] + 1", "     ~~^^^^^^"),
        ("if 1:\n\tx = 1/0", "\tx = 1/0", "\t    ~^~"),
        ("nothing", "nothing", ""),
        ("x = '\\d' % 1, 2", "x = '\\d' % 1, 2", "    ^^^^^^^^"),
        ("x = [1][0]if 0else[][1]", "x = [1][0]if 0else[][1]", "                  ~~^^^"),
        ("x = (int(\n'y'))", "x = (int(", "     ^^^^"),
    ],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_marks_under_the_failing_expression(source: str, line: str, marks: str) -> None:
    """Marks lie under the expression, aligned for wide characters and tabs; none that say nothing."""
    rows = shown(source).split("\n")
    at = next(index for index, row in enumerate(rows) if row.startswith("---->"))
    assert rows[at][8:] == line
    following = rows[at + 1][8:] if set(rows[at + 1]) & set("^~") else ""
    assert following == marks


def test_a_very_long_line_is_cut_around_the_failing_expression() -> None:
    """A line of a million characters is shown as a few hundred, with the failing part among them."""
    text = shown(f"x = {'a' * 500_000!r}, 1/0, {'b' * 500_000!r}")
    assert len(text) < 2_000
    assert "1/0" in text
    assert "~^~" in text


def test_a_frame_without_source_is_a_header() -> None:
    """Generated code, whose source is nowhere, shows where it is and nothing else."""
    # Not exec() of a string: under `python -c`, as the workers of pytest-xdist run, "<string>" has a source.
    code = "exec(compile('def g(a): 1/0', '<nowhere>', 'exec')); g(1)"
    assert "\nFile <nowhere>:1, in g(a)\n\nZeroDivisionError" in shown(code)


def test_a_device_is_not_read_as_source() -> None:
    """A file name given to compile() that is not a regular file is never opened."""
    assert "\nFile /dev/zero:1\n\nZeroDivisionError" in shown("exec(compile('1/0', '/dev/zero', 'exec'))")


def test_library_frames_are_shown_with_a_path_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of a module shows its file, with ~ for the home folder, and its source."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "shop_of_ours.py").write_text("def buy(n):\n    return 1 / n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        text = shown("import shop_of_ours\nshop_of_ours.buy(0)")
    finally:
        sys.modules.pop("shop_of_ours", None)
    assert "\nFile ~/shop_of_ours.py:2, in buy(n)\n      1 def buy(n):\n----> 2     return 1 / n\n" in text


def test_source_comes_from_the_loader_of_a_module_that_has_no_file() -> None:
    """A module loaded from an archive, say, shows the source that its loader gives."""

    class Loader:
        def get_source(self, name: str) -> str:
            return "1/0  # from the loader\n"

    module = {"__name__": "packed", "__loader__": Loader()}
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("1/0", "/nowhere/packed.py", "exec"), module)
    assert "----> 1 1/0  # from the loader\n" in plain(report(caught.value, LABELS, HIDDEN))


def test_a_file_changed_since_it_was_read_is_read_again(tmp_path: Path) -> None:
    """The lines shown are those on disk now, as in the standard library."""
    path = tmp_path / "changing.py"
    for text in ("1/0  # first", "1/0  # and a second"):
        path.write_text(text)
        with pytest.raises(ZeroDivisionError) as caught:
            exec(compile(text, str(path), "exec"), {})
        assert f"----> 1 {text}\n" in plain(report(caught.value, LABELS, HIDDEN))


# --- which frames ------------------------------------------------------------------------------


def ours(body: str) -> Callable[..., object]:
    """Return a function `go(callback)` that lives in a file of the kernel's own."""
    namespace: dict[str, Callable[..., object]] = {}
    exec(compile(f"def go(callback=None):\n    return {body}\n", OURS + "executor/x.py", "exec"), namespace)
    return namespace["go"]


def test_frames_of_the_kernel_are_dropped_also_in_the_middle() -> None:
    """A cell's frame stays on either side of frames of ours."""
    text = shown("def inner():\n    1/0\ngo(inner)", {"go": ours("callback()")})
    assert [row for row in text.split("\n") if row.startswith(("Cell", "File"))] == [
        "Cell In[3], line 3",
        "Cell In[3], line 2, in inner()",
    ]


def test_what_the_kernel_calls_of_the_standard_library_is_dropped() -> None:
    """`input()` waits in `threading`; the cell that called it is all there is to see."""
    text = shown("go(int)", {"go": ours("__import__('json').loads('no JSON')")})
    assert [row for row in text.split("\n") if row.startswith(("Cell", "File"))] == ["Cell In[3], line 1"]


def test_what_the_cell_calls_of_the_standard_library_is_shown() -> None:
    """Only frames below one of ours are left out, and what the library calls of the user's is shown again."""
    own = shown("import json\njson.loads('no JSON')")
    assert "json/__init__.py" in own
    back = shown("def default(x): 1/0\ngo(default)", {"go": ours("__import__('json').dumps(1j, default=callback)")})
    assert [row for row in back.split("\n") if row.startswith(("Cell", "File"))] == [
        "Cell In[3], line 2",
        "Cell In[3], line 1, in default(x)",
    ]


def test_what_the_kernel_calls_of_other_packages_is_shown(tmp_path: Path) -> None:
    """Where a representation of a library's fails is what the user wants to know."""
    namespace: dict[str, Callable[..., object]] = {}
    exec(compile("def fail():\n    1/0\n", str(tmp_path / "library.py"), "exec"), namespace)
    assert "library.py:2" in shown("go(fail)", {"go": ours("callback()"), "fail": namespace["fail"]})


def test_a_cell_whose_file_lies_under_a_hidden_prefix_is_shown() -> None:
    """A label wins over a hidden prefix."""
    text = plain(report(failure("1/0"), LABELS, ("/tmp/", *HIDDEN)))
    assert "Cell In[3], line 1\n" in text


def test_an_exception_without_a_visible_frame() -> None:
    """Where every frame is ours, the title and the message remain."""
    with pytest.raises(ZeroDivisionError) as caught:
        ours("1/0")()
    text = plain(report(caught.value, LABELS, HIDDEN))
    assert text == f"{RULE}\n{title('ZeroDivisionError')}\nZeroDivisionError: division by zero"


def test_frames_of_the_import_machinery_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """importlib's frames are left out, the module's own and import_module's are not."""
    (tmp_path / "failing_of_ours.py").write_text("1/0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("failing_of_ours", "absent_of_ours"):
        text = shown(f"from importlib import import_module\nimport_module({name!r})")
        assert "in import_module(name, package)" in text
        assert "importlib._bootstrap" not in text
        assert ("failing_of_ours.py:1\n" in text) == (name == "failing_of_ours")


def test_frames_of_importlib_are_kept_where_it_fails_itself() -> None:
    """An error that importlib raises, other than an ImportError, shows where, as in Python."""
    text = shown("import importlib._bootstrap as b\nb._sanity_check(1, None, 0)")
    assert "File <frozen importlib._bootstrap>" in text


# --- recursion ---------------------------------------------------------------------------------


def recursion(depth: int, period: int = 1) -> BaseException:
    """Return the failure of `period` functions that call one another to a depth of `depth` frames."""
    parts = [
        f"def f{i}(n):\n    if not n:\n        1/0\n    return f{(i + 1) % period}(n - 1) + 1\n" for i in range(period)
    ]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + depth)
    try:
        return failure("".join(parts) + f"f0({depth - 2})\n")
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("depth", [900, 50_000])
@pytest.mark.parametrize("period", [1, 2, 3, 10])
def test_a_recursion_is_folded(depth: int, period: int) -> None:
    """A recursion through up to ten functions shows its first and last turn and counts the rest."""
    found = report(recursion(depth, period), LABELS, HIDDEN)
    text = plain(found)
    # One frame for the cell, one for the function that fails, on another line.
    assert f"\n[... {depth - 2 - 2 * period} similar frames ...]\n" in text
    assert text.count("Cell In[3], line") == 2 + 2 * period


def test_few_turns_are_not_folded() -> None:
    """Four repeated frames are all shown."""
    text = plain(report(recursion(6), LABELS, HIDDEN))
    assert "similar" not in text
    assert text.count("Cell In[3], line") == 6


def test_recursion_error_itself() -> None:
    """A RecursionError is reported like any other, folded."""
    text = shown("def f(n):\n    return f(n + 1)\nf(0)")
    assert re.search(r"\n\[\.\.\. \d{3,} similar frames \.\.\.\]\n", text)
    assert "RecursionError: maximum recursion depth exceeded" in text


def test_a_deep_stack_without_a_pattern_is_cut() -> None:
    """Where nothing repeats, the first and the last fifty frames are shown, and the rest counted."""
    calls = "".join(f"def f{i}():\n    f{i + 1}()\n" for i in range(299))
    text = shown(calls + "def f299():\n    1/0\nf0()\n")
    assert text.count("Cell In[3], line") == 100
    assert "\n[... 201 frames not shown ...]\n" in text
    assert "in f299()\n" in text


def test_a_folded_frame_costs_little_at_any_depth() -> None:
    """It costs less than a tenth of one that is shown.  Steps of Python are counted: a time depends on the machine."""

    def steps(depth: int) -> int:
        exc = recursion(depth)
        report(exc, LABELS, HIDDEN)
        count = 0

        def trace(frame: FrameType, event: str, arg: object) -> Callable[..., Any]:
            nonlocal count
            count += event in ("line", "c_call")
            return trace

        before = sys.gettrace(), sys.getprofile()
        sys.setprofile(trace)
        sys.settrace(trace)
        try:
            report(exc, LABELS, HIDDEN)
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])
        return count

    shown_one = steps(6) - steps(5)
    assert steps(900) - steps(9) < (900 - 9) * shown_one / 10
    assert steps(9000) - steps(900) < (9000 - 900) * shown_one / 10
