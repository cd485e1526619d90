"""Short texts for values and for signatures, made without running the code of the values.

Must never call a `__repr__`, `__str__` or `__format__` that is not known to be quick and harmless, unless
told to.
"""

from __future__ import annotations

import functools
import itertools
import re
import sys
import types
from typing import TYPE_CHECKING, cast

from holdfast.language.objects import (
    MISSING,
    class_dict,
    class_name,
    find,
    instance_dict,
    is_class,
    is_frame,
    is_module,
    module_of,
    mro,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_ITEMS = 6
_DEPTH = 2
# The first parameter of a C function as marked by Argument Clinic, which a call does not give.
_MARKED = re.compile(r"\(\$\w+(?:, /(?=,|\)))?(?:, )?")
_ADDRESS = re.compile(r" object at 0x[0-9a-f]+")
_INT_BITS = 2_000
_REPR_LIMIT = 100_000
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("frozenset({", "})"),
}  # fmt: skip
# Their repr is short, takes microseconds and calls nothing of the user's.
_HARMLESS = frozenset(
    {
        ("builtins", "range"),
        ("builtins", "complex"),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("uuid", "UUID"),
    }
)
_HARMLESS_MODULES = frozenset({"datetime", "pathlib", "pathlib._local"})


def brief(value: object, limit: int = 80, *, run_repr: bool = False, depth: int = 0) -> str:
    """One line of at most about `limit` characters; `run_repr` lets it call the object's own `__repr__`."""
    kind = type(value)
    if value is None or kind in (bool, float, type(...), type(NotImplemented)):
        return repr(value)
    if kind is int:
        bits = cast("int", value).bit_length()
        # The text of a huge int takes quadratic time, and CPython refuses it past 4,300 digits.
        return _cut(repr(value), limit) if bits <= _INT_BITS else f"<int of {bits} bits>"
    if kind in (str, bytes, bytearray):
        text = cast("str", value)
        return _cut(repr(text[: limit + 1]), limit) if len(text) <= limit else repr(text[:limit]) + "..."
    if kind in _BRACKETS or kind is dict:
        return _cut(_container(value, limit, run_repr=run_repr, depth=depth), limit)
    if is_class(value):
        return f"<class '{qualified(value)}'>"
    if is_module(value):
        names = instance_dict(value)
        file = names.get("__file__")
        origin = f" from {file!r}" if type(file) is str else ""
        return f"<module {brief(names.get('__name__'))}{origin}>"
    if run_repr or (module_of(kind), class_name(kind)) in _HARMLESS or module_of(kind) in _HARMLESS_MODULES:
        try:
            return _cut(repr(value)[:_REPR_LIMIT], limit)
        except Exception as exc:
            return f"<{qualified(kind)} whose repr raises {class_name(type(exc))}>"
    return _shape(value) or _plain(value)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 3, 1)] + "..."


def qualname(cls: type) -> str:
    """The qualified name of `cls`, past any metaclass."""
    found: str = type.__dict__["__qualname__"].__get__(cls)
    return found


def qualified(cls: type) -> str:
    """Module and qualified name of `cls`; builtins go without."""
    module = module_of(cls)
    name = qualname(cls)
    return name if module in ("builtins", "") else f"{module}.{name}"


def _plain(value: object) -> str:
    kind = type(value)
    if kind is types.FunctionType:
        return f"<function {value.__qualname__}>"  # type: ignore[attr-defined]
    if kind in (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType):
        return f"<built-in function {value.__name__}>"  # type: ignore[attr-defined]
    if kind is types.MethodType:
        function = value.__func__  # type: ignore[attr-defined]
        return f"<bound method {brief(function)}>"
    own = instance_dict(value)
    if "_name_" in own and find(kind, "_member_map_")[1] is not None:
        return f"<{class_name(kind)}.{brief(own['_name_']).strip("'")}: {brief(own.get('_value_'))}>"
    return f"<{qualified(kind)} object at {id(value):#x}>"


def _container(value: object, limit: int, *, run_repr: bool, depth: int) -> str:
    """The first items of a plain container, which other threads may be changing."""
    kind = type(value)
    if depth >= _DEPTH:
        return "{...}" if kind is dict else "...".join(_BRACKETS[kind])
    try:
        if kind is dict:
            pairs = list(itertools.islice(cast("dict[object, object]", value).items(), _ITEMS))
        else:
            pairs = [(item, MISSING) for item in itertools.islice(cast("list[object]", value), _ITEMS)]
        size = len(cast("list[object]", value))
    except RuntimeError:
        return _plain(value)
    parts = []
    for key, item in pairs:
        part = brief(key, limit, run_repr=run_repr, depth=depth + 1)
        if item is not MISSING:
            part += ": " + brief(item, limit, run_repr=run_repr, depth=depth + 1)
        parts.append(part)
    if size > _ITEMS:
        parts.append("...")
    if kind is dict:
        return "{" + ", ".join(parts) + "}"
    if not parts and kind in (set, frozenset):
        return f"{class_name(kind)}()"
    opening, closing = _BRACKETS[kind]
    return opening + ", ".join(parts) + ("," if kind is tuple and size == 1 else "") + closing


