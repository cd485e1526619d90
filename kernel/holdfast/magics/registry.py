"""The magics of this kernel, by name.

It must never import what a magic needs before it is called.

There are those that the kernel brings (`builtin`, `offer`), those that cells and libraries register, and those of
installed packages: entry points of the group `holdfast.magics`, looked for when a name is not found otherwise.
"""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from threading import RLock
from typing import Any, cast

from holdfast.errors import CellError
from holdfast.magics import builtin
from holdfast.magics.options import Options
from holdfast.magics.parse import MODES

__all__ = ["CellCalls", "CellMagic", "LineMagic", "Magics", "WrapperMagic"]

#: Gets the rest of the line, stripped; its value is the value of the line.
LineMagic = Callable[[str], object]
#: Gets the rest of the line and the lines below it.
CellMagic = Callable[[str, str], object]
#: Gets the rest of the line; the cell runs inside what it returns.
WrapperMagic = Callable[[str], AbstractContextManager[object]]

#: The entry points of installed packages that are magics: a name, and a function of (line), (line, cell) or
#: (line, cell=None).
GROUP = "holdfast.magics"
#: Magics whose words are code: braces and dollars in them are the code's.  A magic with a true `no_var_expand` is one
#: of them, too.
VERBATIM = frozenset({"alias_magic", "debug", "prun", "time", "timeit"})

_PACKAGE = "holdfast.magics.builtin"
_CO_COROUTINE = 0x80


def _module(name: str) -> Any:
    """A module of ours, imported now."""
    __import__(name)
    return sys.modules[name]


