"""What the kernel says of itself."""

from __future__ import annotations

import re
import sys

from holdfast.app.identity import kernel_info
from holdfast.app.version import VERSION


def test_it_names_the_kernel_and_its_language() -> None:
    """The fields that the protocol asks for, with this Python's version."""
    info = kernel_info()
    language = info["language_info"]
    assert isinstance(language, dict)
    assert (info["status"], info["implementation"], info["implementation_version"]) == ("ok", "holdfast", VERSION)
    assert (language["name"], language["file_extension"]) == ("python", ".py")
    assert language["version"] == ".".join(map(str, sys.version_info[:3]))
    assert re.fullmatch(r"5\.\d+", str(info["protocol_version"]))


def test_no_client_is_made_to_import_ipython() -> None:
    """Consoles import IPython for the lexer `ipython3`."""
    assert "ipython" not in repr(kernel_info()).lower()


def test_it_says_what_it_can() -> None:
    """JEP 92: subshells, and the debugger, which older frontends look for in a field of its own."""
    assert kernel_info()["supported_features"] == ["kernel subshells", "debugger"]
    assert kernel_info()["debugger"] is True


def test_a_console_says_how_to_come_back() -> None:
    """Where the session goes with the kernel, its name is worth knowing before that dies; elsewhere it is not said."""
    assert str(kernel_info("kernel-7")["banner"]).endswith(
        "If this kernel dies, `%session attach kernel-7` brings its variables back.\n"
    )
    assert "session" not in str(kernel_info()["banner"])
