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
        ({"HOLDFAST_PATIENCE": "1.5", "HOLDFAST_DEADLINE": ""}, Settings(patience=1.5)),
        ({"HOLDFAST_PATIENCE": "inf"}, Settings(patience=float("inf"))),
        ({"HOLDFAST_DEADLINE": "0.5"}, Settings(deadline=0.5)),
        ({"HOLDFAST_KEEP_COMMITS": "50", "HOLDFAST_KEEP_DAYS": "0.5"}, Settings(keep_commits=50, keep_days=0.5)),
        ({"HOLDFAST_KEEP_COMMITS": "inf", "HOLDFAST_KEEP_DAYS": "inf"}, Settings(keep_commits=float("inf"))),
        ({"HOLDFAST_STORE_LIMIT": "20GB"}, Settings(store_limit=2e10)),
        ({"HOLDFAST_STORE_LIMIT": "1.5 tb"}, Settings(store_limit=1.5e12)),
        ({"HOLDFAST_STORE_LIMIT": "300000"}, Settings(store_limit=300_000)),
        ({"HOLDFAST_STORE_LIMIT": "5%"}, Settings(store_limit=0.05)),
        ({"HOLDFAST_STORE_LIMIT": "100%"}, Settings(store_limit=0.999999)),
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
        ("HOLDFAST_PATIENCE", "nan"),
        ("HOLDFAST_PATIENCE", "-1"),
        ("HOLDFAST_DEADLINE", "2s"),
        ("HOLDFAST_KEEP_COMMITS", "0"),
        ("HOLDFAST_KEEP_COMMITS", "all"),
        ("HOLDFAST_KEEP_DAYS", "0"),
        ("HOLDFAST_KEEP_DAYS", "nan"),
        ("HOLDFAST_STORE_LIMIT", "0"),
        ("HOLDFAST_STORE_LIMIT", "-5GB"),
        ("HOLDFAST_STORE_LIMIT", "20 buckets"),
        ("HOLDFAST_STORE_LIMIT", "120%"),
        ("HOLDFAST_STORE_LIMIT", "nan"),
        ("HOLDFAST_STORE_LIMIT", "1.2.3GB"),
    ],
)
def test_what_cannot_be_understood_is_named(name: str, value: str) -> None:
    """The error says which variable, what it holds and what was expected."""
    with pytest.raises(PeerError, match=f"{name} is '{value}': expected"):
        read({name: value})
