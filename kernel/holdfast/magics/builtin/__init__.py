"""The magics that the kernel brings, by name; each module is imported when one of its magics is first used.

A module has `line(name, kernel)`, `cell(name, kernel)` and `wrapper(name, kernel)` for the names it stands for here.
"""

#: `%name`: the module of this package.
LINES: dict[str, str] = {
    "alias_magic": "listing",
    "automagic": "listing",
    "cat": "unix",
    "cd": "places",
    "conda": "packages",
    "cp": "unix",
    "dhist": "places",
    "dirs": "places",
    "env": "places",
    "la": "unix",
    "ldir": "unix",
    "less": "unix",
    "lf": "unix",
    "lk": "unix",
    "ll": "unix",
    "load_ext": "extensions",
    "ls": "unix",
    "lsmagic": "listing",
    "lx": "unix",
    "magic": "listing",
    "mamba": "packages",
    "man": "unix",
    "micromamba": "packages",
    "mkdir": "unix",
    "more": "unix",
    "mv": "unix",
    "pip": "packages",
    "popd": "places",
    "pushd": "places",
    "pwd": "places",
    "quickref": "listing",
    "reload_ext": "extensions",
    "rm": "unix",
    "rmdir": "unix",
    "set_env": "places",
    "sx": "commands",
    "system": "commands",
    "time": "timing",
    "timeit": "timing",
    "unload_ext": "extensions",
    "uv": "packages",
}
#: `%%name` with a body that the magic gets as text.
CELLS: dict[str, str] = {
    "bash": "scripts",
    "cmd": "scripts",
    "perl": "scripts",
    "python": "scripts",
    "python3": "scripts",
    "ruby": "scripts",
    "script": "scripts",
    "sh": "scripts",
    "sx": "commands",
    "system": "commands",
    "timeit": "timing",
}
#: `%%name` with a body that is the cell's own code, run inside a context manager.
WRAPPERS: dict[str, str] = {
    "capture": "capturing",
    "time": "timing",
}
