"""Completions that depend on where in the text the cursor is: keys of a mapping, paths, imports.

Must never read more of a folder or of a mapping than a reply can show, nor open a file.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from holdfast.language import modules, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.language.objects import Ref
    from holdfast.language.text import OpenString, Scan

    type Resolve = Callable[[Scan, int], Ref | None]

type Item = tuple[str, str]
"""A completion and its type word."""

_LIMIT = 2_000
_SCAN_LIMIT = 20_000  # directory entries
_PATH_LIMIT = 4_096  # characters of a string that may still be a path
_IMPORT = re.compile(r"(?:^|[:;]\s*)import\s+([^()]*)\Z", re.S)
_FROM = re.compile(r"(?:^|[:;]\s*)from\s+([.\w]*)\Z")
_FROM_IMPORT = re.compile(r"(?:^|[:;]\s*)from\s+([.\w]+)\s+import\b\s*\(?(.*)\Z", re.S)
_GIVEN = re.compile(r"\b([^\W\d]\w*+)\s*+=(?!=)")


# ---------------------------------------------------------------------------------------------------------
# Inside a string


def in_string(result: Scan, resolve: Resolve) -> tuple[int, list[Item]]:
    """(start, completions) for a cursor inside a string literal: keys after `d[`, else paths."""
    string = result.string
    assert string is not None
    before = result.code[: string.start].rstrip()
    if before.endswith("[") and result.brackets and result.brackets[-1].pos == len(before) - 1:
        ref = resolve(result, len(before) - 1)
        if ref is not None:
            return string.body, [(word, "instance") for word in _quoted(result, string, keys(ref))]
    return _paths(result, string)


def keys(ref: Ref) -> list[object]:
    """The keys of a mapping or the columns of a frame, without running an `__iter__` of the user's."""
    value = ref.value
    if value is objects.MISSING:
        return []
    if objects.is_frame(ref.of):
        return list(objects.columns(ref))
    if issubclass(ref.of, dict) and objects.find(ref.of, "__iter__")[1] in (dict, _ordered()):
        for _ in range(10):
            try:
                return list(dict.keys(value))  # type: ignore[arg-type]
            except RuntimeError:
                continue
        return []
    if objects.find(ref.of, "_ipython_key_completions_")[1] is not None:
        # Written for no other purpose than to answer this.
        try:
            return list(value._ipython_key_completions_())  # type: ignore[attr-defined]
        except BaseException:  # The user's code on a pool thread: whatever it raises is not meant for us.
            return []
    fields = objects.attribute(ref, "dtype")
    named = None if fields is None else objects.attribute(fields, "names")
    return list(named.value) if named is not None and type(named.value) is tuple else []


def _ordered() -> type:
    from collections import OrderedDict

    return OrderedDict


def _quoted(result: Scan, string: OpenString, candidates: list[object]) -> list[str]:
    """The keys as they are written in the literal that is open, with what is missing after them."""
    typed = result.code[string.body : result.end]
    wanted = bytes if "b" in string.prefix else str
    after = result.code[result.end : result.end + 4]
    tail = ""
    if not after.startswith(string.quote):
        tail = string.quote + ("" if after.startswith("]") else "]")
    elif not after[len(string.quote) :].startswith("]"):
        tail = ""  # The quote is there already; what follows it is the user's.
    found: list[str] = []
    for key in candidates:
        if type(key) is not wanted:
            continue
        word = written(key.decode("latin-1") if isinstance(key, bytes) else str(key), string)
        if word is not None and word.startswith(typed):
            found.append(word + tail)
        if len(found) >= _LIMIT:
            break
    return found


def written(key: str, string: OpenString) -> str | None:
    """The body of a literal with the open one's prefix and quote that means `key`, or None."""
    if "f" in string.prefix:
        key = key.replace("{", "{{").replace("}", "}}")
    if "r" in string.prefix:
        fits = string.quote not in key and "\n" not in key and not key.endswith("\\")
        return key if fits else None
    out = key.replace("\\", "\\\\").replace(string.quote[0], "\\" + string.quote[0])
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in out)


