"""Coinbase's candles and trades of the past."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from tests.fake_exchange.candle_intervals import days, hours, minutes
from tests.fake_exchange.coinbase.errors import invalid
from tests.fake_exchange.coinbase.messages import time_text
from tests.fake_exchange.market import Market, plain_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Traded
from tests.fake_exchange.trade_history import RestHistory, traded_candles
from tests.fake_exchange.trade_statistics import Candle

Body = dict[str, object]
Query = Mapping[str, Sequence[str]]
GRANULARITIES = {
    "ONE_MINUTE": minutes(1),
    "FIVE_MINUTE": minutes(5),
    "FIFTEEN_MINUTE": minutes(15),
    "THIRTY_MINUTE": minutes(30),
    "ONE_HOUR": hours(1),
    "TWO_HOUR": hours(2),
    "FOUR_HOUR": hours(4),
    "SIX_HOUR": hours(6),
    "ONE_DAY": days(1),
}
MOST_CANDLES = 350
MOST_TRADES = 1_000
END_S = 10**12


class CoinbaseHistory:
    """All lists are the newest first. `start` and `end` are seconds, and both belong to the range."""

    def __init__(self, core: MatchingCore, now_us: Callable[[], int]) -> None:
        self._core = core
        self._history = RestHistory(core.history, now_us)

    def freeze(self) -> None:
        self._history.freeze(self._core.markets)

    def thaw(self) -> None:
        self._history.thaw()

    def candles(self, market: Market, query: Query) -> list[Body]:
        """Coinbase: an interval in which nothing was traded has no candle."""
        check(query, {"start", "end", "granularity", "limit"})
        name = query.get("granularity", ("",))[0]
        if name not in GRANULARITIES:
            raise invalid("granularity argument is invalid")
        interval = GRANULARITIES[name]
        first_s, last_s = _seconds(query, "start"), _seconds(query, "end")
        if first_s > last_s:
            raise invalid("start must be before end")
        if (last_s - first_s) * 1_000_000 // interval.length_us >= MOST_CANDLES:
            raise invalid("number of candles requested should be less than 350")
        candles = self._history.newest_candles(
            market.symbol, interval, first_s * 1_000_000, last_s * 1_000_000
        )
        wanted = islice(traded_candles(candles), limit_of(query, MOST_CANDLES))
        return [candle_row(candle) for candle in wanted]

    def trades(self, market: Market, product_id: str, query: Query) -> list[Body]:
        first_s, last_s = _seconds(query, "start", 0), _seconds(query, "end", END_S)
        trades = self._history.trades_between(market.symbol, first_s * 1_000_000, last_s * 1_000_000)
        newest = islice(reversed(trades), limit_of(query, MOST_TRADES))
        return [_trade_row(trade, product_id) for trade in newest]


def candle_row(candle: Candle) -> Body:
    return {
        "start": str(candle.begin_us // 1_000_000),
        "low": plain_e8(candle.low_e8),
        "high": plain_e8(candle.high_e8),
        "open": plain_e8(candle.open_e8),
        "close": plain_e8(candle.close_e8),
        "volume": plain_e8(candle.volume_e8),
    }


def check(query: Query, known: set[str]) -> None:
    """Coinbase ignores unknown parameters. Here they are refused, so that a misspelt one is noticed."""
    if set(query) - known:
        raise invalid(f"unknown parameter {min(set(query) - known)}")


def limit_of(query: Query, most: int) -> int:
    text = query.get("limit", (str(most),))[0]
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise invalid("limit")
    return min(most, int(text))


def _trade_row(trade: Traded, product_id: str) -> Body:
    return {
        "trade_id": str(trade.trade_id),
        "product_id": product_id,
        "price": plain_e8(trade.price_e8),
        "size": plain_e8(trade.size_e8),
        "time": time_text(trade.time_us),
        # The maker's side, as in market_trades.
        "side": trade.taker_side.opposite.value,
        "bid": "",
        "ask": "",
        "exchange": "coinbase",
    }


def _seconds(query: Query, name: str, default_s: int | None = None) -> int:
    """A time in seconds since 1970. Without a default it has to be there."""
    if name not in query and default_s is not None:
        return default_s
    text = query.get(name, ("",))[0]
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"{name} argument is invalid")
    return min(END_S, int(text))
