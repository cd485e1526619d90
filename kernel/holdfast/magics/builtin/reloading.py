"""`%autoreload` and `%aimport`: modules that are edited while the session goes on.

They must never cost a cell anything before they are used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.reloading import Reloader, reload
from holdfast.magics.words import BadWords, Options

_MODES = {"0": 0, "off": 0, "1": 1, "explicit": 1, "2": 2, "all": 2, "3": 3, "complete": 3}


def line(name: str, kernel: Kernel) -> LineMagic:
    """`%autoreload` and `%aimport`."""
    state = watch(kernel)
    return _autoreload(state) if name == "autoreload" else _aimport(state)


def watch(kernel: Kernel) -> Autoreload:
    """Take note of the files of modules from now on; what `%load_ext autoreload` does."""
    found = [step for step in kernel.magics.around if isinstance(step, Autoreload)]
    if found:
        return found[0]
    state = Autoreload(kernel)
    state.reloader.look()
    kernel.magics.around.append(state)
    return state


def _autoreload(state: Autoreload) -> LineMagic:
    def autoreload(rest: str) -> None:
        """Load modules again before each cell where their files were edited.

        %autoreload 2 (all): every module   1 (explicit): those named by `%aimport`   0 (off): none   now: once, at once
        3 (complete): as 2, and names that a module has got come to where its others were imported
        -p: print what is loaded again   -l: log it
        Old functions, classes and their instances run the new code; a module whose code fails stays as it was.
        """
        words = rest.lower().split()
        options = Options("%autoreload", " ".join(word for word in words if word[0] == "-"), "pl", ("print", "log"))
        state.says = print if "p" in options or "print" in options else _log if _wants_log(options) else None
        word = " ".join(word for word in words if word[0] != "-")
        if word in ("", "now"):
            state.check(everything=True)
        elif word not in _MODES:
            raise BadWords("%autoreload", f"there is no mode {word!r}; there are {', '.join(_MODES)} and now")
        else:
            state.mode = _MODES[word]
            state.reloader.look()

    return autoreload


def _wants_log(options: Options) -> bool:
    return "l" in options or "log" in options


def _log(text: str) -> None:
    import logging

    logging.getLogger("autoreload").info(text)


def _aimport(state: Autoreload) -> LineMagic:
    def aimport(rest: str) -> None:
        """Import modules and load them again when they are edited: `%aimport one, two`; `%aimport -one` leaves it out.

        Alone it lists both kinds.
        """
        marked, skipped = state.reloader.marked, state.reloader.skipped
        if not rest:
            shown = "all-except-skipped" if state.mode >= 2 else " ".join(sorted(marked))
            print(f"Modules to reload:\n{shown}\n\nModules to skip:\n{' '.join(sorted(skipped))}")
        for name in (word.strip() for word in rest.split(",") if word.strip()):
            if name.startswith("-"):
                marked.discard(name[1:].strip())
                skipped.add(name[1:].strip())
                continue
            __import__(name)
            marked.add(name)
            skipped.discard(name)
            top = name.partition(".")[0]
            state.kernel.namespace[top] = sys.modules[top]
            state.kernel.touched(top)

    return aimport


class Autoreload:
    """A step around each cell: looks before it, and takes note of what it has imported."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.reloader = Reloader()
        self.mode = 0
        self.says: Any = None
        self._inside = 0
        # A module's code is the user's: an interrupt ends it.
        kernel.interruptible(Autoreload.check)

    def __call__(self) -> Autoreload:
        return self

    def __enter__(self) -> None:
        self._inside += 1
        if self._inside == 1:
            self.reloader.look(late=True)
        # Pieces that a cell runs are a part of it.
        if self.mode and self._inside == 1:
            try:
                self.check(everything=self.mode >= 2)
            except BaseException:
                self._inside -= 1
                raise

    def __exit__(self, *_error: object) -> None:
        self._inside -= 1
        if not self._inside:
            self.reloader.look()

    def check(self, everything: bool) -> None:
        """Load again what was edited."""
        for name, module in self.reloader.changed(everything):
            if self.says is not None:
                self.says(f"Reloading {name!r}.")
            before = set(vars(module))
            try:
                old, new = reload(module)
            except Exception as error:
                text = "\n".join(self.kernel.report(error))
                print(f"[autoreload of {name} failed: {text}]", file=sys.stderr)
                continue
            self._rebind(old, new)
            if self.mode == 3:
                self._bind_new(module, before)

    def _rebind(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Functions and classes that could not take the new code are replaced where a variable holds them."""
        namespace = self.kernel.namespace
        for name, value in old.items():
            names = [variable for variable in list(namespace) if namespace[variable] is value]
            for variable in names:
                namespace[variable] = new[name]
            if names:
                self.kernel.touched(*names)

    def _bind_new(self, module: ModuleType, before: set[str]) -> None:
        """Names that the module has got, where others were imported from it."""
        namespace = self.kernel.namespace
        if not any(namespace.get(name, self) is vars(module).get(name) for name in before if not name.startswith("_")):
            return
        added = [name for name in vars(module) if name not in before and not name.startswith("_")]
        for name in added:
            namespace[name] = vars(module)[name]
        if added:
            self.kernel.touched(*added)
