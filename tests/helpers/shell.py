"""The shell of `compat.ipython` in this process: over a kernel in memory, with stand-ins that leave nothing behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from helpers.magic import MagicKernel
from holdfast.compat.ipython import current, install
from holdfast.magics.parse import lower
from holdfast.output import display

PACKAGES = ("IPython", "ipykernel")


class TwinKernel(MagicKernel):
    """The same for the shell: what is displayed is published, and errors are shown as a library may have asked for."""

    def __init__(self) -> None:
        super().__init__(answers=())
        #: As the kernel does it: asked how an error is to be shown.
        self.hooks: install.CellHooks | None = None

    def display(self, *values: object, **options: Any) -> object:
        """See the port."""
        return display.display(*values, **options)

    def report(self, error: BaseException) -> Sequence[str]:
        """See the port."""
        lines = self.hooks.report(error) if self.hooks is not None and self.hooks.report is not None else None
        return lines if lines is not None else [f"reported {type(error).__name__}: {error}"]


@dataclass
class TwinEdges:
    """Implements `compat.ipython.edges.Edges` in memory."""

    kernel: Any = field(default_factory=TwinKernel)
    hooks: install.CellHooks = field(default_factory=install.CellHooks)
    session: str = "twin"
    count: int = 1
    #: The message that output belongs to.
    current: object = None
    payload: list[Mapping[str, object]] = field(default_factory=list)
    completes: Callable[[str, int], Mapping[str, Any]] = lambda code, cursor: {
        "matches": ["print"],
        "cursor_start": 0,
        "cursor_end": cursor,
        "metadata": {"_jupyter_types_experimental": [{"type": "function", "signature": "(…)"}]},
    }

    def __post_init__(self) -> None:
        self.kernel.hooks = self.hooks

    def execution_count(self) -> int:
        """See the protocol."""
        return self.count

    def token(self) -> object:
        """See the protocol."""
        return self.current

    def enter(self, token: object) -> None:
        """See the protocol."""
        self.current = token

    def as_dict(self, token: object) -> dict[str, Any]:
        """See the protocol."""
        return {"header": {"msg_id": str(token)}} if token is not None else {}

    def comm_manager(self) -> Any:
        """See the protocol."""
        return "the comms"

    def add_payload(self, payload: Mapping[str, object]) -> None:
        """See the protocol."""
        self.payload.append(payload)

    def complete(self, code: str, cursor: int, namespace: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """See the protocol."""
        if namespace is not None:
            matches = [name for name in namespace if name.startswith(code[:cursor])]
            return {"matches": matches, "cursor_start": 0, "cursor_end": cursor}
        return self.completes(code, cursor)

    def inspect(self, name: str, detail: int) -> Mapping[str, Any]:
        """See the protocol."""
        found = name in self.kernel.namespace
        return {"found": found, "data": {"text/plain": f"{name}, level {detail}"} if found else {}}

    def is_complete(self, code: str) -> Mapping[str, Any]:
        """See the protocol."""
        return {"status": "incomplete", "indent": "    "} if code.endswith(":") else {"status": "complete"}

    def lower(self, code: str) -> str:
        """See the protocol."""
        return lower(code).code


@contextmanager
def twin(edges: TwinEdges) -> Iterator[TwinEdges]:
    """The shell is that of a kernel in memory; stand-ins can be imported, and are gone afterwards."""

    def unload() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
            del sys.modules[name]

    stand_ins = install.StandIns()
    unload()
    current.hand_in(lambda: edges)
    sys.meta_path.append(stand_ins)
    try:
        yield edges
    finally:
        sys.meta_path.remove(stand_ins)
        current.forget()
        unload()
