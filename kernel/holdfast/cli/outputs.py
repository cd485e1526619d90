"""`holdfast outputs`: what a cell showed, as far as a terminal can show it.

It must never wait for the kernel that uses a session, nor disturb it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from holdfast.app import sessions as kept
from holdfast.cli.refusal import Refusal
from holdfast.errors import CellError, StoreError


def outputs(name: str, cell: str = "", *, as_json: bool = False) -> int:
    """Print what a cell of a session showed; 1 where nothing is kept of that; raises `Refusal`."""
    try:
        whole, place, shown = kept.shown(name, cell)
    except (StoreError, CellError) as error:
        raise Refusal(str(error)) from None
    if as_json:
        found: dict[str, object] = {"session": whole, "cell": place, "outputs": shown}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif not shown:
        sys.stdout.write(f"nothing is kept of what {f'cell [{cell}]' if cell else 'any cell'} showed\n")
    else:
        for output in shown:
            text = _text(output)
            # Lone surrogates, which no encoding takes, are written as their escapes.
            sys.stdout.write(text.encode("utf-8", "backslashreplace").decode())
    return 0 if shown else 1


def _text(output: Mapping[str, object]) -> str:
    """One output in words; what a terminal cannot show is named by its types."""
    if output["output_type"] == "stream":
        return str(output["text"])
    traceback, data = output.get("traceback"), output.get("data")
    if isinstance(traceback, list):
        return "".join(f"{line}\n" for line in traceback)
    if not isinstance(data, dict):
        return ""
    return f"{data['text/plain']}\n" if "text/plain" in data else f"[{', '.join(data)}]\n"
