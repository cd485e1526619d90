"""Code compiled again from recorded source, under another Python than the one that made it.

It must never run that source, only take the code object of one function out of what was compiled; and never take
one function for another: where a text makes several that look alike, none is taken.
"""

from __future__ import annotations
import __future__

import ast
import importlib.util
import itertools
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable

#: What tells one function of a text from the others: see `functions.shape`.
Shape = Callable[[CodeType], tuple[Any, ...]]
_FUTURES = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})


def compiled(source: tuple[str, int, str], known: tuple[Any, ...], shape: Shape) -> CodeType:
    """The code of the function whose `shape` is `known`; raises Unkeepable where it is not there for certain."""
    filename, first, text = source
    name, qualname, free, parameters, flags, line, extent = known
    begin = first - 1
    if text[:1] in (" ", "\t"):
        # Not dedented: that would change columns, and strings of many lines.
        text, begin = f"if 1:\n{text}", begin - 1
    try:
        tree = ast.parse(text, filename)
    except SyntaxError as error:
        raise Unkeepable(f"its source does not compile under this Python: {error.msg}") from None
    ast.increment_lineno(tree, begin)
    how = flags & _FUTURES | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    texts = [tree, _around(tree, qualname, free)]
    # Of a `lambda` the whole cell is recorded, of a `def` what lies inside its class or function.
    for one in texts if name == "<lambda>" else reversed(texts):
        module = compile(one, filename, "exec", how, dont_inherit=True)
        found = [(code, shape(code)) for code in _inner(module) if code.co_name == name and code.co_freevars == free]
        found = [(code, own) for code, own in found if (own[3], own[5]) == (parameters, line)]
        if len(found) > 1:
            found = [(code, own) for code, own in found if own[6] == extent]
        if len(found) == 1:
            return found[0][0].replace(co_qualname=qualname)
    raise Unkeepable("its source is recorded, but this Python makes something else of it")


def of_library(module: str, known: tuple[Any, ...], shape: Shape) -> CodeType | None:
    """The code of the function of that name and shape in this Python's version of a library's module."""
    found = sys.modules.get(module)
    spec = getattr(found, "__spec__", None) or importlib.util.find_spec(module)
    loader: Any = getattr(spec, "loader", None)
    if not hasattr(loader, "get_code"):
        return None
    code = loader.get_code(module)
    same = [one for one in _inner(code) if shape(one)[:4] == known[:4]] if code is not None else []
    return same[0] if len(same) == 1 else None


def of_namedtuple(known: tuple[Any, ...]) -> CodeType:
    """The code of the `__new__` that `collections.namedtuple` makes for those fields: it has no text of its own."""
    cls, *fields = known[3][3]
    inside = "".join(f"{name}, " for name in fields)
    made = compile(f"lambda {cls}, {inside}: _tuple_new({cls}, ({inside}))", "<string>", "eval", dont_inherit=True)
    return _inner(made)[0].replace(co_qualname=known[1])


def _around(tree: ast.Module, qualname: str, free: tuple[str, ...]) -> ast.Module:
    """The same text in the class that gave it its private names, and in a function that binds `free`."""
    path = qualname.split(".")
    owners = [name for name, inside in itertools.pairwise(path) if "<locals>" not in (name, inside)]
    is_method = bool(path[1:]) and path[-2] != "<locals>"
    body = _owned(tree.body, owners) if is_method else tree.body
    # A method finds `__class__` in its class; a function of a method was given it.
    outer = ast.parse(f"def outer({', '.join(name for name in free if not is_method or name != '__class__')}): pass")
    function = outer.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = body or function.body
    if not is_method:
        outer.body = _owned(outer.body, owners)
    return ast.fix_missing_locations(outer)


def _owned(body: list[ast.stmt], owners: list[str]) -> list[ast.stmt]:
    if not owners or not body:
        return body
    owner = ast.parse(f"class {owners[-1]}: pass").body[0]
    assert isinstance(owner, ast.ClassDef)
    owner.body = body
    return [owner]


def _inner(code: CodeType) -> list[CodeType]:
    result = []
    for const in code.co_consts:
        if type(const) is CodeType:
            result += [const, *_inner(const)]
    return result
