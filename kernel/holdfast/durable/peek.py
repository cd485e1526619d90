"""What a stored value looks like, in a few words, without making it.

It must never run anything that a stream names: no class is imported, no function called, no buffer read.  So it also
works where the libraries are missing, and on what no longer can be loaded.
"""

from __future__ import annotations

import builtins
import collections
import datetime as dt
import decimal
import reprlib
from typing import Any, Self, cast

from holdfast.durable.components import name_of
from holdfast.durable.pickling.answers import Answers
from holdfast.durable.pickling.unpickler import Unpickler
from holdfast.durable.store.port import Buffer, Head, Record, Records
from holdfast.durable.tables import size_text

#: Bytes of a stream that is looked into; of a longer one its size is told.
LONGEST = 1 << 20
#: Characters of a value.
SHOWN = 48
#: What may be made: immutable or plain, and of the standard library.
_REAL: dict[tuple[str, str], object] = {
    (module.__name__, name): getattr(module, name)
    for module, names in (
        (builtins, "set frozenset bytearray complex range slice"),
        (dt, "date datetime time timedelta timezone"),
        (decimal, "Decimal"),
        (collections, "deque OrderedDict"),
    )
    for name in names.split()
}


class Thing:
    """Stands for an instance of whatever a stream names; keeps what it would be made of."""

    word = "object"
    home = ""
    args: tuple[object, ...] = ()
    state: object = None

    def __new__(cls, *args: object, **_: object) -> Self:
        made = object.__new__(cls)
        made.args = args
        return made

    def __init__(self, *_: object, **__: object) -> None:
        """Nothing is made."""

    def __setstate__(self, state: object) -> None:
        self.state = state

    def append(self, item: object) -> None:
        """Contents are not looked into."""

    def extend(self, items: object) -> None:
        """Contents are not looked into."""

    def __setitem__(self, key: object, value: object) -> None:
        """Contents are not looked into."""

    def __repr__(self) -> str:
        return _thing(self)


def _thing(one: Thing) -> str:
    if one.word in ("owned", "view", "tiny") and one.home == "holdfast.durable.reducers.arrays":
        kind = next((arg for arg in one.args if isinstance(arg, Thing) and arg.word == "dtype"), None)
        shape = next((arg for arg in one.args[2:] if isinstance(arg, tuple)), ())
        return f"array {kind.args[0] if kind is not None and kind.args else '?'} {shape}"
    if one.word == "member_of" and len(one.args) == 2:
        return f"{getattr(one.args[0], 'word', '?')}.{one.args[1]}"
    state = one.state[0] if isinstance(one.state, tuple) and one.state else one.state
    if one.home == "" and isinstance(state, dict):
        return f"{one.word}({', '.join(f'{name}={_SHORT.repr(value)}' for name, value in list(state.items())[:4])})"
    return one.word


class _Kind(type):
    """Shows a class that stands for one as what it stands for."""

    def __repr__(cls) -> str:
        return cls.word if cls.home else f"class {cls.word}"  # type: ignore[attr-defined]


def _kind(home: str, word: str) -> type:
    return cast("type", _Kind(word or "?", (Thing,), {"word": word, "home": home}))


class _Named:
    """Something that is called what it is called."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class _Answers(Answers):
    """Answers that are only words."""

    def __init__(self, peek: Peek) -> None:
        super().__init__(cast("Any", self))
        self._peek = peek

    def memo(self) -> dict[int, object]:
        """See `Answers`."""
        lost, same = (lambda index: _Named("lost")), (lambda data: data)
        answers = (_Named("globals()"), self._peek.definition, self.resolve, self.resolve, lost, same, self.module)
        return dict(enumerate(answers))

    @staticmethod
    def resolve(*key: object) -> object:
        """Something that is stored elsewhere."""
        return _Named("…")

    @staticmethod
    def module(name: object) -> object:
        """A module."""
        return _Named(f"module {name}")


class _Peeking(Unpickler):
    """An unpickler that makes nothing."""

    def find_class(self, module: str, name: str) -> Any:
        """What may be made, or what stands for it."""
        return _REAL.get((module, name)) or _kind(module, name.rpartition(".")[2])


class Peek:
    """Looks at the values of one state of a session."""

    def __init__(self, store: Records, head: Head) -> None:
        self._store = store
        self.head = head
        self._texts: dict[int, dict[str, str]] = {}
        self._definitions: dict[str, object] = {}
        #: Tokens that the values looked at lead to, by version.
        self.tokens: dict[int, set[str]] = {}
        self._reading: set[str] = set()

    def text(self, name: str, key: str) -> str:
        """The value of a variable, shortened."""
        version = self.head.names.get(key)
        if version is None:
            return ""
        if version not in self._texts:
            self._texts[version] = self._look(version)
        return self._texts[version].get(key, "?")

    def _look(self, version: int) -> dict[str, str]:
        try:
            record = self._store.record(version)
        except Exception as error:
            keys = [key for key, its in self.head.names.items() if its == version]
            return dict.fromkeys(keys, f"lost: {error}")
        if len(record.stream) > LONGEST or not record.stream:
            size = len(record.stream) + sum(buffer.size for buffer in record.buffers)
            return {key: size_text(size) for key, its in self.head.names.items() if its == version}
        outer, self._reading = self._reading, set()
        try:
            unpickler = self._unpickler(record)
            names = unpickler.load()
            found = {name: short(unpickler.load()[0]) for name in names}
            return found | self._lost(found, unpickler.load())
        except Exception:
            return {key: "?" for key, its in self.head.names.items() if its == version}
        finally:
            self.tokens[version], self._reading = self._reading, outer

    @staticmethod
    def _lost(found: dict[str, str], table: Any) -> dict[str, str]:
        """Those that are lost as a whole, with the reason."""
        reasons = {path: reason for path, _, reason, _ in table}
        return {key: f"lost: {reasons[name]}" for key in found if (name := name_of(key)) in reasons}

    def _unpickler(self, record: Record) -> Any:
        return _Peeking(record.stream, [memoryview(b"")] * len(record.buffers), _Answers(self))

    def definition(self, token: str) -> object:
        """What stands for a function or class of the notebook."""
        self._reading.add(token)
        if token not in self._definitions:
            self._definitions[token] = _Named("a function or class")
            try:
                made = self._unpickler(self._store.record(self.head.tokens[token])).load()
                if made[0] == "class":
                    self._definitions[token] = _kind("", str(made[2]))
                else:
                    self._definitions[token] = _Named(f"function {made[4]}")
            except Exception:
                return self._definitions[token]
        return self._definitions[token]


class _Short(reprlib.Repr):
    """Of containers the first items, of text the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = SHOWN
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 5


_SHORT = _Short()


def short(value: object) -> str:
    """A value in at most `SHOWN` characters."""
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def changed_part(one: tuple[Buffer, ...], other: tuple[Buffer, ...]) -> str:
    """How much of large buffers of equal sizes differs, in words; "" where that says nothing."""
    if not one or [buffer.size for buffer in one] != [buffer.size for buffer in other]:
        return ""
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(a.chunks, b.chunks, strict=True)]
    return f"{sum(a != b for a, b in pairs)} of {len(pairs)} MiB differ"
