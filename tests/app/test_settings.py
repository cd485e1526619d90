"""Settings: read from the environment, refused with one sentence."""

from __future__ import annotations

import pytest

from holdfast.app.settings import Settings, read
from holdfast.errors import PeerError


@pytest.mark.parametrize(
    ("environ", "settings"),
    [
        ({}, Settings()),
        ({"HOLDFAST_OUT_LIMIT": "", "HOLDFAST_BLOCKING": ""}, Settings()),
        ({"HOLDFAST_OUT_LIMIT": "1000"}, Settings(out_limit=1000)),
        ({"HOLDFAST_OUT_LIMIT": "0"}, Settings(out_limit=0)),
        ({"HOLDFAST_BLOCKING": "thread"}, Settings(threads_blocking=True)),
        ({"HOLDFAST_BLOCKING": "loop"}, Settings()),
    ],
)
def test_settings_are_read(environ: dict[str, str], settings: Settings) -> None:
    """What is not set has its default."""
    assert read(environ) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOLDFAST_OUT_LIMIT", "lots"),
        ("HOLDFAST_OUT_LIMIT", "-1"),
        ("HOLDFAST_OUT_LIMIT", "1e9"),
        ("HOLDFAST_OUT_LIMIT", "²"),
        ("HOLDFAST_BLOCKING", "Thread"),
        ("HOLDFAST_BLOCKING", "1"),
    ],
)
def test_what_cannot_be_understood_is_named(name: str, value: str) -> None:
    """The error says which variable, what it holds and what was expected."""
    with pytest.raises(PeerError, match=f"{name} is '{value}': expected"):
        read({name: value})
