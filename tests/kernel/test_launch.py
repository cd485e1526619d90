"""From the command line to a running kernel: connection files, ports, options."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.kernel import CHANNELS, HANG_SECONDS, Kernel, Process, fresh_connection, kept_ports


def _launch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the kernel's command line to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "holdfast", *arguments],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def _assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on stderr that holds these words, nothing on stdout, exit code 2."""
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("holdfast: ")
    for word in words:
        assert word in done.stderr


# ---------------------------------------------------------------- refusals


def test_a_missing_connection_file_is_refused(tmp_path: Path) -> None:
    """The line names the file."""
    _assert_refused(_launch("-f", str(tmp_path / "nowhere.json")), "nowhere.json", "No such file")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A connection file that cannot be read: the line says why."""
    _assert_refused(_launch("-f", str(tmp_path)), str(tmp_path), "directory")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A file that cannot be opened: the line says why.  A link to itself, because root reads every mode."""
    file = tmp_path / "secret.json"
    file.symlink_to(file)
    _assert_refused(_launch("-f", str(file)), "secret.json", "symbolic links")


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """A file of mode 000: the line says why, to all but root, who reads it."""
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(fresh_connection(transport="nonsense")))
    file.chmod(0)
    _assert_refused(_launch("-f", str(file)), "secret.json", "transport" if os.geteuid() == 0 else "ermission")


@pytest.mark.parametrize("text", ["", "{", "not json", "[]", "null", "5", '{"shell_port": }', "\ufeff{}", '{"a": 1,}'])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    """The line says that the file is not a JSON object."""
    file = tmp_path / "c.json"
    file.write_text(text, encoding="utf-8")
    _assert_refused(_launch("-f", str(file)), "c.json")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    """Bytes that are no text."""
    file = tmp_path / "c.json"
    file.write_bytes(b"\x80\x81\xff\x00" * 100)
    _assert_refused(_launch("-f", str(file)), "c.json")


