"""The names that the text of a cell binds before its cursor, by statement and scope, without running it.

Must never look at the live session (PURE): which of the two to believe is decided by its callers.

Rejected: `ast`, which has nothing to say about a cell that does not parse yet, as most do while being typed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.language.text import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.language.text import Scan

_NAME = r"[^\W\d]\w*"
_DEF = re.compile(rf"(async\s+def|def|class)\s+({_NAME})\s*(?:\[[^\]]*\])?\s*(\()?")
_IMPORT = re.compile(r"import\s+(?!\()(.*)", re.S)
_FROM = re.compile(r"from\s+([.\w]+)\s+import\s*\(?([\w\s,#\\.]*)\)?", re.S)
_ALIAS = re.compile(rf"({_NAME}(?:\.{_NAME})*)(?:\s+as\s+({_NAME}))?")
_FOR = re.compile(r"(?:async\s+)?for\s+([\w\s,()\[\]*]+?)\s+in\b")
_AS = re.compile(rf"\bas\s+({_NAME})")
# Possessive: a name must not be tried in all its pieces, which takes exponential time and holds the GIL.
_ASSIGN = re.compile(r"((?:[^\W\d]\w*+|[\s,()\[\]*]++)++)(?::[^=\n]*+)?=(?!=)\s*([^\n]{0,200})")
_WALRUS = re.compile(r"\b([^\W\d]\w*+)\s*+:=")
_LAMBDA = re.compile(r"\blambda\s+([^:\n]*):")
_WORD = re.compile(_NAME)
_HINT = re.compile(rf"\s*:\s*['\"]?({_NAME}(?:\.{_NAME})*)['\"]?\s*(?=[=,]|\Z)")
_HEADER_LIMIT = 2_000  # characters of one statement that are looked at


class Binding:
    """One name bound by the cell.

    `kind`: "function", "class", "module" (an import), "param" or "statement". `local`: bound in a function.
    `module`: of an import ("os.path", ""), of `from a import b` ("a", "b"). `value`: of an assignment to one
    name, the text on its right. `hint`: of a parameter, its annotation if that is a dotted name. `params`:
    of a function, the names of its parameters.
    """

    __slots__ = ("hint", "kind", "local", "module", "name", "params", "value")

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        module: tuple[str, str] | None = None,
        params: list[str] | None = None,
        value: str = "",
        hint: str = "",
    ) -> None:
        self.name = normalise(name)
        self.kind = kind
        self.local = False
        self.module = module
        self.params = params
        self.value = value
        self.hint = hint


class _Scope:
    __slots__ = ("indent", "kind", "names")

    def __init__(self, indent: int, kind: str) -> None:
        self.indent = indent
        self.kind = kind
        self.names: dict[str, Binding] = {}


def bindings(result: Scan) -> dict[str, Binding]:
    """The names visible where the scan ends, inner scopes before outer, later bindings before earlier."""
    code, starts = result.code, result.statements
    scopes = [_Scope(-1, "module")]
    closers = {opened: closed for closed, opened in result.pairs.items()}
    for index, start in enumerate(starts):
        last = index + 1 == len(starts)
        stop = result.end if last else starts[index + 1]
        text = code[start : min(stop, start + _HEADER_LIMIT)]
        body = text.lstrip(" \t")
        if (not body.strip() or body[0] == "#") and not last:
            continue
        if start == 0 or code[start - 1] == "\n":
            indent = len(text) - len(body)
            while len(scopes) > 1 and scopes[-1].indent >= indent:
                scopes.pop()
        _statement(result, start + len(text) - len(body), body, scopes, closers, current=last)
    visible: dict[str, Binding] = {}
    for depth, scope in enumerate(scopes):
        # The names of a class body are seen in that body only, not in the functions inside it.
        if scope.kind == "class" and depth + 1 < len(scopes):
            continue
        for binding in scope.names.values():
            binding.local = scope.kind == "def"
            visible[binding.name] = binding
    return visible


def _statement(
    result: Scan, at: int, body: str, scopes: list[_Scope], closers: dict[int, int], *, current: bool
) -> None:
    """Note what the statement `body` at `at` binds; open a scope if it is a `def` or `class`."""
    scope = scopes[-1]
    found = _DEF.match(body)
    if found:
        _definition(result, at, found, scopes, closers)
        return
    for binding in _bound(body, current=current):
        scope.names[binding.name] = binding
    if current:
        for match in _LAMBDA.finditer(body):
            inner = _Scope(10_000, "def")
            inner.names = {name: Binding(name, "param") for name in parameters(match.group(1))}
            scopes.append(inner)


def _bound(body: str, *, current: bool) -> Iterator[Binding]:
    """The bindings of one statement; of the one being typed only what is bound before its body runs."""
    if body.startswith(("import", "from")):
        if not current:
            yield from imports(body)
        return
    found = _FOR.match(body)
    if found:
        for word in _WORD.findall(found.group(1)):
            yield Binding(word, "statement")
    elif body.startswith(("with", "async", "except")):
        for word in _AS.findall(body):
            yield Binding(word, "statement")
    elif not current:
        found = _ASSIGN.match(body)
        words = _WORD.findall(found.group(1)) if found else []
        for word in words:
            yield Binding(word, "statement", value=found.group(2) if found and len(words) == 1 else "")
    for word in _WALRUS.findall(body):
        yield Binding(word, "statement")


def imports(body: str) -> Iterator[Binding]:
    """What an import statement binds: `import a.b` binds `a`, `import a.b as c` binds `c` to `a.b`."""
    found = _FROM.match(body)
    if found:
        for name, alias in _ALIAS.findall(re.sub(r"#[^\n]*|\\\n", " ", found.group(2))):
            yield Binding(alias or name, "module", module=(found.group(1), name))
        return
    found = _IMPORT.match(body)
    if found:
        for name, alias in _ALIAS.findall(found.group(1)):
            root = name if alias else name.partition(".")[0]
            yield Binding(alias or root, "module", module=(root, ""))


def _definition(result: Scan, at: int, found: re.Match[str], scopes: list[_Scope], closers: dict[int, int]) -> None:
    kind = "class" if found.group(1) == "class" else "function"
    params: dict[str, str] = {}
    if kind == "function" and found.group(3):
        opened = at + found.end(3) - 1
        closed = closers.get(opened, result.end)
        params = parameters(result.code[opened + 1 : min(closed, opened + _HEADER_LIMIT)])
    name = Binding(found.group(2), kind, params=list(params) if kind == "function" else None)
    scopes[-1].names[name.name] = name
    line = result.code.rfind("\n", 0, at) + 1
    scope = _Scope(at - line, "class" if kind == "class" else "def")
    scope.names = {param: Binding(param, "param", hint=hint) for param, hint in params.items()}
    scopes.append(scope)


def parameters(text: str) -> dict[str, str]:
    """The names in a parameter list, in order, with those annotations that are dotted names (else "")."""
    names: dict[str, str] = {}
    depth = 0
    expect = True
    for match in re.finditer(rf"""'[^'\n]*'|"[^"\n]*"|[()\[\]{{}},]|{_NAME}""", text):
        token = match.group()
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        elif token == ",":
            expect = expect or depth == 0
        elif expect and depth == 0 and token[0] not in "'\"":
            hint = _HINT.match(text, match.end())
            names[normalise(token)] = hint.group(1) if hint else ""
            expect = False
    return names
