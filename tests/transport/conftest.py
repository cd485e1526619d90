"""Bound sockets for tests, closed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.sockets import Bound


@pytest.fixture
def bound() -> Iterator[Bound]:
    """Sockets on tcp ports that the system chose."""
    made = Bound()
    yield made
    made.close()


@pytest.fixture(params=["tcp", "ipc"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bound]:
    """Sockets on tcp, and on ipc."""
    made = Bound(transport="ipc", ip=str(tmp_path / "k")) if request.param == "ipc" else Bound()
    yield made
    made.close()
