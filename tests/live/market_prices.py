"""The ticker and the candles that a client has of a symbol, compared with the trades of the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tests.fake_exchange.candle_intervals import Interval
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side
from tests.fake_exchange.trade_statistics import Candle

KEPT_CANDLES = 5


class TradedCandles:
    """The candles of one interval that follow from the trades at an exchange."""

    def __init__(self, core: MatchingCore, interval_us: int) -> None:
        self.core = core
        self._interval = Interval(interval_us)

    def at(self, symbol: str, start_us: int) -> Candle | None:
        """Return the candle that begins at a time; None: nothing was traded in it."""
        candle = self.core.history.candle(symbol, self._interval, start_us)
        return candle if candle is not None and candle.begin_us == start_us and candle.trades else None


class ClientPrices:
    """What a client has of one symbol, besides its book."""

    def __init__(self, native: str, traded: TradedCandles, *, has_day: bool) -> None:
        """``native``: the symbol as the exchange's core calls it.

        ``has_day``: whether the exchange tells the last 24 hours. Otherwise they are what the gateway saw.
        """
        self._native = native
        self._traded = traded
        self._has_day = has_day
        self._ticker: Mapping[str, object] = {}
        self._candles: dict[int, Mapping[str, object]] = {}

    def receive(self, message: Mapping[str, object]) -> None:
        """Take in a message of the ticker or of the candles."""
        if message["channel"] == "ticker":
            self._ticker = message
            return
        start = message["start"]
        assert isinstance(start, int)
        self._candles[start] = message
        if len(self._candles) > KEPT_CANDLES:
            del self._candles[min(self._candles)]

    def differences(self) -> list[str]:
        """Return what differs from the exchange's own while nobody trades."""
        return [*self._ticker_differences(), *self._candle_differences()]

    def _ticker_differences(self) -> list[str]:
        core, ticker = self._traded.core, self._ticker
        if not ticker or "feed" in ticker:
            return ["there is no ticker that is current"]
        market, day = core.markets[self._native], core.days[self._native].candle()
        wanted: dict[str, int] = {}
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL)):
            for ticks, lots in core.levels(self._native, side)[:1]:
                wanted |= {name: ticks * market.tick_e8, f"{name}_size": lots * market.step_e8}
        if day.trades:
            wanted["last"] = floor(day.close_e8, market.tick_e8)
        if day.trades and self._has_day:
            wanted |= {
                "open": floor(day.open_e8, market.tick_e8),
                "high": floor(day.high_e8, market.tick_e8),
                "low": floor(day.low_e8, market.tick_e8),
                "volume": floor(day.volume_e8, market.step_e8),
            }
        return different("ticker", ticker, wanted)

    def _candle_differences(self) -> list[str]:
        market = self._traded.core.markets[self._native]
        start_us = max(self._candles, default=0)
        candle, traded = self._candles.get(start_us), self._traded.at(self._native, start_us)
        if candle is None or traded is None or "incomplete" in candle or "feed" in candle:
            return ["there is no candle that is complete, with trades"]
        wanted = {
            name: floor(getattr(traded, f"{name}_e8"), market.tick_e8)
            for name in ("open", "high", "low", "close")
        }
        wanted["volume"] = floor(traded.volume_e8, market.step_e8)
        return different("candle", candle, wanted)


def floor(amount_e8: int, step_e8: int) -> int:
    """Round down to a step, as what is older than the step is told."""
    return amount_e8 // step_e8 * step_e8


def different(what: str, message: Mapping[str, object], wanted_e8: Mapping[str, int]) -> list[str]:
    """Return which fields of a message are not what is wanted."""
    return [
        f"{what}: {name} is {message.get(name)}, and {Decimal(amount) / UNIT} at the exchange"
        for name, amount in wanted_e8.items()
        if message.get(name) is None or int(Decimal(str(message[name])) * UNIT) != amount
    ]
