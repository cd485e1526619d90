"""From the chain at the cursor to the live object it stands for, if that can be known without running code.

Must never import a module, call a function or evaluate an index of a class that is not a plain built-in one.

Rejected: believing the session before the cell, which offers the methods of yesterday's float for the path
that the line above has just bound to the same name; and believing the cell always, which sends every name of
a cell that is being edited again to jedi, slower by a factor of 100 and blind to the columns of a data frame.
"""

from __future__ import annotations

import ast
import builtins
import sys
from typing import TYPE_CHECKING

from holdfast.language.objects import MISSING, Ref, attribute, called, is_class, item, type_word
from holdfast.language.text import Step, normalise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.language.cell import Binding

_NUMBERS = (bool, int, float, complex)
_DEPTH = 8  # assignments followed from one name to the next
_DISPLAYS: dict[type, type] = {
    ast.List: list, ast.ListComp: list, ast.Dict: dict, ast.DictComp: dict, ast.Set: set, ast.SetComp: set,
    ast.Tuple: tuple, ast.JoinedStr: str,
}  # fmt: skip


def resolve(
    steps: list[Step], namespace: Mapping[str, object], bound: Mapping[str, Binding], depth: int = 0
) -> Ref | None:
    """What a chain stands for, or None where it is not live or only running code could tell."""
    first = steps[0]
    if first.kind == "text":
        quote = first.text[-1]
        ref: Ref | None = Ref(of=bytes if "b" in first.text[: first.text.find(quote)].lower() else str)
    else:
        ref = root(first.text, namespace, bound, depth)
    for step in steps[1:]:
        if ref is None:
            return None
        if step.kind == "attr":
            ref = attribute(ref, step.text)
        elif step.kind == "item":
            ref = item(ref, step.text)
        else:
            ref = called(ref)
    return ref


def root(name: str, namespace: Mapping[str, object], bound: Mapping[str, Binding], depth: int = 0) -> Ref | None:
    """What a plain name stands for at the cursor: the cell's own bindings first, then the session, then
    builtins.

    An import that has not run is looked up among the loaded modules. A name that the cell assigns is the live
    object if its class fits what is assigned, else an instance of what is assigned, as far as that is plain.
    """
    binding = bound.get(name)
    if binding is None:
        found = namespace.get(name, MISSING)
        found = vars(builtins).get(name, MISSING) if found is MISSING else found
        return None if found is MISSING else Ref(found)
    if binding.local:
        return _assigned(binding, namespace, bound, depth)
    if binding.module is not None:
        return imported(*binding.module)
    found = namespace.get(name, MISSING)
    if binding.kind in ("function", "class"):
        return Ref(found) if found is not MISSING and type_word(found) == binding.kind else None
    assigned = _assigned(binding, namespace, bound, depth)
    if found is MISSING or (assigned is not None and not _fits(type(found), assigned.of)):
        return assigned
    return Ref(found)


def _fits(cls: type, assigned: type) -> bool:
    """Whether an object of `cls` may be what is assigned; one number becomes another in the next line."""
    return issubclass(cls, assigned) or (cls in _NUMBERS and assigned in _NUMBERS)


def imported(module: str, name: str) -> Ref | None:
    """The loaded module, or what it holds under `name`; None where it is not loaded. Nothing is imported."""
    found = sys.modules.get(module)
    if found is None:
        return None
    return attribute(Ref(found), name) if name else Ref(found)


def _assigned(
    binding: Binding, namespace: Mapping[str, object], bound: Mapping[str, Binding], depth: int
) -> Ref | None:
    """What the text of the cell says about a name: the class of a literal or of a call, or an annotation."""
    if depth >= _DEPTH:
        return None
    if binding.hint:
        names = [normalise(part) for part in binding.hint.split(".")]
        outer = {key: value for key, value in bound.items() if key != binding.name}
        steps = [Step("name", names[0]), *(Step("attr", name) for name in names[1:])]
        ref = resolve(steps, namespace, outer, depth + 1)
        cls = ref.value if ref is not None else None
        return Ref(of=cls) if is_class(cls) else None
    if not binding.value:
        return None
    try:
        node = ast.parse(binding.value.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if isinstance(node, ast.Constant):
        # `x = None` only announces what is to come.
        return None if node.value is None else Ref(of=type(node.value))
    if type(node) in _DISPLAYS:
        return Ref(of=_DISPLAYS[type(node)])
    steps = _steps(node)
    # `df = df.dropna()`: the name on the right is the one from before.
    outer = {key: value for key, value in bound.items() if key != binding.name}
    return resolve(steps, namespace, outer, depth + 1) if steps else None


def _steps(node: ast.expr) -> list[Step]:
    """The chain that an expression is, or [] for one that is none."""
    steps: list[Step] = []
    while True:
        if isinstance(node, ast.Name):
            steps.append(Step("name", node.id))
            return steps[::-1]
        if isinstance(node, ast.Attribute):
            steps.append(Step("attr", node.attr))
            node = node.value
        elif isinstance(node, ast.Call):
            steps.append(Step("call", ""))
            node = node.func
        elif isinstance(node, ast.Subscript):
            steps.append(Step("item", ast.unparse(node.slice)))
            node = node.value
        else:
            return []
