"""Binance's klines and trades of the past over a real socket."""

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.binance.client import BinanceClient, code
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.orders import Side
from tests.fake_exchange.past_candles import candles_of, read_candle
from tests.fake_exchange.serving import running

SYMBOL = "symbol=BTCUSDT"
MINUTE_MS = 60_000


@pytest.fixture
async def client() -> AsyncIterator[BinanceClient]:
    exchange = FakeBinance(default_markets())
    # Half a minute after it began, so that none ends within a test.
    exchange.skew_us = 30_000_000 - exchange.now_us() % 60_000_000
    exchange.make_past("BTCUSDT", 6_000_000)
    async with running(exchange) as fake, BinanceClient(fake) as client:
        yield client


async def rows(client: BinanceClient, path: str) -> list[list[str]]:
    response = await client.http.get(f"/api/v3/{path}")
    assert response.status_code == 200, response.text
    answered: list[list[str]] = response.json()
    return answered


def this_minute_ms(client: BinanceClient) -> int:
    now_ms = client.fake.now_us() // 1_000
    return now_ms - now_ms % MINUTE_MS


async def test_klines_are_oldest_first_with_the_open_one_last(client: BinanceClient) -> None:
    found = await rows(client, f"klines?{SYMBOL}&interval=1m")
    last_ms = this_minute_ms(client)
    assert [int(row[0]) for row in found] == [last_ms - n * MINUTE_MS for n in reversed(range(500))]
    assert all(int(row[6]) == int(row[0]) + MINUTE_MS - 1 for row in found)
    assert len(await rows(client, f"klines?{SYMBOL}&interval=1m&limit=2000")) == 1_000
    empty = [(old, row) for old, row in itertools.pairwise(found) if not int(row[8])]
    assert empty
    assert all(row[1:6] == [*[old[4]] * 4, "0.00000000"] for old, row in empty)


async def test_a_range_of_klines_has_both_its_ends(client: BinanceClient) -> None:
    first_ms = this_minute_ms(client) - 100 * MINUTE_MS
    path = f"klines?{SYMBOL}&interval=1m"
    both = await rows(client, f"{path}&startTime={first_ms}&endTime={first_ms + 5 * MINUTE_MS}")
    assert [int(row[0]) for row in both] == [first_ms + n * MINUTE_MS for n in range(6)]
    # With a start the first ones come, without one the last ones.
    assert await rows(client, f"{path}&startTime={first_ms}&limit=3") == both[:3]
    assert await rows(client, f"{path}&endTime={first_ms + 5 * MINUTE_MS}&limit=3") == both[3:]
    assert (await rows(client, f"{path}&startTime={first_ms + 1}&limit=1"))[0] == both[1]
    assert await rows(client, f"{path}&startTime={first_ms + 1}&endTime={first_ms}") == []


async def test_klines_are_those_of_the_trades(client: BinanceClient) -> None:
    trades: list[dict[str, str]] = []
    first_id = 1
    url = f"/api/v3/historicalTrades?{SYMBOL}&limit=1000"
    while page := (await client.http.get(f"{url}&fromId={first_id}")).json():
        trades += page
        first_id = page[-1]["id"] + 1
    assert [int(trade["id"]) for trade in trades] == list(range(1, len(trades) + 1))
    read = [(int(t["time"]), Decimal(t["price"]), Decimal(t["qty"])) for t in trades]
    for name, length_ms in (("1m", MINUTE_MS), ("1h", 60 * MINUTE_MS), ("1d", 1_440 * MINUTE_MS)):
        found = await rows(client, f"klines?{SYMBOL}&interval={name}&startTime=0&limit=1000")
        traded = [read_candle(int(row[0]), row[1:6]) for row in found if row[8]]
        assert traded == candles_of(read, length_ms)[: len(traded)]
        assert traded
    # A week begins on Monday, and a month on its first day.
    (week,) = (await rows(client, f"klines?{SYMBOL}&interval=1w"))[-1:]
    assert int(week[0]) % (7 * 86_400_000) == 4 * 86_400_000


async def test_a_day_follows_the_time_zone(client: BinanceClient) -> None:
    found = await rows(client, f"klines?{SYMBOL}&interval=1d&timeZone=-5:45")
    assert {int(row[0]) % 86_400_000 for row in found} == {(5 * 60 + 45) * MINUTE_MS}
    assert code(await client.http.get(f"/api/v3/klines?{SYMBOL}&interval=1d&timeZone=15")) == (400, -1100)


async def test_recent_and_aggregated_trades(client: BinanceClient) -> None:
    recent = (await client.http.get(f"/api/v3/trades?{SYMBOL}&limit=200")).json()
    last_id = client.fake.core.trade_ids["BTCUSDT"]
    assert [row["id"] for row in recent] == list(range(last_id - 199, last_id + 1))
    url = f"/api/v3/aggTrades?{SYMBOL}"
    together = (await client.http.get(f"{url}&limit=1000")).json()
    assert [row["a"] for row in together] == list(range(together[0]["a"], together[0]["a"] + 1_000))
    assert any(row["l"] > row["f"] for row in together)
    assert all(new["f"] == old["l"] + 1 for old, new in itertools.pairwise(together))
    tenth = together[10]
    assert (await client.http.get(f"{url}&fromId={tenth['a']}&limit=5")).json() == together[10:15]
    assert (await client.http.get(f"{url}&startTime={tenth['T']}&limit=5")).json() == together[10:15]
    assert (await client.http.get(f"{url}&endTime={tenth['T']}&limit=5")).json() == together[6:11]
    assert code(await client.http.get(f"{url}&fromId=1&startTime=1")) == (400, -1128)


async def test_live_trades_go_on_where_the_past_ended(client: BinanceClient) -> None:
    before = (await rows(client, f"klines?{SYMBOL}&interval=1m&limit=1"))[0]
    flow = SeededFlow(client.fake.core, "BTCUSDT", 6_000_000)
    flow.fill_book()
    client.fake.core.place("flow", "BTCUSDT", Side.BUY, 10, None, "taker")
    after = (await rows(client, f"klines?{SYMBOL}&interval=1m&limit=1"))[0]
    assert (after[0], int(after[8])) == (before[0], int(before[8]) + 1)
    assert after[1] == before[1] or not int(before[8])
    assert after[4] == "60000.01000000"


async def test_weights_and_errors(client: BinanceClient) -> None:
    weights = {"klines": 2, "trades": 25, "historicalTrades": 25, "aggTrades": 4}
    for path, weight in weights.items():
        used = client.fake.limits.weight.used
        interval = "&interval=1m" if path == "klines" else ""
        response = await client.http.get(f"/api/v3/{path}?{SYMBOL}{interval}")
        assert response.status_code == 200
        assert client.fake.limits.weight.used - used in (weight, weight - used)  # a minute may have ended
    klines = "/api/v3/klines?"
    assert code(await client.http.get(f"{klines}{SYMBOL}&interval=2m")) == (400, -1120)
    assert code(await client.http.get(f"{klines}interval=1m")) == (400, -1102)
    assert code(await client.http.get(f"{klines}symbol=NONE&interval=1m")) == (400, -1121)
    assert code(await client.http.get(f"{klines}{SYMBOL}&interval=1m&startTime=x")) == (400, -1100)
    assert code(await client.http.get(f"{klines}{SYMBOL}&interval=1m&from=1")) == (400, -1104)
