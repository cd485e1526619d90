"""The project's own source as syntax trees, for the tests that hold it to its rules.

It must never import what it reads: a rule about start-up must not depend on what is loaded already.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
KERNEL: Final = ROOT / "kernel"
PACKAGE: Final = KERNEL / "holdfast"


@functools.cache
def modules() -> dict[str, Path]:
    """Return every module of the package, by dotted name; a package's own name stands for its `__init__`."""
    result = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(KERNEL).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        result[name] = path
    return result


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(name: str, path: Path) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, line) of everything that a module imports, wherever the import stands.

    `from a import b` yields `a.b`: the caller knows whether that is a module.  Lazy imports, those under
    TYPE_CHECKING and `import_module("a.b")` with a literal count like any other.
    """
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{stem}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"} and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, node.lineno


def _called(node: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def target(imported: str) -> str | None:
    """Return the module of ours that an imported name leads to; None for what is not ours."""
    if imported.partition(".")[0] != "holdfast":
        return None
    while imported not in modules():
        imported = imported.rpartition(".")[0]
    return imported


def edges() -> Iterator[tuple[str, str, int]]:
    """Yield (importing module, imported module, line) for every import of ours by ours."""
    for name, path in modules().items():
        for imported, line in imports(name, path):
            found = target(imported)
            if found is not None and found != name:
                yield name, found, line
