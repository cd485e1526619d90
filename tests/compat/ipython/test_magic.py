"""Magics made as IPython's own extensions make them."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel
from holdfast.compat.ipython import magic
from holdfast.compat.ipython.errors import UsageError
from holdfast.compat.ipython.magic import Magics
from holdfast.compat.ipython.splitting import arg_split
from holdfast.errors import CellError


@magic.magics_class
class Tide(Magics):
    """Magics with a state."""

    heights: dict[str, str] = {}

    @magic.line_magic
    def height(self, line: str) -> str:
        """The height at a place."""
        return self.heights.get(line, f"{line}?")

    @magic.cell_magic("heights")  # type: ignore[untyped-decorator]
    def several(self, line: str, cell: str) -> list[str]:
        """Heights."""
        return [f"{line}{word}" for word in cell.split()]

    @magic.line_cell_magic
    def both(self, line: str, cell: str | None = None) -> tuple[str, str | None]:
        """Both."""
        return line, cell

    @magic.needs_local_scope
    @magic.line_magic
    def scope(self, line: str, local_ns: Any = None) -> object:
        """A variable of where it stands."""
        return local_ns.get(line)

    @magic.no_var_expand
    @magic.line_magic
    def verbatim(self, line: str) -> str:
        """The line as it is."""
        return line

    @magic.output_can_be_silenced
    @magic.line_magic
    def quiet(self, line: str) -> str:
        """A value."""
        return line


@pytest.fixture
def tide(shell: Any) -> Tide:
    """The class, registered."""
    shell.register_magics(Tide)
    found: Tide = shell.magics_manager.registry["Tide"]
    return found


def test_a_class_of_magics_is_registered(tide: Tide, shell: Any, kernel: TwinKernel) -> None:
    """Its methods are the kernel's magics, of one instance that knows the shell."""
    assert tide.shell is shell
    assert kernel.run("%height Lerwick") == "Lerwick?"
    assert kernel.run("%%heights in\na b") == ["ina", "inb"]
    assert kernel.run("%both x") == ("x", None)
    assert kernel.run("%%both x\ny") == ("x", "y\n")


def test_an_instance_is_registered_as_it_is(shell: Any, kernel: TwinKernel) -> None:
    """With the state that it has."""
    made = Tide(shell, heights={"Lerwick": "2 m"})
    shell.register_magics(made)
    assert kernel.run("%height Lerwick") == "2 m"


def test_magics_are_inherited(shell: Any, kernel: TwinKernel) -> None:
    """A derived class has those of its base, and its own in their place."""

    @magic.magics_class
    class More(Tide):
        @magic.line_magic
        def height(self, line: str) -> str:
            return "more"

    shell.register_magics(More)
    assert kernel.run("%height x") == "more"
    assert kernel.run("%both x") == ("x", None)


def test_a_class_without_the_decorator_is_refused(shell: Any) -> None:
    """It would have no magics: the error says what is missing."""

    class Bare(Magics):
        pass

    for refused in (Bare, lambda: shell.register_magics(Bare)):
        with pytest.raises(ValueError, match="@magics_class"):
            refused()


@pytest.mark.parametrize(
    ("decorate", "code", "value"),
    [
        (magic.register_line_magic, "%fathom 3", ("3",)),
        (magic.register_cell_magic, "%%fathom 3\nbody", ("3", "body\n")),
        (magic.register_line_cell_magic, "%%fathom 3\nbody", ("3", "body\n")),
        (magic.register_line_cell_magic, "%fathom 3", ("3",)),
    ],
)
def test_functions_are_registered(shell: Any, kernel: TwinKernel, decorate: Any, code: str, value: object) -> None:
    """`@register_line_magic` and its kin, with and without a name; the function stays what it was."""

    def fathom(*given: str) -> tuple[str, ...]:
        return given

    assert decorate(fathom) is fathom
    assert kernel.run(code) == value
    assert decorate("other")(fathom) is fathom
    assert kernel.run(code.replace("fathom", "other")) == value


def test_what_is_no_function_is_refused(shell: Any) -> None:
    """The error says what to decorate."""
    for decorate in (magic.register_line_magic, magic.line_magic):
        with pytest.raises(TypeError, match="name of the magic, not 3"):
            decorate(3)


def test_the_local_scope_is_that_of_the_line(tide: Tide, kernel: TwinKernel) -> None:
    """In a function its variables, else the session's."""
    kernel.namespace["depth"] = 1
    kernel.run("def inside():\n    depth = 2\n    found = %scope depth\n    return found")
    assert kernel.run("%scope depth") == 1
    assert kernel.run("inside()") == 2


def test_lines_are_filled_in_unless_that_is_unwanted(tide: Tide, kernel: TwinKernel) -> None:
    """`no_var_expand` keeps braces and dollars."""
    kernel.namespace["place"] = "Sumburgh"
    assert kernel.run("%height {place}") == "Sumburgh?"
    assert kernel.run("%verbatim {place} $place") == "{place} $place"


def test_a_semicolon_silences_what_can_be(tide: Tide, kernel: TwinKernel) -> None:
    """`output_can_be_silenced`."""
    assert kernel.run("%quiet 3") == "3"
    assert kernel.run("%quiet 3;") is None


