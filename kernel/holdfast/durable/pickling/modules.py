"""What modules have: their versions, objects by name; it must never import a module to ask."""

from __future__ import annotations

import sys
from collections.abc import Iterable

_NONE = frozenset({"", "__main__", "holdfast", "builtins"})
#: The name under which streams say which Python wrote them.
PYTHON = "Python"
#: Digests of users' module files, by path and what stat says of them.
_digests: dict[tuple[str, int, int], str] = {}
_known: dict[str, str] = {}


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Top-level module to version; for a file of the user's, `source` and a digest of it.

    What comes with Python has its version, under `PYTHON`.
    """
    result: dict[str, str] = {}
    for name in sorted(modules):
        top = name.partition(".")[0]
        if top in _NONE:
            continue
        if top == PYTHON or top in sys.stdlib_module_names:
            result[PYTHON] = python()
            continue
        module = sys.modules.get(top)
        version = _known.get(top)
        if version is None:
            version = getattr(module, "__version__", None)
            if isinstance(version, str):
                # Exactly a string: torch's is a class of its own.
                version = _known[top] = str.__str__(version)
        if isinstance(version, str):
            result[top] = version
        else:
            digest = _source(sys.modules.get(name))
            if digest:
                result[name] = digest
    return result


def python() -> str:
    """The version of this Python, as far as its library and its byte code depend on it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _source(module: object) -> str:
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or not path.endswith(".py") or "site-packages" in path:
        return ""
    import hashlib
    import os

    try:
        found = os.stat(path)
        key = (path, found.st_mtime_ns, found.st_size)
        if key not in _digests:
            with open(path, "rb") as file:
                _digests[key] = "source " + hashlib.blake2b(file.read(), digest_size=8).hexdigest()
        return _digests[key]
    except OSError:
        return ""


def importable(obj: object, module: object, qualname: object) -> bool:
    """Whether `module` (any but the notebook's own) has `obj` under `qualname`, without importing anything."""
    return named(module, qualname) is obj


def named(module: object, qualname: object) -> object:
    """What `module` (any but the notebook's own) has under `qualname`; a new object where it has nothing."""
    if not isinstance(module, str) or module == "__main__" or not isinstance(qualname, str):
        return object()
    found: object = sys.modules.get(module)
    try:
        for part in qualname.split("."):
            found = getattr(found, part)
    except Exception:
        return object()
    return found
