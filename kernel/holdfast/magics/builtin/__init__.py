"""The magics that the kernel brings, by name; each module is imported when one of its magics is first used.

A module has `line(name, kernel)`, `cell(name, kernel)` and `wrapper(name, kernel)` for the names it stands for here.
"""

#: `%name`: the module of this package.
LINES: dict[str, str] = {
    "cat": "listings",
    "cd": "places",
    "conda": "packages",
    "cp": "listings",
    "dhist": "places",
    "dirs": "places",
    "env": "places",
    "la": "listings",
    "ldir": "listings",
    "less": "listings",
    "lf": "listings",
    "lk": "listings",
    "ll": "listings",
    "ls": "listings",
    "lx": "listings",
    "mamba": "packages",
    "man": "listings",
    "micromamba": "packages",
    "mkdir": "listings",
    "more": "listings",
    "mv": "listings",
    "pip": "packages",
    "popd": "places",
    "pushd": "places",
    "pwd": "places",
    "rm": "listings",
    "rmdir": "listings",
    "set_env": "places",
    "sx": "commands",
    "system": "commands",
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
}
#: `%%name` with a body that is the cell's own code, run inside a context manager.
WRAPPERS: dict[str, str] = {}
