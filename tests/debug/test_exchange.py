"""Values handed from a stopped frame to the debugger."""

from __future__ import annotations

from holdfast.debug import exchange


def test_the_expression_hands_the_value_over_once() -> None:
    """It needs nothing of the frame but builtins; a second evaluation finds nobody."""
    taken: list[object] = []
    _, expression = exchange.ask(taken.append, "n, 2")
    for _ in range(2):
        assert eval(expression, {"n": 1}) is None
    assert taken == [(1, 2)]


def test_a_value_that_comes_too_late_is_dropped() -> None:
    """Nobody waits for it any more."""
    taken: list[object] = []
    ticket, expression = exchange.ask(taken.append, "1")
    exchange.forget(ticket)
    eval(expression)
    assert taken == []
