"""Values in promises: encoding, secrets, and the guard before the SDK's decoder."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.engine import values
from holdfast.engine.faults import SealedError

KEY = b"k" * 32

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(value=JSON)
def test_json_comes_back(value: object) -> None:
    """As it was."""
    assert values.decode(values.encode(value)) == value


@pytest.mark.parametrize("value", [{1, 2}.__iter__(), object(), 1j])
def test_what_is_not_json_is_refused(value: object) -> None:
    """Before it reaches the file."""
    with pytest.raises(TypeError):
        values.encode(value)


@given(value=st.none() | st.text() | st.dictionaries(st.text(), JSON) | st.fixed_dictionaries({"data": JSON}))
def test_decoding_never_raises(value: object) -> None:
    """Whatever somebody else has put there."""
    values.decode(value)


@given(raw=st.binary())
@example(raw=b'"\x80"')
def test_foreign_bytes_are_read_or_taken_as_text(raw: bytes) -> None:
    """Never an error, for us and for the SDK's decoder behind the guard."""
    got = values.decode({"data": base64.b64encode(raw).decode()})
    if raw:
        assert json.loads(values.Guard(KEY).decrypt(raw)) == got or "__py_pickle" in raw.decode(errors="replace")


@given(value=JSON)
def test_a_sealed_value_opens_with_its_key_and_id(value: object) -> None:
    """And with nothing else."""
    sealed = values.seal(KEY, "a", value)
    assert values.unseal(KEY, "a", sealed) == value
    for key, name in ((b"other", "a"), (KEY, "b")):
        with pytest.raises(SealedError):
            values.unseal(key, name, sealed)


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    """So that equal passwords do not show."""
    assert values.seal(KEY, "a", "x") != values.seal(KEY, "a", "x")


@pytest.mark.parametrize("text", ["", "!!!", "A", "é", "AAAA", base64.b64encode(b"\0" * 60).decode()])
def test_a_damaged_seal_is_refused(text: str) -> None:
    """With the sentence that says what to do, whatever is wrong with it."""
    with pytest.raises(SealedError, match="answer anew"):
        values.unseal(KEY, "a", {"holdfast:sealed": text})


GUARDED = [
    (b'{"a": 1}', {"a": 1}),
    (b"hello", "hello"),
    (b"\xff", "�"),
    (b'{"message": "m", "__py_pickle": "gASV"}', {"message": "m"}),
    (b'{"message": "m", "__py_pickle": 5}', {"message": "m"}),
    (b'{"message": "m", "__py_pickle": "gASV", "__holdfast_mac": "forged"}', {"message": "m"}),
    (b'{"message": "m", "__py_pickle": "gASV", "__holdfast_mac": null}', {"message": "m"}),
]


@pytest.mark.parametrize(("data", "expected"), GUARDED)
def test_the_guard_lets_only_json_through_and_no_foreign_pickle(data: bytes, expected: object) -> None:
    """The SDK unpickles what a rejection says, and fails for ever on what is not JSON."""
    assert json.loads(values.Guard(KEY).decrypt(data)) == expected


def test_the_guard_knows_its_own() -> None:
    """An exception that a holder of the key wrote keeps its pickle; another holder's does not."""
    data = b'{"message": "m", "__py_pickle": "gASV"}'
    kept = values.Guard(KEY).encrypt(data)
    assert json.loads(values.Guard(KEY).decrypt(kept)) == json.loads(data)
    assert json.loads(values.Guard(b"other").decrypt(kept)) == {"message": "m"}
