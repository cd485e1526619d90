"""`%lsmagic`, `%magic`, `%quickref`, `%automagic` and `%alias_magic`: magics about magics.

It must never import another magic's module to list it, but for the texts of `%magic`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.unknown import UnknownMagic, nearest
from holdfast.magics.words import BadWords, Options

#: What can stand behind a name, for completion.
WORDS = {"automagic": ("off", "on")}

_QUICK = """\
%name words        a line magic                     %%name words       a cell magic, in the first line of its cell
x = %name words    its value                        %name?             what it does
!command           run a command of the shell       x = !command       its output, as a list of lines
{expression}       filled in, in the words of       $name              the same for a variable
                   magics and commands
object?            what an object is                object??           its source
?pattern*          names like that                  cd folder          as %cd, where no variable is called cd

In [n]    what cell n was          Out[n], _n    what it showed          _, __, ___    the last three values
await x   at top level             %%thread, %%bg    run this cell beside others
%session  what is kept             %undo, %checkout n    go back to an earlier cell's variables

%lsmagic lists all magics, %magic describes them."""


class Listing(list[str]):
    """The names of all magics, with their percent signs; `installed` are those of packages that were not used yet."""

    def __init__(self, lines: list[str], cells: list[str], installed: list[str]) -> None:
        super().__init__([*(f"%{name}" for name in lines), *(f"%%{name}" for name in cells)])
        self.installed = installed

    def __repr__(self) -> str:
        lines = [name for name in self if not name.startswith("%%")]
        cells = [name for name in self if name.startswith("%%")]
        text = f"Line magics:\n{_wrapped(lines)}\n\nCell magics:\n{_wrapped(cells)}"
        return f"{text}\n\nOf installed packages:\n{_wrapped(self.installed)}" if self.installed else text

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "lsmagic": _lsmagic,
        "magic": _magic,
        "quickref": _quickref,
        "automagic": _automagic,
        "alias_magic": _alias_magic,
    }
    return made[name](kernel)


class _Alias:
    """Another name for a magic; its words are filled in by that, once."""

    no_var_expand = True

    def __init__(self, marked: str, call: Callable[..., object], given: str) -> None:
        self.__doc__ = f"The same as {marked}{f' {given}' if given else ''}."
        self._call = call
        self._given = given

    def __call__(self, rest: str, *body: str) -> object:
        return self._call(f"{self._given} {rest}".strip(), *body)


def _wrapped(names: list[str]) -> str:
    from textwrap import fill

    return fill("  ".join(names), 100, break_long_words=False, break_on_hyphens=False)


def _lsmagic(kernel: Kernel) -> LineMagic:
    def lsmagic(rest: str) -> Listing:
        """List the names of all magics."""
        lines, cells = kernel.magics.names(), kernel.magics.cell_names()
        known = {*lines, *cells}
        return Listing(lines, cells, [name for name in kernel.magics.installed_names() if name not in known])

    return lsmagic


def _magic(kernel: Kernel) -> LineMagic:
    def magic(rest: str) -> None:
        """Describe all magics in the pager."""
        magics = kernel.magics
        entries = [(f"%{name}", magics.docstring(f"%{name}")) for name in magics.names()]
        entries += [(f"%%{name}", magics.docstring(f"%%{name}")) for name in magics.cell_names()]
        kernel.page("\n\n".join(f"{name}\n{_indented(text)}" for name, text in entries))

    return magic


def _indented(text: str | None) -> str:
    from textwrap import indent

    return indent(text or "(without a description)", "    ")


def _quickref(kernel: Kernel) -> LineMagic:
    def quickref(rest: str) -> None:
        """Show on one page what can be written in cells besides Python."""
        kernel.page(_QUICK)

    return quickref


def _automagic(kernel: Kernel) -> LineMagic:
    def automagic(rest: str) -> None:
        """Let `cd folder` mean `%cd folder` where no variable is called `cd`, or stop it.

        %automagic on, %automagic off; alone it changes what holds.  It is on in a new session, and concerns cells of
        one line.
        """
        words = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
        if rest and rest.lower() not in words:
            raise BadWords("%automagic", f"{rest!r} is neither on nor off")
        kernel.options.automagic = words.get(rest.lower(), not kernel.options.automagic)
        print("Automagic is on: percent signs are not needed." if kernel.options.automagic else "Automagic is off.")

    return automagic


def _alias_magic(kernel: Kernel) -> LineMagic:
    def alias_magic(rest: str) -> None:
        """Make another name for a magic.

        %alias_magic t timeit: %t and %%t are %timeit and %%timeit.  -l: for the line magic only; -c: for the cell
        magic only; -p WORDS: these words come first.
        """
        # The options may also stand behind the names, which hold no blank.
        first = Options("%alias_magic", rest, "lcp:", ("line", "cell", "params:"))
        names, behind = first.text.split(None, 2)[:2], "".join(first.text.split(None, 2)[2:])
        last = Options("%alias_magic", behind, "lcp:", ("line", "cell", "params:"))
        if len(names) != 2 or last.text:
            raise BadWords("%alias_magic", "give the new name and that of the magic, as in: %alias_magic t timeit")
        new, old = (word.lstrip("%") for word in names)
        given = first.get("p") or first.get("params") or last.get("p") or last.get("params")
        only_line = any(name in options for options in (first, last) for name in ("l", "line"))
        only_cell = any(name in options for options in (first, last) for name in ("c", "cell"))
        magics, made = kernel.magics, []
        if old in magics.names() and not (only_cell and not only_line):
            magics.register(new, _Alias(f"%{old}", lambda *words: magics(old, *words), given))
            made.append(f"%{new}")
        if old in magics.cell_names() and not (only_line and not only_cell):
            magics.register_cell(new, _Alias(f"%%{old}", lambda *words: magics.cell(old, *words), given))
            made.append(f"%%{new}")
        if not made:
            raise UnknownMagic(old, nearest(old, magics.names()))
        print(f"{' and '.join(made)}: the same as %{old}{f' {given}' if given else ''}")

    return alias_magic
