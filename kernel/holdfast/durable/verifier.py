"""Checks of what a restore mapped without reading it, and what follows when its bytes are not what was written.

It must never let a value stand that holds wrong bytes once they are known to be wrong, nor any name that shows it.

A buffer that a restore reads is verified as it is read.  One that it maps is verified by a thread of its own, which
only reads the disk and hashes; what it finds is acted upon on the main thread, between two cells (DESIGN 5.8).

Rejected: verifying before the first cell (0.5 s per GB, for a fault that next to no session has), and verifying a
page when it is touched (that is the file system's to do).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from holdfast.durable.audit import Keeper
from holdfast.durable.components import Component, name_of
from holdfast.durable.roots import ABSENT, LAST
from holdfast.durable.store.port import CHUNK, MAPPED, Buffer
from holdfast.errors import StoreError
from holdfast.threads import OwnThread

REASON = "its bytes on the disk are not what was written"


class Verifier:
    """Verifies what is mapped beside the cells, in the store of a keeper that was restored.

    `later` has a function called on the main thread, between two cells; `tell` shows the user a sentence.
    """

    def __init__(
        self,
        keeper: Keeper,
        lost: Callable[[str, str, str, int], object],
        later: Callable[[Callable[[], None]], object],
        tell: Callable[[str], None],
    ) -> None:
        self._keeper = keeper
        self._lost = lost
        self._later = later
        self._tell = tell
        self._over = False

    def start(self, components: Iterable[Component] | None = None) -> None:
        """Begin with these components (all that there are), if there is anything to verify."""
        found = self._keeper.index.components() if components is None else components
        buffers = list(dict.fromkeys(one for component in found for one in component.buffers if one.size >= MAPPED))
        if buffers:
            OwnThread(target=self._run, args=(buffers,), name="holdfast-verifier", daemon=True).start()

    def stop(self) -> None:
        """End after the buffer at hand."""
        self._over = True

    def _run(self, buffers: Sequence[Buffer]) -> None:
        store, bad = self._keeper.store, set[bytes]()
        try:
            for buffer in buffers:
                if self._over:
                    return
                if not store.verify(buffer):
                    bad.update(digest for digest, one in _chunks(buffer) if not store.verify(one))
        except StoreError:
            return  # it was closed meanwhile
        if bad:
            self._later(lambda: self._act(frozenset(bad)))

    def _act(self, bad: frozenset[bytes]) -> None:
        if not self._over:
            names = ", ".join(withdraw(self._keeper, bad, self._lost))
            self._tell(f"lost: {names} ({REASON}); what cells computed from it since the restore may be wrong")


def _chunks(buffer: Buffer) -> list[tuple[bytes, Buffer]]:
    last = len(buffer.chunks) - 1
    sizes = [CHUNK] * last + [buffer.size - last * CHUNK]
    return [(digest, Buffer(size, (digest,))) for digest, size in zip(buffer.chunks, sizes, strict=True)]


def withdraw(keeper: Keeper, bad: frozenset[bytes], lost: Callable[[str, str, str, int], object]) -> list[str]:
    """Put a placeholder in the place of every value that holds one of these chunks, or refers to one that does.

    Returns the variables, as people know them.  On the main thread, between two cells.
    """
    index = keeper.index
    with keeper.namespace.lock:
        components = {c for c in index.components() if any(not bad.isdisjoint(b.chunks) for b in c.buffers)}
        while True:
            keys = frozenset(key for component in components for key in component.keys)
            values = {id(value) for key in keys if (value := keeper.roots.value(key)) is not ABSENT}
            more = {
                component
                for component in index.components() - components
                if not component.children.isdisjoint(keys)
                or any(id(keeper.roots.value(key)) in values for key in component.roots)
            }
            if not more:
                break
            components |= more
        names: set[str] = set()
        for component in components:
            names.update(_replace(keeper, component, lost))
            # The same value, should it come again, is not what the store has.
            component.digest, component.buffers, component.prints = b"", (), ()
        keeper._scan = True  # with the next commit the store follows
    return sorted(names)


def _replace(keeper: Keeper, component: Component, lost: Callable[[str, str, str, int], object]) -> list[str]:
    namespace, names = keeper.namespace, []
    for key in component.roots:
        name = name_of(key)
        placeholder = lost(name or key, "value", REASON, component.cell)
        if name is not None:
            namespace.dict[name] = placeholder
            names.append(name)
        elif key.startswith("@c"):
            cell = keeper.definitions.cells.get(key)
            if cell is not None:
                cell.cell_contents = placeholder
        elif key.startswith("@r"):
            names += _replace_result(keeper, key, placeholder)
    return names


def _replace_result(keeper: Keeper, key: str, placeholder: object) -> list[str]:
    """The entries of `Out` that show a result, and the names that reflect them."""
    namespace, old = keeper.namespace, keeper.roots.value(key)
    ns, results = namespace.dict, namespace.results
    numbers = [number for number, value in results.out.items() if value is old]
    for number in numbers:
        results.out[number] = placeholder
    for name in (*LAST, *(f"_{number}" for number in numbers)):
        if results.bound.get(name) is old:
            results.bound[name] = placeholder
        if ns.get(name) is old:
            ns[name] = placeholder
    return [f"Out[{number}]" for number in numbers]
