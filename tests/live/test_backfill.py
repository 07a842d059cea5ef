"""A gateway over a fake exchange with a past draws yesterday, from its start on, as the exchange has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_exchange.faults import Faults
from tests.live.faces import BINANCE, BYBIT, COINBASE, FACES, KRAKEN, OKX, Face
from tests.live.past_market import (
    assert_right,
    gateway_over,
    until_whole,
    with_past,
)

pytestmark = pytest.mark.skipping

PATHS = {
    BINANCE: "klines",
    BYBIT: "/v5/market/kline",
    COINBASE: "/candles",
    KRAKEN: "OHLC",
    OKX: "/api/v5/market/history-candles",
}
"""Of requests for candles of the past."""
FAULTS: dict[str, Callable[[Faults, str], None]] = {
    "429": Faults.too_many_requests,
    "ban": Faults.ban,
    "5xx": Faults.be_unavailable,
    "garbage": Faults.answer_garbage,
    "cut": Faults.cut_answer,
    "no answer": Faults.lose_answer,
}
QUICK_FAULTS = ("429", "5xx", "garbage")
SOME_OF_FAULTS = [
    pytest.param(name, marks=[] if name in QUICK_FAULTS else pytest.mark.slow, id=name) for name in FAULTS
]
ONE_OF_FACES = [
    pytest.param(face, marks=[] if face is OKX else pytest.mark.slow, id=str(face)) for face in FACES
]


def minutes_of(face: Face) -> int:
    """How many minutes there are at least: two days, but at Kraken."""
    return 700 if face is KRAKEN else 2_870


@pytest.mark.parametrize("face", ONE_OF_FACES)
async def test_a_gateway_started_now_draws_yesterday(face: Face, tmp_path: Path) -> None:
    async with with_past(face) as market, gateway_over(market, tmp_path) as client:
        await client.subscribe()
        assert_right(await until_whole(client, minutes_of(face)), market)
        await asyncio.sleep(150)  # the minute in which it began has ended, and two more
        assert_right(await until_whole(client, minutes_of(face) + 2), market)
        for interval in ("15m", "2h", "1d"):
            assert_right(await until_whole(client, 3, interval), market, interval)
        for interval in ("5m", "1h", "4h"):
            assert_right(await until_whole(client, 17, interval), market, interval)


@pytest.mark.parametrize("face", ONE_OF_FACES)
async def test_a_hole_of_a_lost_link_is_filled(face: Face, tmp_path: Path) -> None:
    no_trades = "history.past_trades_minutes=0"  # the hole in them stays
    async with with_past(face) as market, gateway_over(market, tmp_path, no_trades) as client:
        await client.subscribe()
        before = len(await until_whole(client, minutes_of(face)))
        await asyncio.sleep(70)
        market.fake.start_maintenance()
        await market.fake.disconnect_all()
        await asyncio.sleep(100)
        market.fake.end_maintenance()
        await asyncio.sleep(130)
        candles = await until_whole(client, minutes_of(face) + 4)
        assert await client.reasons_of_holes() & {"link_lost", "silent"}, "there was no hole"
        assert len(candles) > before + 4
        assert_right(candles, market)
        assert_right(await until_whole(client, 3, "15m"), market, "15m")


@pytest.mark.parametrize("fault", SOME_OF_FAULTS)
@pytest.mark.parametrize("face", ONE_OF_FACES)
async def test_a_fault_costs_only_time(face: Face, fault: str, tmp_path: Path) -> None:
    async with with_past(face) as market, gateway_over(market, tmp_path) as client:
        for _ in range(2):
            FAULTS[fault](market.faults, PATHS[face])
        await client.subscribe()
        await asyncio.sleep(20)
        if fault != "ban":  # a ban is of the address
            live = client.messages[-1]
            assert live["channel"] == "candles", live
        assert_right(await until_whole(client, minutes_of(face)), market)


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES, ids=str)
async def test_a_server_that_starts_again_fills_the_time_between(face: Face, tmp_path: Path) -> None:
    async with with_past(face) as market:
        async with gateway_over(market, tmp_path) as client:
            await client.subscribe()
            await asyncio.sleep(2)  # the backfill is under way, or has just ended
        await asyncio.sleep(400)
        async with gateway_over(market, tmp_path) as client:
            await client.subscribe()
            await asyncio.sleep(150)
            assert_right(await until_whole(client, minutes_of(face) + 5), market)
            for interval in ("15m", "2h", "1d"):
                assert_right(await until_whole(client, 3, interval), market, interval)
