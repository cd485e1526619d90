"""Which expressions of a cell are shown, where somebody wants others than the last one.

It must never be imported for cells that show their last expression: those are compiled as they are.

Source: `InteractiveShell.ast_node_interactivity`, as notebooks set it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence


def interactive(tree: ast.Module, mode: str, show: str, silent: bool) -> ast.Module:
    """The cell with calls of the builtin `show` for what `mode` wants shown; nothing of it where it is `silent`.

    `mode` is "all", "last" or "last_expr_or_assign"; anything else shows nothing.
    """
    statements = tree.body
    if not statements:
        return tree
    if silent or mode not in ("all", "last", "last_expr_or_assign"):
        # A value that is not the last thing is shown by nobody.
        return ast.Module([*statements, ast.Pass(lineno=statements[-1].end_lineno or 1, col_offset=0)], [])
    if mode == "last_expr_or_assign":
        name = _assigned(statements[-1])
        return ast.Module([*statements, name], tree.type_ignores) if name is not None else tree
    chosen = statements if mode == "all" else statements[-1:]
    return ast.Module(_shown(statements, chosen, _Show(show)), tree.type_ignores)


def _assigned(statement: ast.stmt) -> ast.Expr | None:
    """The variable that a statement binds, as an expression."""
    match statement:
        case ast.Assign(targets=[ast.Name() as name]):
            pass
        case ast.AugAssign(target=ast.Name() as name) | ast.AnnAssign(target=ast.Name() as name, value=ast.expr()):
            pass
        case _:
            return None
    found = ast.Expr(ast.Name(name.id, ast.Load()))
    return ast.fix_missing_locations(ast.copy_location(found, statement))


def _shown(statements: Sequence[ast.stmt], chosen: Sequence[ast.stmt], show: _Show) -> list[ast.stmt]:
    """All statements; of those chosen, the expressions show their values: in loops and branches, too."""
    # The last expression stays one: the cell's end shows it, as always.
    last = statements[-1] if isinstance(statements[-1], ast.Expr) else None
    return [show.visit(item) if item in chosen and item is not last else item for item in statements]


class _Show(ast.NodeTransformer):
    """Replaces expressions that are statements by calls; functions and classes stay as they are."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        call = ast.Call(ast.Name(self._name, ast.Load()), [node.value], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(ast.copy_location(call, node)), node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node
