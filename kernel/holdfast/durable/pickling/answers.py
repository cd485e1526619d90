"""What an unpickler says to the marks of a stream: the world's objects, and placeholders for what was lost.

It must never make an object for a mark that the world can answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from holdfast.durable.kinds import is_class
from holdfast.durable.pickling import functions
from holdfast.durable.pickling.lost import Lost, LostValue, World, fields
from holdfast.durable.pickling.stored import remember


class Answers:
    """What the unpickler says to the marks of a stream."""

    def __init__(self, world: World) -> None:
        self.world = world
        #: Classes that the stream names, where it was written under other versions.
        self.met: set[type] | None = getattr(world, "met", None)
        self.lost: dict[int, LostValue] = {}
        #: Placeholders for what was stored and could not be loaded.
        self.missed: list[LostValue] = []
        #: Those for classes and functions that are not there any more, by module and name.
        self.gone: dict[tuple[str, str], LostValue] = {}

    def note(self, found: Any) -> Any:
        """Note a class that the stream names."""
        if self.met is not None and is_class(found):
            self.met.add(found)
        return found

    def memo(self) -> dict[int, object]:
        """What both sides start with: see `PRESET` of the pickler."""
        world = self.world
        definition, resolve = world.definition, world.resolve
        answers = (world.namespace, definition, resolve, _main(world), self.placeholder, remember, functions.module)
        return dict(enumerate(answers))

    def placeholder(self, index: int) -> LostValue:
        """The one of that number; the table at the end of the stream tells what it was."""
        return self.lost.setdefault(index, LostValue("?", "?", "?"))

    def tell(self, table: Sequence[tuple[str, str, str, int]]) -> None:
        """Complete the placeholders from the table; the cell is that of the stream, unless it was lost before."""
        for index, (*entry, cell) in enumerate(table):
            if index in self.lost:
                cell = cell or getattr(self.world, "cell", 0)
                object.__setattr__(self.lost[index], "_fields", (*entry, cell))

    def report(self, values: Mapping[str, object]) -> None:
        """Name what could not be loaded: by its place in `values`, to the user and to the world."""
        from holdfast.durable.pickling.paths import paths

        # A class that is gone is named where a variable holds it; else its objects say so.
        made = [*self.missed, *self.gone.values()]
        places = paths(values, [(lost, "") for lost in made])
        for lost, place in zip(made, places, strict=True):
            name, *rest = fields(lost)
            object.__setattr__(lost, "_fields", (place or name, *rest))
        found = [lost for lost, place in zip(made, places, strict=True) if place or lost not in self.gone.values()]
        self.world.missed([Lost(*fields(lost)[:3]) for lost in found])


def _main(world: World) -> Callable[[], object]:
    def main() -> object:
        import sys

        module = sys.modules.get("__main__")
        if module is not None and module.__dict__ is world.namespace:
            return module
        return next((m for m in list(sys.modules.values()) if getattr(m, "__dict__", None) is world.namespace), module)

    return main
