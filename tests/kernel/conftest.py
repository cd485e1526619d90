"""Kernels for tests: one shared by a module where nothing can leak from test to test, else a fresh one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Shared


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The module's kernel."""
    holder = Shared(lambda: Kernel(tmp_path_factory.mktemp("kernel")))
    yield holder
    holder.end()


@pytest.fixture
def kernel(shared: Shared) -> Iterator[Kernel]:
    """The module's kernel, idle before and after the test."""
    yield shared.kernel
    shared.check()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of this test's own; it may end, and must end well."""
    with Kernel(tmp_path) as kernel:
        yield kernel


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels with a connection, environment or flags of their own; each must end well."""
    kernels: list[Kernel] = []

    def start(**settings: object) -> Kernel:
        kernel = Kernel(tmp_path, **settings)  # type: ignore[arg-type]
        kernels.append(kernel)
        return kernel

    yield start
    for kernel in kernels:
        with kernel:
            pass