def _shape(value: object) -> str:
    """Arrays and data frames by shape and dtype: their own text can take seconds; "" for the rest."""
    kind = type(value)
    for base in mro(kind):
        if (module_of(base), class_name(base)) == ("numpy", "ndarray"):
            shape = class_dict(base)["shape"].__get__(value)  # type: ignore[attr-defined]
            dtype = class_dict(base)["dtype"].__get__(value)  # type: ignore[attr-defined]
            return f"<{qualified(kind)}, shape {shape}, dtype {dtype}>"
    if is_frame(kind) or class_name(kind) == "Series":
        try:
            getter, owner = find(kind, "shape")
            if owner is not None and module_of(owner).startswith("pandas"):
                shape = getter.__get__(value)  # type: ignore[attr-defined]
                return f"<{qualified(kind)}, shape {shape}>"
        except Exception:
            return ""
    return ""


def length(value: object) -> int | None:
    """`len(value)` where it is certain to run no code of the user's, else None."""
    owner = find(type(value), "__len__")[1]
    if is_class(value) or owner is None:
        return None
    module = module_of(owner)
    if module in ("builtins", "collections", "numpy", "array") or module.startswith("pandas."):
        try:
            return len(cast("list[object]", value))
        except Exception:
            return None
    return None


# ---------------------------------------------------------------------------------------------------------
# Signatures


class Param:
    """One parameter; `kind` as in `inspect`: 0 positional, 1 either, 2 `*args`, 3 keyword only, 4 `**kw`."""

    __slots__ = ("annotation", "default", "kind", "name")

    def __init__(self, name: str, kind: int, default: object = MISSING, annotation: object = MISSING) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.annotation = annotation


class Signature:
    """The parameters of a callable, or only its text where C code gives no more."""

    __slots__ = ("params", "returns", "text")

    def __init__(self, params: list[Param], returns: object = MISSING, text: str = "") -> None:
        self.params = params
        self.returns = returns
        self.text = text

    def format(self, *, annotations: bool = True, lines: bool = False) -> str:
        """As it would be written in a `def`, defaults cut short, all in one line or one parameter a line."""
        if self.text:
            return self.text
        parts: list[str] = []
        last = -1
        for param in self.params:
            if last == 0 and param.kind != 0:
                parts.append("/")
            if param.kind == 3 and last not in (2, 3):
                parts.append("*")
            last = param.kind
            parts.append(_param(param, annotations=annotations))
        if last == 0:
            parts.append("/")
        after = f" -> {annotation(self.returns)}" if annotations and self.returns is not MISSING else ""
        if lines:
            return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){after}"
        return f"({', '.join(parts)}){after}"


def _param(param: Param, *, annotations: bool) -> str:
    text = {2: "*", 4: "**"}.get(param.kind, "") + param.name
    said = annotations and param.annotation is not MISSING
    if said:
        text += f": {annotation(param.annotation)}"
    if param.default is not MISSING:
        default = _ADDRESS.sub("", brief(param.default, 40))
        text += f" = {default}" if said else f"={default}"
    return text


def annotation(value: object) -> str:
    """An annotation as written, as nearly as can be told without running code of the user's."""
    if type(value) is str:
        return value
    if value is None:
        return "None"
    if type(value) in (types.GenericAlias, types.UnionType) or module_of(type(value)) == "typing":
        try:
            return _cut(repr(value).replace("typing.", ""), 200)
        except Exception:
            return "..."
    return qualified(value) if is_class(value) else brief(value, 40)


def signature(value: object, *, bound: bool = False, depth: int = 0) -> Signature | None:
    """The signature of a callable found without calling it, or None. `bound` drops the first parameter."""
    kind = type(value)
    if depth > 10:
        return None
    own = instance_dict(value) if not is_class(value) else {}
    declared = own.get("__signature__")
    if declared is not None and type(declared) is getattr(sys.modules.get("inspect"), "Signature", None):
        return _declared(declared, bound=bound)
    wrapped = own.get("__wrapped__", MISSING)
    if wrapped is not MISSING:
        return signature(wrapped, bound=bound, depth=depth + 1)
    if kind is types.FunctionType:
        return _function(cast("types.FunctionType", value), bound=bound)
    if kind is types.MethodType or kind is staticmethod or kind is classmethod:
        inner = value.__func__  # type: ignore[attr-defined]
        return signature(inner, bound=bound or kind is not staticmethod, depth=depth + 1)
    if kind is functools.partial:
        return _partial(cast("functools.partial[object]", value), depth)
    if is_class(value):
        return _constructor(value, depth)
    text = _text_signature(value)
    if text is not None:
        return text
    entry, owner = find(kind, "__call__")
    if owner is not None and type(entry) is types.FunctionType:
        return signature(entry, bound=True, depth=depth + 1)
    return None


