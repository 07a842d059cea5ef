"""The documented ``floorwire bench`` commands against a server with default settings, limits included."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.forked_python import run
from tests.servers import Server, floorwire


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with floorwire() as server:
        yield server


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("-m", "floorwire", "bench", *arguments, environment={**os.environ, **environment})


@pytest.mark.slow
def test_round_trips_heed_the_servers_limit(server: Server) -> None:
    ended = bench("rtt", server.ws(), "--count", "2500", "--seconds", "60", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["round_trips"]["count"] == 2500


@pytest.mark.parametrize(
    "command",
    [
        ["connect", "--count", "300", "--at-once", "100"],
        pytest.param(
            ["stall", "--clients", "20", "--stalled", "3", "--on-slow", "skip", "--seconds", "0.5"],
            marks=pytest.mark.slow,
        ),
        ["fanout", "--clients", "50", "--symbols", "BTC-USDT,ETH-USDT", "--each", "2", "--seconds", "0.5"],
    ],
    ids=lambda command: command[0],
)
def test_the_other_commands_find_the_server_by_the_environment(server: Server, command: list[str]) -> None:
    ended = bench(*command, FLOORWIRE_PORT=str(server.port))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_an_address_that_is_none_is_said() -> None:
    ended = bench("rtt", "http://127.0.0.1:8000")
    assert (ended.returncode, "only ws://" in ended.stderr) == (2, True)
