"""One random notebook in one process, which goes back to earlier cells, undoes, and goes on along other lines.

It must never compare what a checkout brings with what the store says: the truth of a cell is what was live after it.
"""

from __future__ import annotations

import enum
import gc
import random
from typing import Any

from helpers.durable import Notebook, described
from helpers.wide_programs import WideProgram
from holdfast.durable.folder import open_session
from holdfast.durable.kinds import ATOM, FROZEN, WEAK, kind_of

#: Cells of a program, and how often one goes elsewhere; cells of another line.
CELLS, TRIPS, BRANCH = 10, 8, 3


class Traveller:
    """Plays the notebook of a seed; `problems` says what is not as it should be."""

    def __init__(self, seed: int, home: str) -> None:
        self._seed = seed
        self._chance = random.Random(seed + 2)
        self._session = open_session(home, "notebook", "process")
        self._notebook = Notebook(self._session.store)
        self._program = WideProgram(seed)
        #: What was live after the cell, by the address that leads to it.
        self._truths: dict[str, list[str]] = {}
        self._cells = self._program.write(CELLS + BRANCH)

    def play(self) -> list[str]:
        """Run it; the namespace at its end, as text."""
        chance, trail = self._chance, list[str]()
        for code in self._cells[:CELLS]:
            self._run(code)
        for _ in range(TRIPS):
            trail.append(self._describe_trip(trail))
            if chance.random() < 0.3:
                self._run(chance.choice(self._cells[-BRANCH:]))
        return self._lines()

    def close(self) -> None:
        """End its session."""
        self._session.close()

    def _describe_trip(self, trail: list[str]) -> str:
        what = self._chance.random()
        notebook = self._notebook
        before = self._lines()
        address = self._chance.choice([*self._truths])
        if what < 0.15:
            self._go(address, trail, "")
            notebook.checkout("")
            self._same(before, [*trail, f"to {address}", "undone"])
            return f"to {address} and back"
        # What a cell did before it went is stored, and not there afterwards.
        self._go(address, trail, "went = 1" if self._chance.random() < 0.2 else "")
        return f"to {address}"

    def _go(self, address: str, trail: list[str], first: str) -> None:
        self._notebook.audit()
        stood = self._objects()
        try:
            switched = self._notebook.checkout(address, first=first)
        except BaseException as error:
            error.add_note(self._where([*trail, address]))
            raise
        lost = sum(": unkept" in line for line in self._truths[address])
        assert bool(lost) >= bool(switched.lost), f"{self._where([*trail, address])}: lost {switched.lost}"
        for key, (version, obj) in self._objects().items():
            same = key not in stood or stood[key][0] != version or obj is stood[key][1] or _is_value(obj)
            assert same, f"{self._where([*trail, address])}: {key} is another object in the same version"
        # What holds what went would keep weak references to it alive.
        stood.clear()
        del obj
        self._same(self._truths[address], [*trail, address])

    def _objects(self) -> dict[str, tuple[int, object]]:
        """Version and object of every variable, but those that lead to an enum: its members go with its state."""
        keeper, ns = self._notebook.committer, self._notebook.namespace.dict
        enums = {
            token for token, one in keeper.definitions.by_token.items() if isinstance(one.ref(), enum.EnumType)
        }  # fmt: skip
        return {
            key: (one.version, ns[key])
            for key, one in keeper.index.by_root.items()
            if key in ns and enums.isdisjoint(one.refers | one.tokens)
        }

    def _run(self, code: str) -> None:
        notebook = self._notebook
        notebook.run(code)
        assert not notebook.failed, f"{self._where([])}: {notebook.failed}"
        if "unchecked" in notebook.notes or self._chance.random() < 0.2:
            notebook.audit()
        self._truths[f"{notebook.epoch}:{notebook.count}"] = self._lines()

    def _lines(self) -> list[str]:
        notebook = self._notebook
        notebook.errors.clear()
        notebook.namespace.prepare()
        gc.collect()
        return [line for line in described(notebook.namespace) if not line.startswith(("_i = ", "_ii = "))]

    def _same(self, lines: list[str], trail: list[str]) -> None:
        from difflib import unified_diff

        now = self._lines()
        difference = "\n".join(unified_diff(lines, now, "then", "now", n=0, lineterm=""))
        assert not difference, f"{self._where(trail)}\n{difference}"

    def _where(self, trail: list[str]) -> str:
        cells = "\n".join(f"[{number}] {code}" for number, code in enumerate(self._cells, 1))
        return f"seed {self._seed}, after {len(self._truths)} cells and {trail}:\n{cells}\n"


def _is_value(obj: object) -> bool:
    """Whether an object has no identity to keep; a weak reference is another one when its target lives again."""
    return kind_of(type(obj)) in (ATOM, FROZEN, WEAK)


def travel(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request of the fork server."""
    gc.disable()  # a collection at a moment of its own would end the targets of weak references
    traveller = Traveller(request["travel"], request["home"])
    return {"lines": traveller.play(), "lost": []}
