"""Values through streams into another process, without a graph or a store.

It must never help a stream: the process that loads has nothing but the bytes.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import types
from collections.abc import Sequence
from typing import NamedTuple

from holdfast.durable.definitions import is_definition
from holdfast.durable.pickling import pickler, unpickler
from holdfast.durable.pickling.lost import Lost, Pickled

Bytes = tuple[bytes, list[bytes]]


class Saving:
    """A world that numbers definitions and cells as it meets them."""

    def __init__(self, namespace: dict[str, object]) -> None:
        self.namespace = namespace
        self.shared: dict[int, str] = {}
        self.definitions: list[object] = []
        self.cells: list[types.CellType] = []

    def token(self, definition: object) -> str | None:
        """See the protocol."""
        if not is_definition(definition):
            return None
        return f"t{_place(self.definitions, definition)}"

    def definition(self, token: str) -> object:
        """See the protocol."""
        return self.definitions[int(token[1:])]

    def reference(self, obj: object) -> str | None:
        """See the protocol."""
        return f"@c{_place(self.cells, obj)}" if isinstance(obj, types.CellType) else self.shared.get(id(obj))

    def resolve(self, reference: str) -> object:
        """Only loading resolves."""
        raise LookupError(reference)

    def missed(self, lost: Sequence[Lost]) -> None:
        """Only loading misses."""


def _place(known: list[object] | list[types.CellType], obj: object) -> int:
    for i, one in enumerate(known):
        if one is obj:
            return i
    known.append(obj)  # type: ignore[arg-type]
    return len(known) - 1


class Loading:
    """A world made of streams alone."""

    def __init__(self, namespace: dict[str, object], definitions: list[Bytes], cells: list[Bytes]) -> None:
        self.namespace = namespace
        self._definitions, self._streams = definitions, cells
        self._made: dict[str, object] = {}
        self._filled: set[str] = set()
        #: What placeholders were put for.
        self.lost: list[Lost] = []

    def missed(self, lost: Sequence[Lost]) -> None:
        """See the protocol."""
        self.lost += lost

    def token(self, definition: object) -> str | None:
        """Only saving asks."""
        return None

    def reference(self, obj: object) -> str | None:
        """Only saving asks."""
        return None

    def definition(self, token: str) -> object:
        """Skeleton, then state."""
        stream, buffers = self._definitions[int(token[1:])]
        if token not in self._made:
            self._made.setdefault(token, unpickler.skeleton(stream, list(map(writable, buffers)), self))
        if token not in self._filled:
            self._filled.add(token)
            unpickler.fill(self._made[token], stream, list(map(writable, buffers)), self)
        return self._made[token]

    def resolve(self, reference: str) -> object:
        """A closure cell."""
        if reference not in self._made:
            cell = self._made[reference] = types.CellType()
            stream, buffers = self._streams[int(reference[2:])]
            if stream:
                cell.cell_contents = unpickler.load(stream, list(map(writable, buffers)), self)["cell"]
        return self._made[reference]


def writable(data: bytes) -> memoryview:
    """A buffer as the store gives it."""
    return memoryview(bytearray(data))


class Saved(NamedTuple):
    """A namespace as streams."""

    values: Bytes
    definitions: list[Bytes]
    cells: list[Bytes]
    lost: tuple[Lost, ...]
    reopened: tuple[Lost, ...]


def _bytes(pickled: Pickled) -> Bytes:
    return pickled.stream, [bytes(buffer) for buffer in pickled.buffers]


def run(code: str) -> dict[str, object]:
    """A fresh `__main__` in which `code` has run."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    exec(compile(code, "<cell>", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def save(namespace: dict[str, object]) -> Saved:
    """Every variable in one stream, with all definitions and cells that it leads to."""
    world = Saving(namespace)
    values = {name: value for name, value in namespace.items() if not name.startswith("__")}
    whole = pickler.dump(values, world)
    definitions: list[Bytes] = []
    cells: list[Bytes] = []
    lost = list(whole.lost)
    while len(definitions) < len(world.definitions) or len(cells) < len(world.cells):
        if len(definitions) < len(world.definitions):
            one = pickler.dump_definition(world.definitions[len(definitions)], world)
            definitions.append(_bytes(one))
        else:
            try:
                one = pickler.dump({"cell": world.cells[len(cells)].cell_contents}, world)
                cells.append(_bytes(one))
            except ValueError:
                cells.append((b"", []))
                continue
        lost += one.lost
    return Saved(_bytes(whole), definitions, cells, tuple(lost), whole.reopened)


def restore(saved: Saved) -> dict[str, object]:
    """The namespace again, in this process."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    world = Loading(module.__dict__, saved.definitions, saved.cells)
    stream, buffers = saved.values
    module.__dict__.update(unpickler.load(stream, list(map(writable, buffers)), world))
    return module.__dict__


def elsewhere(cases: Sequence[tuple[Saved, str]]) -> list[str]:
    """For each case, restored in one fresh interpreter: "" if the expression is true there, else what it was."""
    plain = [(tuple(saved[:3]), expression) for saved, expression in cases]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from helpers import streams; streams.serve()"],
        input=pickle.dumps(plain), capture_output=True, check=False, env=_environment(), timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    result: list[str] = pickle.loads(done.stdout)
    return result


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def serve() -> None:
    """The other side of `elsewhere`."""
    answers = []
    for (values, definitions, cells), expression in pickle.load(sys.stdin.buffer):
        try:
            namespace = restore(Saved(values, definitions, cells, (), ()))
            found = eval(expression, namespace)
            shown = {name: value for name, value in namespace.items() if name[0] != "_"}
            answers.append("" if found else f"{found!r}: {shown!r}"[:2000])
        except Exception as error:
            import traceback

            answers.append("".join(traceback.format_exception(error)))
    sys.stdout.buffer.write(pickle.dumps(answers))
