"""A key that is made beside a running server can be used at once, with its money."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server
from tests.trading.trader import key, serving, trader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    key(folder)
    with serving(folder) as server:
        yield server


@pytest.mark.parametrize("number", range(8))
async def test_the_deposit_is_there_with_the_key(server: Server, folder: Path, number: int) -> None:
    async with trader(server, key(folder, f"new{number}")) as client:
        assert (await client.place("first"))["status"] == "accepted"