def _function(function: types.FunctionType, *, bound: bool) -> Signature:
    code = function.__code__
    total = code.co_argcount + code.co_kwonlyargcount
    hints: dict[str, object] = {}
    if sys.version_info < (3, 14):  # 3.14 runs code to answer (PEP 649).
        hints = function.__annotations__
    params = [
        Param(name, 0 if index < code.co_posonlyargcount else 1 if index < code.co_argcount else 3)
        for index, name in enumerate(code.co_varnames[:total])
    ]
    defaults: Sequence[object] = function.__defaults__ or ()
    for param, default in zip(reversed(params[: code.co_argcount]), reversed(defaults), strict=False):
        param.default = default
    for param in params[code.co_argcount :]:
        param.default = (function.__kwdefaults__ or {}).get(param.name, MISSING)
    if code.co_flags & 0x04:  # CO_VARARGS
        params.insert(code.co_argcount, Param(code.co_varnames[total], 2))
        total += 1
    if code.co_flags & 0x08:  # CO_VARKEYWORDS
        params.append(Param(code.co_varnames[total], 4))
    for param in params:
        param.annotation = hints.get(param.name, MISSING)
    if bound and params and params[0].kind < 2:
        del params[0]
    return Signature(params, hints.get("return", MISSING))


def _declared(found: object, *, bound: bool) -> Signature:
    """From an `inspect.Signature` that a decorator left."""
    params = [
        Param(
            param.name,
            int(param.kind),
            MISSING if param.default is param.empty else param.default,
            MISSING if param.annotation is param.empty else param.annotation,
        )
        for param in found.parameters.values()  # type: ignore[attr-defined]
    ]
    if bound and params and params[0].kind < 2:
        del params[0]
    said = found.return_annotation  # type: ignore[attr-defined]
    return Signature(params, MISSING if said is found.empty else said)  # type: ignore[attr-defined]


def _partial(value: functools.partial[object], depth: int) -> Signature | None:
    found = signature(value.func, depth=depth + 1)
    if found is None or found.text:
        return found
    rest = found.params[len(value.args) :] if all(p.kind < 2 for p in found.params[: len(value.args)]) else []
    return Signature([param for param in rest if param.name not in value.keywords], found.returns)


def _constructor(cls: type, depth: int) -> Signature | None:
    for name in ("__init__", "__new__"):
        entry, owner = find(cls, name)
        if owner not in (object, None) and type(entry) in (types.FunctionType, staticmethod):
            inner = entry.__func__ if type(entry) is staticmethod else entry
            made = signature(inner, bound=True, depth=depth + 1)
            if made is not None:
                made.returns = MISSING  # That `__init__` returns None is not what calling the class gives.
            return made
    try:
        text = type.__dict__["__text_signature__"].__get__(cls)
    except Exception:
        return None
    return Signature([], text=text) if type(text) is str else None


def _text_signature(value: object) -> Signature | None:
    """What C code says of itself: `($self, x, /)`; the marked first parameter is dropped."""
    getter, owner = find(type(value), "__text_signature__")
    if owner is None or type(getter) is not types.GetSetDescriptorType or module_of(owner) != "builtins":
        return None
    text = getter.__get__(value)
    if type(text) is not str:
        return _documented(value)
    return Signature([], text=_MARKED.sub("(", text))


def _documented(value: object) -> Signature | None:
    """What the first line of a C function's docstring says of it: `zeros(shape, dtype=float)`."""
    doc = find(type(value), "__doc__")[0]
    text = doc.__get__(value) if type(doc) is types.GetSetDescriptorType else None
    name = getattr(value, "__name__", "") if type(value) is types.BuiltinFunctionType else ""
    if type(text) is not str or not name:
        return None
    head = text.lstrip()[:1_000].partition("\n\n")[0]
    found = re.match(rf"{re.escape(name)}(\([^()]*(?:\([^()]*\)[^()]*)*\))", head)
    return None if found is None else Signature([], text=" ".join(found.group(1).split()))


def keyword_names(found: Signature) -> list[str]:
    """The names that can be given as `name=`, in order, read from the text for C functions."""
    if not found.text:
        return [param.name for param in found.params if param.kind in (1, 3)]
    inner = found.text[1:].rpartition(")")[0]
    names: list[str] = []
    for part in inner.split(","):
        name = part.strip().partition("=")[0].strip()
        if name == "/":
            names.clear()
        elif name.isidentifier():
            names.append(name)
    return names
