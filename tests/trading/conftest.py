"""What tests of trading share: a gateway over a disk that fails when it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.trading.early import EarlyHarness, Starts
from tests.trading.flaky import Disk, GatewayHarness, served
from tests.trading.real_disk import RealDisk


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def harness(disk: Disk, tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with served(disk, tmp_path) as harness:
        yield harness


@pytest.fixture
async def starts(tmp_path: Path) -> AsyncIterator[Starts]:
    folder = tmp_path / "journal"
    folder.mkdir(mode=0o700)
    made = Starts(RealDisk(folder), tmp_path)
    yield made
    await made.end()


@pytest.fixture
async def early(starts: Starts) -> EarlyHarness:
    """A gateway over a real journal, with a venue outside the process."""
    return await starts.start()
