"""Code compiled again from recorded source, under another Python than the one that made it.

It must never run that source: only the code object of one function is taken out of what was compiled.
"""

from __future__ import annotations

import ast
import textwrap
from types import CodeType

from holdfast.durable.pickling.lost import Unkeepable


def compiled(source: tuple[str, int, str], name: str, cells: int) -> CodeType:
    """The code of function `name`; raises Unkeepable where it is not there with as many free variables."""
    filename, first, text = source
    try:
        tree = ast.parse(textwrap.dedent(text), filename)
    except SyntaxError as error:
        raise Unkeepable(f"its source does not compile under this Python: {error.msg}") from None
    ast.increment_lineno(tree, first - 1)
    found = [
        code
        for code in _inner(compile(tree, filename, "exec"))
        if code.co_name == name and len(code.co_freevars) == cells
    ]
    if not found and cells:
        found = [
            code for code in _inner(_wrapped(tree, filename)) if code.co_name == name and len(code.co_freevars) == cells
        ]
    if not found:
        raise Unkeepable("its source is recorded, but this Python makes something else of it")
    return found[0]


def _wrapped(tree: ast.Module, filename: str) -> CodeType:
    """The same text inside a function that binds every name it mentions, so that they can be free variables."""
    bound = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {"__class__"})
    outer = ast.parse(f"def outer({', '.join(bound)}):\n    pass")
    function = outer.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = tree.body or function.body
    return compile(ast.fix_missing_locations(outer), filename, "exec")


def _inner(code: CodeType) -> list[CodeType]:
    result = []
    for const in code.co_consts:
        if type(const) is CodeType:
            result += [const, *_inner(const)]
    return result
