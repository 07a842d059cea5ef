"""A gateway over a fake exchange has the last trades of its past, and those of each hole: each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_exchange.faults import Faults
from tests.live.faces import BINANCE, BYBIT, COINBASE, FACES, KRAKEN, OKX, Face, FakeMarket
from tests.live.past_market import (
    PastClient,
    assert_each_once,
    assert_right,
    assert_seconds,
    gateway_over,
    until_traded,
    until_whole,
    with_past,
)
from tests.skipping_loop import running_clock

pytestmark = pytest.mark.skipping

MINUTES = 300
"""Of trades that are asked for: several pages."""
MINUTE_US = 60_000_000
SECOND_US = 1_000_000
ASK = f"history.past_trades_minutes={MINUTES}"
PATHS = {
    BINANCE: "rades",
    BYBIT: "/v5/market/recent-trade",
    COINBASE: "/ticker",
    KRAKEN: "Trades",
    OKX: "/api/v5/market/history-trades",
}
"""Of requests for trades of the past."""
FAULTS: dict[str, Callable[[Faults, str], None]] = {
    "429": Faults.too_many_requests,
    "5xx": Faults.be_unavailable,
    "garbage": Faults.answer_garbage,
    "cut": Faults.cut_answer,
    "no answer": Faults.lose_answer,
}
ONE_OF_FACES = [
    pytest.param(face, marks=[] if face is OKX else pytest.mark.slow, id=str(face)) for face in FACES
]


def since(market: FakeMarket, begun_us: int) -> int:
    """From which second on there are trades: Bybit has the latest 60 alone when it is asked."""
    from_us = begun_us - (MINUTES - 5) * MINUTE_US
    if market.face is BYBIT:
        before = [one for one in market.core.history.of(market.market.symbol) if one.time_us < begun_us]
        from_us = before[-40].time_us
    return from_us - from_us % SECOND_US


async def assert_all_there(client: PastClient, market: FakeMarket, from_us: int) -> None:
    """Wait until no trade is missing, and check all."""
    trades = await until_traded(client, from_us)
    assert_each_once(trades, market, from_us)
    await assert_seconds(client, trades, from_us)


@pytest.mark.parametrize("face", ONE_OF_FACES)
async def test_a_gateway_started_now_has_the_last_trades(face: Face, tmp_path: Path) -> None:
    async with with_past(face) as market, gateway_over(market, tmp_path, ASK) as client:
        from_us = since(market, running_clock().wall_us())
        await client.subscribe()
        for _ in range(100):  # it may be over before anybody looks
            if await client.is_filling():
                break
            await asyncio.sleep(0.1)
        await assert_all_there(client, market, from_us)
        await asyncio.sleep(70)
        while await client.is_filling():
            await asyncio.sleep(5)
        await assert_all_there(client, market, from_us)
        minutes = await until_whole(client, 600)  # trades do not count twice in them
        assert_right(minutes, market)


@pytest.mark.parametrize("face", ONE_OF_FACES)
async def test_trades_of_a_lost_link_are_fetched(face: Face, tmp_path: Path) -> None:
    async with with_past(face) as market, gateway_over(market, tmp_path, ASK) as client:
        from_us = since(market, running_clock().wall_us())
        await client.subscribe()
        await until_traded(client, from_us)
        for _ in range(3):
            await asyncio.sleep(30)
            market.fake.start_maintenance()
            await market.fake.disconnect_all()
            await asyncio.sleep(20)
            market.fake.end_maintenance()
            await asyncio.sleep(60)
        await assert_all_there(client, market, from_us)
        assert await client.reasons_of_holes() <= {"start"}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("face", FACES, ids=str)
async def test_a_fault_costs_only_time(face: Face, fault: str, tmp_path: Path) -> None:
    async with with_past(face) as market, gateway_over(market, tmp_path, ASK) as client:
        from_us = since(market, running_clock().wall_us())
        for _ in range(2):
            FAULTS[fault](market.faults, PATHS[face])
        await client.subscribe()
        if face is not BYBIT:  # it has no older ones by then
            await assert_all_there(client, market, from_us)
        assert_right(await until_whole(client, 600), market)


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES, ids=str)
async def test_rest_that_lags_makes_no_double(face: Face, tmp_path: Path) -> None:
    """What came live is not in the exchange's past yet: then that page is not used, and asked for again."""
    async with with_past(face) as market, gateway_over(market, tmp_path, ASK) as client:
        from_us = since(market, running_clock().wall_us())
        market.fake.queries.freeze()
        await client.subscribe()
        await asyncio.sleep(50)
        market.fake.queries.thaw()
        if face is not BYBIT:
            await assert_all_there(client, market, from_us)


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES, ids=str)
async def test_a_server_that_starts_again_has_the_trades_between(face: Face, tmp_path: Path) -> None:
    async with with_past(face) as market:
        from_us = since(market, running_clock().wall_us())
        for _ in range(3):
            async with gateway_over(market, tmp_path, ASK) as client:
                await client.subscribe()
                await asyncio.sleep(12)
            await asyncio.sleep(25)
        async with gateway_over(market, tmp_path, ASK) as client:
            await client.subscribe()
            await assert_all_there(client, market, from_us)
