"""Every error says what happened, to which thing, and survives pickling."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from holdfast import errors
from holdfast.errors import (
    AddressTaken,
    BadContent,
    BadFrames,
    BadSignature,
    CellError,
    ChildStdinError,
    ConnectionFileError,
    DebugError,
    HoldfastError,
    KernelBug,
    PeerError,
    PromptCancelledError,
    Replayed,
    StdinNotImplementedError,
    StoreError,
)

#: Each error with its fields, and what its sentence must contain: the thing, and where there is a way out, it.
EXAMPLES: list[tuple[HoldfastError, list[str]]] = [
    (HoldfastError("something"), ["something"]),
    (PeerError("something"), ["something"]),
    (CellError("something"), ["something"]),
    (StoreError("something"), ["something"]),
    (BadFrames("it has no delimiter"), ["dropped a message", "it has no delimiter"]),
    (BadSignature(), ["dropped a message", "signature", "connection file"]),
    (Replayed(), ["dropped a message", "before"]),
    (BadContent("x_request", "no code"), ["cannot serve x_request", "no code"]),
    (ConnectionFileError("/k.json", "not JSON"), ["cannot use the connection file '/k.json'", "not JSON"]),
    (
        AddressTaken("shell", "tcp://127.0.0.1:5", "Address already in use"),
        ["cannot listen for shell on tcp://127.0.0.1:5", "Address already in use", "port 0"],
    ),
    (StdinNotImplementedError("input"), ["input()", "run the cell in JupyterLab or jupyter console"]),
    (ChildStdinError("input"), ["input()", "in a process that a cell started", "ask in the cell itself"]),
    (PromptCancelledError("name? "), ["'name? '", "cancelled", "run the cell again"]),
    (DebugError("debugpy is not installed"), ["debugpy is not installed"]),
    (KernelBug("the driver", "ZeroDivisionError()"), ["a bug in Holdfast", "the driver", "please report"]),
]


def _classes(root: type[HoldfastError] = HoldfastError) -> Iterator[type[HoldfastError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _classes(child)


def test_every_error_has_an_example() -> None:
    """A new error is added to the table above."""
    assert {type(error) for error, _ in EXAMPLES} == set(_classes())


@pytest.mark.parametrize(("error", "words"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_its_sentence_says_what_and_which(error: HoldfastError, words: list[str]) -> None:
    """One line, with the fields in it."""
    assert [word for word in words if word not in str(error)] == []
    assert "\n" not in str(error)


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(error: HoldfastError, protocol: int) -> None:
    """Type, fields and sentence are the same on the other side of the durable boundary."""
    twin = pickle.loads(pickle.dumps(error, protocol))
    assert (type(twin), twin.args, vars(twin), str(twin)) == (type(error), error.args, vars(error), str(error))


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: type(error).__name__)
def test_it_survives_copying(error: HoldfastError) -> None:
    """A copy says the same."""
    assert str(copy.copy(error)) == str(error)


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES[1:]], ids=lambda error: type(error).__name__)
def test_it_is_somebodys_fault(error: HoldfastError) -> None:
    """Exactly one of the four roots."""
    roots = (PeerError, CellError, StoreError, KernelBug)
    assert sum(isinstance(error, root) for root in roots) == 1


def test_stdin_not_implemented_is_what_clients_expect() -> None:
    """Code that asks for NotImplementedError finds it."""
    assert issubclass(StdinNotImplementedError, NotImplementedError)
