r"""A market maker: one order on each side of the price, moved with it, and away from what it holds already.

    floorwire bot run examples/bots/market_maker.py --venue replay:tests/recorded/bybit --symbol ABC-USDT \
        --deposit USDT=100000 --deposit ABC=10 --param spread=0.000001
    floorwire bot run examples/bots/market_maker.py --symbol ETH-USDT --max-loss 100

It needs money on both sides: the quote asset, and some of the base asset to sell.
"""

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from floorwire.bot import Bot, BotOrder, OrderRejectedError, Ticker


def whole_ticks(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    """Round to a multiple of the tick. ``quantize`` rounds to its decimals, and 0.3 is none of 0.5."""
    return (price / tick).to_integral_value(rounding) * tick


class MarketMaker(Bot):
    """Quotes ``spread`` around the price. With each ``size`` that it holds, both quotes move by ``skew``."""

    symbols = ("BTC-USDT",)
    size: Decimal = Decimal("0.01")
    spread: Decimal = Decimal("0.0004")
    """From the price to each quote, as a fraction of it."""
    skew: Decimal = Decimal("0.0001")
    most: Decimal = Decimal("0.05")
    """It buys no more than this, and sells no more than this short of where it began."""

    def on_ticker(self, ticker: Ticker) -> None:
        """Move the quotes to where they belong."""
        symbol = ticker.symbol
        if ticker.bid is None or ticker.ask is None or ticker.feed:
            return
        held = self.position(symbol)
        price = (Decimal(ticker.bid) + Decimal(ticker.ask)) / 2 * (1 - self.skew * held / self.size)
        tick = Decimal(self.instrument(symbol).tick_size)
        bid = whole_ticks(price * (1 - self.spread), tick, ROUND_DOWN)
        ask = whole_ticks(price * (1 + self.spread), tick, ROUND_UP)
        open_orders = {order.terms.side: order for order in self.open_orders if order.terms.symbol == symbol}
        self.quote(open_orders.get("buy"), symbol, bid if held + self.size <= self.most else None, "buy")
        self.quote(open_orders.get("sell"), symbol, ask if self.size - held <= self.most else None, "sell")

    def quote(self, order: BotOrder | None, symbol: str, price: Decimal | None, side: str) -> None:
        """Have an order at this price; with None have none. One that was just sent is left alone."""
        if order is None:
            if price is not None and side == "buy":
                self.buy(symbol, self.size, limit=price, post_only=True)
            elif price is not None:
                self.sell(symbol, self.size, limit=price, post_only=True)
        elif price is None:
            order.cancel()
        elif order.row is not None and order.row.price is not None and Decimal(order.row.price) != price:
            order.amend(price=price)

    def on_refused(self, order: BotOrder, error: OrderRejectedError) -> None:
        """Say why. The next price tries again."""
        self.log(f"refused: {error}")
