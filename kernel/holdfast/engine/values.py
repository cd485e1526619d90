"""Values as they stand in promises, and the guards around what others may have put there.

It must never unpickle what a promise says unless a holder of our key wrote it, and never keep a secret in clear.

A value is `{"data": base64 of JSON}`, as the SDK's codec has it.  Somebody's `resonate promises resolve ID
--value hello` stores bytes that are not JSON; they are taken as text instead of failing for ever.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

import msgspec

from holdfast.engine.faults import SealedError

_PICKLE = "__py_pickle"
_PROOF = "__holdfast_mac"
_SEALED = "holdfast:sealed"
_NONCE = 16
_MAC = 32


def encode(value: object) -> dict[str, object]:
    """`value` as a promise carries it; TypeError where it is not JSON."""
    if value is None:
        return {}
    return {"data": base64.b64encode(msgspec.json.encode(value)).decode()}


def decode(value: object) -> object:
    """What `encode` was given; text where somebody wrote bytes that are not JSON; never raises."""
    data = value.get("data") if isinstance(value, dict) else None
    if not data or not isinstance(data, str):
        return None
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data
    try:
        return msgspec.json.decode(raw)
    except ValueError:  # msgspec's errors are ValueErrors, and so is a string in it that is no UTF-8
        return raw.decode(errors="replace")


def seal(key: bytes, id: str, value: object) -> dict[str, str]:
    """A secret value that only a holder of `key` reads, and only under the promise `id`."""
    plain = msgspec.json.encode(value)
    nonce = os.urandom(_NONCE)
    hidden = _mask(key, nonce, plain)
    return {_SEALED: base64.b64encode(nonce + _proof(key, id.encode(), nonce, hidden) + hidden).decode()}


def unseal(key: bytes, id: str, value: object) -> object:
    """What `seal` was given; SealedError where it was sealed with another key or for another promise.

    A value that is not sealed is returned as it is: the SDK or another tool may have answered in clear.
    """
    text = value.get(_SEALED) if isinstance(value, dict) else None
    if not isinstance(text, str):
        return value
    try:
        raw = base64.b64decode(text)
    except ValueError:
        raise SealedError(id) from None
    nonce, proof, hidden = raw[:_NONCE], raw[_NONCE : _NONCE + _MAC], raw[_NONCE + _MAC :]
    if not hmac.compare_digest(proof, _proof(key, id.encode(), nonce, hidden)):
        raise SealedError(id)
    return msgspec.json.decode(_mask(key, nonce, hidden))


def _mask(key: bytes, nonce: bytes, data: bytes) -> bytes:
    # One block of SHAKE per sealed value: the key and a fresh nonce make a stream that is used once.
    stream = hashlib.shake_256(b"holdfast mask" + hashlib.sha256(key).digest() + nonce).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))


def _proof(key: bytes, *parts: bytes) -> bytes:
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


class Guard:
    """The SDK's `Encryptor`: its only hook before decoding, and so the place of both guards.

    `decrypt` makes text of what is not JSON (the stock SDK retries it 1,241 times a second) and drops a
    pickled exception unless `encrypt` of a holder of `key` wrote it (the stock SDK runs whatever it says).
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encrypt(self, data: bytes) -> bytes:
        """`data`, with a proof beside a pickled exception."""
        if _PICKLE.encode() not in data:
            return data
        value = msgspec.json.decode(data)
        if isinstance(value, dict) and isinstance(value.get(_PICKLE), str):
            value[_PROOF] = self._prove(value[_PICKLE])
            return msgspec.json.encode(value)
        return data

    def decrypt(self, data: bytes) -> bytes:
        """JSON, whatever `data` is; a pickled exception only with its proof."""
        try:
            value = msgspec.json.decode(data)
        except ValueError:  # as in `decode`
            return msgspec.json.encode(data.decode(errors="replace"))
        if not isinstance(value, dict) or _PICKLE not in value:
            return data
        pickled, proof = value[_PICKLE], value.pop(_PROOF, None)
        if not (
            isinstance(pickled, str) and isinstance(proof, str) and hmac.compare_digest(proof, self._prove(pickled))
        ):
            del value[_PICKLE]
        return msgspec.json.encode(value)

    def _prove(self, pickled: str) -> str:
        return _proof(self._key, b"exception", pickled.encode()).hex()
