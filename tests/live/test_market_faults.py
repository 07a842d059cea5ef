"""Faults of prices at each face: books end right, losses are told, other markets are not disturbed."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fake_exchange.exchange import FakeExchange
from tests.live.market_faces import FACES, MarketFace
from tests.live.market_fault_run import MarketFaultRun
from tests.live.market_faults import session
from tests.skipping_loop import SkippingLoop

pytestmark = [pytest.mark.slow, pytest.mark.skipping]


async def test_the_date_of_a_run_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who trade fill the books first. On a busy machine they did so ahead of the loop's date."""
    monkeypatch.setattr(FakeExchange, "date_ns", staticmethod(lambda: time.time_ns() + 120 * 10**9))
    run = MarketFaultRun(FACES[0], "1")
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    times = [trade.time_us for market in run.markets for trade in run.fake.core.history.of(market.symbol)]
    assert times
    assert max(times) <= loop.date_ns() // 1_000


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_every_book_is_right_after_faults(face: MarketFace) -> None:
    done = await session(face, 50, "11")
    assert not done.problems
    assert done.faults.total() >= 50


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_every_book_of_a_client_is_right_after_faults(face: MarketFace) -> None:
    """500 faults over the five faces, over a WebSocket of a whole gateway."""
    done = await session(face, 100, "12", by_socket=True)
    assert not done.problems
    assert done.faults.total() >= 100
