"""Signatures: right ones are taken once, wrong ones never."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import BadSignature, PeerError, Replayed
from holdfast.wire.signing import Signer

PARTS = [b"header", b"parent", b"metadata", b"content"]


@pytest.mark.parametrize("digest", ["sha256", "sha512", "md5", "blake2b"])
def test_the_scheme_names_the_digest(digest: str) -> None:
    """A signature is the hexadecimal HMAC of the four parts, by the digest that the scheme names."""
    expected = hmac.new(b"key", b"".join(PARTS), getattr(hashlib, digest)).hexdigest().encode()
    assert Signer(b"key", f"hmac-{digest}").sign(PARTS) == expected


@pytest.mark.parametrize("scheme", ["", "hmac", "hmac-", "sha256", "hmac-nonsense", "rsa-sha256", "hmac-shake_128"])
def test_an_unknown_scheme_is_refused(scheme: str) -> None:
    """A scheme that we do not know ends the start with an error that names it."""
    with pytest.raises(PeerError, match=f"unknown signature scheme '{scheme}'"):
        Signer(b"key", scheme)


@given(st.binary(max_size=80))
def test_only_the_right_signature_is_taken(signature: bytes) -> None:
    """No other bytes pass."""
    signer = Signer(b"key")
    if signature != signer.sign(PARTS):
        with pytest.raises(BadSignature):
            signer.check(signature, PARTS)


@pytest.mark.parametrize("at", range(4))
def test_every_part_is_covered(at: int) -> None:
    """A change to any of the four parts makes the signature wrong."""
    signer = Signer(b"key")
    signature = signer.sign(PARTS)
    changed = [*PARTS[:at], PARTS[at] + b" ", *PARTS[at + 1 :]]
    with pytest.raises(BadSignature):
        signer.check(signature, changed)


@pytest.mark.parametrize("change", [bytes.upper, lambda text: text + b" ", lambda text: text[:-1], lambda text: b""])
def test_a_signature_in_other_clothes_is_wrong(change: object) -> None:
    """An upper-case, padded, shortened or empty signature does not pass: it would evade the replay window."""
    signer = Signer(b"key")
    with pytest.raises(BadSignature):
        signer.check(change(signer.sign(PARTS)), PARTS)  # type: ignore[operator]


def test_the_comparison_is_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are compared by `hmac.compare_digest` and by nothing else before it."""
    calls = []

    def compare(a: bytes, b: bytes) -> bool:
        calls.append((a, b))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    signer = Signer(b"key")
    right = signer.sign(PARTS)
    with pytest.raises(BadSignature):
        signer.check(right, PARTS)
    assert calls == [(right, right)]


def test_a_signature_is_taken_once() -> None:
    """The second time it is a replay."""
    signer = Signer(b"key")
    signature = signer.sign(PARTS)
    signer.check(signature, PARTS)
    with pytest.raises(Replayed):
        signer.check(signature, PARTS)


def test_the_window_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest signatures are remembered: memory stays flat, and an old one would pass again."""
    monkeypatch.setattr(Signer, "WINDOW", 3)
    signer = Signer(b"key")
    signatures = {n: signer.sign([b"%d" % n]) for n in range(5)}
    for n, signature in signatures.items():
        signer.check(signature, [b"%d" % n])
    for n in (2, 3, 4):
        with pytest.raises(Replayed):
            signer.check(signatures[n], [b"%d" % n])
    signer.check(signatures[0], [b"0"])
    assert (len(signer._seen), len(signer._order)) == (3, 3)


def test_a_forged_message_does_not_enter_the_window() -> None:
    """Forged messages cannot push real signatures out of the window."""
    signer = Signer(b"key")
    for n in range(10):
        with pytest.raises(BadSignature):
            signer.check(b"%064d" % n, PARTS)
    assert not signer._order


def test_an_empty_key_switches_authentication_off() -> None:
    """Without a key every message is taken, as often as it comes, and ours are not signed."""
    signer = Signer(b"")
    signer.check(b"anything", PARTS)
    signer.check(b"anything", PARTS)
    assert signer.sign(PARTS) == b""
