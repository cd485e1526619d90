"""Functions of the notebook as data: code, globals, cells, then defaults and attributes.

It must never hand code objects to an interpreter with another magic number: a function of 3.13 crashes 3.12.
There the recorded source is compiled instead.

Code is marshalled in version 2: later versions write marks that depend on reference counts, so equal code would
give different bytes.
"""

from __future__ import annotations

import builtins
import linecache
import marshal
import opcode
import sys
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from holdfast.durable.pickling.lost import LostValue, Unkeepable, World

_SOURCE = 1 << 14
_INNER = frozenset({"__builtins__"})
_STORE_GLOBAL = opcode.opmap["STORE_GLOBAL"]
_VARARGS, _VARKEYWORDS = 0x04, 0x08
#: How many parts the state of a function has.
STATE = 8


def magic() -> bytes:
    """The interpreter's mark for its byte code."""
    found = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
    assert isinstance(found, bytes)
    return found


def module(name: str) -> ModuleType:
    """The module of that name, imported if it has to be."""
    found = sys.modules.get(name)
    if found is None:
        import importlib

        found = importlib.import_module(name)
    return found


def behind(name: str, qualname: str) -> Any:
    """The function of a class method of an importable module."""
    found: Any = module(name)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found.__func__


def module_globals(name: str) -> dict[str, Any]:
    """The globals of an importable module."""
    return module(name).__dict__


def loose_globals(items: dict[str, Any]) -> dict[str, Any]:
    """Globals that belong to no module."""
    items.setdefault("__builtins__", builtins)
    return items


def cell(*contents: object) -> CellType:
    """A closure cell that no other stream owns."""
    return CellType(*contents)


class _Globals:
    """Stands for a function's globals in a stream."""

    def __init__(self, reduced: tuple[Any, ...]) -> None:
        self._reduced = reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reduced


def parts(function: object, world: World) -> tuple[tuple[object, ...], list[object]]:
    """(what makes the function exist, its state)."""
    assert isinstance(function, FunctionType)
    code = function.__code__
    try:
        data = marshal.dumps(code, 2)
    except ValueError:
        data = marshal.dumps(code)
    made = (
        "function", magic(), data, record(code), function.__name__, _globals(function, world), function.__closure__,
        shape(code),
    )  # fmt: skip
    state: list[object] = [
        function.__defaults__,
        function.__kwdefaults__,
        function.__annotations__,
        function.__doc__,
        function.__module__,
        function.__qualname__,
        getattr(function, "__type_params__", ()),
        function.__dict__ or None,
    ]
    return made, state


def _globals(function: FunctionType, world: World) -> object:
    found = function.__globals__
    if found is world.namespace:
        return found
    name = found.get("__name__")
    owner = sys.modules.get(name) if isinstance(name, str) else None
    if owner is not None and getattr(owner, "__dict__", None) is found:
        return _Globals((module_globals, (name,)))
    mentioned = set(names(function.__code__))
    kept = {key: value for key, value in found.items() if key in mentioned and key not in _INNER}
    for key in kept.keys() & _assigned(found):
        reason = "functions assign to it by `global`, and it is in no module that can be imported"
        kept[key] = LostValue(f"{key} of {function.__name__}", type(kept[key]).__name__, reason, 0)
    if isinstance(name, str):
        kept["__name__"] = name
    return _Globals((loose_globals, (kept,)))


def _assigned(namespace: dict[str, Any]) -> set[str]:
    """The names that functions of `namespace` bind anew: each function has globals of its own after a restore."""
    functions = [one for one in list(namespace.values()) if type(one) is FunctionType]
    # A look at the bytes first: reading them takes three hundred times as long, and this is asked for each of them.
    codes = [one.__code__ for one in functions if _STORE_GLOBAL in one.__code__.co_code[::2]]
    if not codes:
        return set()
    import dis

    return {str(one.argval) for code in codes for one in dis.get_instructions(code) if one.opname == "STORE_GLOBAL"}


