"""The life of an execute_request: start, finish, commit, reply, abort.

It must never let a reply leave before its commit (P1).
Source: Jupyter messaging 5.5, "Execute"; `stop_on_error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from holdfast.machine.effects import Commit, Effect, Log, Remember, Run, Send
from holdfast.machine.events import Finished, Published
from holdfast.machine.state import Failure, KernelState, Shell
from holdfast.wire.contents import ErrorContent, ErrorReply, ExecuteFailed, ExecuteInput, ExecuteOk, ExecuteRequest
from holdfast.wire.message import Message


def is_silent(token: Message) -> bool:
    """Whether `token` asked for nothing to be shown."""
    return isinstance(token.content, ExecuteRequest) and token.content.silent


def is_stored(request: ExecuteRequest) -> bool:
    """Whether the cell counts: silent forces `store_history` off."""
    return request.store_history and not request.silent


def start(state: KernelState, shell: Shell, message: Message, at: float) -> list[Effect]:
    """Run `message` now in `shell`, which is free."""
    request = cast(ExecuteRequest, message.content)
    effects: list[Effect] = []
    stored = is_stored(request)
    if stored:
        state.execution_count += 1
    shell.running, shell.arrived, shell.failure = message, at, None
    shell.count = state.execution_count
    if stored:
        effects.append(Remember(shell.count, code=request.code))
    # 1. Whoever reads the execute_input may interrupt at once: the cell must be known to the main thread by then.
    # 2. Sending lets go of the GIL: with Run after it, such an interrupt met a main thread that expected no cell.
    # What the cell writes goes through the driver's mailbox, so it is sent after the execute_input all the same.
    effects.append(Run(message, shell.count, shell.name))
    if not request.silent:
        shown = ExecuteInput(request.code, max(shell.count, 1))
        effects.append(Send("iopub", message.publish("execute_input", shown)))
    return effects


def finished(state: KernelState, event: Finished) -> list[Effect]:
    """Publish the error, if there is one, and ask for the commit."""
    shell = state.shell_of(event.token)
    if shell is None or shell.finished is not None:
        return [Log("a cell was reported finished that does not run")]
    shell.finished = event
    effects: list[Effect] = []
    if event.ename and not event.shown and not is_silent(event.token):
        content = ErrorContent(event.ename, event.evalue, event.traceback)
        effects.append(Send("iopub", event.token.publish("error", content)))
    effects += [Send("iopub", event.token.publish(msg_type, content)) for msg_type, content in event.closing]
    stored = is_stored(cast(ExecuteRequest, event.token.content))
    effects.append(Commit(event.token, shell.count if stored else 0))
    return effects


def reply(shell: Shell, note: Mapping[str, object]) -> list[Effect]:
    """The execute_reply of the cell that is finished and committed; frees the shell."""
    done, token = cast(Finished, shell.finished), cast(Message, shell.running)
    request = cast(ExecuteRequest, token.content)
    content: ExecuteOk | ExecuteFailed
    if not done.ename:
        content = ExecuteOk(shell.count, done.user_expressions, done.payload)
    else:
        content = ExecuteFailed(shell.count, done.ename, done.evalue, done.traceback, payload=done.payload)
        if request.stop_on_error:
            shell.failure = Failure(token.header.session, token.header.date, done.at - shell.arrived)
    shell.running = shell.finished = None
    return [Send(token.channel, token.reply(content, {**done.metadata, **note}))]


def aborted(message: Message) -> list[Effect]:
    """The reply to a cell that was not run because one before it failed.

    It has no execution_count: JupyterLab would show it beside a cell that never ran.
    """
    evalue = "this cell was queued behind one that failed, and was not run"
    content = ErrorReply("Aborted", evalue, status="aborted")
    return [Send(message.channel, message.reply(content))]


def sent_before(failure: Failure | None, message: Message, *, queued: bool = False) -> bool:
    """Whether `message` was sent before its client could have seen `failure`, and so is to be aborted.

    What was queued here when the cell failed surely was.  What arrives later may have been on its way: peers
    wait a fixed time and abort whatever comes, which is wrong in both directions.  The client's own clock
    tells: it sent the failed request at `sent`, and cannot have seen the failure before `sent + took`.

    1. The client sends A (fails) and B at once; A fails here before B has arrived.
    2. B's date lies before A's date plus the time A took: B was sent blindly, and is aborted.
    3. The client reads A's reply and sends C: C's date lies after, whatever the clocks' skew, and C runs.
    """
    if failure is None:
        return False
    if queued:
        return True
    if message.header.session != failure.session:
        return False
    try:
        seen_at_the_earliest = datetime.fromisoformat(failure.sent) + timedelta(seconds=failure.took)
        return datetime.fromisoformat(message.header.date) < seen_at_the_earliest
    except (ValueError, TypeError, OverflowError):
        return False


def remember_result(state: KernelState, event: Published) -> list[Effect]:
    """Keep the text of an execute_result beside its input."""
    token = event.token
    if event.msg_type != "execute_result" or token is None or not isinstance(token.content, ExecuteRequest):
        return []
    if not isinstance(event.content, Mapping):
        return []
    data = event.content.get("data")
    count = event.content.get("execution_count")
    if not is_stored(token.content) or not isinstance(data, Mapping) or not isinstance(count, int):
        return []
    text = data.get("text/plain")
    return [Remember(count, output=text)] if isinstance(text, str) else []
