"""Modules and functions that fit in a head."""

from __future__ import annotations

import ast

from helpers import source

MODULE_LINES = 400
FUNCTION_LINES = 60


def test_modules_are_short() -> None:
    """No module of the package is longer than 400 lines."""
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in source.modules().items()}
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_functions_are_short() -> None:
    """No function of the package is longer than 60 lines, its docstring included."""
    long = {}
    for name, path in source.modules().items():
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    long[f"{name}.{node.name}"] = length
    assert long == {}
