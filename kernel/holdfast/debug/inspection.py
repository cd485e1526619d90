"""The requests about variables that are Jupyter's own: for the notebook as a whole, stopped or not.

It must never run a value's code on the kernel thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from holdfast.debug.messages import Json
from holdfast.debug.port import Port
from holdfast.debug.variables import FIRST, Variables
from holdfast.errors import DebugError

Bundle = tuple[Mapping[str, object], Mapping[str, object]]


class Inspection:
    """`evaluate(expression, frame, taker)` calls `taker` with a value on the thread that stands still."""

    def __init__(
        self, port: Port, evaluate: Callable[[str, object, Callable[[object], None]], Awaitable[Json]]
    ) -> None:
        self._port = port
        self._evaluate = evaluate
        self._variables = Variables(port.describe, port.attributes)

    async def variables(self) -> Json:
        """The notebook's variables."""
        port = self._port
        return {"body": {"variables": await port.aside(lambda: self._variables.globals(port.namespace))}}

    async def children(self, reference: object) -> Json | None:
        """The children of a reference of ours; None for one of debugpy's."""
        if not isinstance(reference, int) or reference < FIRST:
            return None
        found = await self._port.aside(lambda: self._variables.children(reference))
        if found is None:
            raise DebugError("this variable was shown before the last look at the variables: look again")
        return {"body": {"variables": found}}

    async def rich(self, arguments: Json, stopped: bool) -> Json:
        """A variable as it would be displayed; nothing for a name that is not there."""
        name, frame = arguments.get("variableName"), arguments.get("frameId")
        if not isinstance(name, str):
            raise DebugError("richInspectVariables needs a variableName")
        bundle: Bundle = {}, {}
        if frame is not None and stopped:
            taken: list[Bundle] = []
            await self._evaluate(name, frame, lambda value: taken.append(self._port.bundle(value)))
            bundle = taken[0] if taken else bundle
        elif name in self._port.namespace:
            value = self._port.namespace[name]
            bundle = await self._port.aside(lambda: self._port.bundle(value))
        return {"body": {"data": bundle[0], "metadata": bundle[1]}}

    async def copy_to_globals(self, arguments: Json) -> Json:
        """Make a variable of a frame one of the notebook's."""
        source, target = arguments.get("srcVariableName"), arguments.get("dstVariableName")
        if not isinstance(source, str) or not isinstance(target, str) or not target.isidentifier():
            raise DebugError(f"cannot copy {source!r} to a variable {target!r}")
        taken: list[object] = []
        response = await self._evaluate(source, arguments.get("srcFrameId"), taken.append)
        if not taken:
            reason = response.get("message") or f"there is no {source!r} in this frame"
            raise DebugError(str(reason))
        self._port.bind(target, taken[0])
        value = taken[0]
        described = {"value": self._port.describe(value), "type": type(value).__name__, "variablesReference": 0}
        return {"body": described}
