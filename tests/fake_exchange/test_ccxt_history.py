"""An unmodified ccxt reads candles and trades of the past at each face."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.candle_intervals import DAY_US, HOUR_US, Interval, days, hours, minutes
from tests.fake_exchange.ccxt_process import run_session
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running
from tests.fake_exchange.trade_history import RestHistory, traded_candles
from tests.fake_exchange.trade_statistics import Candle

SESSION = Path(__file__).with_name("ccxt_history_session.py")
PRICE_E8 = 60_000 * UNIT
SINCE_US = 5 * HOUR_US


class Seen(msgspec.Struct):
    """Candles are a time in milliseconds, four prices and a volume."""

    newest: list[list[float]]
    since: list[list[float]]
    hours: list[list[float]]
    days: list[list[float]]
    trades: list[tuple[int, int, float, float, str]]


@dataclass(frozen=True)
class Face:
    name: str
    fake: FakeExchange
    symbol: str
    has_empty: bool = True
    first_trade_id: int = 0

    @property
    def native(self) -> str:
        return self.symbol.replace("/", "")


def faces() -> list[Face]:
    return [
        Face("binance", binance.FakeBinance(binance.default_markets()), "BTC/USDT"),
        Face("bybit", bybit.FakeBybit(bybit.default_markets()), "BTC/USDT", first_trade_id=2_290 * 10**15),
        Face("coinbase", coinbase.FakeCoinbase(coinbase.default_markets()), "BTC/USD", has_empty=False),
        Face("kraken", kraken.FakeKraken(kraken.default_markets()), "BTC/USD"),
        Face("okx", okx.FakeOkx(okx.default_markets()), "BTC/USDT"),
    ]


def row(candle: Candle) -> list[float]:
    prices = (candle.open_e8, candle.high_e8, candle.low_e8, candle.close_e8, candle.volume_e8)
    return [candle.begin_us // 1_000, *(number_e8 / UNIT for number_e8 in prices)]


@pytest.mark.slow
@pytest.mark.parametrize("face", faces(), ids=lambda face: face.name)
async def test_ccxt_reads_the_past(face: Face) -> None:
    fake, symbol = face.fake, face.native
    # Half a minute after it began, so that no minute ends while ccxt reads.
    fake.skew_us = 30_000_000 - fake.now_us() % 60_000_000
    fake.make_past(symbol, PRICE_E8 // fake.core.markets[symbol].tick_e8)
    now_us = fake.now_us()
    since_us = now_us - now_us % HOUR_US - SINCE_US
    async with running(fake):
        out = await run_session(SESSION, face.name, fake.http, face.symbol, str(since_us // 1_000))
    seen = msgspec.json.decode(out, type=Seen)
    history = RestHistory(fake.core.history, lambda: now_us)

    def wanted(interval: Interval, first_us: int, most: int) -> list[list[float]]:
        if face.has_empty:
            return [row(c) for c in islice(history.oldest_candles(symbol, interval, first_us), most)]
        # The candle that begins at the end of a range belongs to it.
        candles = islice(history.oldest_candles(symbol, interval, first_us), most + 1)
        return [row(candle) for candle in islice(traded_candles(candles), most)]

    newest = list(islice(history.newest_candles(symbol, minutes(1)), 20))[::-1]
    newest_rows = [row(candle) for candle in (newest if face.has_empty else traded_candles(newest))]
    assert seen.newest[-len(newest_rows) :] == newest_rows
    assert len(newest_rows) > 15
    assert seen.since == wanted(minutes(1), since_us, 30)
    assert seen.hours == wanted(hours(1), since_us, 4)
    assert seen.days == wanted(days(1), (since_us // DAY_US - 2) * DAY_US, 2)
    trades = {trade.trade_id + face.first_trade_id: trade for trade in history.trades(symbol)}
    assert len(seen.trades) == 50
    # ccxt numbers Binance's aggregated trades by their own ids.
    for number, time_ms, price, amount, _ in seen.trades if face.name != "binance" else ():
        trade = trades[number]
        assert time_ms == trade.time_us // 1_000
        assert (price, amount) == (trade.price_e8 / UNIT, trade.size_e8 / UNIT)
    last = seen.trades[-1]
    assert last[2] == PRICE_E8 / UNIT
    assert last[1] == history.trades(symbol)[-1].time_us // 1_000
    assert not fake.counts.refusals
