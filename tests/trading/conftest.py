"""What tests of trading share: a gateway over a disk that fails when it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.trading.flaky import Disk, GatewayHarness, served


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def harness(disk: Disk, tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with served(disk, tmp_path) as harness:
        yield harness
