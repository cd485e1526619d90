"""Warnings, logging and what else names a cell's file, line and source."""

from __future__ import annotations

import re

import pytest

from helpers.kernel import Kernel, Result

#: `FILE:LINE: Category: text`, and the source line below it.
_WARNING = re.compile(r"^(\S+\.py):(\d+): (\w+): (.*)\n  (.*)$", re.MULTILINE)


def _warned(result: Result) -> list[tuple[int, str, str, str]]:
    """(line, category, text, source) of each warning below a cell."""
    return [(int(line), kind, text, source) for _, line, kind, text, source in _WARNING.findall(result.stderr)]


@pytest.fixture
def warning(kernel: Kernel) -> Kernel:
    """The module's kernel with Python's own filters."""
    kernel.run(
        "import logging, sys, traceback, warnings\nwarnings.resetwarnings()\n"
        "warnings.filterwarnings('default', category=DeprecationWarning, module='__main__')\n"
        "for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):\n"
        "    warnings.filterwarnings('ignore', category=kind, append=True)"
    )
    return kernel


# ---------------------------------------------------------------- warnings


@pytest.mark.parametrize(
    ("code", "line", "category", "text", "source"),
    [
        ("1\nwarnings.warn('careful')", 2, "UserWarning", "careful", "warnings.warn('careful')"),
        ("def f():\n    warnings.warn('in f')\nf()", 2, "UserWarning", "in f", "warnings.warn('in f')"),
        ("warnings.warn(\n    'long',\n)", 1, "UserWarning", "long", "warnings.warn("),
        ("warnings.warn('old', DeprecationWarning)", 1, "DeprecationWarning", "old", None),
        ("warnings.warn('r', RuntimeWarning)", 1, "RuntimeWarning", "r", None),
        ("await __import__('asyncio').sleep(0)\nwarnings.warn('a')", 2, "UserWarning", "a", "warnings.warn('a')"),
        ("%%thread\nwarnings.warn('t')", 2, "UserWarning", "t", "warnings.warn('t')"),
        ("import datetime; datetime.datetime.utcnow();", 1, "DeprecationWarning", None, None),
    ],
)
def test_a_warning_names_the_line_and_quotes_it(
    warning: Kernel, code: str, line: int, category: str, text: str | None, source: str | None
) -> None:
    """As Python does for a script."""
    [warned] = _warned(warning.run(code))
    assert warned[:2] == (line, category)
    assert text is None or warned[2] == text
    assert warned[3] == (source or code)


def test_a_warning_in_a_loop_is_shown_once(warning: Kernel) -> None:
    """The default action, within a cell."""
    assert len(_warned(warning.run("for _ in range(3): warnings.warn('again')"))) == 1


def test_a_cell_that_runs_again_warns_again(warning: Kernel) -> None:
    """Also a function of an earlier cell does: what was shown below another cell is not shown here."""
    warning.run("def old(): warnings.warn('old', DeprecationWarning)")
    assert [len(_warned(warning.run("old()"))) for _ in range(3)] == [1, 1, 1]
    assert warning.run("'__warningregistry__' in globals()").result == "False"


def test_a_library_that_blames_its_caller_names_the_cell(warning: Kernel) -> None:
    """`stacklevel=2` leads to the cell's line, and a DeprecationWarning there is shown."""
    warning.run(
        "import types\nlibrary = types.ModuleType('library')\n"
        "exec('import warnings\\ndef f(): warnings.warn(\"old\", DeprecationWarning, stacklevel=2)\\n'"
        " 'def g(): warnings.warn(\"inside\", DeprecationWarning)', vars(library))"
    )
    result = warning.run("library.g()\nlibrary.f()")
    assert _warned(result) == [(2, "DeprecationWarning", "old", "library.f()")]


@pytest.mark.parametrize(
    ("code", "line"),
    [("x = 1\nx is 1", 2), ("def f():\n    return '\\d'", 2), ("assert (1, 'always')", 1), ("(1)(2) if 0 else 3", 1)],
)
def test_a_syntax_warning_is_shown_once_with_its_line(warning: Kernel, code: str, line: int) -> None:
    """Once for each run of the cell, not once for each time that it is compiled."""
    for _ in range(2):
        [(number, category, _, source)] = _warned(warning.run(code))
        assert (number, category, source) == (line, "SyntaxWarning", code.splitlines()[line - 1].strip())


def test_filters_hold_for_later_cells(warning: Kernel) -> None:
    """`simplefilter` and `filterwarnings` are the process's; `error` raises in the cell."""
    warning.run("warnings.simplefilter('ignore')")
    assert warning.run("warnings.warn('hidden')").stderr == ""
    warning.run("warnings.simplefilter('always')")
    assert len(_warned(warning.run("for _ in range(3): warnings.warn('each')"))) == 3
    warning.run("warnings.simplefilter('error')")
    assert warning.run("warnings.warn('raised')").error == "UserWarning"


