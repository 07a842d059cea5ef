"""Bybit's candles and trades of the past over a real socket."""

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.fake_exchange.bybit import FakeBybit, default_markets
from tests.fake_exchange.bybit.client import BybitClient
from tests.fake_exchange.past_candles import candles_of, read_candle
from tests.fake_exchange.serving import running

PAIR = "category=spot&symbol=BTCUSDT"
MINUTE_MS = 60_000


@pytest.fixture
async def client() -> AsyncIterator[BybitClient]:
    exchange = FakeBybit(default_markets())
    exchange.skew_us = 30_000_000 - exchange.now_us() % 60_000_000
    exchange.make_past("BTCUSDT", 6_000_000)
    async with running(exchange) as fake, BybitClient(fake) as client:
        yield client


async def candles(client: BybitClient, query: str) -> list[list[str]]:
    answer = (await client.http.get(f"/v5/market/kline?{PAIR}&{query}")).json()
    assert answer["retCode"] == 0, answer
    rows: list[list[str]] = answer["result"]["list"]
    return rows


def this_minute_ms(client: BybitClient) -> int:
    now_ms = client.fake.now_us() // 1_000
    return now_ms - now_ms % MINUTE_MS


async def test_candles_are_newest_first_with_the_open_one(client: BybitClient) -> None:
    last_ms = this_minute_ms(client)
    found = await candles(client, "interval=1")
    assert [int(row[0]) for row in found] == [last_ms - n * MINUTE_MS for n in range(200)]
    assert len(await candles(client, "interval=1&limit=1000")) == 1_000
    empty = [(row, old) for row, old in itertools.pairwise(found) if row[5] == "0"]
    assert empty
    assert all(row[1:] == [*[old[4]] * 4, "0", "0"] for row, old in empty)


async def test_a_range_has_both_its_ends(client: BybitClient) -> None:
    first_ms = this_minute_ms(client) - 100 * MINUTE_MS
    end_ms = first_ms + 5 * MINUTE_MS
    both = await candles(client, f"interval=1&start={first_ms}&end={end_ms}")
    assert [int(row[0]) for row in both] == [end_ms - n * MINUTE_MS for n in range(6)]
    assert await candles(client, f"interval=1&start={first_ms}&end={end_ms}&limit=2") == both[:2]
    assert await candles(client, f"interval=1&end={end_ms}&limit=2") == both[:2]
    assert await candles(client, f"interval=1&start={first_ms}&limit=2") == both[-2:]


async def test_candles_are_those_of_the_last_trades(client: BybitClient) -> None:
    answer = (await client.http.get(f"/v5/market/recent-trade?{PAIR}")).json()["result"]["list"]
    assert len(answer) == 60
    trades = [(int(t["time"]), Decimal(t["price"]), Decimal(t["size"])) for t in reversed(answer)]
    # The oldest minute may have more trades than the list.
    wanted = candles_of(trades, MINUTE_MS)[1:]
    found = await candles(client, f"interval=1&start={wanted[0][0]}&end={this_minute_ms(client)}")
    assert [read_candle(int(row[0]), row[1:6]) for row in reversed(found) if row[5] != "0"] == wanted


async def test_weeks_begin_on_monday_and_months_on_their_first_day(client: BybitClient) -> None:
    (week,) = await candles(client, "interval=W&limit=1")
    assert int(week[0]) % (7 * 86_400_000) == 4 * 86_400_000
    (month,) = await candles(client, "interval=M&limit=1")
    assert int(month[0]) % 86_400_000 == 0


@pytest.mark.parametrize(
    "query",
    [
        "interval=2",
        "",
        "interval=1&limit=1001",
        "interval=1&limit=0",
        "interval=1&start=x",
        "interval=1&start=2&end=1",
    ],
)
async def test_bad_parameters_are_refused(client: BybitClient, query: str) -> None:
    answer = (await client.http.get(f"/v5/market/kline?{PAIR}&{query}")).json()
    assert (answer["retCode"], answer["result"]) == (10001, {})


async def test_the_past_counts_for_the_limit_of_the_address(client: BybitClient) -> None:
    client.fake.rest.address_limit.limit = 1
    responses = [await client.http.get(f"/v5/market/kline?{PAIR}&interval=1&limit=1") for _ in range(3)]
    assert responses[-1].status_code == 403
