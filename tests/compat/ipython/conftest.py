"""A shell over a kernel in memory, for one test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel, twin
from holdfast.compat.ipython import current


@pytest.fixture
def edges() -> Iterator[TwinEdges]:
    """What the shell asks; while it is there, `IPython` can be imported."""
    with twin(TwinEdges()) as edges:
        yield edges


@pytest.fixture
def kernel(edges: TwinEdges) -> TwinKernel:
    """The kernel as magics see it."""
    found: TwinKernel = edges.kernel
    return found


@pytest.fixture
def shell(edges: TwinEdges) -> Any:
    """The shell."""
    return current.shell()
