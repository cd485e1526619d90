"""The user's variables: `%who` and its kin list them, `%reset` and its kin take them away.

It must never list or take away what the kernel itself put among them, nor call more of a value than its type and
its size; a short text of it only where nothing else says what it is.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from holdfast.errors import StdinNotImplementedError
from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

#: Names on one line of `%who`.
_ROW = 9
#: Characters of a value that `%whos` shows at each end.
_END = 25
_COUNTED = (dict, list, tuple, set)


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "who": _who,
        "who_ls": _who_ls,
        "whos": _whos,
        "psearch": _psearch,
        "reset": _reset,
        "reset_selective": _reset_selective,
        "xdel": _xdel,
    }
    return made[name](kernel)


def listed(kernel: Kernel, types: str = "") -> list[str]:
    """The user's variables in order, those of these types (their names) if there are any."""
    wanted = set(types.split())
    names = (name for name in kernel.scope.visible() if not name.startswith("_"))
    return sorted(name for name in names if not wanted or type(kernel.namespace[name]).__name__ in wanted)


# ------------------------------------------------------------ listing


def _who_ls(kernel: Kernel) -> LineMagic:
    def who_ls(rest: str) -> list[str]:
        """The names of the variables; `%who_ls int str`: of those of these types."""
        return listed(kernel, rest)

    return who_ls


def _who(kernel: Kernel) -> LineMagic:
    def who(rest: str) -> None:
        """Print the names of the variables; `%who int str`: of those of these types."""
        names = listed(kernel, rest)
        if not names:
            print(_none(rest))
        for at in range(0, len(names), _ROW):
            print("".join(f"{name}\t " for name in names[at : at + _ROW]))

    return who


def _none(types: str) -> str:
    return f"There is no variable of type {' or '.join(types.split())}." if types else "There are no variables."


def _whos(kernel: Kernel) -> LineMagic:
    def whos(rest: str) -> None:
        """Print the variables with their types and what they hold; `%whos int str`: those of these types."""
        rows = [
            (name, type(value).__name__, _told(value))
            for name, value in ((name, kernel.namespace[name]) for name in listed(kernel, rest))
        ]
        if not rows:
            print(_none(rest))
            return
        name_width = max(len("Variable"), *(len(name) for name, _, _ in rows)) + 3
        type_width = max(len("Type"), *(len(kind) for _, kind, _ in rows)) + 4
        head = f"{'Variable':{name_width}}{'Type':{type_width}}Data/Info"
        print(head, "-" * len(head), *(f"{n:{name_width}}{k:{type_width}}{t}" for n, k, t in rows), sep="\n")

    return whos


def _told(value: Any) -> str:
    """What a value holds, on one line."""
    if type(value) in _COUNTED:
        return f"n={len(value)}"
    shape = getattr(value, "shape", None) if not isinstance(value, type) else None
    if isinstance(shape, tuple) and type(value).__module__.partition(".")[0] == "numpy" and shape:
        return _array(value)
    if isinstance(shape, tuple) and shape and all(isinstance(size, int) for size in shape):
        return f"Shape: {shape}"
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception as error:
        return f"(its text cannot be had: {type(error).__name__})"
    text = text[: 2 * _END + 1] if len(text) <= 2 * _END else f"{text[:_END]}<...>{text[-_END:]}"
    return text.replace("\n", "\\n")


def _array(value: Any) -> str:
    bytes_ = f"{value.nbytes} bytes"
    if value.nbytes >= 100_000:
        unit, name = (1024, "kb") if value.nbytes < 1 << 20 else (1 << 20, "Mb")
        bytes_ += f" ({value.nbytes / unit:.4g} {name})"
    return f"{'x'.join(map(str, value.shape))}: {value.size} elems, type `{value.dtype}`, {bytes_}"


def _psearch(kernel: Kernel) -> LineMagic:
    def psearch(rest: str) -> None:
        """Show in the pager which names match a pattern: `%psearch np.*zer*`.

        Words behind it are types that the values must have.  -i: the case of letters does not count.  -a: names with
        a leading underscore too.  -e builtin, -e user: not among Python's own, not among yours.
        """
        flags, words = _flags(rest, "ica", "es")
        if not words:
            raise BadWords("%psearch", "it goes %psearch PATTERN [TYPES], with * and ? in the pattern")
        found = matching(kernel, words[0], words[1:], flags)
        kernel.page("\n".join(found)) if found else print(f"Nothing matches {words[0]}.")

    return psearch


def _flags(rest: str, alone: str, valued: str = "") -> tuple[dict[str, str], list[str]]:
    """Options of one letter, and the other words."""
    flags: dict[str, str] = {}
    words: list[str] = []
    given = iter(rest.split())
    for word in given:
        if len(word) == 2 and word[0] == "-" and word[1] in valued:
            flags[word[1]] = f"{flags.get(word[1], '')} {next(given, '')}"
        elif len(word) > 1 and word[0] == "-" and set(word[1:]) <= set(alone):
            flags.update(dict.fromkeys(word[1:], "yes"))
        else:
            words.append(word)
    return flags, words


