"""What the kernel says of itself; it must never depend on a session."""

from __future__ import annotations

import sys

from holdfast.app.version import VERSION
from holdfast.wire.message import PROTOCOL_VERSION


def kernel_info(session: str = "") -> dict[str, object]:
    """The content of a kernel_info_reply; `session` is the name of one that goes with a clean shutdown.

    The lexer is `python3`, not `ipython3`: consoles import IPython for the latter.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    return {
        "status": "ok",
        "protocol_version": PROTOCOL_VERSION,
        "implementation": "holdfast",
        "implementation_version": VERSION,
        "language_info": {
            "name": "python",
            "version": version,
            "mimetype": "text/x-python",
            "codemirror_mode": {"name": "python", "version": 3},
            "pygments_lexer": "python3",
            "nbconvert_exporter": "python",
            "file_extension": ".py",
        },
        "banner": f"Holdfast {VERSION} on Python {version}.\n{_way_back(session)}",
        "help_links": [
            {"text": "Python reference", "url": f"https://docs.python.org/{sys.version_info[0]}.{sys.version_info[1]}"},
            {"text": "Jupyter", "url": "https://docs.jupyter.org"},
        ],
        "supported_features": ["kernel subshells", "debugger"],
        "debugger": True,
    }


def _way_back(session: str) -> str:
    """What a console prints before the first prompt: who sees it after a crash can find the variables again."""
    return f"If this kernel dies, `%session attach {session}` brings its variables back.\n" if session else ""
