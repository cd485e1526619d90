"""Functions that change cells before they run."""

from __future__ import annotations

import ast
import pickle
import sys
from types import ModuleType
from typing import Any

import pytest

from helpers.shell import TwinEdges
from holdfast.compat.ipython.errors import InputRejected


class Doubler(ast.NodeTransformer):
    """Doubles numbers."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(node.value * 2) if isinstance(node.value, int) else node


def test_nothing_is_asked_while_there_are_none(shell: Any, edges: TwinEdges) -> None:
    """The kernel reads and compiles cells by itself."""
    assert shell.input_transformers_post == shell.ast_transformers == []
    assert edges.hooks.transform is edges.hooks.transform_tree is None


@pytest.mark.parametrize("change", ["append", "insert", "extend", "+=", "assign", "slice"])
def test_every_way_of_adding_is_seen(shell: Any, edges: TwinEdges, change: str) -> None:
    """Libraries append; others assign."""

    def shout(lines: list[str]) -> list[str]:
        return [line.upper() for line in lines]

    functions = shell.input_transformers_post
    if change == "append":
        functions.append(shout)
    elif change == "insert":
        functions.insert(0, shout)
    elif change == "extend":
        functions.extend([shout])
    elif change == "+=":
        shell.input_transformers_post += [shout]
    elif change == "assign":
        shell.input_transformers_post = [shout]
    else:
        functions[:] = [shout]
    assert edges.hooks.transform is not None
    assert edges.hooks.transform("a\nb").rstrip("\n") == "A\nB"


def test_cleanup_comes_first(shell: Any, edges: TwinEdges) -> None:
    """Lines end in newlines, the last one too."""
    seen: list[list[str]] = []

    def look(lines: list[str]) -> list[str]:
        seen.append(lines)
        return lines

    shell.input_transformers_post.append(look)
    shell.input_transformers_cleanup.append(lambda lines: [line.replace("$", "S") for line in lines])
    assert edges.hooks.transform is not None
    edges.hooks.transform("a$\nb")
    assert seen == [["aS\n", "b\n"]]


def test_one_that_fails_is_passed_over(shell: Any, edges: TwinEdges, capsys: pytest.CaptureFixture[str]) -> None:
    """The cell runs as the others leave it, and the failure is shown."""
    shell.input_transformers_post.append(lambda lines: lines[99])
    shell.input_transformers_post.append(lambda lines: [line.upper() for line in lines])
    assert edges.hooks.transform is not None
    assert edges.hooks.transform("a").strip() == "A"
    assert "reported IndexError" in capsys.readouterr().err


def test_one_that_refuses_keeps_the_cell_from_running(shell: Any, edges: TwinEdges) -> None:
    """InputRejected comes through."""

    def refuse(lines: list[str]) -> list[str]:
        raise InputRejected("not here")

    shell.input_transformers_post.append(refuse)
    assert edges.hooks.transform is not None
    with pytest.raises(InputRejected):
        edges.hooks.transform("a")


def test_the_installed_ones_refusal_counts_too(shell: Any, edges: TwinEdges, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where IPython is installed, transformers raise its class; they stay, for the next cell."""

    class Theirs(Exception):
        """Their InputRejected."""

    class Refuses(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            raise Theirs("not here")

    module: Any = ModuleType("IPython.core.error")
    module.InputRejected = Theirs
    monkeypatch.setitem(sys.modules, "IPython.core.error", module)
    shell.ast_transformers.append(Refuses())
    assert edges.hooks.transform_tree is not None
    for _ in range(2):
        with pytest.raises(Theirs):
            edges.hooks.transform_tree(ast.parse("a"))


def test_trees_are_changed(shell: Any, edges: TwinEdges) -> None:
    """A NodeTransformer sees the cell's tree."""
    shell.ast_transformers.append(Doubler())
    assert edges.hooks.transform_tree is not None
    tree = edges.hooks.transform_tree(ast.parse("x = 4"))
    assert ast.unparse(tree) == "x = 8"
    compile(tree, "<cell>", "exec")


def test_a_tree_transformer_that_fails_is_taken_out(
    shell: Any, edges: TwinEdges, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would fail in every cell."""

    class Broken(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            raise ValueError("no")

    shell.ast_transformers.append(Broken())
    assert edges.hooks.transform_tree is not None
    assert ast.unparse(edges.hooks.transform_tree(ast.parse("x = 4"))) == "x = 4"
    assert shell.ast_transformers == []
    assert "reported ValueError: no" in capsys.readouterr().err


def test_cells_as_python(shell: Any) -> None:
    """transform_cell and check_complete ask the kernel, after the functions."""
    shell.input_transformers_post.append(lambda lines: [line.replace("tide", "ls") for line in lines])
    assert shell.transform_cell("%tide x") == "get_ipython().run_line_magic('ls', 'x')\n"
    assert shell.check_complete("if x:") == ("incomplete", "    ")
    assert shell.input_transformer_manager.check_complete("if x:") == ("incomplete", 4)
    assert shell.input_transformer_manager.check_complete("x") == ("complete", None)


def test_a_variable_that_holds_the_list_has_a_list(shell: Any) -> None:
    """A copy that is stored is a plain list."""
    assert type(pickle.loads(pickle.dumps(shell.ast_transformers))) is list
