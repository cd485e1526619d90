"""HMAC signatures of messages, and the window in which a replay is noticed.

It must never compare signatures in a way whose time depends on them.
Source: Jupyter messaging 5.5, "The wire protocol".
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Sequence

from holdfast.errors import BadSignature, PeerError, Replayed


class Signer:
    """Signs outgoing parts and checks incoming ones with one key.

    An empty key means that the launcher switched authentication off: signatures are then empty and every
    message is taken, as the protocol says.
    """

    #: Signatures remembered; at 1,000 messages a second a replay is caught for a minute.
    WINDOW = 65_536

    def __init__(self, key: bytes, scheme: str = "hmac-sha256") -> None:
        family, _, digest = scheme.partition("-")
        if family != "hmac" or not digest:
            raise PeerError(f"unknown signature scheme {scheme!r}: expected one like 'hmac-sha256'")
        self._key = key
        self._digest = digest
        self._seen: set[bytes] = set()
        self._order: deque[bytes] = deque()
        try:
            hmac.digest(b"probe", b"", digest)
        except ValueError as error:
            raise PeerError(f"unknown signature scheme {scheme!r}: {error}") from None

    def sign(self, parts: Sequence[bytes]) -> bytes:
        """The hexadecimal signature of header, parent header, metadata and content, in that order."""
        if not self._key:
            return b""
        return hmac.digest(self._key, b"".join(parts), self._digest).hex().encode()

    def check(self, signature: bytes, parts: Sequence[bytes]) -> None:
        """Accept the parts once: raises `BadSignature` or `Replayed`."""
        if not self._key:
            return
        if not hmac.compare_digest(signature, self.sign(parts)):
            raise BadSignature
        if signature in self._seen:
            raise Replayed
        if len(self._order) >= self.WINDOW:
            self._seen.discard(self._order.popleft())
        self._seen.add(signature)
        self._order.append(signature)
