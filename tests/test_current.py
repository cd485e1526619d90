"""`holdfast.session` outside a kernel."""

from __future__ import annotations

import pickle

import pytest

import holdfast
from holdfast.current import NotKept
from holdfast.errors import CellError


def test_it_says_that_there_is_no_kernel() -> None:
    """It can be named and shown anywhere; what is asked of it is an error that says what is missing."""
    said = "holdfast.session works in a cell of a Holdfast kernel only"
    assert (repr(holdfast.session), holdfast.session._repr_html_(), holdfast.session.durability) == (said, None, "off")
    for ask in ("name", "folder", "epoch", "count", "size", "audited", "variables", "lost", "restored", "ambient"):
        with pytest.raises(CellError, match=said):
            getattr(holdfast.session, ask)
    with pytest.raises(CellError, match=said):
        holdfast.session.log()
    with pytest.raises(CellError, match=said):
        holdfast.session.why("x")
    with pytest.raises(CellError, match=said):
        holdfast.session.checkout(1)
    with pytest.raises(CellError, match=said):
        holdfast.session.undo()
    with pytest.raises(CellError, match=said):
        holdfast.session.diff(1, 2)
    assert holdfast.session.data() == {"durability": "off", "reason": said}


def test_it_is_pickled_by_name() -> None:
    """A copy is the same object: it holds nothing."""
    assert pickle.loads(pickle.dumps(holdfast.session)) is holdfast.session


def test_a_star_import_leaves_a_notebooks_own_session_alone() -> None:
    """`session` is what people call their database's."""
    names: dict[str, object] = {}
    exec("from holdfast import *", names)
    assert "session" not in names
    assert names["page"] is holdfast.page


def test_its_error_survives_pickling() -> None:
    """As all errors that cells may keep."""
    copy = pickle.loads(pickle.dumps(NotKept("why")))
    assert (type(copy), str(copy)) == (NotKept, "why")
