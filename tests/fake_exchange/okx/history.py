"""OKX's candles and trades of the past."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from tests.fake_exchange.candle_intervals import (
    HOUR_US,
    Interval,
    days,
    hours,
    minutes,
    months,
    seconds,
    week,
)
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.okx import messages
from tests.fake_exchange.okx.errors import RequestError
from tests.fake_exchange.orders import Traded
from tests.fake_exchange.trade_history import RestHistory

Params = Mapping[str, str]
Row = dict[str, object] | list[str]
# OKX: bars of six hours and more follow the clock of Hong Kong, unless their name ends with utc.
HONG_KONG_US = 8 * HOUR_US


def _long_bars(ending: str, zone_us: int) -> dict[str, Interval]:
    bars = {
        **{f"{n}H": hours(n, zone_us) for n in (6, 12)},
        **{f"{n}D": days(n, zone_us) for n in (1, 2, 3)},
        "1W": week(zone_us),
        **{f"{n}M": months(n, zone_us) for n in (1, 3)},
    }
    return {name + ending: bar for name, bar in bars.items()}


BARS = {
    "1s": seconds(1),
    **{f"{n}m": minutes(n) for n in (1, 3, 5, 15, 30)},
    **{f"{n}H": hours(n) for n in (1, 2, 4)},
    **_long_bars("", HONG_KONG_US),
    **_long_bars("utc", 0),
}
# OKX: `candles` goes back so many bars, `history-candles` for years.
RECENT_CANDLES = 1_440
CANDLE_PAGE, MOST_CANDLES = 100, 300
TRADE_PAGE, MOST_TRADES, MOST_OLD_TRADES = 100, 500, 100


class OkxHistory:
    """All lists are the newest first. `after` asks for older rows than its value, `before` for newer ones."""

    def __init__(
        self, core: MatchingCore, market_of: Callable[[Params], Market], now_us: Callable[[], int]
    ) -> None:
        self._core = core
        self._now_us = now_us
        self._market_of = market_of
        self._history = RestHistory(core.history, now_us)
        self.public: dict[str, Callable[[Params], list[Row]]] = {
            "/api/v5/market/trades": self._trades,
            "/api/v5/market/history-trades": self._old_trades,
            "/api/v5/market/candles": self._candles,
            "/api/v5/market/history-candles": self._old_candles,
        }

    def freeze(self) -> None:
        self._history.freeze(self._core.markets)

    def thaw(self) -> None:
        self._history.thaw()

    def _trades(self, params: Params) -> list[Row]:
        market = self._market_of(params)
        limit = min(MOST_TRADES, number(params, "limit", TRADE_PAGE))
        return _trade_rows(market, self._newest_trades(market), limit)

    def _old_trades(self, params: Params) -> list[Row]:
        """`type` 1 pages by trade id, 2 by time in milliseconds."""
        market, kind = self._market_of(params), params.get("type") or "1"
        after, before, limit = paging(params, MOST_OLD_TRADES, MOST_OLD_TRADES)
        if kind not in ("1", "2"):
            raise _bad_parameter("type")
        # OKX: `before` is for trade ids alone.
        if kind == "2" and before:
            raise _bad_parameter("before")
        wanted = (
            trade
            for trade in self._newest_trades(market)
            if before < (trade.trade_id if kind == "1" else trade.time_us // 1_000) < after
        )
        return _trade_rows(market, wanted, limit)

    def _newest_trades(self, market: Market) -> Iterable[Traded]:
        return reversed(self._history.trades(market.symbol))

    def _candles(self, params: Params) -> list[Row]:
        market, bar = self._market_of(params), _bar(params)
        # OKX: bars of a second are in the history alone.
        if bar is BARS["1s"]:
            raise _bad_parameter("bar")
        first_us = self._now_us()
        for _ in range(RECENT_CANDLES):
            first_us = bar.begin_us(first_us - 1)
        return _page(params, self._history, market, bar, first_us, is_closed=False)

    def _old_candles(self, params: Params) -> list[Row]:
        """Only those that are closed."""
        return _page(params, self._history, self._market_of(params), _bar(params), 0, is_closed=True)


def _page(
    params: Params, history: RestHistory, market: Market, bar: Interval, first_us: int, *, is_closed: bool
) -> list[Row]:
    after, before, limit = paging(params, CANDLE_PAGE, MOST_CANDLES)
    first_us = max(first_us, before * 1_000 + 1)
    candles = history.newest_candles(market.symbol, bar, first_us, after * 1_000 - 1)
    wanted = (candle for candle in candles if candle.is_closed or not is_closed)
    return [messages.candle(candle) for candle in islice(wanted, limit)]


def _trade_rows(market: Market, trades: Iterable[Traded], limit: int) -> list[Row]:
    return [messages.trade(market, trade, trade.size_e8) for trade in islice(trades, limit)]


def _bar(params: Params) -> Interval:
    """OKX: without a name, minutes."""
    name = params.get("bar") or "1m"
    if name not in BARS:
        raise _bad_parameter("bar")
    return BARS[name]


def paging(params: Params, default: int, most: int) -> tuple[int, int, int]:
    """`after` and `before` leave rows out that are not smaller, or not larger; and how many rows."""
    after, before = number(params, "after", 10**20), number(params, "before", 0)
    return after, before, min(most, number(params, "limit", default))


def number(params: Params, name: str, default: int) -> int:
    """OKX: an empty text is the same as none."""
    text = params.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise _bad_parameter(name)
    return int(text)


def _bad_parameter(name: str) -> RequestError:
    return RequestError(400, "51000", f"Parameter {name} error")
