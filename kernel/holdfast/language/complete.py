"""Completion at a cursor: from the live session where that answers, from jedi's reading of the text where
not.

Must never run the user's code, hold the GIL for long, or raise because the session changes meanwhile: it runs
on a pool thread while a cell runs. Imported at the first request, not at start-up.

Rejected: jedi for everything (3 to 90 ms a request, 1 to 6 s among 100,000 names, 0.5 to 1.5 s the first
time).
"""

from __future__ import annotations

import builtins
import keyword
from typing import TYPE_CHECKING

from holdfast.language import brief, cell, literals, live, objects, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from holdfast.language.text import Scan

MATCH_LIMIT = 2_000  # matches of one reply; a page shows a dozen, and 100,000 freeze it
_SIGNATURE_LIMIT = 100  # matches that are given a signature
_WINDOW = 200_000  # characters before the cursor that are read
_SOFT_KEYWORDS = ("case", "match", "type")

type Extra = Callable[[str, int], list[tuple[str, int, str]]]
"""Given code and cursor, (text, start, type word) of completions that are not Python's, such as magics."""


class Match:
    """One completion: the text that replaces `code[start:cursor]`, its type word and its signature."""

    __slots__ = ("kind", "rank", "signature", "text")

    def __init__(self, word: str, kind: str, signature: str = "", rank: int = 1) -> None:
        self.text = word
        self.kind = kind
        self.signature = signature
        self.rank = rank


class Found:
    """The completions of a request, and where the text that they replace starts."""

    __slots__ = ("matches", "start")

    def __init__(self, start: int, matches: list[Match]) -> None:
        self.start = start
        self.matches = matches


def complete(
    code: str, cursor_pos: int, namespace: Mapping[str, object], extra: Extra | None = None
) -> dict[str, object]:
    """The content of a `complete_reply` (protocol 5.5, "Completion").

    `cursor_pos` counts code points. `extra` is asked first on lines with a `%`; where it has an answer, that is
    the answer. Raises ValueError where the cursor lies outside the code.
    """
    check_cursor(code, cursor_pos)
    cut = 0
    if cursor_pos > _WINDOW:
        cut = code.find("\n", cursor_pos - _WINDOW, cursor_pos) + 1 or cursor_pos - _WINDOW
    shown = code[cut:]
    pos = cursor_pos - cut
    found = _extra(code, cursor_pos, cut, extra) or _paths(shown, pos) or _python(shown, pos, namespace)
    return _reply(found, cut, cursor_pos)


def check_cursor(code: str, cursor_pos: int) -> None:
    """Raise ValueError with a sentence for the user unless the cursor lies in or at the end of the code."""
    if not 0 <= cursor_pos <= len(code):
        raise ValueError(
            f"cursor_pos {cursor_pos} is outside the code, which has {len(code)} characters: "
            "give a position in unicode code points from 0 to the length of the code"
        )


def _extra(code: str, pos: int, cut: int, extra: Extra | None) -> Found | None:
    if extra is None or "%" not in code[code.rfind("\n", 0, pos) + 1 : pos]:
        return None
    items = extra(code, pos)
    if not items:
        return None
    start = min(item[1] for item in items)
    # One reply has one start: texts that start later are filled up with what stands before them.
    return Found(start - cut, [Match(code[start : item[1]] + item[0], item[2]) for item in items])


def _paths(code: str, pos: int) -> Found | None:
    if "%" not in code and "!" not in code:
        return None
    from holdfast.language import commands

    found = commands.paths(code, pos)
    return Found(found[0], [Match(word, "path") for word in found[1]]) if found is not None and found[1] else None


