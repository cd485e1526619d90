"""What is public is listed, described and typed."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from helpers import source

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definitions(path: Path) -> list[Definition]:
    """Return the public functions and classes that a module defines at its top level."""
    body = source.tree(path).body
    return [node for node in body if isinstance(node, Definition) and not node.name.startswith("_")]


def _has_all(path: Path) -> bool:
    """Say whether a module lists its public names."""
    named = {
        target.id
        for node in source.tree(path).body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    return "__all__" in named


@pytest.mark.parametrize("name", [name for name, path in source.modules().items() if _has_all(path)])
def test_all_is_exact(name: str) -> None:
    """Every name in `__all__` exists once, and every public definition of the module is in it."""
    module = importlib.import_module(name)
    listed = list(module.__all__)
    assert [item for item in listed if not hasattr(module, item)] == []
    assert len(listed) == len(set(listed))
    assert {node.name for node in _definitions(source.modules()[name])} - set(listed) == set()


def test_modules_have_docstrings() -> None:
    """Every module says what it is."""
    bare = {name for name, path in source.modules().items() if not ast.get_docstring(source.tree(path))}
    assert bare == set()


def test_public_functions_and_classes_have_docstrings() -> None:
    """Every public function and class says what it is for."""
    bare = {
        f"{name}.{node.name}"
        for name, path in source.modules().items()
        for node in _definitions(path)
        if not ast.get_docstring(node)
    }
    assert bare == set()


def test_modules_postpone_annotations() -> None:
    """A module that defines anything postpones its annotations: typing costs no start-up."""
    late = set()
    for name, path in source.modules().items():
        body = [node for node in source.tree(path).body if not isinstance(node, ast.Expr)]
        defines = any(isinstance(node, Definition | ast.AnnAssign) for node in body)
        if defines and not (isinstance(body[0], ast.ImportFrom) and body[0].module == "__future__"):
            late.add(name)
    assert late == set()