def names(code: CodeType) -> Iterator[str]:
    """Every global or attribute name in `code` and the code inside it."""
    yield from code.co_names
    for const in code.co_consts:
        if type(const) is CodeType:
            yield from names(const)


def record(code: CodeType) -> tuple[str, int, str] | None:
    """(file name, first line, text) of the source that `code` came from, where it is at hand."""
    if code.co_filename not in linecache.cache:
        return None
    lines = linecache.getlines(code.co_filename)
    first = code.co_firstlineno
    text = "".join(lines)
    if len(text) <= _SOURCE and code.co_name == "<lambda>":
        return code.co_filename, 1, text
    text = "".join(lines[first - 1 : _last_line(code)])
    return (code.co_filename, first, text) if text and len(text) <= _SOURCE * 4 else None


def _last_line(code: CodeType) -> int:
    last = max((end for _, end, _, _ in code.co_positions() if end), default=code.co_firstlineno)
    return max([last, *(_last_line(const) for const in code.co_consts if type(const) is CodeType)])


def shape(code: CodeType) -> tuple[object, ...]:
    """What tells one function of a source text from the others: names, parameters, flags, first line, extent.

    The extent is (line, column, last line, last column) of its body, (0, 0, 0, 0) for code without positions.
    """
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    parameters = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_varnames[:count])
    # The first instructions have a place without a width, which is not the same in all versions.
    places = [
        (line, column, last, end)
        for line, last, column, end in code.co_positions()
        if line and last and column is not None and end
    ]
    extent = (*min(place[:2] for place in places), *max(place[2:] for place in places)) if places else (0, 0, 0, 0)
    return code.co_name, code.co_qualname, code.co_freevars, parameters, code.co_flags, code.co_firstlineno, extent


def make(made: tuple[Any, ...]) -> FunctionType:
    """The function of `parts`, without its state."""
    _, stamp, data, source, name, namespace, closure, *known = made
    code = marshal.loads(data) if stamp == magic() else _compiled(source, namespace, *known)
    if source is not None:
        show(source)
    return FunctionType(code, namespace, name, None, closure)


def complete(function: FunctionType, made: tuple[Any, ...]) -> None:
    """Put what globals of its own share with variables where it was still missing."""
    namespace = made[5]
    if namespace is not function.__globals__:
        function.__globals__.update(namespace)


def show(source: tuple[str, int, str]) -> None:
    """Let tracebacks find the recorded text under its file name."""
    filename, first, text = source
    known = linecache.cache.get(filename)
    lines = list(known[2]) if known is not None and len(known) == 4 else []
    fresh = text.splitlines(keepends=True)
    lines += ["\n"] * (first - 1 + len(fresh) - len(lines))
    lines[first - 1 : first - 1 + len(fresh)] = fresh
    linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)


def _compiled(source: tuple[str, int, str] | None, namespace: dict[str, Any], known: tuple[Any, ...] = ()) -> CodeType:
    from holdfast.durable.pickling.generated import hollow, is_written
    from holdfast.durable.pickling.source import compiled, of_library, of_namedtuple

    # What libraries write has the file name `<string>`, as the program of `python -c` has, whose text was recorded.
    if known and is_written(known):
        return hollow(known)
    name = namespace.get("__name__")
    if known and "_tuple_new" in namespace and str(name).startswith("namedtuple_"):
        return of_namedtuple(known)
    if known and source is not None:
        return compiled(source, known, shape)
    found = of_library(name, known, shape) if known and isinstance(name, str) and name != "__main__" else None
    if found is None:
        raise Unkeepable("it was compiled by another Python, and its source is not recorded")
    return found


def fill(function: FunctionType, state: list[Any]) -> None:
    """Phase two."""
    defaults, keywords, annotations, doc, module_name, qualname, params, attributes = state
    function.__defaults__ = defaults
    function.__kwdefaults__ = keywords
    function.__annotations__ = annotations
    function.__doc__ = doc
    function.__module__ = module_name
    function.__qualname__ = qualname
    if params:
        function.__type_params__ = params
    if attributes:
        function.__dict__.update(attributes)
