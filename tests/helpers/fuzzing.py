"""Mutated multiparts: what a client, a broken client and an attacker without the key may put on the wire.

It must never make a message that is signed and asks for something that would end the run (a shutdown, endless
subshells): what is signed is to be served, and each such request is owed exactly one reply.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from helpers.messages import KEY, frames, header, sign
from holdfast.wire.contents import CONTENTS
from holdfast.wire.frames import DELIMITER

CHANNELS = ("shell", "control", "stdin", "iopub")
#: Signed messages ask only for these; forged ones ask for anything.
HARMLESS = sorted(
    name for name in CONTENTS if name not in ("shutdown_request", "create_subshell_request", "interrupt_request")
)
TYPES = (*sorted(CONTENTS), "execute_reply", "status", "", "an_unknown_request", "x" * 500, "\u202e\x00")

_sessions = itertools.count(1)

_leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_json = st.recursive(
    _leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def corpus() -> st.SearchStrategy[list[tuple[str, object]]]:
    """Seeds as hypothesis finds them: message types with contents of any shape."""
    fields = st.sampled_from("code cursor_pos silent user_expressions comm_id data value hist_access_type n".split())
    content = st.dictionaries(fields, _json, max_size=5) | _json
    return st.lists(st.tuples(st.sampled_from(TYPES), content), min_size=3, max_size=8)


class Mutant(NamedTuple):
    """A multipart for `channel`; `owed` is the message id of a request that must be replied to."""

    channel: str
    frames: list[bytes]
    owed: str = ""


class Fuzzer:
    """An endless supply of mutants from one seed; `code` is what signed cells run, `canary` what forged ones would."""

    def __init__(
        self, seed: int, seeds: Sequence[tuple[str, object]], key: bytes = KEY, code: str = "1", canary: str = "canary"
    ) -> None:
        self.random = random.Random(seed)
        self._seeds = seeds
        self._key = key
        self._code = code
        self._canary = canary
        self._n = 0
        # Two runs with one seed in one kernel are not replays of each other.
        self._session = f"fuzz{seed:x}-{next(_sessions)}"
        self._signed: list[Mutant] = []
        self._kinds: tuple[Callable[[], Mutant], ...] = (
            *(self.mangled,) * 8,
            *(self.forged,) * 4,
            self.replayed,
            *(self.garbage,) * 4,
            self.odd_header,
            self.nonsense,
            self.subscription,
        )

    def __iter__(self) -> Iterator[Mutant]:
        while True:
            yield self.random.choice(self._kinds)()

    # ------------------------------------------------------------ signed

    def _sign(self, msg_type: str, content: bytes, channel: str, **changes: object) -> Mutant:
        self._n += 1
        head = header(msg_type, session=self._session, msg_id=f"{self._session}_{self._n}", **changes)
        parts = frames(msg_type, content, key=self._key, idents=(b"fuzz",), raw_header=json.dumps(head).encode())
        owed = channel in ("shell", "control") and msg_type in CONTENTS and msg_type.endswith("_request")
        mutant = Mutant(channel, parts, str(head["msg_id"]) if owed else "")
        self._signed = [*self._signed[-50:], mutant]
        return mutant

    def garbage(self) -> Mutant:
        """A right signature over a content of any shape."""
        msg_type, value = self.random.choice(self._seeds)
        if msg_type in CONTENTS and msg_type not in HARMLESS:
            msg_type = self.random.choice(HARMLESS)
        if msg_type == "execute_request":
            # A signed cell runs, and so it must be one of ours.
            value = {**(value if isinstance(value, dict) else {}), "code": self._code}
        content = json.dumps(value).encode()
        dice = self.random.random()
        if dice < 0.1:
            content = self._mangle_bytes(content) if msg_type != "execute_request" else content[:-1]
        elif dice < 0.13:
            content = b'{"code":' + b"[" * self.random.choice([10, 1000, 50_000])
        elif dice < 0.15:
            content = b'{"code": "\xff\xfe\xed\xa0\x80"}'
        return self._sign(msg_type, content, self.random.choice(("shell", "shell", "control", "stdin")))

    def odd_header(self) -> Mutant:
        """A right signature over a header with values of any type."""
        dice = self.random.randrange(5)
        if dice == 0:
            return self._sign("kernel_info_request", b"{}", "shell", padding="x" * self.random.choice([1000, 300_000]))
        if dice == 1:
            return self._sign(
                "complete_request", b'{"code":"a"}', "control", date=self.random.choice(["", "x", "9" * 99])
            )
        if dice == 2:
            return self._sign("execute_request", b'{"code":"%s"}' % self._code.encode(), "shell", subshell_id="none")
        field = self.random.choice(["msg_id", "msg_type", "session", "date", "version", "subshell_id", "username"])
        raw = json.dumps({**header("kernel_info_request"), field: self.random.choice([[], 5, {}, True])}).encode()
        return Mutant("shell", frames("", key=self._key, raw_header=raw))

    def replayed(self) -> Mutant:
        """A message that was sent before: nothing is owed for it."""
        if not self._signed:
            return self.nonsense()
        return self.random.choice(self._signed)._replace(owed="")

    # ------------------------------------------------------------ not signed

    def _forgery(self) -> list[bytes]:
        msg_type = self.random.choice(("execute_request", "execute_request", *TYPES))
        content = json.dumps({"code": self._canary, "restart": False, "comm_id": "c", "value": "x"}).encode()
        return frames(msg_type, content, key=self.random.randbytes(16))

    def forged(self) -> Mutant:
        """A whole message by somebody without the key."""
        parts, at = self._forgery(), self.random.randrange(6)
        signature = parts.index(DELIMITER) + 1
        if at == 0:
            parts[signature] = b""
        elif at == 1:
            parts[signature] = b"0" * 64
        elif at == 2 and self._signed:
            parts[signature] = self.random.choice(self._signed).frames[2]
        elif at == 3:
            parts[signature] = sign(parts[signature + 1 : signature + 5], self._key)[:-1]
        elif at == 4:
            parts[signature] = self.random.randbytes(self.random.choice([1, 64, 10_000]))
        return Mutant(self.random.choice(CHANNELS[:3]), parts)

    def mangled(self) -> Mutant:
        """Bits flipped, frames cut, dropped, doubled, swapped."""
        parts = self._forgery()
        for _ in range(self.random.randint(1, 4)):
            parts = self._mangle(parts)
        return Mutant(self.random.choice(CHANNELS[:3]), parts or [b""])

    def _mangle(self, parts: list[bytes]) -> list[bytes]:
        if not parts:
            return [b""]
        at, dice = self.random.randrange(len(parts)), self.random.randrange(8)
        if dice == 0:
            return parts[:at]
        if dice == 1:
            return [*parts[: at + 1], *parts[at:]]
        if dice == 2:
            other = self.random.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
            return parts
        if dice == 3:
            return [*parts[:at], *parts[at + 1 :]]
        if dice == 4:
            return [*parts, *parts[: self.random.randrange(4)]]
        parts[at] = self._mangle_bytes(parts[at])
        return parts

    def _mangle_bytes(self, data: bytes) -> bytes:
        dice = self.random.randrange(5)
        if dice == 0:
            return data[: self.random.randrange(len(data) + 1)]
        if dice == 1:
            return data + self.random.randbytes(self.random.choice([1, 8, 2000]))
        if dice == 2:
            return self.random.choice([b"", b"{}", b"[]", b"null", b"NaN", b"\xff", b"[" * 5000, DELIMITER])
        flipped = bytearray(data or b"x")
        for _ in range(self.random.randint(1, 3)):
            flipped[self.random.randrange(len(flipped))] ^= 1 << self.random.randrange(8)
        return bytes(flipped)

    def nonsense(self) -> Mutant:
        """Frames of random bytes."""
        count = self.random.randint(1, 9)
        parts = [self.random.randbytes(self.random.choice([0, 1, 5, 70])) for _ in range(count)]
        if self.random.random() < 0.5:
            parts[self.random.randrange(count)] = DELIMITER
        return Mutant(self.random.choice(CHANNELS[:3]), parts)

    def subscription(self) -> Mutant:
        """What an XPUB socket hands up: subscriptions, their ends, and anything else."""
        first = self.random.choice([b"\x01", b"\x00", b"\x02", b""])
        return Mutant("iopub", [first + self.random.choice([b"", b"stream", b"\xff\xfe", b"t" * 300])])
