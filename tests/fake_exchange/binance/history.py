"""Binance's klines and trades of the past."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice

from tests.fake_exchange.binance import messages
from tests.fake_exchange.binance.errors import BinanceError, illegal
from tests.fake_exchange.binance.orders import market_of, number, refuse_unknown
from tests.fake_exchange.candle_intervals import (
    HOUR_US,
    MINUTE_US,
    days,
    hours,
    minutes,
    months,
    seconds,
    week,
)
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Traded
from tests.fake_exchange.trade_history import RestHistory

Params = Mapping[str, str]
KLINES = {
    "1s": seconds(1),
    **{f"{n}m": minutes(n) for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": hours(n) for n in (1, 2, 4, 6, 8, 12)},
    "1d": days(1),
    "3d": days(3),
    "1w": week(),
    "1M": months(1),
}
ZONE = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?")


class BinanceHistory:
    """All lists are the oldest first. Times are milliseconds, and both ends of a range belong to it."""

    def __init__(self, core: MatchingCore, now_us: Callable[[], int]) -> None:
        self._core = core
        self._history = RestHistory(core.history, now_us)
        self.public: dict[str, Callable[[Params], object]] = {
            "klines": self._klines,
            "trades.recent": self._recent,
            "trades.historical": self._historical,
            "trades.aggregate": self._aggregate,
        }

    def freeze(self) -> None:
        self._history.freeze(self._core.markets)

    def thaw(self) -> None:
        self._history.thaw()

    def _klines(self, params: Params) -> object:
        refuse_unknown(params, frozenset({"symbol", "interval", "startTime", "endTime", "timeZone", "limit"}))
        market, name = market_of(self._core, params), params.get("interval", "")
        if name not in KLINES:
            raise BinanceError(400, -1120, "Invalid interval.")
        interval = replace(KLINES[name], zone_us=_zone_us(params.get("timeZone", "0")))
        limit = number(params, "limit", 500, 1_000)
        first_us, last_us = _range_us(params)
        if "startTime" in params:
            rows = islice(self._history.oldest_candles(market.symbol, interval, first_us, last_us), limit)
            return [messages.kline_row(candle) for candle in rows]
        newest = islice(self._history.newest_candles(market.symbol, interval, 0, last_us), limit)
        return [messages.kline_row(candle) for candle in newest][::-1]

    def _recent(self, params: Params) -> object:
        refuse_unknown(params, frozenset({"symbol", "limit"}))
        return self._trades(params, None)

    def _historical(self, params: Params) -> object:
        refuse_unknown(params, frozenset({"symbol", "limit", "fromId"}))
        return self._trades(params, number(params, "fromId", 0) if "fromId" in params else None)

    def _trades(self, params: Params, first_id: int | None) -> object:
        market, limit = market_of(self._core, params), number(params, "limit", 500, 1_000)
        trades = self._history.trades(market.symbol)
        if first_id is None:
            return [messages.trade_row(trade) for trade in trades[max(0, len(trades) - limit) :]]
        wanted = (trade for trade in trades if trade.trade_id >= first_id)
        return [messages.trade_row(trade) for trade in islice(wanted, limit)]

    def _aggregate(self, params: Params) -> object:
        refuse_unknown(params, frozenset({"symbol", "limit", "fromId", "startTime", "endTime"}))
        if "fromId" in params and {"startTime", "endTime"} & set(params):
            raise BinanceError(400, -1128, "Combination of optional parameters invalid.")
        market, limit = market_of(self._core, params), number(params, "limit", 500, 1_000)
        first_us, last_us = _range_us(params)
        first_id = number(params, "fromId", 0)
        wanted = [
            (aggregate_id, group)
            for aggregate_id, group in enumerate(_aggregated(self._history.trades(market.symbol)), 1)
            if aggregate_id >= first_id and first_us <= group[0].time_us <= last_us
        ]
        is_forward = "fromId" in params or "startTime" in params
        chosen = wanted[:limit] if is_forward else wanted[max(0, len(wanted) - limit) :]
        return [messages.aggregated_row(aggregate_id, group) for aggregate_id, group in chosen]


def _aggregated(trades: Sequence[Traded]) -> Iterator[list[Traded]]:
    """Binance: one entry for the fills of one taking order at one price and time."""
    for _, group in groupby(
        trades, lambda trade: (trade.taker_order_id, trade.price_e8, trade.time_us // 1_000)
    ):
        yield list(group)


def _range_us(params: Params) -> tuple[int, int]:
    """A millisecond of the end belongs to the range with all its microseconds."""
    first_ms, last_ms = number(params, "startTime", 0), number(params, "endTime", 10**15)
    return first_ms * 1_000, last_ms * 1_000 + 999


def _zone_us(text: str) -> int:
    """Binance: hours such as -1, and hours with minutes such as 05:45, from -12:00 to +14:00."""
    found = ZONE.fullmatch(text)
    if found is None:
        raise illegal("timeZone")
    zone_us = int(found[2]) * HOUR_US + int(found[3] or "0") * MINUTE_US
    zone_us = -zone_us if found[1] == "-" else zone_us
    if not -12 * HOUR_US <= zone_us <= 14 * HOUR_US:
        raise illegal("timeZone")
    return zone_us
