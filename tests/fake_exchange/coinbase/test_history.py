"""Coinbase's candles and trades of the past over a real socket."""

from collections.abc import AsyncIterator
from decimal import Decimal

import httpx2
import pytest

from tests.fake_exchange.coinbase import FakeCoinbase, default_markets
from tests.fake_exchange.past_candles import ReadCandle, candles_of, read_candle
from tests.fake_exchange.serving import running

PRODUCT = "/api/v3/brokerage/market/products/BTC-USD"
MINUTE_S = 60


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoinbase]:
    exchange = FakeCoinbase(default_markets())
    exchange.rest.public_per_s = 1_000
    exchange.skew_us = 30_000_000 - exchange.now_us() % 60_000_000
    exchange.make_past("BTCUSD", 6_000_000)
    async with running(exchange):
        yield exchange


async def get(fake: FakeCoinbase, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=fake.http, verify=False) as http:
        return await http.get(PRODUCT + path)


async def candles(fake: FakeCoinbase, start_s: int, end_s: int, rest: str = "ONE_MINUTE") -> list[ReadCandle]:
    response = await get(fake, f"/candles?start={start_s}&end={end_s}&granularity={rest}")
    assert response.status_code == 200, response.text
    names = ("open", "high", "low", "close", "volume")
    return [
        read_candle(int(row["start"]) * 1_000, [row[name] for name in names])
        for row in response.json()["candles"]
    ]


async def trades(fake: FakeCoinbase, query: str) -> list[dict[str, str]]:
    response = await get(fake, f"/ticker?{query}")
    assert response.status_code == 200, response.text
    rows: list[dict[str, str]] = response.json()["trades"]
    return rows


def this_minute_s(fake: FakeCoinbase) -> int:
    now_s = fake.now_us() // 1_000_000
    return now_s - now_s % MINUTE_S


async def test_candles_are_newest_first_without_empty_minutes(fake: FakeCoinbase) -> None:
    end_s = this_minute_s(fake) - MINUTE_S
    found = await candles(fake, end_s - 349 * MINUTE_S, end_s)
    begins_ms = [candle[0] for candle in found]
    assert begins_ms == sorted(begins_ms, reverse=True)
    assert 200 < len(found) < 350
    assert all(candle[5] for candle in found)
    # Both ends belong to the range.
    some = found[10:15]
    assert await candles(fake, some[-1][0] // 1_000, some[0][0] // 1_000) == some
    assert await candles(fake, some[-1][0] // 1_000, some[0][0] // 1_000, "ONE_MINUTE&limit=2") == some[:2]


async def test_candles_are_those_of_the_trades(fake: FakeCoinbase) -> None:
    end_s = this_minute_s(fake)
    rows = await trades(fake, f"limit=1000&start={end_s - 7_200}&end={end_s + 60}")
    assert 100 < len(rows) < 1_000
    seen = [
        (trade.time_us // 1_000, Decimal(row["price"]), Decimal(row["size"]))
        for row in reversed(rows)
        for trade in [fake.core.history.of("BTCUSD")[int(row["trade_id"]) - 1]]
    ]
    for name, length_s in (("ONE_MINUTE", 60), ("FIVE_MINUTE", 300), ("ONE_HOUR", 3_600)):
        wanted = candles_of(seen, length_s * 1_000)[1:]
        found = await candles(fake, wanted[0][0] // 1_000, end_s, name)
        assert found[::-1] == wanted


async def test_the_open_candle_is_there_once_something_was_traded(fake: FakeCoinbase) -> None:
    now_s = this_minute_s(fake)
    day = await candles(fake, now_s - now_s % 86_400, now_s, "ONE_DAY")
    assert day[0][0] == (now_s - now_s % 86_400) * 1_000
    assert day[0][4] == 60_000


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("start=1&end=2&granularity=TWO_MINUTE", "granularity argument is invalid"),
        ("start=1&end=2", "granularity argument is invalid"),
        ("end=2&granularity=ONE_MINUTE", "start argument is invalid"),
        ("start=1&end=x&granularity=ONE_MINUTE", "end argument is invalid"),
        ("start=2&end=1&granularity=ONE_MINUTE", "start must be before end"),
        ("start=0&end=21000&granularity=ONE_MINUTE", "number of candles requested should be less than 350"),
    ],
)
async def test_bad_parameters_are_refused(fake: FakeCoinbase, query: str, text: str) -> None:
    response = await get(fake, f"/candles?{query}")
    assert (response.status_code, response.json()["error"]) == (400, "INVALID_ARGUMENT")
    assert response.json()["message"] == text


async def test_candles_count_for_the_limit_of_the_address(fake: FakeCoinbase) -> None:
    fake.rest.public_per_s = 1
    statuses = [(await get(fake, "/candles?start=1&end=2&granularity=ONE_DAY")).status_code for _ in range(3)]
    assert statuses[0] == 200
    assert 429 in statuses
