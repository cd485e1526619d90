"""The errors of the durable ring: what happened, to which store, what to do.

It must never decide what follows from an error: who opens or commits does that.

Each is a `StoreError`, so that whoever cannot tell them apart still knows whose fault it is.
"""

from __future__ import annotations

from holdfast.errors import StoreError


class Refused(StoreError):
    """A store that is not used as it is; `path` is its folder or file, `reason` what is wrong with it."""

    remedy = "the session starts afresh"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the session store {self.path!r}: {self.reason}; {self.remedy}"


class Locked(Refused):
    """Another kernel owns the session."""

    remedy = "shut that kernel down, or work in a branch of the session"


class OtherOwner(Refused):
    """The store belongs to another user of this machine; it is left as it is."""

    remedy = "it was left untouched; set HOLDFAST_HOME to a folder of your own"


class OtherKey(Refused):
    """The store was written with a key that is not in HOLDFAST_HOME now; it is left as it is."""

    remedy = "it was left untouched; put the key file that wrote it back into HOLDFAST_HOME to use it"


class OtherFormat(Refused):
    """The store was written by a Holdfast with another format; it is left as it is."""

    remedy = (
        "it was left untouched, and a fresh one is used beside it; to get it back, open it with the version of "
        "Holdfast that wrote it"
    )


class Damaged(Refused):
    """Bytes of the store are missing or make no sense."""

    remedy = "nothing was loaded from it; restore the folder from a backup, or start afresh"


class Tampered(Refused):
    """Bytes of the store were changed after we wrote them."""

    remedy = "nothing was loaded from it, because loading it could run code; restore the folder from a backup"


class Unusable(Refused):
    """The operating system does not let us use the store's folder (permissions, a full or read-only disk)."""

    remedy = "correct that, or set HOLDFAST_HOME to a folder that you can write"


class NotKept(StoreError):
    """A commit that left nothing behind; the session goes on and a later commit may succeed."""

    def __init__(self, path: str, reason: str, remedy: str = "the next cell tries again") -> None:
        super().__init__(path, reason, remedy)
        self.path = path
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"this cell's variables were not saved in {self.path!r}: {self.reason}; {self.remedy}"


class Absent(StoreError):
    """A version or chunk that the store does not hold."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"the session store {self.path!r} does not hold {self.what}; store the value again"


class NoCommit(Absent):
    """A commit that was never made or was let go; `first` and `last` are those that are there, 0 for none."""

    def __init__(self, path: str, number: int, first: int, last: int) -> None:
        super().__init__(path, f"commit {number}")
        self.args = (path, number, first, last)
        self.number = number
        self.first = first
        self.last = last

    def __str__(self) -> str:
        if 0 < self.number < self.first:
            return f"commit {self.number} was let go to make room; the oldest that is kept is commit {self.first}"
        there = f"they go from {self.first} to {self.last}" if self.last else "nothing was committed yet"
        return f"there is no commit {self.number} in this session: {there}"


class NoRoom(StoreError):
    """The session's budget, or what is left of the disk, does not do for a value: it is not kept, and named."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            "it does not fit into what this session may take on the disk: raise HOLDFAST_STORE_LIMIT or make room there"
        )


class KeyUnusable(StoreError):
    """The file with the user's key is there and cannot be trusted or read."""

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(path, reason, remedy)
        self.path = path
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"cannot use the key {self.path!r}: {self.reason}; {self.remedy}"


class BadSessionName(StoreError):
    """A name that no session can have."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"no session can be named {self.name[:60]!r}: {self.reason}; choose another name"


class SeveralSessions(StoreError):
    """A part of a name that more than one session has."""

    def __init__(self, name: str, names: tuple[str, ...]) -> None:
        super().__init__(name, names)
        self.name = name
        self.names = names

    def __str__(self) -> str:
        found = ", ".join(map(repr, self.names[:10])) + (", …" if len(self.names) > 10 else "")
        return f"{self.name!r} could be {found}: give more of the name"


class NoSession(StoreError):
    """A session that was asked for by name and is not there."""

    def __init__(self, name: str, home: str) -> None:
        super().__init__(name, home)
        self.name = name
        self.home = home

    def __str__(self) -> str:
        return f"there is no session {self.name!r} in {self.home!r}; `holdfast sessions` lists those that are there"
