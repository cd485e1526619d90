"""The magics by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.errors import CellError
from holdfast.magics.registry import Magics, UnknownMagic


def test_a_registered_magic_gets_the_rest_of_its_line() -> None:
    """`%double 4 2` calls the magic with "4 2", and its value is the line's."""
    magics = Magics()
    magics.register("double", lambda rest: rest * 2)
    assert magics("double", "4 2") == "4 24 2"


def test_an_unknown_magic_names_the_nearest() -> None:
    """A typing error is answered with what was probably meant."""
    magics = Magics()
    magics.register("session", lambda rest: rest)
    with pytest.raises(UnknownMagic, match=r"there is no magic %sesion: did you mean %session\?"):
        magics("sesion", "")


def test_an_unknown_magic_without_kin_points_to_the_list() -> None:
    """Where nothing is near, the error says how to see all."""
    with pytest.raises(UnknownMagic, match="%lsmagic lists"):
        Magics()("zzz", "")


def test_lsmagic_lists_all() -> None:
    """The list is sorted and has the percent signs."""
    magics = Magics()
    magics.register("a", lambda rest: rest)
    assert magics("lsmagic", "") == ["%a", "%lsmagic"]


def test_a_name_that_cannot_be_typed_is_refused() -> None:
    """Only identifiers can follow the percent sign."""
    with pytest.raises(CellError, match="no identifier"):
        Magics().register("a b", lambda rest: rest)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Magics]:
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
    assert offered.names() == ["late", "lsmagic"]
    with pytest.raises(UnknownMagic, match="did you mean %late"):
        offered("lat", "")
    assert late not in sys.modules
    assert offered("late", "x") == ("given", "x")
    del sys.modules[late]
    assert offered("late", "y") == ("given", "y")
    assert late not in sys.modules


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("%", [("%late", 0, "magic"), ("%lsmagic", 0, "magic")]),
        ("%la", [("%late", 0, "magic")]),
        ("x = 1\n  %la", [("%late", 8, "magic")]),
        ("%late o", [("one", 6, "magic"), ("other", 6, "magic")]),
        ("%late ", [("one", 6, "magic"), ("other", 6, "magic")]),
        ("%late one x", []),
        ("%late 1", []),
        ("%lsmagic o", []),
        ("%nothing o", []),
        ("%%la", []),
        ("x %la", []),
    ],
)
def test_magics_are_completed(offered: Magics, late: str, code: str, found: list[tuple[str, int, str]]) -> None:
    """Names at the beginning of a line, and the words that the magic itself knows."""
    assert offered.complete(code, len(code)) == found
