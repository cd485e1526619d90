"""The modules of the process that have a file, as DAP modules; it must never import one."""

from __future__ import annotations

import sys

from holdfast.debug.messages import Json


def loaded_modules() -> list[Json]:
    """In the order in which they were imported."""
    found: list[Json] = []
    for name, module in tuple(sys.modules.items()):
        namespace = getattr(type(module), "__dict__", {}) and getattr(module, "__dict__", None)
        file = namespace.get("__file__") if type(namespace) is dict else None
        if isinstance(file, str) and file.endswith(".py"):
            found.append({"id": len(found), "name": name, "path": file})
    return found
