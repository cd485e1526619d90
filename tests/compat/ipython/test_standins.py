"""Stand-ins: modules `IPython…` where there is none, honest about what they are."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.shell import TwinEdges, twin
from holdfast.compat.ipython import current, standins

pytestmark = pytest.mark.usefixtures("edges")


@pytest.mark.parametrize("name", sorted(standins.MODULES))
def test_every_stand_in_can_be_imported(name: str) -> None:
    """Each module of the table has all names that the table says, and can be starred."""
    module = importlib.import_module(name)
    assert standins.is_one(module)
    assert [word for word in module.__all__ if not hasattr(module, word)] == []


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("IPython", "get_ipython version_info __version__"),
        ("IPython.display", "HTML Image display clear_output Markdown Math Latex SVG Audio YouTubeVideo IFrame"),
        ("IPython.display", "publish_display_data update_display DisplayHandle display_png set_matplotlib_formats"),
        ("IPython.core.display", "HTML display Image Javascript TextDisplayObject DisplayObject"),
        ("IPython.core.display_functions", "display publish_display_data DisplayHandle"),
        ("IPython.core.interactiveshell", "InteractiveShell ExecutionResult"),
        ("IPython.core.magic", "Magics magics_class line_magic cell_magic needs_local_scope register_line_magic"),
        ("IPython.core.magic_arguments", "magic_arguments argument parse_argstring"),
        ("IPython.core.formatters", "BaseFormatter DisplayFormatter PlainTextFormatter"),
        ("IPython.core.pylabtools", "print_figure getfigs figsize select_figure_formats"),
        ("IPython.core.error", "UsageError TryNext StdinNotImplementedError"),
        ("IPython.lib.pretty", "pretty PrettyPrinter for_type RepresentationPrinter"),
        ("IPython.utils.capture", "capture_output CapturedIO RichOutput"),
        ("IPython.utils.text", "dedent SList"),
        ("ipykernel.zmqshell", "ZMQInteractiveShell"),
        ("ipykernel.comm", "Comm CommManager"),
    ],
)
def test_the_names_that_libraries_import_are_there(module: str, names: str) -> None:
    """The table of FEATURES 2.3 and what notebooks import."""
    found = importlib.import_module(module)
    assert [name for name in names.split() if not hasattr(found, name)] == []


def test_a_stand_in_says_what_it_is() -> None:
    """Its repr and its version name Holdfast; what compares versions gets a tuple."""
    module = importlib.import_module("IPython")
    assert repr(module) == "<module 'IPython' (Holdfast's stand-in)>"
    assert module.__version__.endswith("+holdfast")
    assert module.version_info >= (8, 24)


def test_submodules_are_attributes_without_an_import() -> None:
    """`import IPython` is enough for `IPython.display.display`, as with the real one."""
    module = importlib.import_module("IPython")
    assert "IPython.lib.pretty" not in sys.modules
    assert module.lib.pretty.pretty([1]) == "[1]"
    assert module.display.HTML("x").data == "x"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("import IPython.parallel", "'parallel'"),
        ("from IPython import parallel", "'parallel'"),
        ("from IPython.display import Nonsense", "'display.Nonsense'"),
        ("import ipykernel.inprocess", "'inprocess'"),
    ],
)
def test_an_import_of_what_is_not_there_says_how_to_get_it(statement: str, named: str) -> None:
    """An ImportError names the stand-in, what it lacks, and the package to install."""
    with pytest.raises(ImportError, match=r"Holdfast's stand-in for it has no .*%pip install") as raised:
        exec(statement)
    assert named in str(raised.value)
    assert raised.value.name == str(raised.value).partition(" ")[0]
    assert isinstance(raised.value, ModuleNotFoundError) == ("Nonsense" not in statement)


def test_an_attribute_that_is_not_there_is_an_attribute_error() -> None:
    """`hasattr` works, and the text says whose module it is."""
    module = importlib.import_module("IPython.display")
    assert not hasattr(module, "Nonsense")
    with pytest.raises(AttributeError, match="Holdfast's stand-in"):
        _ = module.Nonsense


def test_find_spec_finds_what_can_be_imported() -> None:
    """Libraries ask whether IPython is there before they import it."""
    assert importlib.util.find_spec("IPython") is not None
    assert importlib.util.find_spec("IPython.core.magic") is not None


def test_an_installed_package_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real IPython on the path is imported, and no module of it that is missing is made up."""
    (tmp_path / "IPython").mkdir()
    (tmp_path / "IPython" / "__init__.py").write_text("real = True")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("IPython")
    assert module.real
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'IPython.display'$"):
        importlib.import_module("IPython.display")


def test_the_shell_of_the_stand_in_is_the_kernels() -> None:
    """Every way to the shell gives the same object."""
    from_top = importlib.import_module("IPython").get_ipython()
    shell_class = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
    assert from_top is current.shell() is shell_class.instance()
    assert shell_class.initialized()
    assert isinstance(from_top, shell_class)
    assert not isinstance(
        from_top, importlib.import_module("IPython.terminal.interactiveshell").TerminalInteractiveShell
    )


@pytest.mark.parametrize("name", ["embed", "embed_kernel", "start_ipython", "start_kernel"])
def test_what_starts_a_terminal_says_that_it_does_not(name: str) -> None:
    """A sentence instead of a missing name."""
    with pytest.raises(NotImplementedError, match=f"^{name}"):
        getattr(importlib.import_module("IPython"), name)()


def test_nothing_is_answered_without_the_finder() -> None:
    """In a plain process IPython stays what it is: not installed."""
    done = subprocess.run(
        [sys.executable, "-c", "import holdfast.compat.ipython.install, IPython"], capture_output=True, text=True
    )
    assert "No module named 'IPython'" in done.stderr


def test_a_new_kernel_has_a_shell_of_its_own() -> None:
    """The shell belongs to the kernel that was handed in last."""
    before = current.shell()
    with twin(TwinEdges()):
        assert current.shell() is not before
    assert current.shell() is None
