"""Pings after a stall of the event loop: pongs in the sockets are read before anybody is given up."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from floorwire.app import Gateway
from floorwire.config import PingSettings, Settings
from floorwire.ops import loop_stalls
from floorwire.protocol.codec import JSON
from tests.hub.hub_harness import FakeWire
from tests.trading.flaky import ALICE

READS = 5


class StallingWire(FakeWire):
    """The first ping is followed by a stall; the pong, if there is one, is read some turns later."""

    has_pong = True

    def ping(self) -> bool:
        """Stand still, as a stopped process does."""
        if not self.pings:
            loop = asyncio.get_running_loop()
            loop.call_soon(time.sleep, 0.3)
            loop.call_soon(self._read_later, READS)
        return super().ping()

    def _read_later(self, left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(self._read_later, left - 1)
        elif self.has_pong:
            self.connection.is_alive = True


@pytest.mark.parametrize("has_pong", [True, False])
async def test_a_pong_that_lies_in_the_socket_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_pong: bool
) -> None:
    monkeypatch.setattr(loop_stalls, "STALL_S", 0.1)
    monkeypatch.setattr(loop_stalls, "SETTLE_S", 0.1)
    settings = Settings(data=str(tmp_path), ping=PingSettings(interval_s=0.2, timeout_s=0.2))
    gateway = Gateway(settings, venues=[])
    async with gateway.running():
        wire = StallingWire(gateway.connection(JSON, None, ALICE))
        wire.has_pong = has_pong
        while not (wire.pings > 1 or wire.code):
            await asyncio.sleep(0.01)
        assert (wire.code is None) is has_pong
