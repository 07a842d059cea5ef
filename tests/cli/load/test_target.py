"""Load goes to this machine only, unless other machines are allowed."""

from __future__ import annotations

import socket

import pytest

from floorwire.cli.load.target import SOURCE_ADDRESSES, Target, TargetError


def test_reads_address_port_path_and_host() -> None:
    target = Target.resolve("ws://127.0.0.1:9000/ws/ticker?ticket=1")
    assert (target.address, target.port) == ("127.0.0.1", 9000)
    assert (target.path, target.host) == ("/ws/ticker?ticket=1", "127.0.0.1:9000")
    assert target.family == socket.AF_INET


def test_fills_in_port_and_path() -> None:
    target = Target.resolve("ws://[::1]")
    assert (target.address, target.port, target.path) == ("::1", 80, "/")
    assert target.family == socket.AF_INET6


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("wss://127.0.0.1/ws", "only ws://"),
        ("http://127.0.0.1/ws", "only ws://"),
        ("ws:///ws", "only ws://"),
        ("ws://127.0.0.1:99999/", "99999"),
        ("ws://192.0.2.1/ws", "not this machine"),
        ("ws://no such host/ws", "no such host"),
    ],
)
def test_refuses(url: str, why: str) -> None:
    with pytest.raises(TargetError, match=why):
        Target.resolve(url)


def test_resolves_localhost_to_the_address_on_which_servers_listen() -> None:
    assert Target.resolve("ws://localhost:8000/ws").address == "127.0.0.1"


def test_allows_other_machines_if_asked() -> None:
    assert Target.resolve("ws://192.0.2.1/ws", allow_remote=True).source(0) is None


def test_uses_many_source_addresses() -> None:
    target = Target.resolve("ws://127.0.0.1/")
    sources = {target.source(index) for index in range(1000)}
    assert len(sources) == SOURCE_ADDRESSES
    assert {"127.0.0.1", "127.0.0.254"} <= sources
    assert "127.0.0.255" not in sources


def test_leaves_the_source_to_the_system_for_ipv6() -> None:
    assert Target.resolve("ws://[::1]/").source(3) is None