def test_warnings_are_recorded(warning: Kernel) -> None:
    """`catch_warnings(record=True)` gets file and line of the cell, and the file has its source."""
    code = (
        "import linecache\nwith warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n    warnings.warn('seen')\n"
        "[(w.lineno, linecache.getline(w.filename, w.lineno).strip()) for w in seen]"
    )
    assert warning.run(code).result == "[(4, \"warnings.warn('seen')\")]"


# ---------------------------------------------------------------- logging

FORMAT = "%(filename)s:%(lineno)d %(funcName)s %(levelname)s %(message)s"


def test_logging_warns_without_being_set_up(fresh: Kernel) -> None:
    """As in a script: warnings and errors on stderr, nothing below."""
    assert (
        fresh.run("import logging\nlogging.warning('careful'); logging.info('no')").stderr == "WARNING:root:careful\n"
    )


def test_logging_names_the_cells_file_and_line(warning: Kernel) -> None:
    """`basicConfig` works at once, and a record's file is the cell's."""
    code = (
        f"logging.basicConfig(format={FORMAT!r}, level=logging.INFO, force=True)\n"
        "def f():\n    logging.getLogger(__name__).info('told')\nf()\n"
        "import os; os.path.basename(f.__code__.co_filename)"
    )
    result = warning.run(code)
    assert result.stderr == f"{str(result.result).strip(chr(39))}:3 f INFO told\n"


def test_logged_errors_quote_the_cell(warning: Kernel) -> None:
    """`logging.exception` writes a traceback with the cell's line."""
    result = warning.run("try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('failed')")
    assert "line 2, in <module>\n    1 / 0" in result.stderr


def test_captured_warnings_go_to_the_log(warning: Kernel) -> None:
    """`logging.captureWarnings` gets the same text."""
    warning.run("logging.basicConfig(format='%(name)s %(message)s', force=True); logging.captureWarnings(True)")
    result = warning.run("warnings.warn('logged')")
    warning.run("logging.captureWarnings(False)")
    assert result.stderr.startswith("py.warnings ")
    assert "UserWarning: logged\n  warnings.warn('logged')" in result.stderr


# ---------------------------------------------------------------- what is known of errors and sources


def test_a_printed_traceback_quotes_the_cell(warning: Kernel) -> None:
    """`traceback.print_exc()` finds the source."""
    result = warning.run("def f():\n    1 / 0\ntry: f()\nexcept ZeroDivisionError: traceback.print_exc()")
    assert "line 2, in f\n    1 / 0" in result.stderr
    assert "holdfast/executor" not in result.stderr


def test_the_last_error_is_where_debuggers_look(warning: Kernel) -> None:
    """`sys.last_exc` and its kin, from the cell's own frame on; `pdb.pm()` begins there."""
    warning.run("def f(): here = 5; 1 / 0\nf()")
    code = (
        "last, seen = sys.last_traceback, []\n"
        "while last: seen.append(last.tb_frame.f_code.co_name); last = last.tb_next\n"
        "sys.last_type is type(sys.last_exc) is ZeroDivisionError, sys.last_value is sys.last_exc, seen"
    )
    assert warning.run(code).result == "(True, True, ['<module>', 'f'])"
    assert warning.run("sys.exc_info()").result == "(None, None, None)"


def test_pdb_looks_at_the_last_error(warning: Kernel) -> None:
    """`pdb.pm()` asks over the prompt of the notebook, in the frame that failed."""
    warning.run("def f(): here = 5; 1 / 0\nf()")
    result = warning.run("import pdb; pdb.pm()", answers=["p here", "q"])
    assert "5\n" in result.stdout


def test_sources_of_functions_are_found(warning: Kernel) -> None:
    """`inspect.getsource`, also of a function that a later cell has defined again."""
    warning.run("import inspect\ndef f():\n    return 'first'  # said so\nold = f")
    warning.run("def f():\n    return 'second'")
    assert warning.run("print(inspect.getsource(old))").stdout.strip() == "def f():\n    return 'first'  # said so"
    assert warning.run("print(inspect.getsource(f))").stdout.strip() == "def f():\n    return 'second'"


def test_faulthandler_writes_below_the_cell(warning: Kernel) -> None:
    """`faulthandler.dump_traceback()` needs a real descriptor, and names the line."""
    result = warning.run("import faulthandler\nfaulthandler.dump_traceback(all_threads=False)")
    assert re.search(r"\.py\", line 2 in <module>", result.stderr)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("__name__", "'__main__'"),
        ("'__file__' in globals()", "False"),
        ("sys.argv", "['']"),
        ("bool(sys.ps1)", "True"),
        ("__spec__ is None", "True"),
        ("sys.modules['__main__'].__dict__ is globals()", "True"),
        ("1 if __name__ == '__main__' else 2", "1"),
        ("import argparse; argparse.ArgumentParser().parse_args()", "Namespace()"),
        ("sys.flags.interactive", "0"),
    ],
)
def test_a_cell_looks_like_a_script_to_itself(warning: Kernel, code: str, value: str) -> None:
    """What scripts and libraries ask to know where they are."""
    assert warning.run(code).result == value
