"""Names the blocking calls of a cell from its syntax tree, for the hint that points at `%%thread`.

Pure: reads nothing but the tree it is given, and never claims to know types; a method such as
`sock.recv()` or `future.result()` is not seen. A hint may miss a call; it must not name one the cell
does not make, so what the cell binds itself hides the built-in or module of that name.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["BLOCKING", "NESTING", "blocking_calls"]

_VERBS = ("delete", "get", "head", "options", "patch", "post", "put", "request")

BLOCKING: frozenset[str] = frozenset(
    {
        "concurrent.futures.wait",
        "getpass.getpass",
        "input",
        "multiprocessing.connection.wait",
        "os.system",
        "os.wait",
        "os.waitpid",
        "select.select",
        "shutil.copytree",
        "shutil.rmtree",
        "signal.pause",
        "signal.sigwait",
        "smtplib.SMTP",
        "socket.create_connection",
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "subprocess.run",
        "time.sleep",
        "urllib.request.urlopen",
        "urllib.request.urlretrieve",
        "urllib3.request",
        "webbrowser.open",
        *(f"{library}.{verb}" for library in ("httpx", "requests") for verb in _VERBS),
    }
)

#: They run a loop of their own, and the user's one stands still meanwhile.
NESTING: frozenset[str] = frozenset({"anyio.run", "asyncio.run", "uvloop.run"})

type _Function = ast.FunctionDef | ast.AsyncFunctionDef
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.alias)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def blocking_calls(
    tree: ast.Module, known: Mapping[str, str] | None = None, wanted: frozenset[str] = BLOCKING
) -> tuple[str, ...]:
    """Return the dotted names of the calls of `wanted` that a cell makes, each once, in the order of the text.

    Followed: `import time as t`, `from time import sleep as s`, and, by their bare names, functions
    that the cell both defines and calls. Not followed: lambdas, methods, functions of earlier cells,
    and names inside a function that the cell never calls. `known` maps names bound by earlier cells
    to what they stand for, such as {"t": "time", "sleep": "time.sleep"}; without it an unbound `time`
    is taken for the module of that name.
    """
    nodes = list(_walk(tree.body))
    functions = {node.name: node for node in nodes if isinstance(node, _FUNCTIONS)}
    names = dict(known or {})
    for node in nodes:
        names.update(dict.fromkeys(_bound(node), ""))
    for node in nodes:
        names.update(_imported(node))
    found: dict[str, None] = {}
    _search(nodes, names, functions, found, wanted)
    return tuple(found)


def _search(
    nodes: Iterable[ast.AST],
    names: Mapping[str, str],
    functions: dict[str, _Function],
    found: dict[str, None],
    wanted: frozenset[str],
) -> None:
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = _resolved(node.func, names)
        if name in wanted:
            found[name] = None
        elif isinstance(node.func, ast.Name) and node.func.id in functions:
            function = functions.pop(node.func.id)  # once is enough, and recursion ends
            inner = dict(names)
            arguments = function.args
            for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
                inner[argument.arg] = ""
            body = list(_walk(function.body))
            for statement in body:
                inner.update(_imported(statement))
            _search(body, inner, functions, found, wanted)


def _resolved(node: ast.expr, names: Mapping[str, str]) -> str:
    """Return the dotted name an expression stands for, "" for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    start = names.get(node.id, node.id)
    return ".".join([start, *reversed(parts)]) if start else ""


def _walk(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield what runs when `body` runs, in the order of the text: not the insides of functions.

    Without recursion: a cell may nest deeper than Python's stack.
    """
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            children: list[ast.AST] = [*node.decorator_list, *_defaults(node.args)]
        elif isinstance(node, ast.Lambda):
            children = _defaults(node.args)
        elif isinstance(node, _LEAVES):
            continue
        else:
            children = list(ast.iter_child_nodes(node))
        stack.extend(reversed(children))


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"
