"""What a cell that still runs can reach: another cell's commit leaves it alone (DESIGN 5.5).

It must never say that something is out of reach because it was not looked at: then all is within.

Asked of the index, not of the objects, since the cell changes those at this moment.  What it has made since it began
is found by nobody; threads that run while a value is looked at are told by `steady`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from holdfast.durable.candidates import DYNAMIC
from holdfast.durable.components import Component, Index, key_of
from holdfast.durable.definitions import Definitions, parts
from holdfast.durable.plan import Group
from holdfast.namespace.namespace import Namespace


class Away:
    """What code that runs elsewhere leads to."""

    def __init__(
        self, namespace: Namespace, index: Index, definitions: Definitions, names: AbstractSet[str], dynamic: bool
    ) -> None:
        self._index = index
        self._definitions = definitions
        self._keys: set[str] = set()
        self._tokens: set[str] = set()
        owns = namespace.results.owns
        #: Whether it can reach every name.
        self._all = dynamic or any(map(owns, names)) or not self._follow(set(names))

    def leads_to(self, key: str) -> bool:
        """Whether it can reach a root."""
        return self._all or key in self._keys

    def covers(self, group: Group) -> bool:
        """Whether a group holds something that it can reach."""
        if self._all or not self._keys.isdisjoint(group.roots):
            return True
        owner = self._index.owner
        owners = {id(one): one for number in group.ids if (one := owner.get(number)) is not None}
        return any(not self._keys.isdisjoint(one.roots) for one in owners.values())

    def _follow(self, names: set[str]) -> bool:
        """Collect what names lead to; False where that cannot be told."""
        by_root, keys = self._index.by_root, self._keys
        queue: list[Component] = []
        while names or queue:
            if names:
                key = key_of(names.pop())
                if key not in keys:
                    keys.add(key)
                    queue += [by_root[key]] if key in by_root else []
                continue
            component = queue.pop()
            if component.ids is None:  # restored, and not looked at since
                return False
            new = (component.keys | component.children | component.leads) - keys
            for token in (component.refers | component.tokens) - self._tokens:
                mentioned, met = self._uses(token)
                if not DYNAMIC.isdisjoint(mentioned):
                    return False
                names |= mentioned
                new |= met - keys
            keys |= component.keys | new
            queue += [by_root[one] for one in new if one in by_root]
        return True

    def _uses(self, token: str) -> tuple[set[str], set[str]]:
        """The names that a definition and its members mention, and the keys that they lead to."""
        names, keys = set[str](), set[str]()
        queue = [token]
        while queue:
            self._tokens.add(token := queue.pop())
            definition = self._definitions.by_token.get(token)
            obj = definition.ref() if definition is not None else None
            if definition is None or obj is None:
                continue
            names |= self._definitions.mentioned(obj)
            keys |= {*definition.cells, *definition.hoists}
            found = (self._definitions.find(part) for part in parts(obj))
            queue += [one.token for one in found if one is not None and one.token not in self._tokens]
        return names, keys
