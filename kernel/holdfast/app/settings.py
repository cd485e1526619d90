"""What people can set through the environment; it must never be read anywhere else.

Every setting is documented in `docs/settings.md`; a test checks it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from holdfast.errors import PeerError


class Settings(Struct, frozen=True):
    """`out_limit`: bytes of results that `Out` keeps."""

    out_limit: int = 1 << 30


def read(environ: Mapping[str, str]) -> Settings:
    """The settings of this process; raises `PeerError` naming what cannot be understood."""
    text = environ.get("HOLDFAST_OUT_LIMIT", "")
    if not text:
        return Settings()
    try:
        return Settings(out_limit=int(text))
    except ValueError:
        raise PeerError(f"HOLDFAST_OUT_LIMIT is {text!r}: expected a number of bytes") from None
