"""What an object is, for `inspect_request`: signature, docstring, source, file, type and a short form.

Must never evaluate a property, call a `__repr__` of the user's or print a large value: front ends ask this
for every completion that is highlighted, while a cell may be running.

Rejected: the standard `inspect.getdoc`, `getattr` and `repr`, which run code of the object asked about.
"""

from __future__ import annotations

import builtins
import keyword
import re
import types
from typing import TYPE_CHECKING

from holdfast.language import brief, cell, live, objects, text
from holdfast.language.complete import check_cursor
from holdfast.language.objects import MISSING, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABEL = "\x1b[31m{}:\x1b[39m"
_TEXT_LIMIT = 200_000  # characters of a docstring or of source
_WINDOW = 200_000
_TARGETS = 5  # the cursor's own name and the calls around it that are tried
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_HELP = re.compile(r"([ \t]*+\?{0,2}[ \t]*+)[%!]{0,2}([\w.]++)[ \t]*+\?{0,2}[ \t]*+\Z")

type Field = tuple[str, str]


def inspect_request(
    code: str, cursor_pos: int, detail_level: int, namespace: Mapping[str, object], *, run_repr: bool = False
) -> dict[str, object]:
    """The content of an `inspect_reply` (protocol 5.5, "Introspection").

    `detail_level` 0 shows the docstring, 1 the source where there is some. `run_repr` lets the value's own
    `__repr__` be called: for a caller on the thread that runs the user's code. Raises ValueError where the
    cursor lies outside the code.
    """
    check_cursor(code, cursor_pos)
    start = max(0, cursor_pos - _WINDOW)
    code, pos = code[start : cursor_pos + _WINDOW], cursor_pos - start
    for end in _targets(code, pos)[:_TARGETS]:
        fields = _fields_at(code, end, detail_level, namespace, run_repr=run_repr)
        if fields:
            body = "\n".join(_field(label, value) for label, value in fields if value)
            body = body.encode("utf-8", "replace").decode()
            return {"status": "ok", "found": True, "data": {"text/plain": body}, "metadata": {}}
    return {"status": "ok", "found": False, "data": {}, "metadata": {}}


def _field(label: str, value: str) -> str:
    gap = "\n" if "\n" in value else " " * max(1, 15 - len(label))
    return _LABEL.format(label) + gap + value[:_TEXT_LIMIT]


# ---------------------------------------------------------------------------------------------------------
# What is asked about


def _targets(code: str, pos: int) -> list[int]:
    """Ends of the expressions that the cursor may mean, the likeliest first.

    The name at the cursor; else the name before `?`; else the item or call that ends there; else the functions
    whose calls the cursor is in, inner first.
    """
    ends: list[int] = []
    line_start = code.rfind("\n", 0, pos) + 1
    stop = code.find("\n", pos)
    line = code[line_start : len(code) if stop < 0 else stop]
    asked = _HELP.match(line) if "?" in line else None
    if asked:
        return [line_start + asked.end(2)]
    end = text.word_after(code, pos)
    result = text.scan(code, pos)
    if result.comment:
        return []
    if result.string is None and text.word_before(code, end) != end:
        ends.append(end)
    if result.string is None and pos and code[pos - 1] in ")]" and pos - 1 in result.pairs:
        # `rows[0]`: the item where it can be known; `f(x)`: the function, which was not called for this.
        ends += [pos, result.pairs[pos - 1]] if code[pos - 1] == "]" else [result.pairs[pos - 1]]
    ends += [frame.pos for frame in reversed(result.brackets) if frame.kind in "(["]
    return ends


def _fields_at(code: str, end: int, level: int, namespace: Mapping[str, object], *, run_repr: bool) -> list[Field]:
    """What is known of the expression that ends at `end`; [] if it is none or nothing is."""
    result = text.scan(code, end)
    chain = text.chain_before(result, end)
    if chain is None:
        word = code[text.word_before(code, end) : end]
        return _keyword(word) if keyword.iskeyword(word) else []
    steps = chain[1]
    bound = cell.bindings(result)
    ref = live.resolve(steps, namespace, bound)
    parent = live.resolve(steps[:-1], namespace, bound) if len(steps) > 1 else None
    name = steps[-1].text if steps[-1].kind in ("attr", "name") else ""
    if ref is None and parent is not None and steps[-1].kind == "attr":
        fields = _unread(parent, name)
        # Of a live object that has no such attribute jedi could only guess; of a module it can read the source.
        if fields or (parent.value is not MISSING and not objects.is_module(parent.value)):
            return fields
    if ref is None:
        # Of an item jedi knows a class at most; of what holds it, more.
        return [] if steps[-1].kind == "item" else _by_jedi(code, end, level, namespace)
    if ref.value is MISSING:
        computed = _unread(parent, name) if parent is not None else []
        return computed or [
            ("Type", brief.qualified(ref.of)), ("File", _file(ref.of)), ("Docstring", _doc(ref.of)),
        ]  # fmt: skip
    return _described(ref, parent, name, level, run_repr=run_repr)


