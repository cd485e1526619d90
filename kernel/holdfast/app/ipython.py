"""The kernel as the shell object of `compat.ipython` reaches it.

It must never import what that shell is made of before somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from holdfast.compat.ipython.install import CellHooks
from holdfast.compat.ipython.install import install as install_shell
from holdfast.executor.runner import Runner
from holdfast.magics.parse import lower
from holdfast.magics.registry import Magics
from holdfast.output.attribution import TOKEN, Attribution
from holdfast.output.comms import Comms
from holdfast.wire.message import Message

if TYPE_CHECKING:
    from holdfast.magics.port import Kernel


class ShellEdges:
    """See `compat.ipython.edges.Edges`."""

    def __init__(
        self,
        magics: Magics,
        runner: Callable[[], Runner],
        attribution: Attribution,
        comms: Comms,
        hooks: CellHooks,
        session: str,
    ) -> None:
        self._magics = magics
        self._runner = runner
        self._attribution = attribution
        self._comms = comms
        self.hooks = hooks
        self.session = session

    @property
    def kernel(self) -> Kernel:
        """See the port."""
        return cast("Kernel", self._magics.kernel)

    def execution_count(self) -> int:
        """See the port."""
        running = self._runner().running
        if running is not None:
            return running.count
        inputs = self.kernel.namespace.get("In")
        return max(1, len(inputs)) if isinstance(inputs, list) else 1

    def token(self) -> object:
        """See the port."""
        return self._attribution.current()

    def enter(self, token: object) -> None:
        """See the port."""
        TOKEN.set(token)  # not `begin`: what C code writes meanwhile still belongs to the newest cell

    def as_dict(self, token: object) -> dict[str, Any]:
        """See the port."""
        if not isinstance(token, Message):
            return {}
        header = _plain(token.header)
        return {
            "header": header,
            "parent_header": dict(token.parent_header),
            "metadata": dict(token.metadata),
            "content": _plain(token.content),
            "buffers": list(token.buffers),
            "msg_id": header["msg_id"],
            "msg_type": token.msg_type,
        }

    def comm_manager(self) -> Any:
        """See the port."""
        return self._comms.manager

    def add_payload(self, payload: Mapping[str, object]) -> None:
        """See the port."""
        self._runner().payload.append(payload)

    def complete(self, code: str, cursor: int, namespace: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """See the port."""
        from holdfast.language.complete import complete

        variables = self.kernel.namespace if namespace is None else namespace
        return complete(code, cursor, variables, self._magics.complete)

    def inspect(self, name: str, detail: int) -> Mapping[str, Any]:
        """See the port."""
        from holdfast.language.inspection import inspect_request

        return inspect_request(name, len(name), detail, self.kernel.namespace, run_repr=True)

    def is_complete(self, code: str) -> Mapping[str, Any]:
        """See the port."""
        from holdfast.language.is_complete import is_complete

        return is_complete(code, lambda text: lower(text).code)

    def lower(self, code: str) -> str:
        """See the port."""
        return lower(code).code


def _plain(struct: object) -> dict[str, Any]:
    """A struct as the dict that libraries expect."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}  # type: ignore[attr-defined]


def install(
    magics: Magics,
    runner: Callable[[], Runner],
    attribution: Attribution,
    comms: Comms,
    hooks: CellHooks,
    session: str,
) -> None:
    """Let libraries find the shell, which is made when the first one asks."""
    install_shell(lambda: ShellEdges(magics, runner, attribution, comms, hooks, session))

    def fire(event: str) -> None:
        """Before and after a widget's callback: what it drew is shown then (ipympl)."""
        if hooks.on_end is not None:
            from holdfast.compat.ipython import current

            shell = current.shell()
            if shell is not None:
                shell.events.trigger(event)

    comms.before.append(lambda: fire("pre_execute"))
    comms.after.append(lambda: fire("post_execute"))
