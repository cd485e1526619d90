"""The one door to jedi: static analysis of cell text, for what is not live yet.

Must never hand a live instance to jedi, which asks objects for `__module__` and `__objclass__` and so runs
their
`__getattr__`: jedi sees modules, functions and classes, and for an instance a line that declares its class.
Must never be imported before a request needs it (importing jedi takes 200 ms).

Rejected: jedi's own `allow_unsafe_interpreter_executions` turned off and nothing else; `dir()`, `hasattr` and
`__module__` are still asked of every object it meets, from a thread beside the running cell.
"""

from __future__ import annotations

import contextlib
import re
import threading
from typing import TYPE_CHECKING, Any

from holdfast.language import objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# jedi's caches are not made for threads.
_LOCK = threading.Lock()
_NAME = re.compile(r"[^\W\d]\w*")
CODE_LIMIT = 100_000  # characters; jedi parses about 100 kB a second
_PATIENCE = 5.0  # seconds to wait for another request's analysis
_jedi: Any = None


class _NoWarnings:
    """Stands in for `warnings` inside jedi.

    `catch_warnings` swaps the process's filters, and the cell in the main thread would lose or gain some.
    """

    def catch_warnings(self, **_: object) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def simplefilter(self, *_: object) -> None:
        return None


def _load() -> Any:
    global _jedi
    if _jedi is None:
        import jedi
        from jedi.inference import docstrings
        from jedi.inference.compiled import access

        for module in (access, docstrings):
            if hasattr(module, "warnings"):
                module.warnings = _NoWarnings()
        jedi.settings.allow_unsafe_interpreter_executions = False
        _jedi = jedi
    return _jedi


@contextlib.contextmanager
def interpreter(code: str, namespace: Mapping[str, object]) -> Iterator[tuple[Any, int]]:
    """A jedi interpreter for `code` with what it names of the session, and the number of lines put before it.

    Yields (None, 0) where there is too much code or another analysis takes too long.
    """
    if len(code) > CODE_LIMIT or not _LOCK.acquire(timeout=_PATIENCE):
        yield None, 0
        return
    try:
        jedi = _load()
        known, prelude = _visible(code, namespace)
        yield jedi.Interpreter("".join(prelude) + code, [known]), len(prelude)
    finally:
        _LOCK.release()


def _visible(code: str, namespace: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """Of the session only the names that the code contains, so that 100,000 others cost nothing."""
    known: dict[str, object] = {}
    prelude: list[str] = []
    for name in sorted(set(_NAME.findall(code))):
        value = namespace.get(name, objects.MISSING)
        if value is objects.MISSING or not name.isidentifier():
            continue
        if objects.type_word(value) in ("module", "function"):
            known[name] = value
        elif objects.is_class(value):
            if _harmless(type(value)):
                known[name] = value
        elif _harmless(type(type(value))):
            hidden = f"_holdfast_type_{len(prelude)}"
            known[hidden] = type(value)
            prelude.append(f"{name}: {hidden}\n")
    return known, prelude


def _harmless(metaclass: type) -> bool:
    """Whether asking a class for an attribute runs only C code."""
    return (
        objects.find(metaclass, "__getattr__")[1] is None
        and objects.find(metaclass, "__getattribute__")[1] in (type, object)
        and objects.find(metaclass, "__dir__")[1] in (type, object)
    )


def position(code: str, pos: int) -> tuple[int, int]:
    """Line from 1 and column from 0, in code points, as jedi counts them (\\r ends a line too)."""
    lines = code[:pos].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1])


def completions(code: str, pos: int, namespace: Mapping[str, object], limit: int) -> list[tuple[str, str]]:
    """(text, type word) of what jedi would complete at `pos`; [] where it cannot tell or fails."""
    with interpreter(code, namespace) as (script, shift):
        if script is None:
            return []
        line, column = position(code, pos)
        try:
            found = script.complete(line + shift, column)
            return [
                (item.name_with_symbols, item.type)
                for item in found[:limit]
                if not item.name.startswith("_holdfast_type_")
            ]
        except Exception:  # jedi fails in many ways on half-typed code; no completion is then the answer.
            return []


def describe(code: str, pos: int, namespace: Mapping[str, object]) -> dict[str, str] | None:
    """Signature, docstring, file and type of what is at `pos`, as jedi reads them from source, or None."""
    with interpreter(code, namespace) as (script, shift):
        if script is None:
            return None
        line, column = position(code, pos)
        try:
            found = script.infer(line + shift, column) or script.help(line + shift, column)
            if not found:
                return None
            first = found[0]
            signatures = first.get_signatures()
            return {
                "signature": signatures[0].to_string() if signatures else "",
                "doc": first.docstring(raw=True),
                "file": str(first.module_path or ""),
                "type": first.type,
                "name": first.full_name or first.name,
                "source": first.get_line_code(),
            }
        except Exception:
            return None
