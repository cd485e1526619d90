"""The magics by name."""

from __future__ import annotations

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
