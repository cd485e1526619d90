"""What a stream is made for and what it could not keep: the words that picklers, reducers and commits share.

A placeholder must never look like a value: whoever uses it is told what was lost, why, and what to do.

Rejected: `None` or the source text in the place of what is lost (a program goes on with it, silently wrong); an
`AttributeError` for public names (`getattr(x, "rows", 0)` would hide the loss).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

import msgspec

from holdfast.durable.store.port import CHUNK
from holdfast.errors import CellError


class World(Protocol):
    """What a stream refers to instead of copying (implemented by the graph).

    `versions` and `met`, where an implementation has them, take what is done about streams of other versions (`met` is
    None for one of the same versions).
    `put`, where an implementation has it, takes each full MiB of a stream and gives its digest.
    `shared`, where an implementation has it, is empty when `reference` knows of nothing but closure cells: then
    exact built-in containers are pickled without asking.
    """

    namespace: dict[str, object]

    def token(self, definition: object) -> str | None:
        """The token of a function or class of the notebook; None for one that can be imported."""

    def definition(self, token: str) -> object:
        """The live function or class of a token."""

    def reference(self, obj: object) -> str | None:
        """The key of an object that another stream owns."""

    def resolve(self, reference: str) -> object:
        """The object of such a key."""

    def missed(self, lost: Sequence[Lost]) -> None:
        """Told, at the end of a load, what was stored and could not be loaded."""


class Lost(msgspec.Struct, frozen=True):
    """A part that was not kept (or was reopened): where (`x['a'].conn`), what, why."""

    path: str
    kind: str
    reason: str


class Pickled(msgspec.Struct, frozen=True):
    """A stream and what belongs to it.

    `buffers` are live, C-contiguous views of 64 KiB or more; `tokens` the definitions that it refers to; `modules`
    top-level modules with their versions where known; `reopened` what will be opened again rather than copied.
    `lead` are the digests of the full MiB of the stream that the world's `put` has taken, before `stream`.
    """

    stream: bytes
    buffers: tuple[memoryview, ...] = ()
    tokens: frozenset[str] = frozenset()
    modules: Mapping[str, str] = {}
    lost: tuple[Lost, ...] = ()
    reopened: tuple[Lost, ...] = ()
    lead: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the whole stream."""
        return len(self.lead) * CHUNK + len(self.stream)


class Unkeepable(Exception):
    """A reducer's answer for what cannot come back; its text is the reason that the user reads."""


class LostValueError(CellError):
    """A value that was lost with the process before this one was used."""

    def __init__(self, name: str, kind: str, reason: str, cell: int) -> None:
        super().__init__(name, kind, reason, cell)
        self.name = name
        self.kind = kind
        self.reason = reason
        self.cell = cell

    def __str__(self) -> str:
        where = f" (as of cell {self.cell})" if self.cell else ""
        what = f"{self.name}, a {self.kind}, could not be kept{where}: {self.reason}"
        return f"{what}; run the cell that made it again, or delete it"


def _refuse(self: LostValue, *_: object, **__: object) -> NoReturn:
    raise LostValueError(*fields(self))


class LostValue:
    """Stands where a value was that could not be kept.

    Its own text, identity, hash and pickle are safe; everything else raises LostValueError.  Names that begin with
    an underscore are what displays and inspections ask for: they are not there, as with any object.
    """

    __slots__ = ("_fields", "__weakref__")

    def __init__(self, name: str, kind: str, reason: str, cell: int = 0) -> None:
        object.__setattr__(self, "_fields", (name, kind, reason, cell))

    def __repr__(self) -> str:
        name, kind, reason, _ = fields(self)
        return f"<LostValue {name}: {kind}: {reason}>"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), fields(self)

    def __copy__(self) -> LostValue:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> LostValue:
        return self

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise LostValueError(*fields(self))

    __setattr__ = __delattr__ = _refuse
    __call__ = __getitem__ = __setitem__ = __delitem__ = __iter__ = __next__ = __len__ = __contains__ = _refuse
    __bool__ = __int__ = __float__ = __complex__ = __index__ = __enter__ = __exit__ = __await__ = __aiter__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __pos__ = __abs__ = __invert__ = __round__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rshift__ = _refuse


def fields(lost: LostValue) -> tuple[str, str, str, int]:
    """(name, kind, reason, cell) of a placeholder."""
    found = object.__getattribute__(lost, "_fields")
    assert isinstance(found, tuple)
    return found


def rename(lost: LostValue, name: str) -> None:
    """Call a placeholder what the user calls it, once that is known."""
    object.__setattr__(lost, "_fields", (name, *fields(lost)[1:]))


def words(error: BaseException) -> str:
    """An exception as a reason: one line, its class only where the text says nothing without it."""
    text = " ".join(str(error).split())
    if isinstance(error, TypeError | Unkeepable) and text:
        return text[:300]
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__
