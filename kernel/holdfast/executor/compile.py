"""Cell text to code objects.

It must never run anything.  A cell is two code objects, its statements and its last expression, because the
value of that expression is what the cell shows; both are compiled with top-level `await` allowed.

`ast.PyCF_ALLOW_TOP_LEVEL_AWAIT` is 0x2000.  (0x1000000, which circulates for it, is the flag of
`from __future__ import annotations`.)  Rejected: wrapping the cell in an `async def`, which turns its globals
into locals; `single` mode, which prints every expression.
"""

from __future__ import annotations
import __future__

import ast
from collections.abc import Callable
from types import CodeType

from msgspec import Struct

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_CO_COROUTINE = 0x80
#: The builtin that shows a value in the middle of a cell, like one at its end.
SHOW = "__holdfast_show__"
#: Flags that `from __future__` sets on a code object and that hold for later cells.
_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag
_FUTURES &= ~0x10  # nested_scopes shares its bit with CO_NESTED and has been the rule since 2.2


class Unit(Struct, frozen=True):
    """A compiled cell.

    `body` are the statements before the last expression, `last` that expression (None when the cell ends in a
    statement), `shows` whether its value is shown, `names` the global names that the cell's own code mentions, `ran`
    what its magics ran besides.
    """

    body: CodeType | None
    last: CodeType | None
    shows: bool
    is_async: bool
    flags: int
    names: tuple[str, ...]
    tree: ast.Module
    ran: tuple[CodeType, ...] = ()

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """All its code objects."""
        return tuple(code for code in (self.body, self.last, *self.ran) if code is not None)

    def joined(self, piece: Unit) -> Unit:
        """This cell when it has run `piece`, too."""
        names = tuple(dict.fromkeys((*self.names, *piece.names)))
        tree = ast.Module([*self.tree.body, *piece.tree.body], [])
        ran = (*self.ran, *piece.codes)
        return Unit(self.body, self.last, self.shows, self.is_async, self.flags | piece.flags, names, tree, ran)


def compile_cell(
    code: str,
    filename: str,
    flags: int = 0,
    interactivity: str = "last_expr",
    transform: Callable[[ast.Module], ast.Module] | None = None,
) -> Unit:
    """Compile `code`; `flags` are those of earlier cells' `from __future__` imports.

    `interactivity`: which expressions are shown (see `interactivity`); `transform` changes the syntax tree.

    Raises what the compiler raises: SyntaxError, ValueError, RecursionError, MemoryError, OverflowError.
    """
    tree = compile(code, filename, "exec", ast.PyCF_ONLY_AST | _AWAIT | flags, dont_inherit=True)
    if transform is not None:
        tree = transform(tree)
    if interactivity != "last_expr":
        from holdfast.executor.interactivity import interactive

        tree = interactive(tree, interactivity, SHOW, bool(tree.body) and _silenced(code, tree.body[-1]))
    statements = tree.body
    expression = statements[-1] if statements else None
    if not isinstance(expression, ast.Expr):
        body = _code(tree, filename, "exec", flags) if statements else None
        return _unit(body, None, False, flags, tree)
    rest = ast.Module(statements[:-1], tree.type_ignores)
    body = _code(rest, filename, "exec", flags) if rest.body else None
    flags |= _futures(body)
    last = _code(ast.Expression(expression.value), filename, "eval", flags)
    return _unit(body, last, not _silenced(code, expression), flags, tree)


def _code(tree: ast.Module | ast.Expression, filename: str, mode: str, flags: int) -> CodeType:
    try:
        compiled = compile(tree, filename, mode, flags | _AWAIT, dont_inherit=True)
    except SyntaxError as error:
        if "from __future__ imports must" not in str(error.msg) or not isinstance(tree, ast.Module):
            raise
        compiled = compile(_futures_first(tree), filename, mode, flags | _AWAIT, dont_inherit=True)
    assert isinstance(compiled, CodeType)
    return compiled


def _futures_first(tree: ast.Module) -> ast.Module:
    """Every `from __future__ import` before all else: notebooks have it behind other imports of the cell.

    Other kernels compile a cell statement by statement, so there it has always worked.
    """
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    return ast.Module([*imports, *(node for node in tree.body if node not in imports)], tree.type_ignores)


def _unit(body: CodeType | None, last: CodeType | None, shows: bool, flags: int, tree: ast.Module) -> Unit:
    codes = [code for code in (body, last) if code is not None]
    is_async = any(code.co_flags & _CO_COROUTINE for code in codes)
    names = tuple(dict.fromkeys(name for code in codes for name in code.co_names))
    return Unit(body, last, shows, is_async, flags | _futures(body), names, tree)


def _futures(code: CodeType | None) -> int:
    return code.co_flags & _FUTURES if code is not None else 0


def _silenced(code: str, expression: ast.stmt) -> bool:
    """Whether the last expression is followed by a semicolon (comments after it do not matter)."""
    if ";" not in code:
        return False
    # Columns count UTF-8 bytes; the parser ends lines at \n, \r\n and \r only, unlike str.splitlines.
    lines = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end_line, end_column = expression.end_lineno or 1, expression.end_col_offset or 0
    first = lines[end_line - 1].encode("utf-8", "surrogatepass")[end_column:].decode("utf-8", "replace")
    for line in (first, *lines[end_line:]):
        text = line.strip(" \t\f")
        if text.startswith(";"):
            return True
        # A closing parenthesis around the expression lies outside its node: look past it.
        text = text.lstrip(") \t")
        if text.startswith(";"):
            return True
        if text and not text.startswith("#") and text != "\\":
            return False
    return False
