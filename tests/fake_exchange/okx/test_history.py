"""OKX's candles and trades of the past over a real socket."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.fake_exchange.okx import FakeOkx, default_markets
from tests.fake_exchange.okx.client import OkxClient
from tests.fake_exchange.past_candles import candles_of, read_candle
from tests.fake_exchange.serving import running

PAIR = "instId=BTC-USDT"
MINUTE_MS = 60_000


@pytest.fixture
async def client() -> AsyncIterator[OkxClient]:
    exchange = FakeOkx(default_markets())
    exchange.skew_us = 30_000_000 - exchange.now_us() % 60_000_000
    exchange.make_past("BTCUSDT", 600_000)
    exchange.rest.limits |= dict.fromkeys(
        ("/api/v5/market/history-trades", "/api/v5/market/history-candles"), 1_000
    )
    async with running(exchange) as fake, OkxClient(fake) as client:
        yield client


async def candles(client: OkxClient, query: str, path: str = "candles") -> list[list[str]]:
    answer = (await client.http.get(f"/api/v5/market/{path}?{PAIR}&{query}")).json()
    assert answer["code"] == "0", answer
    rows: list[list[str]] = answer["data"]
    return rows


async def trades(client: OkxClient, query: str, path: str = "history-trades") -> list[dict[str, str]]:
    answer = (await client.http.get(f"/api/v5/market/{path}?{PAIR}&{query}")).json()
    assert answer["code"] == "0", answer
    rows: list[dict[str, str]] = answer["data"]
    return rows


def this_minute_ms(client: OkxClient) -> int:
    now_ms = client.fake.now_us() // 1_000
    return now_ms - now_ms % MINUTE_MS


async def test_candles_are_newest_first_with_the_open_one(client: OkxClient) -> None:
    last_ms = this_minute_ms(client)
    found = await candles(client, "")
    assert [int(row[0]) for row in found] == [last_ms - n * MINUTE_MS for n in range(100)]
    assert [row[8] for row in found] == ["0", *["1"] * 99]
    assert len(await candles(client, "limit=1000")) == 300
    assert [row[0] for row in await candles(client, "limit=2", "history-candles")] == [
        r[0] for r in found[1:3]
    ]


async def test_after_is_older_and_before_is_newer(client: OkxClient) -> None:
    last_ms = this_minute_ms(client)
    found = await candles(client, "limit=300")
    tenth_ms, twentieth_ms = last_ms - 10 * MINUTE_MS, last_ms - 20 * MINUTE_MS
    for path in ("candles", "history-candles"):
        assert await candles(client, f"after={tenth_ms}&limit=5", path) == found[11:16]
        between = await candles(client, f"after={tenth_ms}&before={twentieth_ms}", path)
        assert between == found[11:20]
    # OKX: `before` alone gives the newest ones.
    assert await candles(client, f"before={twentieth_ms}&limit=5") == found[:5]
    oldest_ms = last_ms - 1_439 * MINUTE_MS
    assert [row[0] for row in await candles(client, f"after={oldest_ms + 1}")] == [str(oldest_ms)]
    assert len(await candles(client, f"after={oldest_ms}", "history-candles")) == 100


async def test_candles_are_those_of_the_trades(client: OkxClient) -> None:
    newest = await trades(client, "limit=500", "trades")
    assert len(newest) == 500
    read = list(newest)
    while len(read) < 2_000:
        page = await trades(client, f"after={read[-1]['tradeId']}")
        assert len(page) == 100
        read += page
    ids = [int(row["tradeId"]) for row in read]
    assert ids == list(range(ids[0], ids[-1] - 1, -1))
    oldest_first = [(int(t["ts"]), Decimal(t["px"]), Decimal(t["sz"])) for t in reversed(read)]
    for bar, length_ms in (("1m", MINUTE_MS), ("1H", 60 * MINUTE_MS), ("1s", 1_000)):
        # The oldest one may have more trades than were read, and the open one is not in the history.
        closed = candles_of(oldest_first, length_ms)[1:]
        wanted = [candle for candle in closed if candle[0] + length_ms <= this_minute_ms(client)][:200]
        end_ms = wanted[-1][0] + length_ms
        found: list[list[str]] = []
        while not found or int(found[-1][0]) > wanted[0][0]:
            older = min(end_ms, int(found[-1][0]) if found else end_ms)
            found += await candles(client, f"bar={bar}&after={older}&limit=300", "history-candles")
        kept = [read_candle(int(row[0]), row[1:6]) for row in reversed(found) if row[5] != "0"]
        assert [candle for candle in kept if candle[0] >= wanted[0][0]] == wanted


async def test_old_trades_by_time(client: OkxClient) -> None:
    newest = await trades(client, "limit=50", "trades")
    moment_ms = int(newest[20]["ts"])
    older = [row for row in newest if int(row["ts"]) < moment_ms]
    assert await trades(client, f"type=2&after={moment_ms}&limit={len(older)}") == older
    between = await trades(client, f"after={newest[5]['tradeId']}&before={newest[9]['tradeId']}")
    assert between == newest[6:9]


async def test_days_and_weeks_follow_the_clock_that_is_asked_for(client: OkxClient) -> None:
    for bar, zone_h in (("1Dutc", 0), ("1D", 8), ("6H", 8), ("1Wutc", 0), ("1W", 8)):
        for row in await candles(client, f"bar={bar}"):
            local_ms = int(row[0]) + zone_h * 3_600_000
            assert local_ms % (6 * 3_600_000 if bar == "6H" else 86_400_000) == 0
            if "W" in bar:
                assert local_ms // 86_400_000 % 7 == 4


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("candles", "bar=1s"),
        ("candles", "bar=7m"),
        ("history-candles", "bar=1h"),
        ("candles", "after=x"),
        ("candles", "limit=x"),
        ("history-trades", "type=3"),
        ("history-trades", "type=2&before=1"),
    ],
)
async def test_bad_parameters_are_refused(client: OkxClient, path: str, query: str) -> None:
    response = await client.http.get(f"/api/v5/market/{path}?{PAIR}&{query}")
    assert (response.status_code, response.json()["code"]) == (400, "51000")
    unknown = await client.http.get(f"/api/v5/market/{path}?instId=X-Y")
    assert unknown.json()["code"] == "51001"


async def test_each_list_has_its_own_limit(client: OkxClient) -> None:
    client.fake.rest.limits |= {"/api/v5/market/history-candles": 1, "/api/v5/market/history-trades": 1}
    for path in ("history-candles", "history-trades"):
        url = f"/api/v5/market/{path}?{PAIR}"
        codes = [(await client.http.get(url)).json()["code"] for _ in range(3)]
        assert codes[0] == "0"
        assert "50011" in codes