def test_the_commit_is_told_of_every_call(tide: Tide, kernel: TwinKernel) -> None:
    """Nobody knows what a foreign magic changes, also when it fails."""
    kernel.run("%height x")
    assert kernel.touches == [()]
    magic.register_line_magic("breaks")(lambda line: {}[line])
    with pytest.raises(KeyError):
        kernel.run("%breaks x")
    assert kernel.touches == [(), ()]


def test_a_usage_error_is_one_line(
    shell: Any, kernel: TwinKernel, edges: TwinEdges, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is wrong, not what the magic did with it: no traceback."""

    def picky(line: str) -> None:
        raise UsageError("no such option")

    shell.register_magic_function(picky)
    with pytest.raises(CellError, match="no such option") as raised:
        kernel.run("%picky -x")
    assert edges.hooks.report is not None
    assert edges.hooks.report(raised.value) == []
    assert capsys.readouterr().err == "UsageError: no such option\n"
    assert edges.hooks.report(ValueError("no")) is None


def test_magics_are_found(tide: Tide, shell: Any, kernel: TwinKernel) -> None:
    """find_magic gives the function that was registered, a call for those of the kernel, and None."""
    assert shell.find_magic("height") == tide.height
    assert shell.find_cell_magic("heights") == tide.several
    assert shell.find_line_magic("lsmagic")() is not None
    assert shell.find_cell_magic("time") is not None
    assert shell.find_line_magic("nonsense") is shell.find_cell_magic("nonsense") is None
    assert "height" in shell.magics_manager.lsmagic()["line"]
    assert shell.magics_manager.magics["cell"]["heights"]("in", "a") == ["ina"]


def test_an_unknown_kind_is_refused(shell: Any) -> None:
    """There are three."""
    with pytest.raises(ValueError, match="'line', 'cell' or 'line_cell'"):
        shell.register_magic_function(print, "word")


def test_aliases(tide: Tide, shell: Any, kernel: TwinKernel) -> None:
    """Another name for a magic, with words that come first."""
    shell.magics_manager.register_alias("h", "height", "line", "at")
    assert kernel.run("%h sea") == "at sea?"


def test_an_extension_is_loaded_once(shell: Any, kernel: TwinKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """load, unload and reload say what they did; the module registers with the shell that it is given."""
    import sys
    from types import ModuleType

    module = ModuleType("tide_extension")
    calls: list[object] = []
    vars(module).update(load_ipython_extension=calls.append, unload_ipython_extension=lambda shell: calls.append("out"))
    monkeypatch.setitem(sys.modules, "tide_extension", module)
    manager = shell.extension_manager
    assert manager.unload_extension("tide_extension") == "not loaded"
    assert manager.load_extension("tide_extension") is None
    assert manager.load_extension("tide_extension") == "already loaded"
    assert manager.unload_extension("tide_extension") is None
    assert calls == [shell, "out"]
    monkeypatch.delattr(module, "load_ipython_extension")
    assert manager.load_extension("tide_extension") == "no load function"


@pytest.mark.parametrize(
    ("line", "options", "rest"),
    [
        ("-a -b 5 rest here", {"a": "", "b": "5"}, "rest here"),
        ("--long=7 'of it'", {"long": "7"}, "of it"),
        ("-b 1 -b 2", {"b": ["1", "2"]}, ""),
        ("", {}, ""),
    ],
)
def test_options_of_a_line(tide: Tide, line: str, options: object, rest: str) -> None:
    """parse_options splits a line as getopt does."""
    assert tide.parse_options(line, "ab:", "long=") == (options, rest)


def test_options_in_other_shapes(tide: Tide) -> None:
    """As lists, and with the rest as it was written."""
    assert tide.parse_options("-b 1 x y", "b:", mode="list", list_all=True) == ({"b": ["1"]}, ["x", "y"])
    assert tide.parse_options("-b 1 x  'y z'", "b:", preserve_non_opts=True) == ({"b": "1"}, "x  'y z'")
    with pytest.raises(UsageError, match=r"-z .*allowed are: -a --long="):
        tide.parse_options("-z", "a", "long=")


def test_words_are_split() -> None:
    """Quotes are kept or taken; one that is not closed is an error or a word."""
    assert arg_split("a 'b c' d") == ["a", "'b c'", "d"]
    assert arg_split("a 'b c'", posix=True) == ["a", "b c"]
    assert arg_split("a 'b", strict=False) == ["a", "'b"]
    with pytest.raises(ValueError, match="No closing quotation"):
        arg_split("a 'b")


def test_a_decorated_method_may_be_wrapped(shell: Any, kernel: TwinKernel) -> None:
    """`functools.wraps` carries the mark on, as extensions rely on."""

    def twice(method: Any) -> Any:
        @functools.wraps(method)
        def called(self: Any, line: str) -> object:
            return method(self, line) * 2

        return called

    @magic.magics_class
    class Wrapped(Magics):
        @twice
        @magic.line_magic
        def echo(self, line: str) -> str:
            return line

    shell.register_magics(Wrapped)
    assert kernel.run("%echo ab") == "abab"