def _by_jedi(code: str, end: int, level: int, namespace: Mapping[str, object]) -> list[Field]:
    from holdfast.language import analysis

    found = analysis.describe(code, end, namespace)
    if found is None:
        return []
    shown = ("Source", found["source"]) if level and found["source"] else ("Docstring", found["doc"])
    return [("Signature", found["signature"]), shown, ("File", found["file"]), ("Type", found["type"])]


def _keyword(word: str) -> list[Field]:
    """The language reference's page on a keyword, as `help` shows it."""
    import pydoc

    topic = pydoc.Helper.keywords.get(word, "")
    label = topic if isinstance(topic, str) else topic[0]
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return []
    page = topics.get(label) or topics.get(word) or ""
    return [("Docstring", page.strip()), ("Type", "keyword")]


# ---------------------------------------------------------------------------------------------------------
# What is said about it


def _unread(parent: Ref, name: str) -> list[Field]:
    """A property or another computed attribute: what its class says of it, without computing it."""
    entry, owner = objects.find(parent.of, name)
    if owner is None:
        return []
    getter = objects.instance_dict(entry).get("func") if type(entry) is not property else entry.fget
    return [
        ("Type", brief.qualified(type(entry))),
        ("Docstring", _doc(entry) or (_doc(getter) if getter is not None else "")),
        ("File", _file(getter) if getter is not None else ""),
    ]


def _described(ref: Ref, parent: Ref | None, name: str, level: int, *, run_repr: bool = False) -> list[Field]:
    value = ref.value
    kind = objects.type_word(value)
    doc = _doc(value) or (_inherited(parent, name) if parent is not None else "")
    source = _source(value) if level else ""
    docs: list[Field] = [("Source", source)] if source else [("Docstring", doc or "<no docstring>")]
    file: Field = ("File", _file(value))
    if kind == "function":
        return [*_signature(ref, name, "Signature"), *docs, file, ("Type", _kind_of_function(ref))]
    if objects.is_class(value):
        inits: list[Field] = []
        init, owner = objects.find(value, "__init__")
        if owner is not object and not source:
            inits = [("Init docstring", _doc(init) if type(init) is types.FunctionType else "")]
        return [
            *_signature(ref, name, "Init signature"),
            *docs,
            *inits,
            file,
            ("Type", brief.qualified(type(value))),
        ]
    size = brief.length(value)
    fields: list[Field] = [
        ("Type", brief.qualified(type(value))),
        ("String form", brief.brief(value, 200, run_repr=run_repr)),
        ("Length", "" if size is None else str(size)),
        file,
    ]
    if kind != "module" and objects.find(type(value), "__call__")[1] is not None:
        fields = [*_signature(ref, name, "Signature"), *fields]
    return [*fields, *docs]


def _signature(ref: Ref, name: str, label: str) -> list[Field]:
    found = brief.signature(ref.value, bound=ref.receiver is not None)
    if found is None:
        return []
    written = found.format()
    if len(written) + len(name) > 88 and found.params:
        written = found.format(lines=True)
    return [(label, name + written)]


def _kind_of_function(ref: Ref) -> str:
    return "method" if ref.receiver is not None else brief.qualified(type(ref.value))


