"""A bot that alerts, and trades nothing: large moves, large trades, prices that are not current.

floorwire bot run examples/bots/alerts.py --symbol BTC-USDT --symbol ETH-USDT --param move=0.002
"""

from collections import deque
from decimal import Decimal

from floorwire.bot import Bot, StreamGap, Trades


class Alerts(Bot):
    """Writes a line to the log for each alert."""

    symbols = ("BTC-USDT",)
    move: Decimal = Decimal("0.01")
    """As a fraction of the price, within ``seconds``."""
    seconds: int = 60
    large: Decimal = Decimal("100000")
    """A trade that is worth more, in the quote asset, is an alert."""

    def on_start(self) -> None:
        """Begin without prices."""
        self.latest: dict[str, deque[tuple[int, Decimal]]] = {symbol: deque() for symbol in self.symbols}

    def on_trade(self, trade: Trades) -> None:
        """Compare with the prices of the last seconds."""
        price, latest = Decimal(trade.price), self.latest[trade.symbol]
        if price * Decimal(trade.size) > self.large:
            self.log(f"{trade.symbol}: large {trade.side} of {trade.size} at {trade.price}")
        while latest and latest[0][0] < trade.ts - self.seconds * 1_000_000:
            latest.popleft()
        if latest and abs(price / latest[0][1] - 1) > self.move:
            self.log(f"{trade.symbol}: {latest[0][1]} to {price} within {self.seconds} s")
            latest.clear()
        latest.append((trade.ts, price))

    def on_gap(self, gap: StreamGap) -> None:
        """Tell what cannot be seen now."""
        self.log(
            f"{gap.symbol}: {f'prices are {gap.feed}' if gap.feed else f'events are missing ({gap.reason})'}"
        )
