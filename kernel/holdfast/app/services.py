"""Serves the requests that are answered beside a running cell.

It must never raise: a request that cannot be served gets an error reply.  Called on a pool thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdfast.errors import HoldfastError
from holdfast.executor.source import dedented
from holdfast.language.history import History
from holdfast.magics.parse import lower
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.output.comms import Comms
from holdfast.wire.contents import (
    CommInfoRequest,
    CompleteRequest,
    ErrorReply,
    HistoryRequest,
    InspectRequest,
    IsCompleteRequest,
    UsageRequest,
)
from holdfast.wire.message import Message


class Services:
    """One method per request type; language modules are imported with the first request that needs them."""

    def __init__(self, namespace: Namespace, history: History, comms: Comms, magics: Magics) -> None:
        self._magics = magics
        self._namespace = namespace.dict
        self._history = history
        self._comms = comms
        self._serve: Mapping[type, Callable[..., object]] = {
            CompleteRequest: self._complete,
            InspectRequest: self._inspect,
            IsCompleteRequest: self._is_complete,
            HistoryRequest: self._request_history,
            CommInfoRequest: lambda request: self._comms.info(request.target_name),
            UsageRequest: lambda _request: usage(),
        }

    def look(self, token: Message) -> object:
        """The content of the reply to `token`."""
        try:
            return self._serve[type(token.content)](token.content)
        except (HoldfastError, ValueError) as error:
            return ErrorReply(type(error).__name__, str(error))
        except BaseException as error:
            return ErrorReply(type(error).__name__, f"{token.msg_type} failed: {error!r}")

    def _complete(self, request: CompleteRequest) -> object:
        from holdfast.language.complete import complete

        return complete(request.code, _cursor(request.code, request.cursor_pos), self._namespace, self._magics.complete)

    def _inspect(self, request: InspectRequest) -> object:
        from holdfast.language.inspection import inspect_request

        cursor = _cursor(request.code, request.cursor_pos)
        about = self._magics.describe_at(request.code, cursor, request.detail_level)
        if about is not None:
            return {"status": "ok", "found": True, "data": {"text/plain": about}, "metadata": {}}
        return inspect_request(request.code, cursor, request.detail_level, self._namespace)

    def _is_complete(self, request: IsCompleteRequest) -> object:
        from holdfast.language.is_complete import is_complete

        return is_complete(dedented(request.code), lambda code: lower(code).code)

    def _request_history(self, request: HistoryRequest) -> object:
        entries = self._history.request(
            request.hist_access_type,
            request.output,
            request.raw,
            request.session,
            request.start,
            request.stop,
            request.n,
            request.pattern,
            request.unique,
        )
        return {"status": "ok", "history": entries}


def _cursor(code: str, cursor_pos: int | None) -> int:
    return len(code) if cursor_pos is None else cursor_pos


def usage() -> dict[str, object]:
    """The content of a usage_reply, as jupyter-resource-usage reads it: bytes, and per cent of one core."""
    import os
    import socket

    import psutil

    process = psutil.Process()
    family = [process, *process.children(recursive=True)]
    memory = cpu = 0.0
    for member in family:
        try:
            with member.oneshot():
                memory += member.memory_info().rss
                cpu += member.cpu_percent()
        except psutil.Error:  # it ended meanwhile
            continue
    virtual = psutil.virtual_memory()
    return {
        "status": "ok",
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "kernel_cpu": cpu,
        "kernel_memory": int(memory),
        "host_cpu_percent": psutil.cpu_percent(),
        "cpu_count": psutil.cpu_count(),
        "host_virtual_memory": virtual._asdict(),
    }
