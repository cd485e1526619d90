"""The magics by name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from holdfast.errors import CellError
from holdfast.magics import builtin
from holdfast.magics.options import Options
from holdfast.magics.registry import CellCalls, Magics
from holdfast.magics.unknown import NotFirst, OtherKind, TakesNoWords, UnknownMagic


def test_a_registered_magic_gets_the_rest_of_its_line() -> None:
    """`%double 4 2` calls the magic with "4 2", and its value is the line's."""
    magics = Magics()
    magics.register("double", lambda rest: rest * 2)
    assert magics("double", "4 2") == "4 24 2"


def test_a_registered_cell_magic_gets_its_body() -> None:
    """`%%join -` calls the magic with what stands below."""
    magics = Magics()
    magics.register_cell("join", lambda rest, body: rest.join(body.split()))
    assert CellCalls(magics)("join", "-", "a b\n") == "a-b"


def test_an_unknown_magic_names_the_nearest() -> None:
    """A typing error is answered with what was probably meant."""
    magics = Magics()
    magics.register("sesame", lambda rest: rest)
    with pytest.raises(UnknownMagic, match=r"there is no magic %sesamme: did you mean %sesame\?"):
        magics("sesamme", "")
    with pytest.raises(UnknownMagic, match=r"there is no magic %%bahs: did you mean %%bash\?"):
        magics.cell("bahs", "", "")


def test_an_unknown_magic_without_kin_points_to_the_list() -> None:
    """Where nothing is near, the error says how to see all."""
    with pytest.raises(UnknownMagic, match="%lsmagic lists"):
        Magics()("zzzzzz", "")


def test_a_function_of_that_name_could_be_the_magic() -> None:
    """After a restart, say, which functions survive and magics do not."""

    def shout(line: str) -> str:
        return line.upper()

    magics = _with_variables(shout=shout, number=3)
    with pytest.raises(UnknownMagic, match=r"no magic %shout, but a function: holdfast.register_magic\(shout\)"):
        magics("shout", "a")
    with pytest.raises(UnknownMagic, match=r"no magic %%shout, but a function"):
        magics.cell("shout", "a", "b")
    with pytest.raises(UnknownMagic, match="no magic %number: "):
        magics("number", "")


def test_a_magic_of_the_other_kind_is_told_apart() -> None:
    """A line magic above a body, a cell magic in a line, one below the first line, and a mode with words."""
    magics = Magics()
    magics.register("one", lambda rest: rest)
    magics.register_cell("all", lambda rest, body: body)
    with pytest.raises(OtherKind, match="%%one cannot take a whole cell: it is for one line, %one"):
        magics.cell("one", "", "x")
    with pytest.raises(OtherKind, match="%all cannot take a line: it is for a whole cell"):
        magics("all", "")
    with pytest.raises(NotFirst, match="%%all must be in the first line of its cell"):
        magics("%all", "")
    with pytest.raises(TakesNoWords, match="%%thread stands alone in its line, without 'now'"):
        magics.cell("thread", "now", "x")


def test_a_name_that_cannot_be_typed_is_refused() -> None:
    """Only identifiers can follow the percent sign."""
    with pytest.raises(CellError, match="no identifier"):
        Magics().register("a b", lambda rest: rest)


@pytest.fixture
def offered() -> Iterator[Magics]:
    """A registry with a magic whose module is not imported, and how often it was made."""
    magics = Magics()
    magics.offer("late", "holdfast_test_late", "given")
    yield magics
    sys.modules.pop("holdfast_test_late", None)


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the module that makes it."""
    text = "COMMANDS = ('one', 'other')\ndef make(given):\n    return lambda rest: (given, rest)\n"
    (tmp_path / "holdfast_test_late.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "holdfast_test_late"


def test_an_offered_magic_is_imported_when_it_is_used(offered: Magics, late: str) -> None:
    """It is listed and found before that, and made once."""
    assert "late" in offered.names()
    with pytest.raises(UnknownMagic, match="did you mean %late"):
        offered("latee", "")
    assert late not in sys.modules
    assert offered("late", "x") == ("given", "x")
    del sys.modules[late]
    assert offered("late", "y") == ("given", "y")
    assert late not in sys.modules


def test_magics_are_completed(offered: Magics, late: str) -> None:
    """By name, and with the words that the module of an offered one lists."""
    assert ("%late", 0, "magic") in offered.complete("%lat", 4)
    assert offered.complete("%late o", 7) == [("one", 6, "magic"), ("other", 6, "magic")]
    assert offered.complete("%automagic o", 12) == [("off", 11, "magic"), ("on", 11, "magic")]
    assert offered.complete("%pwd o", 6) == []


# ---------------------------------------------------------------------------------------------------------
# Words


def _with_variables(**variables: object) -> Magics:
    magics = Magics()
    magics.make_kernel = lambda: SimpleNamespace(namespace=variables, magics=magics, touched=lambda *_names: None)
    magics.register("echo", lambda rest: rest)
    magics.register_cell("echo", lambda rest, body: (rest, body))
    return magics


def test_variables_are_filled_in() -> None:
    """In the words of a line and of a cell magic, not in its body."""
    magics = _with_variables(name="value")
    assert magics("echo", "{name} $name") == "value value"
    assert magics.cell("echo", "{name}", "{name}") == ("value", "{name}")


def test_a_cell_magic_around_its_cell_gets_the_sessions_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands at top level, whoever runs the cell."""
    name = "local"
    module = SimpleNamespace(wrapper=lambda _name, _kernel: nullcontext)
    monkeypatch.setitem(builtin.WRAPPERS, "around", "around")
    monkeypatch.setitem(sys.modules, "holdfast.magics.builtin.around", module)
    with _with_variables(name="value").wrapper("around", "{name}") as rest:
        assert (rest, name) == ("value", "local")


