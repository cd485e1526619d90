"""The connection file: read, checked, and written back with what was chosen."""

from __future__ import annotations

import json

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConnectionFileError
from holdfast.wire.connection import CHANNELS, ConnectionInfo, filled, parse

PORTS = {f"{channel}_port": 5000 + n for n, channel in enumerate(CHANNELS)}
WHOLE = {"transport": "tcp", "ip": "127.0.0.1", "key": "k", "signature_scheme": "hmac-sha256", **PORTS}


def test_a_whole_file_is_read() -> None:
    """Every field that jupyter_client writes arrives."""
    raw = json.dumps({**WHOLE, "kernel_name": "holdfast"}).encode()
    info, whole = parse(raw, "k.json")
    assert info == ConnectionInfo(key="k", **PORTS)  # type: ignore[arg-type]
    assert whole == {**WHOLE, "kernel_name": "holdfast"}


def test_missing_ports_are_still_to_be_chosen() -> None:
    """A port that is absent or 0 leaves the file incomplete."""
    info, _ = parse(json.dumps({**WHOLE, "hb_port": 0}).encode(), "k.json")
    assert (info.complete, parse(b"{}", "k.json")[0].complete) == (False, False)
    assert parse(json.dumps(WHOLE).encode(), "k.json")[0].complete


@pytest.mark.parametrize(
    ("info", "address"),
    [
        (ConnectionInfo(shell_port=5), "tcp://127.0.0.1:5"),
        (ConnectionInfo(), "tcp://127.0.0.1:*"),
        (ConnectionInfo(ip="::1", shell_port=5), "tcp://::1:5"),
        (ConnectionInfo(transport="ipc", ip="/run/k", shell_port=2), "ipc:///run/k-2"),
    ],
)
def test_addresses(info: ConnectionInfo, address: str) -> None:
    """A channel's address follows transport, ip and port."""
    assert info.address("shell") == address


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b'{"ip": 5}', "ip"),
        (b'{"transport": "udp"}', "transport"),
        (b'{"shell_port": "5"}', "shell_port"),
        (b'{"shell_port": -1}', "shell_port -1"),
        (b'{"iopub_port": 65536}', "iopub_port 65536"),
        (b'{"hb_port": 1e99}', "hb_port"),
        (b'{"key": null}', "key"),
        (b'{"curve_publickey": "a"}', "CURVE"),
        (b'{"curve_secretkey": "a"}', "CURVE"),
        (b'{"curve_secretkey": "a", "curve_publickey": "b"}', "CURVE"),
        (json.dumps({"curve_secretkey": "~" * 40, "curve_publickey": "~" * 40}).encode(), "CURVE"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(raw: bytes, word: str) -> None:
    """A file that cannot be used raises one error that names the file and the fault."""
    with pytest.raises(ConnectionFileError, match=word) as caught:
        parse(raw, "the-file.json")
    assert "the-file.json" in str(caught.value)


def test_curve_keys_are_taken() -> None:
    """Keys as ZeroMQ makes them, in the fields that jupyter_client writes."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    info, _ = parse(json.dumps({"curve_publickey": public, "curve_secretkey": secret}).encode(), "k.json")
    assert (info.curve_publickey, info.curve_secretkey) == (public, secret)


@given(st.dictionaries(st.text(), st.none() | st.integers(-(2**53), 2**53) | st.text()))
def test_chosen_ports_are_written_in_and_nothing_else_changes(extra: dict[str, object]) -> None:
    """The file that is written back has the ports, and every other key as it was."""
    ports = dict(zip(CHANNELS, range(6000, 6005), strict=True))
    written = json.loads(filled(extra, ports))
    assert written == {**extra, **{f"{channel}_port": port for channel, port in ports.items()}}


@given(st.binary())
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    """Whatever stands in the file, it is read or refused."""
    try:
        parse(raw, "k.json")
    except ConnectionFileError:
        return
