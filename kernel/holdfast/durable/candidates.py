"""Which names a cell may have changed, from its code alone.

It must never decide that something did not change: names propose, digests decide (DESIGN 5.1).

`bound` are the names that the cell's code stores or deletes, read from its bytecode; `names` every name it
mentions, attributes included (a variable of an attribute's name is looked at in vain, which costs little);
`dynamic` code can reach every name.  How a name is used is read from the syntax tree, and only when a large value
is at stake.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

#: Names whose use can reach every variable.
DYNAMIC = frozenset(
    "exec eval globals locals vars __import__ __main__ _getframe currentframe stack __globals__ modules f_globals "
    "f_locals f_back get_objects get_referrers get_referents ctypes import_module run_path run_module inspect "
    "settrace setprofile".split()
)
#: Methods that change what they are called on.
_MUTATORS = frozenset(
    "append extend insert pop remove clear update add discard sort reverse setdefault popitem fill put resize "
    "itemset partition setflags appendleft extendleft popleft rotate subtract move_to_end write writelines "
    "intersection_update difference_update symmetric_difference_update byteswap setfield".split()
)
#: Functions and methods that change nothing, on exact built-in, numpy and pandas values.
_PURE = frozenset(
    "len print repr str type id isinstance hash sum min max any all abs round float int bool sorted display "
    "head tail describe info mean std var median nunique unique value_counts count keys values items get copy "
    "astype tolist to_numpy shape dtype dtypes ndim size nbytes columns index T sum prod argmax argmin "
    "isna notna nlargest nsmallest sample groupby corr".split()
)
#: Uses of a name: DEEP changes something inside what it holds, CHANGED its value itself, READ may change it (a call).
DEEP, CHANGED, READ, PURE = 3, 2, 1, 0


class Candidates:
    """What a cell's code objects say."""

    __slots__ = ("names", "bound", "dynamic", "calm")

    def __init__(self, codes: Sequence[CodeType]) -> None:
        self.names: set[str] = set()
        self.bound: set[str] = set()
        self.dynamic = False
        #: Whether it only moves values and makes containers: it calls nothing, so it changes nothing around it.
        self.calm = all(_CALM.issuperset(code.co_code[::2]) for code in codes)
        for code in codes:
            self._scan(code)
        self.dynamic = self.dynamic or not self.names.isdisjoint(DYNAMIC)

    def _scan(self, code: CodeType) -> None:
        names, raw = code.co_names, code.co_code
        self.names.update(names)
        ops, arguments = raw[::2], raw[1::2]
        if names:
            for i, op in enumerate(ops):
                if op in _STORES:
                    number, shift, before = arguments[i], 8, i - 1
                    while before >= 0 and ops[before] == _EXTENDED:
                        number |= arguments[before] << shift
                        shift, before = shift + 8, before - 1
                    self.bound.add(names[number])
                elif op == _INTRINSIC and arguments[i] == _IMPORT_STAR:
                    self.dynamic = True
        for const in code.co_consts:
            if type(const) is CodeType:
                self._scan(const)


def _opcodes() -> tuple[frozenset[int], frozenset[int], int, int]:
    from opcode import opmap

    stores = frozenset(opmap[name] for name in ("STORE_NAME", "DELETE_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"))
    calm = {opmap[name] for name in _CALM_NAMES.split() if name in opmap}
    return stores, stores | calm, opmap["EXTENDED_ARG"], opmap["CALL_INTRINSIC_1"]


#: Of several versions of Python.  What adds, compares, iterates or hashes is not among them: a class may define it.
_CALM_NAMES = (
    "CACHE RESUME NOP EXTENDED_ARG LOAD_CONST LOAD_NAME LOAD_GLOBAL PUSH_NULL POP_TOP COPY SWAP RETURN_VALUE "
    "RETURN_CONST LOAD_SMALL_INT BUILD_TUPLE BUILD_LIST BUILD_CONST_KEY_MAP MAKE_FUNCTION SET_FUNCTION_ATTRIBUTE"
)
_STORES, _CALM, _EXTENDED, _INTRINSIC = _opcodes()
_IMPORT_STAR = 2


def uses(tree: ast.AST) -> dict[str, int]:
    """How each name is used, the strongest use: CHANGED in place, READ (a call may change it), PURE.

    Only for names whose value is an exact built-in, numpy or pandas object does PURE mean unchanged.
    """
    import ast

    found: dict[str, int] = {}
    stack: list[tuple[ast.AST, int]] = [(tree, READ)]
    while stack:
        node, use = stack.pop()
        if isinstance(node, ast.Name):
            if found.get(node.id, -1) < use:
                found[node.id] = use
        elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            stack.append((node.value, CHANGED))
            if isinstance(node, ast.Subscript):
                stack.append((node.slice, PURE))
        elif isinstance(node, ast.Subscript):
            stack += [(node.value, DEEP if use == CHANGED else use), (node.slice, PURE)]
        elif isinstance(node, ast.Attribute):
            calm = PURE if node.attr in _PURE and use <= READ else use
            stack.append((node.value, DEEP if use == CHANGED else calm))
        elif isinstance(node, ast.Call):
            stack += _call(node)
        elif isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.FormattedValue):
            calm = PURE if not isinstance(node, ast.BoolOp) else use
            stack += [(child, calm) for child in ast.iter_child_nodes(node)]
        elif isinstance(node, ast.Expr):
            # The value of the last expression goes to Out, where the index of sharing meets it.
            stack.append((node.value, PURE if not isinstance(node.value, ast.Name) else READ))
        else:
            stack += [(child, READ) for child in ast.iter_child_nodes(node)]
    return found


def _call(node: ast.Call) -> list[tuple[ast.AST, int]]:
    """The parts of a call with their uses."""
    import ast

    function = node.func
    result: list[tuple[ast.AST, int]] = []
    in_place = any(k.arg == "inplace" for k in node.keywords)
    if isinstance(function, ast.Attribute):
        pure = function.attr in _PURE and not in_place
        use = CHANGED if function.attr in _MUTATORS or in_place else PURE if pure else READ
        result.append((function.value, use))
    else:
        pure = isinstance(function, ast.Name) and function.id in _PURE
        if not pure:
            result.append((function, READ))
    result += [(argument, PURE if pure else READ) for argument in node.args]
    for keyword in node.keywords:
        result.append((keyword.value, CHANGED if keyword.arg == "out" else PURE if pure else READ))
    return result
