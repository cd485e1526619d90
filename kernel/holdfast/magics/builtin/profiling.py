"""`%prun` and `%%prun`: where code spends its time, function by function.

They must never count the kernel's own functions.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
from io import StringIO
from typing import Any

from holdfast.magics.port import Kernel, LineMagic, WrapperMagic
from holdfast.magics.words import BadWords, Options

_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_OPTIONS = "l:rs:T:D:q"
_RUNNERS = ("<built-in method builtins.exec>", "<built-in method builtins.eval>")


def line(_name: str, kernel: Kernel) -> LineMagic:
    """`%prun`."""

    def prun(rest: str) -> object:
        """Run a statement under the profiler; the table opens in the pager.  Above a cell, `%%prun` profiles all of it.

        -s KEY: sort by calls, cumulative, time, name, …   -l N: the first N lines, a fraction, or what matches
        -r: the value is the `pstats.Stats`   -q: no table   -T FILE: table to a file   -D FILE: data for `pstats`
        """
        options = Options("%prun", rest, _OPTIONS)
        profile = Profile(kernel, options)
        with profile:
            kernel.run(options.text)
        return profile.stats if "r" in options else None

    prun.no_var_expand = True  # type: ignore[attr-defined]
    return prun


def wrapper(_name: str, kernel: Kernel) -> WrapperMagic:
    """`%%prun`."""

    def prun(rest: str) -> Profile:
        """Run the cell under the profiler; the table opens in the pager.  Options as for `%prun`, but -r."""
        options = Options("%%prun", rest, _OPTIONS)
        if options.text:
            raise BadWords("%%prun", f"no code can stand behind it, and {options.text!r} does; put it on the next line")
        return Profile(kernel, options)

    return prun


class Profile:
    """The profiler around code; the table is made when it is left."""

    def __init__(self, kernel: Kernel, options: Options) -> None:
        self._kernel = kernel
        self._options = options
        self._profile = cProfile.Profile()
        self.stats: pstats.Stats | None = None
        self._keys = options.all("s") or ["time"]
        unknown = set(self._keys) - set(pstats.Stats.sort_arg_dict_default)
        if unknown:
            known = ", ".join(sorted(set(pstats.Stats.sort_arg_dict_default) - {"-1", "0", "1", "2"}))
            raise BadWords("%prun", f"it cannot sort by {', '.join(sorted(unknown))}; there are {known}")

    def __enter__(self) -> None:
        try:
            self._profile.enable()
        except ValueError:
            raise BadWords("%prun", "another profiler or tracer runs; only one can") from None

    def __exit__(self, kind: object, *_error: object) -> None:
        self._profile.disable()
        if kind is None:
            self._tell()

    def _tell(self) -> None:
        text = StringIO()
        stats = self.stats = pstats.Stats(self._profile, stream=text)
        _leave_out_ours(stats)
        stats.strip_dirs().sort_stats(*self._keys).print_stats(*map(_limit, self._options.all("l")))
        stats.stream = sys.stdout  # type: ignore[attr-defined]  # it is the user's now, and prints when asked
        table = text.getvalue().strip("\n") + "\n"
        if "q" not in self._options:
            self._kernel.page(table)
        if name := self._options.get("D"):
            stats.dump_stats(os.path.expanduser(name))
            print(f"\n*** Profile stats marshalled to file {name!r}.")
        if name := self._options.get("T"):
            with open(os.path.expanduser(name), "w", encoding="utf-8") as file:
                file.write(table)
            print(f"\n*** Profile printout saved to text file {name!r}.")


def _limit(word: str) -> int | float | str:
    """A number of lines, a fraction of them, or what their text must match."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _leave_out_ours(stats: Any) -> None:
    """Take the kernel's own functions out, and what only they called; and count anew."""
    gone = {key for key in stats.stats if key[0].startswith(_OURS)}
    while gone:
        for key in gone:
            stats.stats.pop(key, None)
        called = [(key, entry[4]) for key, entry in stats.stats.items() if entry[4]]
        last, gone = gone, set()
        for key, callers in called:
            for caller in last.intersection(callers):
                del callers[caller]
            # What runs the code itself stays.
            if not callers and not key[2].startswith(_RUNNERS):
                gone.add(key)
    stats.total_calls = stats.prim_calls = stats.total_tt = 0
    stats.max_name_len = 0
    stats.top_level = set()
    stats.get_top_level_stats()
