"""From a chain in the text to a live object."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.language import cell, live, objects, text

NAMESPACE: dict[str, object] = {"x": 1.5, "Path": Path, "os": os, "f": lambda: 1, "items": [{"k": "v"}]}

CASES = [
    ("x", float),
    ("x = 'a'\nx", str),
    ("x = b'a'\nx", bytes),
    ("x = [1]\nx", list),
    ("x = {1: 2}\nx", dict),
    ("x = {1}\nx", set),
    ("x = f'{y}'\nx", str),
    ("x = 2\nx", float),
    ("x = None\nx", float),
    ("x = unknown()\nx", float),
    ("x = Path('a')\nx", Path),
    ("x = x\nx", float),
    ("y = x\ny", float),
    ("y = z; z = y; y", None),
    ("y = os.path\ny.sep", str),
    ("y = items[0]['k']\ny", str),
    ("def g(x):\n    x", None),
    ("def g(x: int):\n    x", int),
    ("def g(q: os.PathLike):\n    q", os.PathLike),
    ("def os(): pass\nos", None),
    ("import os.path as q\nq.sep", str),
    ("import not_loaded_at_all as q\nq", None),
    ("unknown", None),
    ("print", type(print)),
]


@pytest.mark.parametrize(("code", "expected"), CASES)
def test_resolve(code: str, expected: type | None) -> None:
    """The cell's binding goes before the session's where it contradicts it, and the session's otherwise."""
    result = text.scan(code)
    chain = text.chain_before(result, len(code))
    assert chain is not None
    found = live.resolve(chain[1], NAMESPACE, cell.bindings(result))
    assert (None if found is None else found.of) == expected


def test_live_objects_are_themselves() -> None:
    """What is live is the object, not a description of it."""
    found = live.root("os", NAMESPACE, {})
    assert found is not None
    assert found.value is os
    assert live.imported("os", "sep").value == os.sep  # type: ignore[union-attr]
    assert live.root("absent", NAMESPACE, {}) is None
    assert objects.MISSING is not None
