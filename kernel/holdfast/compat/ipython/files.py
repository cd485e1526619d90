"""`IPython.paths` and `IPython.utils.path`: folders in which libraries keep things, and names of files.

It must never make a folder that nobody asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = [
    "compress_user",
    "ensure_dir_exists",
    "expand_path",
    "filefind",
    "get_home_dir",
    "get_ipython_cache_dir",
    "get_ipython_dir",
    "get_ipython_module_path",
    "get_ipython_package_dir",
    "get_long_path_name",
    "get_py_filename",
    "get_xdg_cache_dir",
    "get_xdg_dir",
    "locate_profile",
    "shellglob",
]


def get_ipython_dir() -> str:
    """The folder of IPython's settings: IPYTHONDIR, else `~/.ipython`; not made."""
    return os.path.expanduser(os.environ.get("IPYTHONDIR", "") or os.path.join("~", ".ipython"))


def get_ipython_cache_dir() -> str:
    """A folder for what can be made again (Cython builds in it): where the system keeps caches; it is made."""
    base = get_xdg_cache_dir()
    found = os.path.join(base, "ipython") if base is not None else os.path.join(get_ipython_dir(), "cache")
    ensure_dir_exists(found)
    return found


def get_ipython_package_dir() -> str:
    """The folder of this stand-in."""
    return os.path.dirname(os.path.abspath(__file__))


def get_ipython_module_path(module_str: str) -> str:
    """The file of a module that is imported.  ImportError: it has none."""
    path = getattr(sys.modules.get(module_str), "__file__", None)
    if not isinstance(path, str):
        raise ImportError(f"{module_str} has no file")
    return path


def locate_profile(profile: str = "default") -> str:
    """The folder of a profile.  OSError: there are no profiles without IPython."""
    raise OSError(f"there is no profile {profile!r}: this kernel has none, its settings are in the environment")


def get_home_dir(require_writable: bool = False) -> str:
    """The user's home."""
    return os.path.expanduser("~")


def get_xdg_dir() -> str | None:
    """Where the system keeps settings; None where it has no such place."""
    if sys.platform == "darwin" or os.name != "posix":
        return None
    return os.environ.get("XDG_CONFIG_HOME") or os.path.join(get_home_dir(), ".config")


def get_xdg_cache_dir() -> str | None:
    """Where the system keeps caches; None where it has no such place."""
    if os.name != "posix":
        return None
    default = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
    return os.environ.get("XDG_CACHE_HOME") or os.path.join(get_home_dir(), *default)


def ensure_dir_exists(path: str | os.PathLike[str], mode: int = 0o755) -> None:
    """Make a folder, with those above it."""
    os.makedirs(path, mode, exist_ok=True)


def expand_path(s: str) -> str:
    """`~` and variables of the environment filled in."""
    return os.path.expandvars(os.path.expanduser(s))


def compress_user(path: str) -> str:
    """The home at the beginning of a path as `~`."""
    home = get_home_dir()
    return "~" + path[len(home) :] if path == home or path.startswith(home + os.sep) else path


def filefind(filename: str, path_dirs: str | Sequence[str] | None = None) -> str:
    """The first file of that name in the folders (by default the working folder).  OSError: none has it."""
    filename = filename.strip("\"'")
    folders: Iterable[str] = ("",) if path_dirs is None else (path_dirs,) if isinstance(path_dirs, str) else path_dirs
    folders = tuple(folders)
    for folder in folders:
        found = expand_path(os.path.join(folder or os.getcwd(), filename))
        if os.path.isfile(found):
            return os.path.abspath(found)
    raise OSError(f"there is no file {filename!r} in {', '.join(repr(one) for one in folders)}")


def get_py_filename(name: str) -> str:
    """The path of a Python file, with or without its suffix.  OSError: there is none."""
    path = os.path.expanduser(name)
    for found in (path, path + ".py"):
        if os.path.isfile(found):
            return found
    raise OSError(f"there is no file {name!r}")


def shellglob(args: Iterable[str]) -> list[str]:
    """The files that patterns stand for; a pattern that none matches stays as it is."""
    import glob

    found: list[str] = []
    for pattern in args:
        found += sorted(glob.glob(os.path.expanduser(pattern))) or [pattern]
    return found


def get_long_path_name(path: str | Path) -> str:
    """The path: only Windows has short names."""
    return str(path)
