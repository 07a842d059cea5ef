"""The bot: a class with callbacks. The same class runs live, on paper and in a backtest. docs/bots.md."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import ClassVar, Protocol

from floorwire.bot.bot_order import BotOrder
from floorwire.client.book_keeper import Book
from floorwire.client.errors import OrderRejectedError
from floorwire.client.order import AmountLike, OrderTerms
from floorwire.client.stream_gap import StreamGap
from floorwire.core.orders import TimeInForce
from floorwire.protocol.account_rows import FillRow
from floorwire.protocol.channel_events import Candles, Ticker, Trades
from floorwire.protocol.replies import SymbolRow


class BotContext(Protocol):
    """What a bot asks of whatever runs it."""

    random: Random

    @property
    def now_us(self) -> int:
        """The date in microseconds since the epoch, UTC. In a backtest that of the recording."""
        ...

    @property
    def open_orders(self) -> Sequence[BotOrder]:
        """The bot's orders that are not closed, the oldest first."""
        ...

    def place(self, terms: OrderTerms) -> BotOrder:
        """Send an order; return at once."""
        ...

    def position(self, symbol: str) -> Decimal:
        """Return what the bot's fills bought less what they sold."""
        ...

    def symbol_row(self, symbol: str) -> SymbolRow:
        """Return the instrument."""
        ...

    def log(self, text: str) -> None:
        """Write a line."""
        ...


class Bot:
    """Subclass it, and write the callbacks that you need. Only the channels of these are subscribed.

    A callback is a plain function and returns soon: nothing else happens meanwhile. What it asks for (orders,
    cancels) is sent at once, and what comes of it is another callback.

    An annotated attribute of a subclass (``fast: int = 10``) is a parameter: ``--param fast=5``, ``--sweep``.
    """

    symbols: Sequence[str] = ()
    """What it follows. ``--symbol`` replaces them."""
    depth: ClassVar[int] = 10
    """The levels of a side that ``on_book`` gets."""
    interval: ClassVar[str] = "1m"
    """The length of the candles that ``on_candle`` gets."""
    closed_candles: ClassVar[bool] = True
    """Whether ``on_candle`` gets candles that are over only."""
    timer_s: ClassVar[float] = 0.0
    """How often ``on_timer`` is called; 0: never."""

    _context: BotContext

    # --- callbacks ---------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """The bot begins. Its instruments are known."""

    def on_ticker(self, ticker: Ticker) -> None:
        """The best prices, the last trade or the figures of the day changed."""

    def on_trade(self, trade: Trades) -> None:
        """A trade of the market."""

    def on_book(self, book: Book) -> None:
        """The book changed. Several changes at once are one call, with the latest book."""

    def on_candle(self, candle: Candles) -> None:
        """A candle is over; with ``closed_candles = False``, or has changed."""

    def on_order(self, order: BotOrder) -> None:
        """Something happened to an order of the bot: ``order.event``, and ``order.row`` after it."""

    def on_fill(self, fill: FillRow) -> None:
        """An order of the bot was filled, in part or whole. It comes after ``on_order``."""

    def on_refused(self, order: BotOrder, error: OrderRejectedError) -> None:
        """An order, or an amend or a cancel of it, was refused: it was not done."""

    def on_timer(self) -> None:
        """``timer_s`` seconds have passed."""

    def on_gap(self, gap: StreamGap) -> None:
        """Events are missing, or what is known of a symbol is not current (``gap.feed``)."""

    def on_stop(self) -> None:
        """The bot ends. Its open orders are cancelled after this."""

    # --- what it can do ----------------------------------------------------------------------------------

    def buy(
        self,
        symbol: str,
        quantity: AmountLike | None = None,
        *,
        spend: AmountLike | None = None,
        limit: AmountLike | None = None,
        stop: AmountLike | None = None,
        time_in_force: TimeInForce | None = None,
        expires: int | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> BotOrder:
        """Send a buy order; without ``limit`` a market order. ``spend``: money, in place of the quantity."""
        return self._context.place(
            OrderTerms(
                symbol=symbol,
                side="buy",
                quantity=quantity,
                spend=spend,
                limit=limit,
                stop=stop,
                time_in_force=time_in_force,
                expires=expires,
                post_only=post_only,
                reduce_only=reduce_only,
            )
        )

    def sell(
        self,
        symbol: str,
        quantity: AmountLike,
        *,
        limit: AmountLike | None = None,
        stop: AmountLike | None = None,
        time_in_force: TimeInForce | None = None,
        expires: int | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> BotOrder:
        """Send a sell order; without ``limit`` a market order."""
        return self._context.place(
            OrderTerms(
                symbol=symbol,
                side="sell",
                quantity=quantity,
                limit=limit,
                stop=stop,
                time_in_force=time_in_force,
                expires=expires,
                post_only=post_only,
                reduce_only=reduce_only,
            )
        )

    def cancel_all(self, symbol: str | None = None) -> None:
        """Cancel the bot's open orders, or those of one symbol."""
        for order in self.open_orders:
            if symbol in (None, order.terms.symbol):
                order.cancel()

    @property
    def open_orders(self) -> Sequence[BotOrder]:
        """The bot's orders that are not closed, the oldest first."""
        return self._context.open_orders

    def position(self, symbol: str) -> Decimal:
        """Return what the bot's fills bought of it less what they sold. It begins with 0."""
        return self._context.position(symbol)

    def instrument(self, symbol: str) -> SymbolRow:
        """Return the instrument: its tick, its lot, its least quantity."""
        return self._context.symbol_row(symbol)

    def log(self, text: str) -> None:
        """Write a line to the run's log."""
        self._context.log(text)

    @property
    def now_us(self) -> int:
        """The date in microseconds since the epoch, UTC. In a backtest it is that of the recording."""
        return self._context.now_us

    @property
    def random(self) -> Random:
        """Randomness. With ``--seed`` it is the same in each run."""
        return self._context.random

    # --- for whatever runs it ----------------------------------------------------------------------------

    def attach(self, context: BotContext) -> None:
        """Let the bot ask this from now on."""
        self._context = context


def overrides(bot: Bot, callback: str) -> bool:
    """Return whether the bot has a callback of its own."""
    return getattr(type(bot), callback) is not getattr(Bot, callback)
