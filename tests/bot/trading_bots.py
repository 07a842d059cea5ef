"""Bots for tests: they trade often, in different ways, on whatever market they are given."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from floorwire.bot import Book, Bot, BotOrder, Candles, FillRow, OrderRejectedError, StreamGap, Ticker, Trades


class Noted(Bot):
    """Writes each callback about its orders into its log."""

    lots: int = 40

    def size(self, symbol: str) -> Decimal:
        """Return what it trades at a time."""
        row = self.instrument(symbol)
        return max(Decimal(row.lot_size), Decimal(row.min_quantity)) * self.lots

    def on_order(self, order: BotOrder) -> None:
        assert order.row is not None
        self.log(f"{order.client_order_id} {order.event} {order.row.state} {order.row.price}")

    def on_fill(self, fill: FillRow) -> None:
        self.log(
            f"filled {fill.client_order_id} {fill.quantity} at {fill.price}: {self.position(fill.symbol)}"
        )

    def on_refused(self, order: BotOrder, error: OrderRejectedError) -> None:
        self.log(f"refused {order.client_order_id} {error.code}")

    def on_gap(self, gap: StreamGap) -> None:
        self.log(f"gap {gap.channel} {gap.reason} {gap.feed}")


class Joiner(Noted):
    """Joins the best bid and the best ask, and follows them by amends."""

    def on_ticker(self, ticker: Ticker) -> None:
        sides = {order.terms.side: order for order in self.open_orders if order.terms.symbol == ticker.symbol}
        for side, price in (("buy", ticker.bid), ("sell", ticker.ask)):
            if price is None:
                continue
            order = sides.get("buy" if side == "buy" else "sell")
            if order is not None:
                if order.row is not None and order.row.price != price:
                    order.amend(price=price)
            elif side == "buy":
                self.buy(ticker.symbol, self.size(ticker.symbol), limit=price)
            else:
                self.sell(ticker.symbol, self.size(ticker.symbol), limit=price, post_only=True)


class Taker(Noted):
    """Takes by market orders at every third trade, in turn, and cancels nothing."""

    every: int = 3
    seen = 0

    def on_trade(self, trade: Trades) -> None:
        self.seen += 1
        if self.seen % self.every:
            return
        if self.position(trade.symbol) > 0:
            self.sell(trade.symbol, self.size(trade.symbol))
        else:
            self.buy(trade.symbol, self.size(trade.symbol))


class Book5(Noted):
    """Places at random in the book of five levels, and cancels by a timer."""

    depth: ClassVar[int] = 5
    timer_s: ClassVar[float] = 1.5173

    def on_book(self, book: Book) -> None:
        if book.feed is not None or len(self.open_orders) > 4 or len(book.bids) < 5 or len(book.asks) < 5:
            return
        place = self.random.randrange(5)
        if self.random.random() < 0.5:
            self.buy(book.symbol, self.size(book.symbol), limit=book.asks[place][0], time_in_force="ioc")
        else:
            self.sell(book.symbol, self.size(book.symbol), limit=book.asks[place][0])

    def on_timer(self) -> None:
        self.log(f"timer {len(self.open_orders)}")
        self.cancel_all()


class Second(Noted):
    """Trades at each closed candle of a second."""

    interval: ClassVar[str] = "1s"

    def on_candle(self, candle: Candles) -> None:
        self.log(f"candle {candle.start} {candle.close} {candle.volume}")
        if self.position(candle.symbol) > 0:
            self.sell(candle.symbol, self.size(candle.symbol), limit=candle.close)
        else:
            self.buy(candle.symbol, self.size(candle.symbol), limit=candle.close)


class Everything(Joiner, Taker, Book5, Second):
    """Does all of it."""