def _doc(value: object) -> str:
    """The docstring of a value or of its class, cleaned, read without running code; "" for none."""
    doc: object = MISSING
    if objects.is_class(value):
        doc = objects.class_dict(value).get("__doc__")
        if not type.__dict__["__flags__"].__get__(value) & _HEAP_TYPE:
            # Of a class in C the dictionary has the signature too; its getter runs no code of the user's.
            doc = type.__dict__["__doc__"].__get__(value)
    else:
        doc = objects.instance_dict(value).get("__doc__", MISSING)
        if type(doc) is not str:
            entry = objects.find(type(value), "__doc__")[0]
            quiet = (types.GetSetDescriptorType, types.MemberDescriptorType)
            try:
                doc = entry.__get__(value) if type(entry) in quiet else entry  # type: ignore[attr-defined]
            except Exception:
                doc = ""
    if type(doc) is not str:
        return ""
    import inspect

    return inspect.cleandoc(doc[:_TEXT_LIMIT])


def _inherited(parent: Ref, name: str) -> str:
    """The docstring of the first base that has one for a method that has none itself."""
    cls = parent.value if objects.is_class(parent.value) else parent.of
    for base in objects.mro(cls):
        entry = objects.class_dict(base).get(name)
        if type(entry) in (types.FunctionType, types.MethodDescriptorType, types.WrapperDescriptorType):
            doc = _doc(entry)
            if doc:
                return doc
    return ""


def _unwrapped(value: object) -> object:
    """The function or class itself: out of its method, decorator or partial; of an instance its class."""
    for _ in range(10):
        kind = type(value)
        if kind in (types.MethodType, staticmethod, classmethod):
            value = value.__func__  # type: ignore[attr-defined]
            continue
        inner = objects.instance_dict(value).get("__wrapped__") if not objects.is_class(value) else None
        if inner is None:
            return value
        value = inner
    return value


def _file(value: object) -> str:
    """The file a module, function, class or the class of an instance comes from; "" where there is none."""
    value = _unwrapped(value)
    if objects.is_module(value):
        file = objects.instance_dict(value).get("__file__")
        return file if type(file) is str else ""
    if type(value) is types.FunctionType:
        name = value.__code__.co_filename
        frozen = value.__globals__.get("__file__") if name.startswith("<frozen") else None
        return frozen if type(frozen) is str else name
    import sys

    cls = value if objects.is_class(value) else type(value)
    own = _file_of_methods(cls)
    module = sys.modules.get(objects.module_of(cls))
    if own or module is None or module is builtins:
        return own
    file = objects.instance_dict(module).get("__file__")
    return file if type(file) is str else ""


def _file_of_methods(cls: type) -> str:
    """The file that a class's own methods come from: the module of a cell has none, or not that one."""
    qualified = brief.qualname(cls)
    for entry in list(objects.class_dict(cls).values()):
        if type(entry) is types.FunctionType and entry.__qualname__.startswith(qualified + "."):
            return entry.__code__.co_filename
    return ""


def _source(value: object) -> str:
    """The source of a function, class or module, or of an instance's class; "" where it cannot be had."""
    import inspect
    import linecache

    value = _unwrapped(value)
    try:
        if objects.is_module(value) or type(value) is types.FunctionType:
            return inspect.cleandoc("\n" + inspect.getsource(value)[:_TEXT_LIMIT])  # type: ignore[arg-type]
        if objects.type_word(value) == "function":
            return ""
        cls = value if objects.is_class(value) else type(value)
        files = [_file(cls)]
        if objects.module_of(cls) == "__main__" and not _file_of_methods(cls):
            # Newest cells first; only the line and the name tell which one the class was written in.
            files = [key for key in reversed(list(linecache.cache)) if "ipykernel_" in key]
        for candidate in files:
            found = _class_source(cls, linecache.getlines(candidate))
            if found:
                return found[:_TEXT_LIMIT]
    except (OSError, TypeError, IndexError, SyntaxError, ValueError, RecursionError):
        return ""
    return ""


def _class_source(cls: type, lines: list[str]) -> str:
    """The block of the file's last `class` statement of that name and line, if the lines have one."""
    import inspect

    header = re.compile(rf"[ \t]*class\s+{re.escape(objects.class_name(cls))}\b")
    first = objects.class_dict(cls).get("__firstlineno__")  # 3.13 and later; the line of a first decorator
    starts = [index for index, line in enumerate(lines) if header.match(line)]
    if type(first) is int:
        at = first - 1
        decorated = at < len(lines) and lines[at].lstrip().startswith("@")
        starts = [at] if at in starts or (decorated and any(start > at for start in starts)) else []
    if not starts:
        return ""
    return "".join(inspect.getblock(lines[starts[-1] :]))
