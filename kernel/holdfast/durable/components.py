"""What is stored together, and who holds which object.

It must never take an id for an object: an id found here only says which component to walk again.

A *root* is what has a key of its own in the manifest: a variable (its name), a closure cell (`@c3`), a result of
`Out` (`@r7`), a large value of a hub (`@k5`), the surroundings (`@aplace`), a mutable object that a definition shares
with others (`@h2`, a *hoist*).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from holdfast.durable.store.port import Buffer

if TYPE_CHECKING:
    from holdfast.durable.spared import Place


def key_of(name: str) -> str:
    """The manifest key of a variable; a name that looks like one of ours, or is no valid text, is escaped."""
    if name.isascii() and not name.startswith("@"):
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        pass
    else:
        if not name.startswith("@"):
            return name
    return "@n" + name.encode("unicode_escape").decode("ascii")


def name_of(key: str) -> str | None:
    """The variable of a manifest key, or None."""
    if not key.startswith("@"):
        return key
    return key[2:].encode("ascii").decode("unicode_escape") if key.startswith("@n") else None


class Component:
    """One stored state of the roots in it."""

    __slots__ = (
        "version", "roots", "hoists", "tokens", "ids", "digest", "buffers", "prints", "seconds", "cell", "lost",
        "modules", "size", "pinned", "audited", "bound", "refers", "children", "reopened", "leads", "places",
    )  # fmt: skip

    def __init__(self, version: int, roots: Iterable[str]) -> None:
        self.version = version
        #: Keys that the walk starts from: variables, cells, results.
        self.roots = frozenset(roots)
        #: Id of a hoisted object to its key.
        self.hoists: dict[int, str] = {}
        #: Definitions whose state shares objects with it.
        self.tokens: frozenset[str] = frozenset()
        #: Definitions that it refers to; not known after a restore until it is looked at.
        self.refers: frozenset[str] = frozenset()
        #: Roots that its generators, threads and the like led to.
        self.leads: frozenset[str] = frozenset()
        #: Keys of the large values that its hubs refer to.
        self.children: frozenset[str] = frozenset()
        #: Ids of its mutable objects; not yet known after a restore.
        self.ids: array[int] | None = None
        self.digest = b""
        #: Buffers as stored, and the fingerprints (16 bytes per chunk) they had.
        self.buffers: tuple[Buffer, ...] = ()
        self.prints: tuple[bytes, ...] = ()
        #: Where the buffers lay when they had these fingerprints (see `spared`); empty where that is not known.
        self.places: tuple[Place | None, ...] = ()
        #: Bytes of its stream and buffers.
        self.size = 0
        #: The value of its one root where that is a number or a short text: the same object is the same value.
        self.pinned: object = None
        #: What its last check took.
        self.seconds = 0.0
        #: The count of the cell that stored it.
        self.cell = 0
        self.lost: tuple[tuple[str, str, str], ...] = ()
        self.reopened: tuple[tuple[str, str, str], ...] = ()
        self.modules: Mapping[str, str] = {}
        #: Number of the last commit after which it was checked.
        self.audited = 0
        #: Ids of the roots' values when it was checked: a root that leads elsewhere was bound again.
        self.bound: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """The user's variables in it."""
        return sorted(name for root in self.roots if (name := name_of(root)) is not None)

    @property
    def keys(self) -> frozenset[str]:
        """Every key it has in the manifest."""
        return self.roots | frozenset(self.hoists.values())


class Index:
    """Components by root and by the id of each mutable object."""

    def __init__(self) -> None:
        self.by_root: dict[str, Component] = {}
        self.owner: dict[int, Component] = {}
        #: Versions whose live objects lack a definition that had died where they were loaded; elsewhere it has not.
        self.hollow: set[int] = set()

    def add(self, component: Component, ids: Iterable[int]) -> None:
        """Take in a component as it was walked now."""
        component.ids = array("Q", ids)
        self.owner.update(dict.fromkeys(component.ids, component))
        self.by_root.update(dict.fromkeys(component.keys, component))

    def remove(self, component: Component) -> None:
        """Forget a component."""
        owner, by_root = self.owner, self.by_root
        for key in component.keys:
            if by_root.get(key) is component:
                del by_root[key]
        for number in component.ids or ():
            if owner.get(number) is component:
                del owner[number]

    def components(self) -> set[Component]:
        """All of them."""
        return set(self.by_root.values())
