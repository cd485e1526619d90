"""One frozen struct per message type that the kernel receives, and those it sends in a fixed shape.

It must never hold behaviour: what a request means is said in `machine/requests/`.
Source: Jupyter messaging 5.5; JEP 65 (XPUB), 80 (kernel_info on control), 91 (subshells), 92 (features).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

Json = Mapping[str, object]

# ---------------------------------------------------------------- requests


class ExecuteRequest(Struct, frozen=True):
    """Run a cell."""

    code: str
    silent: bool = False
    store_history: bool = True
    user_expressions: Mapping[str, str] | None = None
    allow_stdin: bool = True
    stop_on_error: bool = True


class CompleteRequest(Struct, frozen=True):
    """Complete `code` at `cursor_pos` (in code points)."""

    code: str
    cursor_pos: int | None = None


class InspectRequest(Struct, frozen=True):
    """Describe the object at `cursor_pos` (in code points); level 1 adds its source."""

    code: str
    cursor_pos: int | None = None
    detail_level: int = 0


class IsCompleteRequest(Struct, frozen=True):
    """Ask whether a console should run `code` or let its user go on typing."""

    code: str


class HistoryRequest(Struct, frozen=True):
    """Ask for earlier inputs: the last `n`, a range of one session, or those that match a glob."""

    hist_access_type: str = "tail"
    output: bool = False
    raw: bool = True
    session: int = 0
    start: int = 0
    stop: int | None = None
    n: int | None = None
    pattern: str | None = None
    unique: bool = False


class KernelInfoRequest(Struct, frozen=True):
    """Ask who we are; on shell and on control (JEP 80)."""


class ConnectRequest(Struct, frozen=True):
    """Ask for the ports (deprecated by the protocol, still asked)."""


class CommInfoRequest(Struct, frozen=True):
    """Ask for the open comms, all or those of one target."""

    target_name: str | None = None


class CommOpen(Struct, frozen=True):
    """A comm is opened by the other side.  Its data is a dict by the protocol, any JSON by JupyterLab's API."""

    comm_id: str
    target_name: str = ""
    data: object = {}
    target_module: str | None = None


class CommMsg(Struct, frozen=True):
    """Data on an open comm."""

    comm_id: str
    data: object = {}


class CommClose(Struct, frozen=True):
    """A comm is closed by the other side."""

    comm_id: str
    data: object = {}


class ShutdownRequest(Struct, frozen=True):
    """Leave; `restart` says that a new kernel follows."""

    restart: bool = False


class InterruptRequest(Struct, frozen=True):
    """Interrupt what runs (`interrupt_mode: message`)."""


class UsageRequest(Struct, frozen=True):
    """Ask for processor and memory use (jupyter-resource-usage)."""


class DebugRequest(Struct, frozen=True):
    """A request of the Debug Adapter Protocol."""

    type: str = "request"
    seq: int = 0
    command: str = ""
    arguments: Json | None = None


class CreateSubshellRequest(Struct, frozen=True):
    """Make a subshell (JEP 91)."""


class DeleteSubshellRequest(Struct, frozen=True):
    """End a subshell (JEP 91)."""

    subshell_id: str


class ListSubshellRequest(Struct, frozen=True):
    """List the subshells (JEP 91)."""


class InputReply(Struct, frozen=True):
    """The answer to a prompt (stdin channel, from the client)."""

    value: str = ""
    status: str = "ok"


#: msg_type -> struct, for everything that we read.
CONTENTS: Mapping[str, type[Struct]] = {
    "execute_request": ExecuteRequest,
    "complete_request": CompleteRequest,
    "inspect_request": InspectRequest,
    "is_complete_request": IsCompleteRequest,
    "history_request": HistoryRequest,
    "kernel_info_request": KernelInfoRequest,
    "connect_request": ConnectRequest,
    "comm_info_request": CommInfoRequest,
    "comm_open": CommOpen,
    "comm_msg": CommMsg,
    "comm_close": CommClose,
    "shutdown_request": ShutdownRequest,
    "interrupt_request": InterruptRequest,
    "usage_request": UsageRequest,
    "debug_request": DebugRequest,
    "create_subshell_request": CreateSubshellRequest,
    "delete_subshell_request": DeleteSubshellRequest,
    "list_subshell_request": ListSubshellRequest,
    "input_reply": InputReply,
}

# ---------------------------------------------------------------- what we send


class Status(Struct, frozen=True):
    """The kernel's state (iopub)."""

    execution_state: Literal["busy", "idle", "starting"]


class Stream(Struct, frozen=True):
    """Text written to stdout or stderr (iopub)."""

    name: str
    text: str


class ExecuteInput(Struct, frozen=True):
    """The code that is about to run, for all clients (iopub)."""

    code: str
    execution_count: int


class ErrorContent(Struct, frozen=True):
    """An exception of a cell (iopub)."""

    ename: str
    evalue: str
    traceback: Sequence[str]


class ErrorReply(Struct, frozen=True):
    """The reply to any request that failed or could not be served."""

    ename: str
    evalue: str
    traceback: Sequence[str] = ()
    status: Literal["error", "aborted"] = "error"


class ExecuteOk(Struct, frozen=True):
    """The reply to a cell that ended well."""

    execution_count: int
    user_expressions: Json
    payload: Sequence[Json]
    status: Literal["ok"] = "ok"


class ExecuteFailed(Struct, frozen=True):
    """The reply to a cell that raised, was interrupted or was aborted."""

    execution_count: int
    ename: str
    evalue: str
    traceback: Sequence[str]
    user_expressions: Json = {}
    payload: Sequence[Json] = ()
    status: Literal["error"] = "error"


class InputRequest(Struct, frozen=True):
    """A prompt for the person at the keyboard (stdin channel)."""

    prompt: str
    password: bool


class Welcome(Struct, frozen=True):
    """The first message of a new iopub subscription (JEP 65)."""

    subscription: str