def _python(code: str, pos: int, namespace: Mapping[str, object]) -> Found:
    result = text.scan(code, pos)
    if result.comment:
        return Found(pos, [])
    bound = cell.bindings(result)
    resolve = _Resolver(namespace, bound)
    if result.string is not None:
        start, items = literals.in_string(result, resolve)
        return Found(start, [Match(word, kind) for word, kind in items])
    start = text.word_before(code, pos)
    statement = literals.in_import(result, start)
    if statement is not None:
        items, unread = statement
        if unread:
            return Found(start, _by_jedi(code, pos, start, namespace))
        return Found(start, _select([Match(word, kind) for word, kind in items], code[start:pos]))
    prefix = text.normalise(code[start:pos])
    before = start
    while before and code[before - 1] in " \t":
        before -= 1
    if before and code[before - 1] == ".":
        return Found(start, _attributes(result, before - 1, prefix, resolve, namespace))
    if start == pos and pos and (code[pos - 1].isalnum() or code[pos - 1] in "'\""):
        return Found(pos, [])  # Straight after a number or a literal nothing can follow.
    first = [Match(word, kind, rank=0) for word, kind in literals.keys_after_bracket(result, start, resolve)]
    first += [Match(name + "=", "param", rank=0) for name in _keywords(result, start, bound, resolve)]
    return Found(start, _select(first, prefix) + _names(prefix, namespace, bound))


class _Resolver:
    """Resolves the chain that ends at a position of a scan, against one session and one cell."""

    __slots__ = ("bound", "namespace")

    def __init__(self, namespace: Mapping[str, object], bound: Mapping[str, cell.Binding]) -> None:
        self.namespace = namespace
        self.bound = bound

    def __call__(self, result: Scan, end: int) -> objects.Ref | None:
        chain = text.chain_before(result, end)
        return None if chain is None else live.resolve(chain[1], self.namespace, self.bound)


def _select(matches: list[Match], prefix: str) -> list[Match]:
    return [match for match in matches if match.text.startswith(prefix)]


def _starting(names: Iterable[str], prefix: str) -> list[str]:
    """Names that start with the prefix; if none does, those that do when case is ignored."""
    all_names = list(names)
    exact = [name for name in all_names if name.startswith(prefix)]
    if exact or not prefix:
        return exact
    folded = prefix.lower()
    return [name for name in all_names if name.lower().startswith(folded)]


def _order(name: str) -> tuple[int, str, str]:
    rank = 2 if name.startswith("__") else 1 if name.startswith("_") else 0
    return rank, name.lower(), name


def _chosen(names: Iterable[str], prefix: str) -> list[str]:
    """The names of a reply in its order, no more than it may hold, before anything is looked up for them."""
    found = set(_starting(names, prefix))
    if len(found) <= MATCH_LIMIT:
        return sorted(found, key=_order)
    # One sort of 100,000 names in C would hold the GIL too long, and one with a key in Python takes 0.2 s.
    import heapq

    special = {name for name in found if name.startswith("__")}
    private = {name for name in found - special if name.startswith("_")}
    chosen: list[str] = []
    for group in (found - private - special, private, special):
        chosen += heapq.nsmallest(MATCH_LIMIT - len(chosen), group, key=_order)
    return chosen


def _names(prefix: str, namespace: Mapping[str, object], bound: Mapping[str, cell.Binding]) -> list[Match]:
    """Plain names: the session's, the cell's, the builtins and the keywords."""
    native = vars(builtins)
    words = {*keyword.kwlist, *_SOFT_KEYWORDS}
    signatures = _Signatures()
    matches: list[Match] = []
    for name in _chosen([*objects.keys(namespace), *bound, *native, *words], prefix):
        value = namespace.get(name, objects.MISSING)
        if name in bound and (value is objects.MISSING or bound[name].local):
            params = bound[name].params
            matches.append(Match(name, bound[name].kind, "" if params is None else f"({', '.join(params)})"))
            continue
        if name in words and value is objects.MISSING and name not in native:
            matches.append(Match(name, "keyword"))
            continue
        value = native.get(name, objects.MISSING) if value is objects.MISSING else value
        if value is objects.MISSING:
            continue  # Deleted since the names were listed.
        kind = objects.type_word(value)
        matches.append(Match(name, kind, signatures.of(kind, value)))
    return matches


