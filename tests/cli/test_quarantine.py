"""``floorwire quarantine`` against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.core.execution_reports import Filled
from floorwire.venues import sim
from tests.cli.operator import operate
from tests.servers import Server
from tests.trading.trader import serving


async def report_strays(folder: Path) -> None:
    """Let the market report fills of orders that nobody placed."""
    gateway = Gateway(Settings(data=str(folder)), [sim.venue(Random(3), ("BTC-USDT",))])
    async with gateway.running():
        gateway.desk.reported([Filled(number, "t", 5, 1, 0, "maker", 1) for number in (98, 99)])


@pytest.fixture
def server(folder: Path, file: Path) -> Iterator[Server]:
    asyncio.run(report_strays(folder))
    with serving(folder) as running:
        yield running


def test_listed_and_released(server: Server, file: Path) -> None:
    said = operate(server.http(), file, "quarantine", "list").stdout
    assert "98" in said
    assert "the venue reports on an order that is not open" in said
    listed = json.loads(operate(server.http(), file, "quarantine", "list", "--json").stdout)
    assert [one["number"] for one in listed] == [1, 2]
    assert operate(server.http(), file, "quarantine", "release", "1").stdout == "released: 1\n"
    said = operate(server.http(), file, "quarantine", "release", "2", "--over").stdout
    assert said == "released: 2; its order is closed\n"
    assert (
        "nothing in quarantine has the number 2"
        in operate(server.http(), file, "quarantine", "release", "2", code=1).stderr
    )
    assert operate(server.http(), file, "quarantine", "list").stdout == "nothing is in quarantine\n"
