"""What `%store` keeps for all sessions of a person: a file for each value in HOLDFAST_HOME.

It must never hand out bytes that nobody with the user's key has put there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from holdfast.durable.faults import Tampered
from holdfast.durable.folder import home
from holdfast.durable.keys import Seal, user_key

_KIND = ".value"
_TAG = 32


class Shelf:
    """See `magics.port.Shelf`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._home = home(environ)
        self._folder = os.path.join(self._home, "stored")

    def put(self, name: str, data: bytes) -> None:
        """See the port."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        beside = os.path.join(self._folder, f".{name}-{os.getpid()}")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._seal().tag(name.encode(), data) + data)
        os.replace(beside, self._path(name))

    def get(self, name: str) -> bytes | None:
        """See the port."""
        try:
            with open(self._path(name), "rb") as file:
                tag, data = file.read(_TAG), file.read()
        except FileNotFoundError:
            return None
        if not self._seal().holds(name.encode(), data, tag):
            raise Tampered(self._folder, f"the stored value {name!r} was changed by someone without your key")
        return data

    def names(self) -> list[str]:
        """See the port."""
        try:
            found = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        return sorted(file.removesuffix(_KIND) for file in found if file.endswith(_KIND) and file[0] != ".")

    def drop(self, name: str) -> bool:
        """See the port."""
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            return False
        return True

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, os.path.basename(name) + _KIND)

    def _seal(self) -> Seal:
        os.makedirs(self._home, mode=0o700, exist_ok=True)
        return Seal(user_key(self._home), b"stored values")