@pytest.mark.parametrize(
    "change",
    [
        {"transport": "carrier pigeon"},
        {"shell_port": "yes"},
        {"shell_port": 70_000},
        {"hb_port": -1},
        {"key": 5},
        {"signature_scheme": "rot13"},
        {"signature_scheme": "hmac-nonsense"},
        {"curve_publickey": "only one"},
        {"ip": None},
    ],
)
def test_a_file_with_nonsense_in_it_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """A value that cannot be used: one line that names it."""
    file = tmp_path / "c.json"
    file.write_text(json.dumps(fresh_connection(**change)))
    _assert_refused(_launch("-f", str(file)))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_taken_port_is_refused(tmp_path: Path, channel: str) -> None:
    """A port that somebody else listens on: the line names channel and port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = tmp_path / "c.json"
        file.write_text(json.dumps(fresh_connection(**{f"{channel}_port": port})))
        _assert_refused(_launch("-f", str(file)), channel, str(port))


def test_an_address_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """An ip of no interface of this machine: one line."""
    file = tmp_path / "c.json"
    file.write_text(json.dumps(fresh_connection(ip="192.0.2.1")))
    _assert_refused(_launch("-f", str(file)), "192.0.2.1")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--nonsense"], ["-f"], ["-x", "c.json"], ["c.json"], ["-f", "a.json", "b.json"], ["-f", "a.json", "--debug"]],
)
def test_an_unknown_option_is_refused(arguments: list[str]) -> None:
    """A command line that is not understood: the line says what was given and how it is meant."""
    _assert_refused(_launch(*arguments), "usage:")


@pytest.mark.parametrize("value", ["many", "1.5"])
def test_a_setting_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    """A variable of ours that cannot be understood: the line names it."""
    file = tmp_path / "c.json"
    file.write_text(json.dumps(fresh_connection()))
    _assert_refused(_launch("-f", str(file), HOLDFAST_OUT_LIMIT=value), "HOLDFAST_OUT_LIMIT", value)


# ---------------------------------------------------------------- what is understood


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_says_how_it_is_used(option: str) -> None:
    """--help prints to stdout and ends well."""
    done = _launch(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage:" in done.stdout


def test_the_version_is_the_distributions() -> None:
    """--version prints what the package metadata says."""
    from importlib.metadata import version

    assert _launch("--version").stdout.strip() == version("holdfast")


def _end(popen: subprocess.Popen[bytes]) -> None:
    popen.terminate()
    assert popen.wait(HANG_SECONDS) == 0


@pytest.mark.parametrize("form", ["-f={}", "--f={}", "--connection-file={}"])
def test_the_file_may_follow_an_equals_sign(tmp_path: Path, form: str) -> None:
    """The spellings that launchers use lead to a running kernel."""
    from helpers.kernel import wait_for

    file = tmp_path / "c.json"
    file.write_text(json.dumps(fresh_connection()))
    popen = subprocess.Popen([sys.executable, "-P", "-m", "holdfast", form.format(file)])
    try:
        wait_for(lambda: json.loads(file.read_text())["hb_port"], "the ports")
    finally:
        _end(popen)


# ---------------------------------------------------------------- ports


def test_missing_ports_are_chosen_and_written_back(tmp_path: Path) -> None:
    """Ports of 0 and ports left out are filled in; what else the file holds stays."""
    connection = fresh_connection(unknown={"kept": [1, "\u2603"]}, jupyter_session="a.ipynb")
    for channel in ("stdin", "hb"):
        del connection[f"{channel}_port"]
    with Kernel(tmp_path, connection=connection) as kernel:
        written = kernel.connection
        ports = [written.pop(f"{channel}_port") for channel in CHANNELS]
        assert len(set(ports)) == 5
        assert all(1024 <= port < 65536 for port in ports)
        expected = {name: value for name, value in connection.items() if not name.endswith("_port")}
        assert written == expected


def test_the_file_is_written_back_for_its_owner_only(tmp_path: Path) -> None:
    """The connection file holds the key: mode 0600, whatever the umask and the mode before."""
    process = Process(tmp_path)
    process.file.chmod(0o644)
    try:
        assert process.connection
        assert stat.S_IMODE(process.file.stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == [process.file.name]
    finally:
        process.popen.terminate()
        process.end()


def test_given_ports_are_used(launch: Callable[..., Kernel]) -> None:
    """A complete file is not written, and the kernel listens where it says."""
    connection = fresh_connection(**kept_ports())
    for _ in range(2):  # also when another kernel had them just before
        kernel = launch(connection=connection)
        assert kernel.connection == connection
        assert kernel.run("1").result == "1"
        kernel.shut_down()


def test_connect_request_says_the_ports(tmp_path: Path) -> None:
    """connect_reply holds the ports that were chosen."""
    with Kernel(tmp_path) as kernel:
        reply = kernel.request("connect_request", {}).reply
        ports = {f"{channel}_port": kernel.connection[f"{channel}_port"] for channel in CHANNELS}
        assert reply == {"status": "ok", **ports}


def test_an_empty_key_switches_signatures_off(launch: Callable[..., Kernel]) -> None:
    """Without a key messages are taken and sent unsigned, as the protocol says."""
    assert launch(connection=fresh_connection(key="")).run("1").result == "1"


def test_another_address_is_listened_on(launch: Callable[..., Kernel]) -> None:
    """A file with another loopback address works."""
    assert launch(connection=fresh_connection(ip="127.0.0.2")).run("1").result == "1"


# ---------------------------------------------------------------- surroundings of the user's code


def test_the_working_folder_comes_first_on_the_path(tmp_path: Path) -> None:
    """Modules beside the notebook are imported, as in a script; the kernel itself is not shadowed by them."""
    for name in ("random", "asyncio", "zmq", "msgspec", "mine"):
        (tmp_path / f"{name}.py").write_text(f"where = 'beside the notebook: {name}'")
    with Kernel(tmp_path) as kernel:
        assert kernel.run("import sys; sys.path[0]").result == "''"
        assert kernel.run("import mine; mine.where").result == "'beside the notebook: mine'"


def test_argv_holds_nothing_of_the_kernels(fresh: Kernel) -> None:
    """argparse in a cell does not trip over the connection file."""
    assert fresh.run("import sys; sys.argv").result == "['']"


def test_a_kernel_starts_without_standard_streams(tmp_path: Path) -> None:
    """A launcher that closed descriptors 0, 1 and 2 gets a kernel all the same."""
    file = tmp_path / "c.json"
    file.write_text(json.dumps(fresh_connection()))
    from helpers.kernel import Client, wait_for

    popen = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$0" -P -m holdfast -f "$1" <&- >&- 2>&-', sys.executable, str(file)]
    )
    client = None
    try:
        wait_for(lambda: json.loads(file.read_text())["hb_port"], "the ports")
        client = Client(json.loads(file.read_text()))
        client.connect()
        assert client.run("import os; os.write(1, b'x'); print('y')").stdout == "xy\n"
    finally:
        if client is not None:
            client.close()
        _end(popen)


def test_a_kernel_imports_little(fresh: Kernel) -> None:
    """Neither IPython, ipykernel and traitlets nor what a first cell has no use for is loaded at start."""
    absent = ("IPython", "ipykernel", "traitlets", "jedi", "numpy", "debugpy", "typer", "rich", "psutil", "dataclasses")
    assert fresh.run(f"import sys; [name for name in {absent!r} if name in sys.modules]").result == "[]"


def test_the_python_options_of_the_launcher_hold(launch: Callable[..., Kernel]) -> None:
    """A kernel runs under -O, -X dev and warnings as errors."""
    for flags in (["-O"], ["-X", "dev"], ["-W", "error"]):
        assert launch(flags=flags).run("1 + 1").result == "2"
