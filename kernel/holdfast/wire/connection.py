"""The connection file, as a value.

It must never read or write a file: bytes come in, bytes go out.
Source: Jupyter client, "Connection files"; JEP 106 (its schema); CurveZMQ keys as jupyter_client 8.9 writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from holdfast.errors import ConnectionFileError

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")

#: The alphabet of ZeroMQ's keys (RFC 32).
_Z85 = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#")


class ConnectionInfo(Struct, frozen=True, kw_only=True):
    """Where to listen and how to authenticate.  A port of 0 is still to be chosen."""

    ip: str = "127.0.0.1"
    transport: Literal["tcp", "ipc"] = "tcp"
    key: str = ""
    signature_scheme: str = "hmac-sha256"
    shell_port: int = 0
    iopub_port: int = 0
    stdin_port: int = 0
    control_port: int = 0
    hb_port: int = 0
    curve_publickey: str | None = None
    curve_secretkey: str | None = None

    def port(self, channel: str) -> int:
        """The port of `channel`, or the number that ends its ipc path."""
        return int(getattr(self, f"{channel}_port"))

    def address(self, channel: str) -> str:
        """The ZeroMQ address to bind for `channel`; `tcp://ip:*` when the port is still to be chosen."""
        port = self.port(channel)
        if self.transport == "ipc":
            return f"ipc://{self.ip}-{port}"
        return f"tcp://{self.ip}:{port or '*'}"

    @property
    def complete(self) -> bool:
        """Whether no port is left to choose."""
        return all(self.port(channel) for channel in CHANNELS)


def parse(raw: bytes, path: str) -> tuple[ConnectionInfo, dict[str, object]]:
    """The typed view and the whole file (unknown keys are kept for the write-back).

    Raises `ConnectionFileError` naming `path`.
    """
    try:
        whole = msgspec.json.decode(raw, type=dict[str, object])
    except ValueError as error:
        raise ConnectionFileError(path, f"it is not a JSON object ({error})") from None
    try:
        info = msgspec.convert(whole, ConnectionInfo)
    except ValueError as error:
        raise ConnectionFileError(path, str(error)) from None
    if bool(info.curve_publickey) != bool(info.curve_secretkey):
        raise ConnectionFileError(path, "it has one CURVE key but not the other")
    for key in (info.curve_publickey, info.curve_secretkey):
        if key and (len(key) != 40 or not _Z85.issuperset(key)):
            raise ConnectionFileError(path, "its CURVE keys are not 40 characters of Z85 each")
    for channel in CHANNELS:
        if not 0 <= info.port(channel) < 65_536:
            raise ConnectionFileError(path, f"{channel}_port {info.port(channel)} is not a port")
    return info, whole


def filled(whole: Mapping[str, object], ports: Mapping[str, int]) -> bytes:
    """The file's bytes with the chosen ports written in."""
    merged = {**whole, **{f"{channel}_port": port for channel, port in ports.items()}}
    return msgspec.json.format(msgspec.json.encode(merged), indent=2)
