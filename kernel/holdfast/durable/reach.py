"""Whose memory a cell can have written to, from its code and the classes of what it names.

It must never say so of a value that the cell changes in place, or of one that something else than its own code may
have reached without saying that this is in doubt (see `spared`).

Only looked at when a large value is stored again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

from holdfast.durable.candidates import CHANGED, PURE, Candidates, Uses, tree_of
from holdfast.durable.components import Component, Index, name_of
from holdfast.durable.plan import Survey
from holdfast.durable.reports import Cell
from holdfast.durable.spared import LIKELY, NO, SURE
from holdfast.namespace.namespace import Namespace


class Reach:
    """One cell's."""

    def __init__(
        self,
        namespace: Namespace,
        value: Callable[[str], object],
        index: Index,
        unchecked: Collection[Component],
        survey: Survey,
        proposed: Candidates,
        cell: Cell,
    ) -> None:
        self._value = value
        self._index = index
        self._unchecked = unchecked
        self._survey = survey
        self._bound = proposed.bound
        tree = tree_of(cell)
        known = [sys.modules.get(name) for name in ("numpy", "pandas")]
        libraries = [
            name
            for name in proposed.names - proposed.bound
            if name in namespace.dict and any(namespace.dict[name] is one for one in known if one is not None)
        ]
        self._uses = Uses(tree, libraries, shallow=True) if tree is not None else None
        #: The strongest use of a result of an earlier cell (`_`, `Out[3]`).
        results = namespace.results
        self._of_results = max(
            (use for name, use in self._uses.levels.items() if name == "Out" or results.owns(name)), default=-1
        ) if self._uses is not None else -1  # fmt: skip

    def spare(self, roots: frozenset[str]) -> int:
        """Whether the memory behind these roots is as it was before the cell: NO, SURE or LIKELY."""
        uses, survey = self._uses, self._survey
        if uses is None or survey.dynamic or survey.reaches_all:
            return NO
        level, doubt = -1, uses.calls or not roots.isdisjoint(survey.mentioned)
        for root in roots:
            name, value = name_of(root), self._value(root)
            if name is not None:
                level = max(level, uses.levels.get(name, -1))
                # One that the cell bound as well was something else when the item was set, perhaps.
                if name in uses.shallow and (name in self._bound or not _is_shallow(type(value))):
                    return NO
            elif root.startswith("@r"):
                level = max(level, self._of_results)
            elif root.startswith("@k"):
                return NO
            else:
                doubt = True
            doubt = doubt or not is_exact(type(value)) or self._index.by_root.get(root) in self._unchecked
        if not PURE <= level < CHANGED:
            return NO
        return SURE if level == PURE and not doubt else LIKELY


def _is_shallow(cls: type) -> bool:
    """Whether setting an item puts another value into it, and writes into none."""
    return cls is dict or cls is list or cls is getattr(sys.modules.get("pandas"), "DataFrame", None)


def is_exact(cls: type) -> bool:
    """Whether the pure operations of a class are known to be pure."""
    module = cls.__module__
    return module == "builtins" or module == "numpy" or module == "pandas" or module.startswith("pandas.")
