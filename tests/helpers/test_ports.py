"""Ports that are chosen now and bound later are nobody else's meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from jupyter_client.connect import LocalPortCache

from helpers import ports


def test_each_is_given_once_and_can_be_bound() -> None:
    """Also when nobody has bound the earlier ones yet."""
    given = [ports.own() for _ in range(50)]
    assert len(set(given)) == 50
    with socket.create_server(("127.0.0.1", given[0])) as server:
        assert server.getsockname()[1] == given[0]


def test_the_system_gives_them_to_nobody() -> None:
    """They are below its range; jupyter_client, which looks for free ones, gets such ones here."""
    lowest = int(ports._RANGE.read_text().split()[0])
    if lowest - ports._WIDTH < ports._LOWEST:
        pytest.skip("the system hands out nearly all there are")
    for port in (ports.own(), LocalPortCache.instance().find_available_port("127.0.0.1")):
        assert lowest - ports._WIDTH <= port < lowest


def test_where_the_system_hands_out_nearly_all_any_free_one_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in some containers."""
    (tmp_path / "range").write_text("1024\t65535\n")
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "range")
    monkeypatch.setattr(ports, "_left", ports._walk())
    assert ports.own() > 0