def _attributes(
    result: Scan, dot: int, prefix: str, resolve: _Resolver, namespace: Mapping[str, object]
) -> list[Match]:
    """What can follow the dot at `dot`."""
    ref = resolve(result, dot)
    names = _chosen((name for name in objects.names(ref) if name.isidentifier()), prefix) if ref else []
    if ref is None or not names:
        return _by_jedi(result.code, result.end, result.end - len(prefix), namespace)
    signatures = _Signatures()
    matches: list[Match] = []
    bound = ref.value is objects.MISSING or objects.type_word(ref.value) not in ("module", "class")
    for name in names:
        kind, entry = objects.member(ref, name)
        matches.append(Match(name, kind, signatures.of(kind, entry, bound=bound)))
    return matches


def _by_jedi(code: str, pos: int, start: int, namespace: Mapping[str, object]) -> list[Match]:
    from holdfast.language import analysis

    prefix = code[start:pos].lower()
    found = analysis.completions(code, pos, namespace, MATCH_LIMIT)
    matches = [Match(word, kind) for word, kind in found if word.lower().startswith(prefix)]
    exact = _select(matches, code[start:pos])
    return sorted(exact or matches, key=lambda match: _order(match.text))


class _Signatures:
    """Gives the first functions of a reply their signature, and the rest none."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _SIGNATURE_LIMIT

    def of(self, kind: str, value: object, *, bound: bool = False) -> str:
        if kind != "function" or self.left <= 0 or value is objects.MISSING:
            return ""
        self.left -= 1
        method = bound and not isinstance(value, staticmethod)
        found = brief.signature(value, bound=method)
        return "" if found is None else found.format(annotations=False)


def _keywords(result: Scan, start: int, bound: Mapping[str, cell.Binding], resolve: _Resolver) -> list[str]:
    """The parameters that may be named at `start`, if that is where an argument of a call starts."""
    brackets = result.brackets
    if not brackets or brackets[-1].kind != "(":
        return []
    opened = brackets[-1].pos
    before = result.code[opened + 1 : start].rstrip()
    if before and before[-1] not in ",(":
        return []
    chain = text.chain_before(result, opened)
    if chain is None or result.code[:opened].rstrip() != result.code[:opened]:
        return []
    given = set(literals.given_keywords(result, opened, start))
    first = bound.get(chain[1][0].text)
    if len(chain[1]) == 1 and first is not None and first.params is not None:
        names = first.params
    else:
        ref = resolve(result, opened)
        found = None
        if ref is not None and ref.value is not objects.MISSING:
            found = brief.signature(ref.value, bound=ref.receiver is not None)
        names = [] if found is None else brief.keyword_names(found)
    return [name for name in names if name not in given]


def _reply(found: Found, cut: int, cursor_pos: int) -> dict[str, object]:
    start = found.start + cut
    matches: list[str] = []
    types: list[dict[str, object]] = []
    seen: set[str] = set()
    for match in sorted(found.matches, key=lambda match: match.rank):
        if match.text in seen or not _encodable(match.text) or len(matches) >= MATCH_LIMIT:
            continue
        seen.add(match.text)
        matches.append(match.text)
        types.append(
            {
                "start": start,
                "end": cursor_pos,
                "text": match.text,
                "type": match.kind,
                "signature": match.signature if _encodable(match.signature) else "",
            }
        )
    return {
        "status": "ok",
        "matches": matches,
        "cursor_start": start,
        "cursor_end": cursor_pos,
        "metadata": {"_jupyter_types_experimental": types},
    }


def _encodable(word: str) -> bool:
    """Whether the word can travel as UTF-8: a file name may hold lone surrogates."""
    if word.isascii():
        return True
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
