"""What a commit looks at, and which roots belong together.

It must never look at a component that nothing leads to: its cost is that of what the cell reaches (DESIGN 5.1).

A `Survey` starts from keys, walks them, and follows whatever it meets until nothing new turns up: definitions
(with the names they mention), closure cells, components whose objects it met.  What only may have changed waits
in `maybe` and is taken by `Survey.take` as the budget allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import CellType
from typing import cast

from holdfast.durable.candidates import DYNAMIC
from holdfast.durable.components import Component, Index, key_of
from holdfast.durable.definitions import Definition, Definitions, is_definition, parts
from holdfast.durable.graph import Walk, soft_reach
from holdfast.durable.kinds import ARRAY, CLASS, FUNCTION, kind_of
from holdfast.durable.pins import Pins
from holdfast.durable.roots import ABSENT, Roots


class Group:
    """Roots, definitions and hoisted objects that are one component as of now."""

    __slots__ = ("roots", "tokens", "hoists", "ids", "refers", "leads", "children")

    def __init__(self) -> None:
        self.roots: list[str] = []
        self.tokens: list[str] = []
        #: Objects that a definition's state shares with something else, by id.
        self.hoists: dict[int, object] = {}
        self.ids: list[int] = []
        #: Definitions that it refers to.
        self.refers: set[str] = set()
        #: Roots that its generators, threads and the like led to: they may be gone when they have ended.
        self.leads: set[str] = set()
        #: Large values of its hubs: id to key.
        self.children: dict[int, str] = {}


class Survey:
    """One commit's examination of the namespace."""

    def __init__(
        self,
        namespace: dict[str, object],
        roots: Roots,
        definitions: Definitions,
        index: Index,
        pins: Pins,
        mentions: bool = True,
    ) -> None:
        self._namespace = namespace
        self._roots = roots
        self._definitions = definitions
        self._index = index
        #: Whether a definition that is met proposes the names it mentions (an audit looks at one component only).
        self.mentions = mentions
        self._pins = pins
        self.walk = Walk(namespace, pins.look)
        #: Node numbers by key: a root's, or `@` and a token.
        self.nodes: dict[str, int] = {}
        self.values: dict[str, object] = {}
        self.definitions: dict[str, tuple[Definition, object]] = {}
        self.touched: set[Component] = set()
        self.gone: set[str] = set()
        #: Keys that definitions mention and that were not looked at yet.
        self.maybe: set[str] = set()
        #: Those that functions, generators and the like can reach, looked at or not.
        self.mentioned: set[str] = set()
        #: Whether a function that was met can reach every name, and whether one ever could.
        self.dynamic = False
        self.reaches_all = False
        self._queue: list[str] = []
        self._found: list[object] = []
        #: What the opaque leaves of a node lead to: roots and tokens.
        self._leads: dict[int, tuple[set[str], set[str]]] = {}

    def take(self, keys: Iterable[str]) -> None:
        """Look at these roots and at everything they lead to."""
        self._queue.extend(keys)
        while self._queue or self._found:
            while self._queue:
                self._root(self._queue.pop())
            if self._found:
                self._definition(self._found.pop())

    def notice(self, opaque: Iterable[object]) -> tuple[set[str], set[str]]:
        """Propose what generators, tasks or registries lead to, joining nothing through them.

        Returns the roots and the tokens of definitions.
        """
        owner = self._index.owner
        roots: set[str] = set()
        tokens: set[str] = set()
        for obj in soft_reach(opaque, self._namespace):
            component = owner.get(id(obj))
            if component is not None:
                roots |= component.roots
            kind = kind_of(type(obj))
            if kind == FUNCTION:
                self._notice_function(obj, roots, tokens)
            elif kind == CLASS and is_definition(obj):
                for part in parts(obj):
                    if kind_of(type(part)) == FUNCTION:
                        self._notice_function(part, roots, tokens)
        if self.mentions:
            self.maybe |= roots
            self.mentioned |= roots
        return roots, tokens

    def _notice_function(self, function: object, roots: set[str], tokens: set[str]) -> None:
        found = self._definitions.find(function)
        if found is not None:
            roots.update(found.cells)
            tokens.add(found.token)
            self._mention(function)

    def meet(self, definitions: Iterable[object]) -> None:
        """Look at definitions that only the pickler met."""
        self._found.extend(definitions)
        self.take(())

    def _root(self, key: str) -> None:
        if key in self.nodes or key in self.gone:
            return
        component = self._index.by_root.get(key)
        value = self._roots.value(key)
        same = self._unchanged(value) if key.startswith("@k") else None
        if component is not None and (same or (component.pinned is not None and component.pinned is value)):
            return
        if component is not None:
            self._touch(component)
        if value is ABSENT:
            self.gone.add(key)
            if component is not None and key.startswith("@k"):
                # Whoever refers to it must be stored without it.
                for holder in self._index.components():
                    if key in holder.children:
                        self._touch(holder)
            return
        self.values[key] = value
        node = self.nodes[key] = self.walk.add()
        # A pinned array belongs to the frame around it; its elements are leaves.
        self.walk.reach(node, (value,) if same is None else ())
        self._follow(node)

    def _unchanged(self, value: object) -> bool | None:
        """What the pointers of a large object array say; None for what must be walked."""
        if id(value) in self.walk.unchanged:
            return True
        if id(value) in self.walk.changed:
            return False
        same = self._pins.look(value) if kind_of(type(value)) == ARRAY else None
        if same is not None:
            (self.walk.unchanged if same else self.walk.changed).add(id(value))
        return same

    def _definition(self, obj: object) -> None:
        definition = self._definitions.find(obj)
        if definition is None or definition.token in self.definitions:
            return
        self.definitions[definition.token] = (definition, obj)
        node = self.nodes["@" + definition.token] = self.walk.add()
        self._queue.extend(definition.cells)
        for key in definition.hoists:
            component = self._index.by_root.get(key)
            if component is not None:
                self._touch(component)
        # What it shares is reached by variables first, whatever was looked at first: the same objects are hoisted.
        while self._queue:
            self._root(self._queue.pop())
        self._mention(obj)
        self.walk.reach(node, parts(obj))
        self._follow(node)

    def _mention(self, obj: object) -> None:
        if self.mentions:
            self._propose(self._definitions.mentioned(obj))

    def _propose(self, names: frozenset[str]) -> None:
        namespace = self._namespace
        keys = [key_of(name) for name in names if name in namespace]
        self.maybe.update(keys)
        self.mentioned.update(keys)
        if not DYNAMIC.isdisjoint(names):
            self.dynamic = self.reaches_all = True

    def bury(self, dead: Iterable[Definition]) -> None:
        """Propose what functions and classes led to that died since the last commit: after their last call, perhaps."""
        for definition in dead:
            keys = [key for key in (*definition.cells, *definition.hoists) if key in self._index.by_root]
            self.maybe.update(keys)
            self.mentioned.update(keys)
            if definition.code is not None:
                self._propose(self._definitions.mentioned_by(definition.code))

    def _follow(self, node: int) -> None:
        """Queue what a walked node leads to."""
        self._found.extend(self.walk.definitions[node].values())
        for cell in self.walk.cells[node].values():
            self._queue.append(self._definitions.cells.key(cast("CellType", cell)))
        for child in self.walk.children[node].values():
            key = self._roots.child(child)
            if key not in self._index.by_root or id(child) in self.walk.changed:
                self._queue.append(key)
            elif id(child) not in self.walk.unchanged:
                self.maybe.add(key)
        if self.walk.opaque[node]:
            self._leads[node] = self.notice(self.walk.opaque[node])
        owner = self._index.owner
        for number in self.walk.ids[node]:
            component = owner.get(number)
            if component is not None and component not in self.touched:
                self._touch(component)

    def _touch(self, component: Component) -> None:
        if component in self.touched:
            return
        self.touched.add(component)
        self._queue.extend(component.roots)
        if self.mentions:
            self.maybe |= component.leads
            self.mentioned |= component.leads
        # Those that it refers to as well: deleting an object runs its class's `__del__`.
        for token in component.tokens | component.refers:
            definition = self._definitions.by_token.get(token)
            obj = definition.ref() if definition is not None else None
            if obj is not None:
                self._found.append(obj)

    def release(self) -> None:
        """Look at the large values that no hub holds any more."""
        walk, roots = self.walk, self._roots
        released: set[str] = set()
        while True:
            now: dict[str, int] = {}
            for component in self.touched:
                for key in component.children:
                    now[key] = now.get(key, 0) - 1
            met = {
                (walk.find(node), roots.child(obj))
                for node in self.nodes.values()
                for obj in walk.children[node].values()
            }
            for _, key in met:
                now[key] = now.get(key, 0) + 1
            gone = [key for key, change in now.items() if change < 0 and roots.holders.get(key, 0) + change <= 0]
            gone = [key for key in gone if key not in released]
            if not gone:
                return
            released.update(gone)
            for key in gone:
                roots.release(key)
            self.take(gone)

    def groups(self) -> list[Group]:
        """The roots by component, in a stable order."""
        walk = self.walk
        groups: dict[int, Group] = {}
        tokens: set[int] = set()
        for key, node in self.nodes.items():
            group = groups.setdefault(walk.find(node), Group())
            group.ids += walk.ids[node]
            if node in self._leads:
                group.leads |= self._leads[node][0]
                group.refers |= self._leads[node][1]
            group.children.update((number, self._roots.child(obj)) for number, obj in walk.children[node].items())
            for obj in walk.definitions[node].values():
                found = self._definitions.find(obj)
                if found is not None:
                    group.refers.add(found.token)
            if key.startswith("@t"):
                group.tokens.append(key[1:])
                tokens.add(node)
            else:
                group.roots.append(key)
        for one, other, obj in walk.crossings:
            if one in tokens or other in tokens:
                groups[walk.find(one)].hoists[id(obj)] = obj
        return list(groups.values())