def matching(kernel: Kernel, pattern: str, types: Iterable[str] = (), flags: dict[str, str] | None = None) -> list[str]:
    """The dotted names that match a pattern in each of their parts."""
    flags = flags or {}
    excluded, wanted = flags.get("e", ""), set(types)
    scope: dict[str, object] = {}
    if "builtin" not in excluded:
        scope |= vars(builtins)
    if "user" not in excluded:
        scope |= {name: kernel.namespace[name] for name in kernel.scope.visible()}
    first, *parts = pattern.split(".")
    found = _matched(scope, first, flags)
    for part in parts:
        found = {
            f"{name}.{inner}": value
            for name, owner in found.items()
            for inner, value in _matched(_attributes(owner), part, flags).items()
        }
    return sorted(name for name, value in found.items() if not wanted or type(value).__name__ in wanted)


def _attributes(owner: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in dir(owner):
        try:
            found[name] = getattr(owner, name)
        except Exception:
            continue
    return found


def _matched(scope: dict[str, object], pattern: str, flags: dict[str, str]) -> dict[str, object]:
    any_case = "i" in flags
    shape = pattern.lower() if any_case else pattern
    hidden = pattern.startswith("_") or "a" in flags
    return {
        name: value
        for name, value in scope.items()
        if (hidden or not name.startswith("_")) and fnmatchcase(name.lower() if any_case else name, shape)
    }


# ------------------------------------------------------------ taking away


def _reset(kernel: Kernel) -> LineMagic:
    def reset(rest: str) -> None:
        """Delete all variables, results and inputs, after a question.

        -f: without one.  -s: the variables only.  `%reset -f in`, `out`, `array`: only the inputs, the results, the
        arrays of numpy.
        """
        flags, words = _flags(rest, "fs")
        known = {"in": _reset_in, "out": _reset_out, "array": _reset_arrays, "dhist": _reset_places}
        unknown = [word for word in words if word not in known]
        if unknown:
            raise BadWords(
                "%reset", f"it cannot reset {', '.join(unknown)}; it can {', '.join(known)}, or alone everything"
            )
        what = " and ".join(words) or "all variables"
        if "f" not in flags and not _agreed(kernel, f"Delete {what}? They cannot be had back here (y/[n]) "):
            print("Nothing was deleted.")
            return
        for word in words:
            known[word](kernel)
        if not words:
            _reset_soft(kernel) if "s" in flags else kernel.scope.clear()
        kernel.touched()

    return reset


def _agreed(kernel: Kernel, question: str) -> bool:
    """Whether the person says yes; where nobody can be asked, the magic itself was the answer."""
    try:
        return kernel.ask(question).strip().lower() in ("y", "yes")
    except StdinNotImplementedError:
        return True


def _reset_soft(kernel: Kernel) -> None:
    for name in list(kernel.scope.visible()):
        del kernel.namespace[name]


def _reset_in(kernel: Kernel) -> None:
    kernel.scope.results.forget_inputs(kernel.namespace)
    print("The inputs were deleted.")


def _reset_out(kernel: Kernel) -> None:
    count = len(kernel.scope.results.out)
    kernel.scope.results.forget_outputs(kernel.namespace)
    print(f"{count} result{'' if count == 1 else 's'} deleted.")


def _reset_arrays(kernel: Kernel) -> None:
    for name in listed(kernel, "ndarray"):
        del kernel.namespace[name]


def _reset_places(kernel: Kernel) -> None:
    kernel.namespace.pop("_dh", None)


def _reset_selective(kernel: Kernel) -> LineMagic:
    def reset_selective(rest: str) -> None:
        """Delete the variables in whose names a regular expression is found, after a question; -f: without one."""
        flags, words = _flags(rest, "f")
        if not words:
            print("Which ones?  %reset_selective REGULAR_EXPRESSION")
            return
        try:
            pattern = re.compile(" ".join(words))
        except re.error as error:
            raise BadWords("%reset_selective", f"{' '.join(words)!r} is no regular expression ({error})") from None
        names = [name for name in kernel.scope.visible() if pattern.search(name)]
        if "f" not in flags and not _agreed(kernel, f"Delete {', '.join(names)}? (y/[n]) "):
            print("Nothing was deleted.")
            return
        for name in names:
            del kernel.namespace[name]
        kernel.touched(*names)

    return reset_selective


def _xdel(kernel: Kernel) -> LineMagic:
    def xdel(rest: str) -> None:
        """Delete a variable and all results that are the same object; -n: only the variable."""
        flags, words = _flags(rest, "n")
        if len(words) != 1 or words[0] not in kernel.namespace:
            raise BadWords("%xdel", f"there is no variable {' '.join(words)!r}")
        value = kernel.namespace.pop(words[0])
        if "n" not in flags:
            for name in [name for name in kernel.scope.visible() if kernel.namespace[name] is value]:
                del kernel.namespace[name]
            kernel.scope.results.let_go(kernel.namespace, value)
        kernel.touched()

    return xdel
