"""Which names a cell may have changed, from its code alone.

It must never decide that something did not change: names propose, digests decide (DESIGN 5.1).

`bound` are the names that the cell's code stores or deletes, read from its bytecode; `names` every name it
mentions, attributes included (a variable of an attribute's name is looked at in vain, which costs little);
`dynamic` code can reach every name.  How a name is used is read from the syntax tree, and only when a large value
is at stake.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from holdfast.durable.reports import Cell

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
    "isna notna nlargest nsmallest sample groupby corr drop rename dropna fillna sort_values sort_index reset_index "
    "set_index drop_duplicates pivot_table dt str cat year month day hour minute dayofweek weekday dayofyear".split()
)
#: Those of them whose result may be the same memory, or hold the same objects.
_SHOWING = frozenset("values items get to_numpy T head tail array keys".split())
#: Functions of numpy and pandas that change nothing, by how many values they are given: one more is where to write.
_OF_ONE = frozenset(
    "log log1p log2 log10 exp expm1 sqrt abs sin cos tan floor ceil sign isnan isfinite isinf square sum mean median "
    "std var unique arange zeros ones isna notna to_datetime to_numeric concat get_dummies".split()
)
_OF_MORE = frozenset("where concat merge cut qcut linspace arange full to_datetime to_numeric".split())
#: Arguments with which a function that is otherwise pure may write, or give what it was given.
_BUT = frozenset("inplace copy overwrite_input".split())
#: Methods of frames and lists that, in place, change which columns they hold and write into none.
_OTHERWISE = frozenset("drop rename set_index reset_index sort_values sort_index dropna drop_duplicates".split())
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


def tree_of(cell: Cell) -> ast.AST | None:
    """The syntax tree of a cell; None where there is none to be had."""
    if cell.tree is not None:
        return cell.tree
    import ast

    try:
        return compile(cell.code, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # type: ignore[no-any-return]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def uses(tree: ast.AST) -> dict[str, int]:
    """How each name is used, the strongest use: CHANGED in place, READ (a call may change it), PURE.

    Only for names whose value is an exact built-in, numpy or pandas object does PURE mean unchanged.
    """
    return Uses(tree).levels


class Uses:
    """How a cell's tree uses names.

    With `shallow`, what changes only which values a dict, list or frame holds does not count as a change of it: its
    name is in `shallow` then, whose values must be of exactly these classes.  `libraries` are names of numpy and
    pandas, whose functions are known.
    """

    def __init__(self, tree: ast.AST, libraries: Collection[str] = (), shallow: bool = False) -> None:
        self.levels: dict[str, int] = {}
        self.shallow: set[str] = set()
        #: Whether it runs code that it does not show: calls of what is not known, imports, loops over anything.
        self.calls = False
        self._libraries = libraries
        self._is_shallow = shallow
        self._stack: list[tuple[ast.AST, int]] = [(tree, READ)]
        while self._stack:
            self._take(*self._stack.pop())

    def _take(self, node: ast.AST, use: int) -> None:
        import ast

        stack = self._stack
        if isinstance(node, ast.Name):
            if self.levels.get(node.id, -1) < use:
                self.levels[node.id] = PURE if self._is_shallow and not isinstance(node.ctx, ast.Load) else use
        elif isinstance(node, ast.Assign | ast.Delete) and self._is_shallow:
            for target in node.targets:
                stack.append((target.slice, PURE) if self._puts(target) else (target, READ))  # type: ignore[attr-defined]
            if isinstance(node, ast.Assign):
                stack.append((node.value, READ))
        elif isinstance(node, ast.AugAssign):
            # On a name too: an array or a list is added to in place.
            self.calls = True
            stack += [(node.value, READ), (node.target, READ)]
            if isinstance(node.target, ast.Name):
                self.levels[node.target.id] = max(self.levels.get(node.target.id, -1), CHANGED)
        elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            stack.append((node.value, CHANGED))
            if isinstance(node, ast.Subscript):
                stack.append((node.slice, PURE))
        elif isinstance(node, ast.Subscript):
            stack += [(node.value, DEEP if use == CHANGED else use), (node.slice, PURE)]
        elif isinstance(node, ast.Attribute):
            calm = PURE if node.attr in _PURE and node.attr not in _SHOWING and use <= READ else use
            stack.append((node.value, DEEP if use == CHANGED else calm))
        elif isinstance(node, ast.Call):
            self._call(node, use)
        elif isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.FormattedValue):
            calm = PURE if not isinstance(node, ast.BoolOp) else use
            stack += [(child, calm) for child in ast.iter_child_nodes(node)]
        elif isinstance(node, ast.Expr):
            # The value of the last expression goes to Out, where the index of sharing meets it.
            stack.append((node.value, PURE if not isinstance(node.value, ast.Name) else READ))
        else:
            self.calls = self.calls or not isinstance(node, _shown())
            stack += [(child, READ) for child in ast.iter_child_nodes(node)]

    def _puts(self, target: ast.AST) -> bool:
        """Whether it is an item of what a name holds, under a key that is no mask; the name is then in `shallow`."""
        import ast

        if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
            return False
        key = target.slice
        if not isinstance(key, ast.JoinedStr) and not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return False
        self.shallow.add(target.value.id)
        self.levels.setdefault(target.value.id, PURE)
        return True

    def _call(self, node: ast.Call, use: int) -> None:
        """The parts of a call with their uses."""
        import ast

        function, pure = node.func, False
        in_place = any(k.arg == "inplace" for k in node.keywords)
        if isinstance(function, ast.Attribute):
            on = function.value
            pure = function.attr in _PURE and not any(k.arg in _BUT for k in node.keywords)
            if isinstance(on, ast.Name) and on.id in self._libraries:
                pure = function.attr in (_OF_ONE if len(node.args) == 1 else _OF_MORE)
                pure = pure and not any(k.arg in _BUT for k in node.keywords)
                self.levels.setdefault(on.id, PURE)
            elif self._is_shallow and in_place and function.attr in _OTHERWISE and isinstance(on, ast.Name):
                self.shallow.add(on.id)
                self.levels.setdefault(on.id, PURE)
                pure = True
            else:
                level = CHANGED if function.attr in _MUTATORS or in_place else PURE if pure else READ
                if pure and function.attr in _SHOWING:
                    # What it gives may be the same memory, and kept where nobody looks.
                    level = max(level, use)
                self._stack.append((on, DEEP if use == CHANGED and pure else level))
        else:
            pure = isinstance(function, ast.Name) and function.id in _PURE
            if not pure:
                self._stack.append((function, READ))
        self.calls = self.calls or not pure
        self._stack += [(argument, PURE if pure else READ) for argument in node.args]
        for keyword in node.keywords:
            level = CHANGED if keyword.arg == "out" else PURE if pure else READ
            self._stack.append((keyword.value, level))


@cache
def _shown() -> tuple[type[ast.AST], ...]:
    """Parts of a tree that run nothing but what their own parts run."""
    import ast

    return (
        ast.Module, ast.Assign, ast.Delete, ast.Pass, ast.If, ast.IfExp, ast.Constant, ast.JoinedStr, ast.Slice,
        ast.Tuple, ast.List, ast.Dict, ast.Set, ast.keyword, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop,
        ast.boolop,
    )  # fmt: skip
