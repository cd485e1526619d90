"""The modules of the process that have a file, as DAP modules; it must never import one."""

from __future__ import annotations

import sys
from types import ModuleType

from holdfast.debug.messages import Json


def loaded_modules() -> list[Json]:
    """In the order in which they were imported."""
    found: list[Json] = []
    modules: dict[str, object] = dict(sys.modules)
    for name, module in modules.items():
        # Libraries put things of other kinds there, whose attributes may be anything.
        if isinstance(module, ModuleType):
            file = ModuleType.__getattribute__(module, "__dict__").get("__file__")
            if isinstance(file, str) and file.endswith(".py"):
                found.append({"id": len(found), "name": name, "path": file})
    return found