class Magics:
    """The registry; calling it runs a lowered line."""

    def __init__(self, options: Options | None = None) -> None:
        #: What `%config` and its kin set.
        self.options = options if options is not None else Options()
        #: Completion and inspection look at magics from another thread than cells.
        self._making = RLock()
        self._lines: dict[str, LineMagic] = {}
        self._cells: dict[str, CellMagic] = {}
        #: Magics that are not imported yet: the module and what its `make` is given.
        self._offered: dict[str, tuple[str, tuple[object, ...]]] = {}
        #: Extensions that are loaded, by the names of their modules.
        self.extensions: set[str] = set()
        #: What libraries offer for a line that ends at the cursor: the word that it ends with, and texts for its place.
        self.completer: Callable[[str], tuple[str, Sequence[str]]] | None = None
        #: Each makes a context in which every cell runs, outside those of its own wrappers.
        self.around: list[Callable[[], AbstractContextManager[object]]] = []
        #: Makes what the built-in magics are given, a `magics.port.Kernel`, when the first one is used.
        self.make_kernel: Callable[[], object] = lambda: None

    @cached_property
    def kernel(self) -> Any:
        """What the built-in magics are given: a `magics.port.Kernel`."""
        return self.make_kernel()

    # ------------------------------------------------------------ what there is

    def register(self, name: str, magic: LineMagic) -> None:
        """Make `%name rest` call `magic(rest)`; a later one of the same name replaces it."""
        self._lines[_checked(name)] = magic

    def register_cell(self, name: str, magic: CellMagic) -> None:
        """Make `%%name rest` call `magic(rest, body)`; a later one of the same name replaces it."""
        self._cells[_checked(name)] = magic

    def offer(self, name: str, module: str, *given: object) -> None:
        """Make `%name` what `make(*given)` of a module of ours returns; it is imported when first used."""
        self._offered[name] = module, given

    def names(self) -> list[str]:
        """Every line magic's name, in order; of installed packages those that were used."""
        return sorted({*self._lines, *self._offered, *builtin.LINES})

    def cell_names(self) -> list[str]:
        """Every cell magic's name, in order, with those that only say how their cell runs."""
        return sorted({*self._cells, *builtin.CELLS, *builtin.WRAPPERS, *MODES})

    def installed_names(self) -> list[str]:
        """Every name for which an installed package has a magic, in order; none is loaded."""
        return sorted(self._installed)

    def find(self, name: str) -> LineMagic | None:
        """The line magic of that name, imported and made if it must be."""
        with self._making:
            magic = self._lines.get(name)
            if magic is None:
                if name in self._offered:
                    module, given = self._offered[name]
                    magic = self._lines[name] = cast(LineMagic, _module(module).make(*given))
                elif name in builtin.LINES:
                    made: LineMagic = _module(f"{_PACKAGE}.{builtin.LINES[name]}").line(name, self.kernel)
                    magic = self._lines[name] = made
                elif self._take_installed(name):
                    magic = self._lines.get(name)
            return magic

    def find_cell(self, name: str) -> CellMagic | None:
        """The same of a cell magic that gets its body as text."""
        with self._making:
            magic = self._cells.get(name)
            if magic is None:
                if name in builtin.CELLS:
                    made: CellMagic = _module(f"{_PACKAGE}.{builtin.CELLS[name]}").cell(name, self.kernel)
                    magic = self._cells[name] = made
                elif self._take_installed(name):
                    magic = self._cells.get(name)
            return magic

    def find_wrapper(self, name: str) -> WrapperMagic:
        """The same of a cell magic that its cell runs inside; one of `builtin.WRAPPERS`."""
        made: WrapperMagic = _module(f"{_PACKAGE}.{builtin.WRAPPERS[name]}").wrapper(name, self.kernel)
        return made

    def docstring(self, marked: str) -> str | None:
        """What `%name` or `%%name` says about itself; None where there is none."""
        from holdfast.magics import describing

        name = marked.lstrip("%")
        text = describing.mode_docstring(name) if marked.startswith("%%") else ""
        if text:
            return text
        magic = self._any(marked)
        return None if magic is None else describing.docstring(magic)

    def describe(self, marked: str, level: int = 0) -> str | None:
        """The same with where it comes from, for a pager; with `level` 1 its source."""
        from holdfast.magics import describing

        text = self.docstring(marked)
        return None if text is None else describing.described(marked, self._any(marked), text, level)

    def describe_at(self, code: str, cursor: int, level: int) -> str | None:
        """The same of the magic at a cursor; None where there is none, or where its package was not loaded yet."""
        from holdfast.magics import describing

        marked = describing.named_at(code, cursor) if "%" in code else ""
        name = marked.lstrip("%")
        return self.describe(marked, level) if name in self.names() or name in self.cell_names() else None

    def _any(self, marked: str) -> object:
        """The magic of `%name` or `%%name`; for the first also the cell magic, where it is the only one."""
        name = marked.lstrip("%")
        magic: object = None if marked.startswith("%%") else self.find(name)
        if magic is None:
            magic = self.find_wrapper(name) if name in builtin.WRAPPERS else self.find_cell(name)
        return magic

    @cached_property
    def _installed(self) -> dict[str, Any]:
        """The entry points of installed packages, by name."""
        from holdfast.entrypoints import entry_points

        return {entry.name: entry for entry in entry_points(GROUP)}

    def _take_installed(self, name: str) -> bool:
        """Register what an installed package has under that name, if one has."""
        entry = self._installed.get(name)
        if entry is None:
            return False
        from holdfast.magics.own import register

        register(self, entry.load(), name)
        return True

    # ------------------------------------------------------------ what a cell's text means

    def means(self, word: str, variables: dict[str, object]) -> bool:
        """Whether a word that begins a line is meant as a line magic: nothing else has this name.

        Magics that go back in time or to another session are not meant without their percent sign.
        """
        return (
            self.options.automagic
            and (word in self._lines or word in builtin.LINES)
            and word not in self._offered
            and word not in variables
            and not keyword.iskeyword(word)
            and not hasattr(builtins, word)
        )

    def is_async(self, marked: str) -> bool:
        """Whether `%name` or `%%name` is an `async def`: no magic of ours is, and none is imported to know it."""
        name = marked.lstrip("%")
        magic: object
        if marked.startswith("%%"):
            magic = self._cells.get(name) or (None if name in builtin.CELLS else self.find_cell(name))
        else:
            ours = name in builtin.LINES or name in self._offered
            magic = self._lines.get(name) or (None if ours else self.find(name))
        code = getattr(getattr(magic, "__wrapped__", magic), "__code__", None)
        return code is not None and bool(code.co_flags & _CO_COROUTINE)

    def complete(self, code: str, cursor: int) -> list[tuple[str, int, str]]:
        """(text, start, type word) of what a percent sign at the cursor can go on with."""
        from holdfast.magics.completion import complete

        items = complete(self.names(), self.cell_names(), self._words, code, cursor)
        if not items and self.completer is not None:
            begun, texts = self.completer(code[code.rfind("\n", 0, cursor) + 1 : cursor])
            items = [(text, cursor - len(begun), "magic") for text in texts]
        return items

    def _words(self, name: str) -> Sequence[str]:
        """The words that the module of a magic of ours lists: `COMMANDS` of an offered one, else in `WORDS` by name."""
        words: Sequence[str] = ()
        if name in self._offered:
            words = getattr(_module(self._offered[name][0]), "COMMANDS", ())
        elif name in builtin.LINES:
            words = getattr(_module(f"{_PACKAGE}.{builtin.LINES[name]}"), "WORDS", {}).get(name, ())
        return words

    # ------------------------------------------------------------ running

    def __call__(self, name: str, rest: str) -> object:
        """Run `%name rest`; raises `UnknownMagic` and its kin."""
        magic = self.find(name)
        if magic is None:
            from holdfast.magics.unknown import unknown_line

            lines = [*self.names(), *self.installed_names()]
            raise unknown_line(name, lines, self.cell_names(), self._variable(name))
        value = magic(self._filled(name, magic, rest))
        silent = rest.endswith(";") and getattr(magic, "output_can_be_silenced", False)
        return None if silent else value

    async def awaited(self, name: str, rest: str) -> object:
        """The same of a magic that may give something to wait for."""
        value = self(name, rest)
        return await value if isinstance(value, Awaitable) else value

    def cell(self, name: str, rest: str, body: str) -> object:
        """Run `%%name rest` with what stands below it; raises `UnknownMagic` and its kin."""
        magic = self.find_cell(name)
        if magic is None:
            if name in builtin.WRAPPERS:
                return self.kernel.run(f"%%{name} {rest}\n{body}")
            from holdfast.magics.unknown import unknown_cell

            raise unknown_cell(name, rest, self.names(), self.cell_names(), self._variable(name))
        return magic(self._filled(name, magic, rest), body)

    def _variable(self, name: str) -> object:
        return getattr(self.kernel, "namespace", {}).get(name)

    def wrapper(self, name: str, rest: str) -> AbstractContextManager[object]:
        """What a cell that begins with `%%name rest` runs in."""
        magic = self.find_wrapper(name)
        return magic(self._filled(name, magic, rest, top=True))

    def _filled(self, name: str, magic: object, rest: str, top: bool = False) -> str:
        """The words with variables filled in, the caller's unless it stands at `top`, where the magic wants that."""
        if ("{" not in rest and "$" not in rest) or name in VERBATIM or getattr(magic, "no_var_expand", False):
            return rest
        from holdfast.magics.expand import expand, variables_of_caller

        namespace = self.kernel.namespace
        return expand(rest, namespace if top else variables_of_caller(namespace))


class CellCalls:
    """What a lowered `%%name` calls."""

    def __init__(self, magics: Magics) -> None:
        self._magics = magics

    def __call__(self, name: str, rest: str, body: str) -> object:
        """See `Magics.cell`."""
        return self._magics.cell(name, rest, body)

    async def awaited(self, name: str, rest: str, body: str) -> object:
        """The same of a magic that may give something to wait for."""
        value = self._magics.cell(name, rest, body)
        return await value if isinstance(value, Awaitable) else value


def _checked(name: str) -> str:
    if not name.isidentifier():
        raise CellError(f"{name!r} cannot be the name of a magic: it is no identifier")
    return name
