r"""A spread between two venues: buys where it is cheaper and sells where it is dearer, both at once.

    floorwire bot run examples/bots/spread.py --venue replay:tests/recorded/sessions/BINANCE.ws.1.0 \
        --venue replay:tests/recorded/okx,id=okx --symbol ABC-USDT --symbol okx:ABC-USDT \
        --param edge=-0.001 --deposit binance:USDT=100000 --deposit binance:ABC=10 \
        --deposit okx:USDT=100000 --deposit okx:ABC=10

It needs money on both venues: the quote asset of the cheap one, and the base asset of the dear one.
"""

from decimal import Decimal

from floorwire.bot import Bot, BotOrder, OrderRejectedError, Ticker


class Spread(Bot):
    """Trades when the best bid of one venue is above the best ask of the other by ``edge``, a fraction."""

    symbols = ("BTC-USDT", "okx:BTC-USDT")
    size: Decimal = Decimal("0.01")
    edge: Decimal = Decimal("0.001")
    """It has to be more than the fees of both sides."""
    most: Decimal = Decimal("0.05")
    """The largest position on each venue."""

    def on_start(self) -> None:
        """Begin without prices."""
        self.tickers: dict[str, Ticker] = {}

    def on_ticker(self, ticker: Ticker) -> None:
        """Compare both ways."""
        self.tickers[ticker.symbol] = ticker
        first, second = self.symbols
        if len(self.tickers) == 2 and not self.open_orders:
            self.compare(first, second)
            self.compare(second, first)

    def compare(self, cheap: str, dear: str) -> None:
        """Buy at the one and sell at the other, if that is worth it."""
        ask, bid = self.tickers[cheap].ask, self.tickers[dear].bid
        if ask is None or bid is None or self.tickers[cheap].feed or self.tickers[dear].feed:
            return
        is_room = (
            self.position(cheap) + self.size <= self.most and self.size - self.position(dear) <= self.most
        )
        if is_room and Decimal(bid) > Decimal(ask) * (1 + self.edge):
            self.log(f"{dear} {bid} is above {cheap} {ask}")
            self.buy(cheap, self.size, limit=ask, time_in_force="ioc")
            self.sell(dear, self.size, limit=bid, time_in_force="ioc")

    def on_refused(self, order: BotOrder, error: OrderRejectedError) -> None:
        """Say that one leg is missing: somebody has to look."""
        self.log(f"{order.terms.side} {order.terms.symbol} refused: {error}")