def test_code_is_left_alone() -> None:
    """Magics whose words are code, and those that say so."""
    magics = _with_variables(name="value")

    def verbatim(rest: str) -> str:
        return rest

    verbatim.no_var_expand = True  # type: ignore[attr-defined]
    for name in ("time", "verbatim"):
        magics.register(name, verbatim if name == "verbatim" else lambda rest: rest)
        assert magics(name, "{name}") == "{name}"


def test_a_semicolon_silences_a_magic_that_allows_it() -> None:
    """Others take it for a part of their words."""
    magics = _with_variables()

    def silent(rest: str) -> str:
        return rest

    silent.output_can_be_silenced = True  # type: ignore[attr-defined]
    magics.register("silent", silent)
    assert (magics("silent", "1;"), magics("silent", "1"), magics("echo", "1;")) == (None, "1", "1;")


# ---------------------------------------------------------------------------------------------------------
# What a word means


@pytest.mark.parametrize(
    ("word", "meant"),
    [("echo", True), ("ls", True), ("variable", False), ("print", False), ("if", False), ("late", False), ("x", False)],
)
def test_a_bare_word_is_meant_as_a_magic(word: str, meant: bool) -> None:
    """Where a line magic has this name and nothing of Python's; those that are offered want their percent sign."""
    magics = _with_variables()
    for name in ("variable", "print", "if"):
        magics._lines[name] = str
    magics.offer("late", "nowhere")
    assert magics.means(word, {"variable": 1}) is meant


def test_automagic_can_be_off() -> None:
    """Then no bare word is meant."""
    magics = Magics(Options(automagic=False))
    magics.register("echo", lambda rest: rest)
    assert not magics.means("echo", {})


def test_async_magics_are_known_and_awaited() -> None:
    """By what was registered; nothing of ours is imported to find out."""
    magics = _with_variables()

    async def slow(rest: str, body: str = "") -> str:
        return rest + body

    magics.register("slow", slow)
    magics.register_cell("slow", slow)
    assert [magics.is_async(name) for name in ("%slow", "%%slow", "%echo", "%%echo", "%ls", "%none", "%%bash")] == [
        *(True, True, False, False, False, False, False)
    ]
    assert asyncio.run(magics.awaited("slow", "a")) == "a"
    assert asyncio.run(magics.awaited("echo", "a")) == "a"
    assert asyncio.run(CellCalls(magics).awaited("slow", "a", "b")) == "ab"


# ---------------------------------------------------------------------------------------------------------
# Installed packages and help


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with three magics."""
    text = "def one(line):\n    'One.'\n    return line\ndef both(line, cell=None):\n    return line, cell\nwrong = 3\n"
    (tmp_path / "holdfast_test_package.py").write_text(text)
    info = tmp_path / "holdfast_test_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: holdfast-test-package\nVersion: 1\n")
    points = "".join(f"{name} = holdfast_test_package:{name}\n" for name in ("one", "both", "wrong"))
    (info / "entry_points.txt").write_text(f"[holdfast.magics]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "holdfast_test_package", raising=False)


@pytest.mark.usefixtures("installed")
def test_a_magic_of_an_installed_package_is_found() -> None:
    """When it is used for the first time, and of the kind that its parameters say."""
    magics = _with_variables()
    assert "one" not in magics.names()
    assert "Of installed packages:\nboth  one  wrong" in repr(magics("lsmagic", ""))
    with pytest.raises(UnknownMagic, match="did you mean %both"):
        magics("boht", "")
    assert magics("one", "a") == "a"
    assert magics.cell("both", "a", "b") == ("a", "b")
    assert magics("both", "a") == ("a", None)
    with pytest.raises(OtherKind):
        magics.cell("one", "a", "b")
    with pytest.raises(CellError, match="cannot be a magic"):
        magics("wrong", "")
    sys.modules.pop("holdfast_test_package")


def test_a_magic_describes_itself() -> None:
    """By its docstring, with or without source; a mode by ours; what is not there by nothing."""
    magics = _with_variables()

    def told(rest: str) -> None:
        """Tell it.

        More of it.
        """

    magics.register("told", told)
    assert magics.docstring("%told") == "Tell it.\n\nMore of it."
    assert "Tell it." in (magics.describe("%told") or "")
    assert "def told" in (magics.describe("%told", 1) or "")
    assert "thread" in (magics.docstring("%%thread") or "")
    assert "capture" in (magics.docstring("%%capture") or "").lower()
    assert magics.describe("%nothing") is None


@pytest.mark.parametrize(
    ("code", "cursor", "found"),
    [("%told x", 3, True), ("%told x", 7, False), ("x\n  %told?", 10, True), ("a %told", 5, False), ("x", 1, False)],
)
def test_the_magic_at_the_cursor_is_described(code: str, cursor: int, found: bool) -> None:
    """Where the cursor is on its name, or the line asks for it."""
    magics = _with_variables()
    magics.register("told", lambda rest: rest)
    assert (magics.describe_at(code, cursor, 0) is not None) is found


def test_another_thread_gets_the_same_magic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completion and inspection look at magics beside a running cell; each is made once."""
    magics = Magics()
    inside, asked = Event(), Event()
    made: list[object] = []

    def make() -> object:
        inside.set()
        asked.wait(60)
        made.append(str)
        return lambda rest: rest

    def other() -> object:
        inside.wait(60)
        asked.set()
        return magics.find("late")

    monkeypatch.setitem(sys.modules, "holdfast_test_slow", SimpleNamespace(make=make))
    magics.offer("late", "holdfast_test_slow")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(magics.find, "late"), pool.submit(other)
    assert first.result() is second.result()
    assert len(made) == 1
