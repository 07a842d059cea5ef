r"""A moving-average cross: holds while the average of few candles is above that of many.

    floorwire bot run examples/bots/averages.py --venue replay:tests/recorded/bybit --symbol ABC-USDT \
        --sweep fast=1,2 --sweep slow=4,6
"""

from decimal import Decimal

from floorwire.bot import Bot, Candles


class Averages(Bot):
    """Buys when the fast average crosses the slow one from below, and sells all when it comes back."""

    symbols = ("BTC-USDT",)
    interval = "1s"
    fast: int = 10
    slow: int = 30
    size: Decimal = Decimal("0.01")

    def on_start(self) -> None:
        """Begin without prices."""
        self.closes: dict[str, list[Decimal]] = {}

    def on_candle(self, candle: Candles) -> None:
        """Take a candle that is over."""
        symbol = candle.symbol
        closes = self.closes[symbol] = [*self.closes.get(symbol, []), Decimal(candle.close)][-self.slow :]
        if len(closes) < self.slow or any(order.terms.symbol == symbol for order in self.open_orders):
            return
        is_up = sum(closes[-self.fast :]) / self.fast > sum(closes) / self.slow
        held = self.position(symbol)
        if is_up and not held:
            self.buy(symbol, self.size)
        elif not is_up and held > 0:
            self.sell(symbol, held)
