"""Python's debugger as cells have it: its prompt is a prompt of the notebook, and it sees only the user's frames.

It must never take over the interrupt, wait where nobody can answer, or trace what runs after the cell.

It stands in the module `pdb` in place of its `Pdb`, so `breakpoint()`, `pdb.set_trace()`, `pdb.pm()` and what
libraries make of them lead here.
"""

from __future__ import annotations

import os
import pdb  # noqa: T100 - this is what it is for
import sys
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType, TracebackType
from typing import Any

_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
#: Stepping goes through these as through C code: they run the cell, or wait beside it.
_SKIPPED = ("holdfast", "holdfast.*", "asyncio", "asyncio.*", "selectors", "contextlib")
_PROMPT = "ipdb> "
_AROUND = 2  # lines shown before and after the one where it stands
_Pdb: Any = pdb.Pdb

#: What cells are called, by the names of their files; and what is told when the user may have changed variables.
labels: Mapping[str, str] = {}
touched: Callable[[], None] = lambda: None


class Debugger(_Pdb):  # type: ignore[misc]
    """`pdb.Pdb` for cells."""

    def __init__(
        self,
        completekey: str | None = None,
        stdin: Any = None,
        stdout: Any = None,
        skip: Any = None,
        nosigint: bool = True,
        readrc: bool = True,
        **more: Any,
    ) -> None:
        # An interrupt ends the cell, also at the prompt; without a terminal there is nothing to complete with.
        super().__init__("", stdin, stdout, [*(skip or ()), *_SKIPPED], nosigint=True, readrc=readrc, **more)
        self.prompt = _PROMPT

    def get_stack(self, f: FrameType | None, t: TracebackType | None) -> tuple[list[tuple[FrameType, int]], int]:
        """The frames from the cell's own on, without those of the kernel."""
        stack, index = super().get_stack(f, t)
        first = next((n for n, (frame, _) in enumerate(stack) if frame.f_code.co_filename in labels), 0)
        kept = [entry for entry in stack[first:] if not entry[0].f_code.co_filename.startswith(_OURS)]
        if not kept:
            return stack, index
        here = [n for n, entry in enumerate(kept) if entry[0] is stack[index][0]]
        return kept, here[-1] if here else len(kept) - 1

    def _cmdloop(self) -> None:
        """One prompt after another; an interrupt ends the cell instead of asking again."""
        self.cmdloop()

    def stop_here(self, frame: FrameType) -> bool:
        """Not where the kernel itself has called something: before the cell's next piece, or after its end."""
        return bool(super().stop_here(frame)) and not _is_of_kernel(frame)

    def do_interact(self, _arg: str) -> None:
        """interact: not here; statements are run at this prompt itself, as in `!x = 1`."""
        self.error("interact wants a terminal; type statements at this prompt, as in `!x = 1`")

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        """A cell's own code is entered without a stop: it is run in pieces."""
        if not _is_cell(frame):
            super().user_call(frame, argument_list)

    def user_return(self, frame: FrameType, return_value: object) -> None:
        """The same where it is left."""
        if not _is_cell(frame):
            super().user_return(frame, return_value)

    def user_exception(self, frame: FrameType, exc_info: Any) -> None:
        """Not where an `await` of a cell has its value (a StopIteration), nor in the kernel's own frames."""
        if not _is_of_kernel(frame) and not (_is_cell(frame) and exc_info[0] is StopIteration):
            super().user_exception(frame, exc_info)

    def interaction(self, *given: Any) -> None:
        """Ask what to do; then the variables may be others."""
        try:
            super().interaction(*given)
        finally:
            touched()

    def print_stack_entry(self, frame_lineno: tuple[FrameType, int], prompt_prefix: str = "") -> None:
        """Where it stands, with the lines around."""
        import linecache

        frame, line = frame_lineno
        code = frame.f_code
        mark = ">" if frame is self.curframe else " "
        name = code.co_name if code.co_name != "<lambda>" else "lambda"
        self.message(f"{mark} {labels.get(code.co_filename, code.co_filename)}({line}){name}()")
        lines = linecache.getlines(code.co_filename, frame.f_globals)
        last = min(line + _AROUND, len(lines))
        while last > line and not lines[last - 1].strip():
            last -= 1
        for number in range(max(line - _AROUND, 1), last + 1):
            arrow = "-" * max(5 - len(str(number)), 0) + "> " if number == line else ""
            self.message(f"{arrow:>{7 - len(str(number))}}{number} {lines[number - 1].rstrip()}")
        self.message("")


def _is_cell(frame: FrameType) -> bool:
    return frame.f_code.co_name == "<module>" and frame.f_code.co_filename in labels


def _is_of_kernel(frame: FrameType) -> bool:
    """Whether the kernel's code is nearer to a frame, outwards, than a cell's."""
    outer: FrameType | None = frame
    while outer is not None and outer.f_code.co_filename not in labels:
        if outer.f_code.co_filename.startswith(_OURS):
            return True
        outer = outer.f_back
    return False


def adopt(module: ModuleType) -> None:
    """Stand in for `pdb.Pdb`."""
    module.Pdb = Debugger  # type: ignore[attr-defined]


def set_trace(frame: FrameType | None = None, context: object = None, cond: bool = True) -> None:
    """Stop in the caller, or in `frame`."""
    if cond:
        Debugger().set_trace(frame or sys._getframe(1))


def adopt_ipython(module: ModuleType) -> None:
    """Stand in for the debugger of an IPython that is there: it looks for a terminal's shell."""
    module.Pdb, module.set_trace = Debugger, set_trace  # type: ignore[attr-defined]


def adopt_ipdb(module: ModuleType) -> None:
    """Give the package `ipdb` this debugger: its own wants a terminal."""
    names: dict[str, object] = {"set_trace": set_trace, "sset_trace": set_trace, "pm": pdb.pm, "spm": pdb.pm}
    names |= {"post_mortem": pdb.post_mortem, "spost_mortem": pdb.post_mortem}
    names |= {name: getattr(pdb, name) for name in ("run", "runcall", "runeval")}
    for name, value in names.items():
        if hasattr(module, name):
            setattr(module, name, value)


def post_mortem(error: BaseException) -> None:
    """Look at where an error came from; raises `StdinNotImplementedError` where nobody can answer."""
    debugger = Debugger()
    debugger.reset()
    debugger.interaction(None, error if sys.version_info >= (3, 13) else error.__traceback__)
