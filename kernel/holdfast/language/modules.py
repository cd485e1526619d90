"""The names that could be imported: top-level modules on the path and the submodules of a package.

Must never import anything, not even the parent of the submodule asked for.

Rejected: `pkgutil.iter_modules`, which asks every path hook, imports `zipimport` and looks into every folder
for each request; one listing per folder, kept until the folder changes, takes 0.1 ms.
"""

from __future__ import annotations

import os
import sys

_SUFFIXES = (".py", ".so", ".pyd", ".pyc")
_LIMIT = 20_000  # directory entries
_listings: dict[str, tuple[int, list[str], list[str]]] = {}


def _listing(folder: str) -> tuple[list[str], list[str]]:
    """(modules, folders) in `folder` whose names are identifiers; empty where it cannot be read."""
    try:
        changed = os.stat(folder).st_mtime_ns
        kept = _listings.get(folder)
        if kept is not None and kept[0] == changed:
            return kept[1], kept[2]
        modules: list[str] = []
        folders: list[str] = []
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= _LIMIT:
                    break
                stem, dot, _ = entry.name.partition(".")
                if not stem.isidentifier() or stem == "__init__" or stem == "__main__":
                    continue
                if dot and entry.name.endswith(_SUFFIXES):
                    modules.append(stem)
                elif not dot and stem != "__pycache__" and entry.is_dir():
                    folders.append(stem)
    except OSError:
        return [], []
    _listings[folder] = (changed, modules, folders)
    return modules, folders


def _search_path() -> list[str]:
    return [entry or os.curdir for entry in list(sys.path) if type(entry) is str]


def _in(folder: str, prefix: str) -> list[str]:
    """The modules and packages in one folder that start with `prefix`."""
    modules, folders = _listing(folder)
    found = [name for name in modules if name.startswith(prefix)]
    # Elsewhere a folder without `__init__` is more likely data than a namespace package.
    installed = folder.endswith(("site-packages", "dist-packages"))
    packages = (name for name in folders if name.startswith(prefix))
    found.extend(name for name in packages if installed or os.path.exists(os.path.join(folder, name, "__init__.py")))
    return found


def top_level(prefix: str) -> list[str]:
    """Names that `import` could take and that start with `prefix`, each once, in no order."""
    found = [name for name in sys.builtin_module_names if name.startswith(prefix)]
    found += [name for name in sys.stdlib_module_names if name.startswith(prefix)]
    for folder in _search_path():
        found += _in(folder, prefix)
    return list(dict.fromkeys(found))


def submodules(package: str, prefix: str) -> list[str]:
    """The submodules of a dotted package that start with `prefix`, each once, in no order."""
    folders = _search_path()
    for part in package.split("."):
        inside = [os.path.join(folder, part) for folder in folders]
        folders = [folder for folder in inside if os.path.isdir(folder)]
    found = [name for folder in folders for name in _in(folder, prefix)]
    start = f"{package}.{prefix}"
    found += [
        name[len(package) + 1 :]
        for name in list(sys.modules)
        if name.startswith(start) and "." not in name[len(package) + 1 :]
    ]
    return list(dict.fromkeys(found))
