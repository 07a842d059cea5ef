"""Bybit's candles and trades of the past."""

from collections.abc import Callable, Mapping
from itertools import islice

from tests.fake_exchange.bybit import messages
from tests.fake_exchange.bybit.errors import BybitError, bad_parameter
from tests.fake_exchange.candle_intervals import days, minutes, months, week
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.trade_history import RestHistory

Params = Mapping[str, str]
Body = dict[str, object]
CANDLES = {
    **{str(n): minutes(n) for n in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": days(1),
    "W": week(),
    "M": months(1),
}
RECENT_TRADES = 60
CANDLE_PAGE, MOST_CANDLES = 200, 1_000
END_MS = 10**15


class BybitHistory:
    """All lists are the newest first."""

    def __init__(
        self, core: MatchingCore, market_of: Callable[[Params], Market], now_us: Callable[[], int]
    ) -> None:
        self._core = core
        self._market_of = market_of
        self._history = RestHistory(core.history, now_us)
        self.public: dict[str, Callable[[Params], Body]] = {
            "/v5/market/recent-trade": self._trades,
            "/v5/market/kline": self._candles,
        }

    def freeze(self) -> None:
        self._history.freeze(self._core.markets)

    def thaw(self) -> None:
        self._history.thaw()

    def _trades(self, params: Params) -> Body:
        """Bybit: the last 60 of spot; there is no way to older ones."""
        market = self._market_of(params)
        limit = limit_of(params, RECENT_TRADES, RECENT_TRADES)
        newest = reversed(self._history.trades(market.symbol)[-limit:])
        return {"category": "spot", "list": [messages.recent_trade(trade) for trade in newest]}

    def _candles(self, params: Params) -> Body:
        """`start` and `end` are milliseconds, and both belong to the range.

        With `start` alone the candles are those from there on, else the newest of the range."""
        market, interval = self._market_of(params), params.get("interval", "")
        if interval not in CANDLES:
            raise bad_parameter("interval")
        limit = limit_of(params, CANDLE_PAGE, MOST_CANDLES)
        first_ms, last_ms = _time_ms(params, "start", 0), _time_ms(params, "end", END_MS)
        if first_ms > last_ms:
            raise BybitError(10001, "Invalid startTime or endTime")
        of_range = (market.symbol, CANDLES[interval], first_ms * 1_000, last_ms * 1_000)
        if params.get("start") and not params.get("end"):
            candles = list(islice(self._history.oldest_candles(*of_range), limit))[::-1]
        else:
            candles = list(islice(self._history.newest_candles(*of_range), limit))
        rows = [messages.candle_row(candle) for candle in candles]
        return {"category": "spot", "symbol": market.symbol, "list": rows}


def limit_of(params: Params, default: int, most: int) -> int:
    text = params.get("limit", str(default))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise bad_parameter("limit")
    return int(text)


def _time_ms(params: Params, name: str, default_ms: int) -> int:
    """An empty text is the same as none."""
    text = params.get(name) or str(default_ms)
    if not (text.isascii() and text.isdigit()):
        raise bad_parameter(name)
    return min(END_MS, int(text))
