"""Kraken's candles and trades of the past over a real socket."""

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx2
import pytest

from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.past_candles import candles_of, read_candle
from tests.fake_exchange.serving import running

PAIR = "pair=XBTUSD"
MINUTE_S = 60
Rows = list[list[str]]


@pytest.fixture
async def fake() -> AsyncIterator[FakeKraken]:
    exchange = FakeKraken(default_markets())
    exchange.limits.pair_limit = 1_000
    exchange.skew_us = 30_000_000 - exchange.now_us() % 60_000_000
    exchange.make_past("BTCUSD", 600_000)
    async with running(exchange):
        yield exchange


async def read(fake: FakeKraken, path: str) -> tuple[Rows, str]:
    """The rows and `last`."""
    async with httpx2.AsyncClient(base_url=fake.http, verify=False) as http:
        answer = (await http.get(f"/0/public/{path}")).json()
    assert answer["error"] == [], answer
    return answer["result"]["XXBTZUSD"], str(answer["result"]["last"])


async def refusal(fake: FakeKraken, path: str) -> list[str]:
    async with httpx2.AsyncClient(base_url=fake.http, verify=False) as http:
        answer = (await http.get(f"/0/public/{path}")).json()
    errors: list[str] = answer["error"]
    return errors


def this_minute_s(fake: FakeKraken) -> int:
    now_s = fake.now_us() // 1_000_000
    return now_s - now_s % MINUTE_S


async def test_the_last_720_candles_oldest_first_with_the_open_one(fake: FakeKraken) -> None:
    rows, last = await read(fake, f"OHLC?{PAIR}")
    now_s = this_minute_s(fake)
    assert [int(row[0]) for row in rows] == [now_s - n * MINUTE_S for n in reversed(range(720))]
    assert last == str(now_s - MINUTE_S)
    # A minute without a trade has the last price, and neither an average nor a volume.
    empty = [(old, row) for old, row in itertools.pairwise(rows) if not int(row[7])]
    assert empty
    assert all(row[1:7] == [*[old[4]] * 4, "0.0", "0.00000000"] for old, row in empty)


async def test_since_is_left_out_and_the_open_candle_is_always_there(fake: FakeKraken) -> None:
    rows, last = await read(fake, f"OHLC?{PAIR}&interval=1")
    fifth = rows[-5][0]
    assert (await read(fake, f"OHLC?{PAIR}&interval=1&since={fifth}"))[0] == rows[-4:]
    assert (await read(fake, f"OHLC?{PAIR}&interval=1&since={last}"))[0] == rows[-1:]
    assert (await read(fake, f"OHLC?{PAIR}&interval=1&since={int(last) + 10**6}"))[0] == rows[-1:]
    assert (await read(fake, f"OHLC?{PAIR}&interval=1&since=0"))[0] == rows


async def test_candles_are_those_of_all_trades(fake: FakeKraken) -> None:
    trades: Rows = []
    since = "0"
    while True:
        page, last = await read(fake, f"Trades?{PAIR}&since={since}")
        trades += page
        if len(page) < 1_000:
            break
        since = last
    # Also those of one time, of which one ended a page.
    assert [int(row[6]) for row in trades] == list(range(1, fake.core.trade_ids["BTCUSD"] + 1))
    seen = [(int(float(row[2]) * 1_000), Decimal(row[0]), Decimal(row[1])) for row in trades]
    for interval in (1, 60, 1_440):
        rows, _ = await read(fake, f"OHLC?{PAIR}&interval={interval}")
        found = [read_candle(int(row[0]) * 1_000, [*row[1:5], row[6]]) for row in rows if row[7]]
        assert found == candles_of(seen, interval * 60_000)[-len(found) :]
        assert found


async def test_trades_without_since_are_the_last_ones(fake: FakeKraken) -> None:
    rows, last = await read(fake, f"Trades?{PAIR}&count=3")
    newest = fake.core.history.of("BTCUSD")[-3:]
    assert [int(row[6]) for row in rows] == [trade.trade_id for trade in newest]
    assert rows[-1][0] == "60000.00000"
    assert {row[3] for row in rows} <= {"b", "s"}
    assert int(last) // 1_000 == newest[-1].time_us
    assert (await read(fake, f"Trades?{PAIR}&since={last}")) == ([], last)
    # A small number is in seconds.
    since_s = newest[0].time_us // 1_000_000
    assert (await read(fake, f"Trades?{PAIR}&since={since_s}"))[0][-3:] == rows


async def test_weeks_begin_on_thursday(fake: FakeKraken) -> None:
    rows, _ = await read(fake, f"OHLC?{PAIR}&interval=10080")
    assert all(int(row[0]) % (7 * 86_400) == 0 for row in rows)


async def test_bad_parameters_are_refused(fake: FakeKraken) -> None:
    assert await refusal(fake, "OHLC?pair=NONE") == ["EQuery:Unknown asset pair"]
    assert await refusal(fake, f"OHLC?{PAIR}&interval=2") == ["EGeneral:Invalid arguments:interval"]
    assert await refusal(fake, f"OHLC?{PAIR}&since=x") == ["EGeneral:Invalid arguments:since"]
    for count in ("0", "1001", "x"):
        assert await refusal(fake, f"Trades?{PAIR}&count={count}") == ["EGeneral:Invalid arguments:count"]


async def test_calls_are_counted_by_pair(fake: FakeKraken) -> None:
    fake.limits.pair_limit = 1
    assert await refusal(fake, f"OHLC?{PAIR}") == []
    assert await refusal(fake, f"OHLC?{PAIR}") == ["EAPI:Rate limit exceeded"]
    assert await refusal(fake, f"Trades?{PAIR}") == []
    assert await refusal(fake, "OHLC?pair=ETHUSD") == []
    fake.skew_us += 1_000_000
    assert await refusal(fake, f"OHLC?{PAIR}") == []
