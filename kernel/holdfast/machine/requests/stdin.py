"""A prompt for the person at the keyboard.

It must never ask a client that has said it cannot answer; the executor refuses that before it asks.
Source: Jupyter messaging 5.5, "Messages on the stdin ROUTER/DEALER channel".
"""

from __future__ import annotations

from holdfast.machine.effects import Answer, Effect, Log, Send
from holdfast.machine.events import Asked
from holdfast.machine.state import KernelState
from holdfast.wire.contents import InputRequest
from holdfast.wire.message import Draft

#: What a person types to end the input; `stdin.prompts` raises EOFError for it.
END_OF_FILE = "\x04"


def ask(state: KernelState, event: Asked) -> list[Effect]:
    """Send the prompt to the client whose cell asks; it has the same identity on stdin as on shell."""
    token = event.token
    if state.shell_of(token) is None:
        # Its thread would wait for ever, and with it every later prompt: nobody looks at that cell any more.
        return [Log("ended a prompt of a cell that no longer runs"), Answer(END_OF_FILE)]
    state.prompt = token
    content = InputRequest(event.prompt, event.password)
    return [Send("stdin", Draft("input_request", content, token.raw_header, token.idents))]
