"""`%run`: a Python file, module or notebook as a program, whose names come to the session.

It must never leave `sys.argv`, `sys.path` or `__main__` other than they were.

A file is run in a module of its own, as `python file.py` does, and what it has bound is bound here afterwards, also
where it failed: its functions go on to see the file's own globals.  With -i it is run on the session's variables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from holdfast.magics.builtin.timing import cpu_times
from holdfast.magics.notebook import code_cells
from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords, Options, split

#: Names of a module that are its own business.
_MODULE_NAMES = frozenset(vars(ModuleType("_"))) | {"__builtins__", "__file__", "__cached__", "__annotations__"}


def line(_name: str, kernel: Kernel) -> LineMagic:
    """`%run`."""

    def run(rest: str) -> None:
        """Run a Python file (or notebook) with arguments; the names that it binds are bound here.

        -i: on the variables of this session   -n: `__name__` is not "__main__"   -e: do not mind sys.exit()
        -m: a module's name stands in place of a file's   -t: say how long it took (-N R: run it R times)
        -p: profile it (and -s, -l, -T, -D, as for `%prun`)   -G: do not fill in `*`, `?` and `[…]` in arguments
        """
        options = Options("%run", rest, "nietN:pdGm:b:l:rs:T:D:", last="m")
        module = options.get("m")
        words = split("%run", options.text)
        if "d" in options or "b" in options:
            raise BadWords("%run", "-d and -b are not there: put breakpoint() into the file")
        if not words and not module:
            raise BadWords("%run", "the name of a file is missing")
        arguments = words if module else words[1:]
        if "G" not in options:
            arguments = [found for word in arguments for found in _globbed(word)]
        program = _Program(kernel, options, _path(words[0]) if not module else "", module, arguments)
        _measured(program.run, options) if "t" in options else _profiled(kernel, program.run, options)

    return run


def _path(word: str) -> str:
    """The file that is meant, with its ending."""
    path = os.path.expanduser(word)
    for found in (path, f"{path}.py", f"{path}.ipynb", f"{path}.ipy"):
        if os.path.isfile(found):
            return found
    raise BadWords("%run", f"there is no file {path!r} in {os.getcwd()}")


def _globbed(word: str) -> list[str]:
    from glob import glob

    word = os.path.expanduser(word)
    return sorted(glob(word)) or [word] if any(char in word for char in "*?[") else [word]


class _Program:
    """One file to run, with its arguments."""

    def __init__(self, kernel: Kernel, options: Options, path: str, module: str, arguments: Sequence[str]) -> None:
        self._kernel = kernel
        self._options = options
        self._package: str | None = None
        self._spec: object = None
        if module:
            path = self._found(module)
        self._path = path
        self._arguments = [path, *arguments]

    def _found(self, name: str) -> str:
        from importlib.util import find_spec

        try:
            spec = find_spec(name)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = find_spec(f"{name}.__main__")
        except ModuleNotFoundError:
            spec = None
        if spec is None or not spec.has_location or spec.origin is None:
            raise BadWords("%run", f"there is no module {name!r} with a file that could be run")
        self._spec, self._package = spec, spec.parent
        return spec.origin

    def run(self) -> None:
        """Run it once."""
        folder = os.path.dirname(os.path.abspath(self._path))
        with _ambient(self._arguments, "" if self._package is not None else folder):
            try:
                if self._path.endswith((".ipynb", ".ipy")):
                    self._run_cells()
                elif "i" in self._options:
                    self._run_here()
                else:
                    self._run_apart()
            except SystemExit as stop:
                if stop.code not in (None, 0) and "e" not in self._options:
                    raise

    def _run_cells(self) -> None:
        if self._path.endswith(".ipynb"):
            for code in code_cells(self._path):
                run_cell(self._kernel, code)
        else:
            run_cell(self._kernel, _text(self._path), os.path.abspath(self._path))

    def _run_here(self) -> None:
        namespace = self._kernel.namespace
        file = os.path.abspath(self._path)
        before: dict[str, Any] = {name: namespace[name] for name in ("__file__", "__name__") if name in namespace}
        namespace["__file__"] = file
        if "n" in self._options:
            namespace["__name__"] = _stem(file)
        try:
            self._kernel.run(_text(self._path), filename=file)
        finally:
            namespace.pop("__file__", None)
            namespace.update(before)

    def _run_apart(self) -> None:
        file = os.path.abspath(self._path)
        name = _stem(file) if "n" in self._options else "__main__"
        module = ModuleType(name)
        variables: dict[str, Any] = module.__dict__
        variables.update(__file__=file, __package__=self._package, __spec__=self._spec)
        with open(file, "rb") as source:
            code = compile(source.read(), file, "exec", dont_inherit=True)
        with _as_main(module if name == "__main__" else None):
            try:
                exec(code, variables)
            finally:
                names = [name for name in variables if name not in _MODULE_NAMES]
                self._kernel.namespace.update((name, variables[name]) for name in names)
                self._kernel.touched(*names)


def run_cell(kernel: Kernel, code: str, filename: str = "") -> object:
    """Run a cell's code as a part of this one, also where it awaits; its value."""
    import ast
    import inspect

    from holdfast.magics.parse import lower

    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        awaits = compile(lower(code).code, "<cell>", "exec", flags, dont_inherit=True).co_flags & inspect.CO_COROUTINE
    except (SyntaxError, ValueError):
        awaits = 0  # running it says what is wrong with it
    if not awaits:
        return kernel.run(code, filename=filename)
    import asyncio

    async def awaited() -> object:
        return await kernel.run_async(code, filename=filename)

    return asyncio.get_running_loop().run_until_complete(awaited())


def _text(path: str) -> str:
    import tokenize

    with tokenize.open(path) as file:
        return file.read()


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


@contextmanager
def _ambient(arguments: Sequence[str], folder: str) -> Iterator[None]:
    """The file's arguments, and its folder first among those of modules."""
    argv = sys.argv
    sys.argv = list(arguments)
    if folder:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.argv = argv
        if folder in sys.path:
            sys.path.remove(folder)


@contextmanager
def _as_main(module: ModuleType | None) -> Iterator[None]:
    main = sys.modules["__main__"]
    if module is not None:
        sys.modules["__main__"] = module
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _profiled(kernel: Kernel, run: Callable[[], None], options: Options) -> None:
    if "p" not in options:
        run()
        return
    from holdfast.magics.builtin.profiling import Profile

    with Profile(kernel, options):
        run()


def _measured(run: Callable[[], None], options: Options) -> None:
    """Run it, perhaps several times, and say how long that took."""
    import time

    times = max(1, options.number("N", 1))
    wall, before = time.perf_counter(), cpu_times()
    for _ in range(times):
        run()
    wall = time.perf_counter() - wall
    user, system = (now - then for now, then in zip(cpu_times(), before, strict=True))
    print("\nCPU timings (estimated):")
    if times > 1:
        print(f"Total runs performed: {times}\n  Times  : {'Total':>10}   {'Per run':>10}")
        for label, seconds in (("User", user), ("System", system)):
            print(f"  {label:<7}: {seconds:10.2f} s, {seconds / times:10.2f} s.")
    else:
        print(f"  User   : {user:10.2f} s.\n  System : {system:10.2f} s.")
    print(f"Wall time: {wall:10.2f} s.")