def keys_after_bracket(result: Scan, start: int, resolve: Resolve) -> list[Item]:
    """String keys, quoted, for a cursor straight after the bracket of `d[`."""
    brackets = result.brackets
    if not brackets or brackets[-1].kind != "[" or brackets[-1].pos != start - 1 or start != result.end:
        return []
    ref = resolve(result, start - 1)
    found = [] if ref is None else keys(ref)
    return [('"' + _escape(key) + '"', "instance") for key in found[:_LIMIT] if type(key) is str]


def _escape(key: str) -> str:
    out = key.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in out)


def _paths(result: Scan, string: OpenString) -> tuple[int, list[Item]]:
    """Files and folders for a string that looks like a path: one with a separator, or a call's argument."""
    typed = result.code[string.body : result.end]
    raw = "r" in string.prefix
    path = typed if raw else re.sub(r"\\(['\"\\])", r"\1", typed)
    folder, _, stem = path.rpartition("/")
    argument = bool(result.brackets) and result.brackets[-1].kind == "(" and bool(path)
    looks = "/" in path or path.startswith(("~", ".")) or argument
    if not looks or len(path) > _PATH_LIMIT or "\n" in path or "\0" in path or "://" in path:
        return result.end, []
    if "b" in string.prefix or ("f" in string.prefix and "{" in path):
        return result.end, []
    if path == "~":
        return result.end, [("~/", "path")]
    start = string.body + typed.rfind("/") + 1
    where = os.path.expanduser(folder + "/") if "/" in path else os.curdir
    items: list[Item] = []
    for name in entries(where, stem):
        word = written(name, string)
        if word is not None:
            items.append((word, "path"))
    return start, sorted(items)


def entries(folder: str, stem: str) -> Iterator[str]:
    """Names in a folder that start with `stem`, folders with a slash; hidden ones only if asked for."""
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= _SCAN_LIMIT:
                    return
                name = entry.name
                if name.startswith(stem) and (not name.startswith(".") or stem.startswith(".")):
                    yield name + "/" if entry.is_dir() else name
    except (OSError, ValueError):
        return


# ---------------------------------------------------------------------------------------------------------
# Import statements and calls


def in_import(result: Scan, start: int) -> tuple[list[Item], bool] | None:
    """Completions inside an import statement and whether only its source could tell; None outside of one."""
    code = result.code
    words = code[result.statement : result.end].lstrip()
    found = _FROM_IMPORT.search(words)
    if found:
        return _from(found.group(1), code[start : result.end], found.group(2))
    found = _FROM.search(words)
    if found:
        return _dotted(found.group(1)), False
    if re.search(r"(?:^|[:;]\s*)from\s+[.\w]+\s+\w*\Z", words):
        return [("import", "keyword")], False
    found = _IMPORT.search(words)
    if found is None:
        return None
    name = re.split(r",\s*", found.group(1))[-1]
    if re.fullmatch(r"[.\w]*", name):
        return _dotted(name), False
    return ([] if re.search(r"\sas\s", name) else [("as", "keyword")]), False


def _dotted(name: str) -> list[Item]:
    package, _, prefix = name.rpartition(".")
    if not package:
        found = modules.top_level(prefix) if not name.startswith(".") else []
    else:
        found = modules.submodules(package, prefix)
    return _sorted([(word, "module") for word in found])


def _from(module: str, prefix: str, listed: str) -> tuple[list[Item], bool]:
    """What `from module import ` can take: names of the module if it is loaded, and its submodules."""
    import sys

    if re.search(r"\bas\s+\w*\Z", listed) or module.startswith("."):
        return [], False
    items = [(word, "module") for word in modules.submodules(module, prefix)]
    loaded = sys.modules.get(module)
    if loaded is None:
        return items, True
    ref = objects.Ref(loaded)
    names = (name for name in objects.names(ref) if name.startswith(prefix))
    items.extend((name, objects.member(ref, name)[0]) for name in names)
    return _sorted(items), False


def _sorted(items: list[Item]) -> list[Item]:
    def order(item: Item) -> tuple[int, str]:
        word = item[0]
        return (2 if word.startswith("__") else 1 if word.startswith("_") else 0, word.lower())

    return sorted(dict(items).items(), key=order)


def given_keywords(result: Scan, opened: int, end: int) -> list[str]:
    """The keyword arguments already written between the bracket at `opened` and `end`."""
    return _GIVEN.findall(result.code[opened + 1 : end])
