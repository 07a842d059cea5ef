"""One run of a bot: its orders, its positions, its limits and its record. The same in every mode.

A mode (``live_run``, ``backtest``) carries commands out and hands in what comes:

    CREATED -- start: the instruments are known --> RUNNING -- stop --> STOPPING -- no order is open --> ENDED
                                                       |
                                                       '-- a callback raises, or max_loss --> STOPPING

In STOPPING and ENDED an order is refused; cancels go out in any state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import Enum, auto
from functools import partial
from random import Random
from typing import Final, Protocol

from msgspec import UNSET

from floorwire.bot.bot import Bot
from floorwire.bot.bot_limits import BotLimits, Exposure, LimitChecks
from floorwire.bot.bot_order import BotOrder
from floorwire.bot.price_marks import PriceMarks
from floorwire.bot.run_record import RunRecord
from floorwire.client.errors import OrderRejectedError
from floorwire.client.order import AmountLike, OrderTerms, amount
from floorwire.client.stream_gap import StreamGap
from floorwire.core.codes import Code
from floorwire.protocol.account_rows import FillRow, OrderRow
from floorwire.protocol.private_events import OrderNews
from floorwire.protocol.replies import Error, SymbolRow

NONE: Final = Decimal(0)


class RunState(Enum):
    """Where a run stands."""

    CREATED = auto()
    RUNNING = auto()
    STOPPING = auto()
    ENDED = auto()


class BotFailedError(Exception):
    """A callback of the bot raised. ``__cause__`` is what it raised."""


class Mode(Protocol):
    """What carries out the commands of a run. Nothing of it calls the bot before it returns."""

    def now_us(self) -> int:
        """Return the date of now."""
        ...

    def place(self, order: BotOrder) -> None:
        """Send an order."""
        ...

    def amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        """Send an amend."""
        ...

    def cancel(self, order: BotOrder) -> None:
        """Send a cancel."""
        ...

    def later(self, call: Callable[[], None]) -> None:
        """Call this when the callback that runs now has returned."""
        ...


class Run:
    """The context of a bot. What a mode gets of the bot's account, it hands in here."""

    def __init__(
        self,
        mode: Mode,
        limits: BotLimits | None = None,
        *,
        seed: int = 0,
        name: str = "bot",
        on_line: Callable[[int, str], None] | None = None,
    ) -> None:
        """``name``: what the client order ids begin with. ``on_line`` gets each line of the bot's log."""
        self.state = RunState.CREATED
        self.random = Random(seed)  # noqa: S311 - of strategies, hides nothing
        self.marks = PriceMarks()
        self.record = RunRecord(self.marks)
        self.failure: BotFailedError | None = None
        """Why the run has to end."""
        self.ending = ""
        """Why it was stopped, where that was not asked for."""
        self._mode = mode
        self._checks = LimitChecks(limits or BotLimits())
        self._name = name
        self._count = 0
        self._on_line = on_line
        self._bot: Bot | None = None
        self._open: dict[str, BotOrder] = {}
        """By client order id: orders that are not closed."""
        self._rows: dict[str, SymbolRow] = {}
        self._positions: dict[str, Decimal] = {}

    # --- for the bot -------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """The date of now."""
        return self._mode.now_us()

    @property
    def open_orders(self) -> Sequence[BotOrder]:
        """The orders that are not closed, the oldest first."""
        return tuple(self._open.values())

    def position(self, symbol: str) -> Decimal:
        """Return what the fills bought less what they sold."""
        return self._positions.get(symbol, NONE)

    def symbol_row(self, symbol: str) -> SymbolRow:
        """Return the instrument. Raises KeyError for one that the bot does not follow."""
        return self._rows[symbol]

    def log(self, text: str) -> None:
        """Write a line."""
        now_us = self._mode.now_us()
        self.record.lines.append((now_us, text))
        if self._on_line is not None:
            self._on_line(now_us, text)

    def place(self, terms: OrderTerms) -> BotOrder:
        """Send an order, or refuse it by the limits. Raises TypeError for an amount that is a float."""
        self._count += 1
        now_us = self._mode.now_us()
        order = BotOrder(terms, terms.client_order_id or f"{self._name}-{self._count}", now_us, self)
        order.terms.request(order.client_order_id, 0)  # says what is wrong with it at once
        refusal = self._refusal(terms, now_us)
        if refusal is not None:
            self._mode.later(partial(self.refused, order, _rejected(*refusal), of_place=True))
            return order
        self._open[order.client_order_id] = order
        self._mode.place(order)
        return order

    def amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        """Send an amend, or refuse it by the limits."""
        amount(price), amount(quantity)
        if self.state is not RunState.RUNNING:
            return
        self._mode.amend(order, price, quantity)

    def cancel(self, order: BotOrder) -> None:
        """Send a cancel."""
        self._mode.cancel(order)

    def _refusal(self, terms: OrderTerms, now_us: int) -> tuple[Code, str] | None:
        if self.state is not RunState.RUNNING:
            return Code.DRAINING, "the run ends"
        if terms.symbol not in self._rows:
            return Code.UNKNOWN_SYMBOL, f"the bot does not follow {terms.symbol}: add it to its symbols"
        if self._checks.limits == BotLimits():
            return None
        same_side = [
            order.remaining
            for order in self._open.values()
            if order.terms.symbol == terms.symbol and order.terms.side == terms.side
        ]
        price = Decimal(terms.limit) if terms.limit is not None else self.marks.mark(terms.symbol)
        exposure = Exposure(self.position(terms.symbol), sum(same_side, Decimal(0)), len(self._open), price)
        return self._checks.refusal(terms, exposure, now_us)

    # --- for the mode ------------------------------------------------------------------------------------

    def start(self, bot: Bot, rows: Iterable[SymbolRow]) -> None:
        """Begin: these are the instruments that the bot follows. Raises BotFailedError."""
        self._rows = {row.symbol: row for row in rows}
        for row in self._rows.values():
            self.record.add_symbol(row)
        self.record.begin_us = self._mode.now_us()
        self.state = RunState.RUNNING
        self.take_over(bot)

    def take_over(self, bot: Bot) -> None:
        """Run this bot from now on, with the orders and positions that there are. Raises BotFailedError."""
        self._bot = bot
        bot.attach(self)
        self.call(bot.on_start)

    @property
    def bot(self) -> Bot:
        """The bot that runs."""
        assert self._bot is not None, "it has started"
        return self._bot

    def call(self, callback: Callable[[], None]) -> None:
        """Call the bot. Raises BotFailedError."""
        try:
            callback()
        except Exception as error:
            raise self.failed(error) from error

    def failed(self, error: Exception) -> BotFailedError:
        """Return what to raise for an error of the bot."""
        self.failure = BotFailedError(f"{type(self.bot).__name__}: {type(error).__name__}: {error}")
        return self.failure

    def order_changed(
        self, client_order_id: str, row: OrderRow, event: OrderNews | None, fills: Sequence[FillRow]
    ) -> None:
        """Take in what an order is now, and its new fills. Orders of others are left out.

        ``event`` None: it was read after a gap.
        """
        order = self._open.get(client_order_id)
        if order is None:
            return
        if order.row is None:
            self.record.latencies_us.append(max(0, self._mode.now_us() - order.sent_us))
        order.row, order.event = row, event
        if not order.is_open:
            del self._open[client_order_id]
        self.record.order(event or "read", row.code)
        for fill in fills:
            self._book(fill)
        bot = self.bot
        self.call(partial(bot.on_order, order))
        self._tell_fills(fills)

    def late_fills(self, fills: Sequence[FillRow]) -> None:
        """Take in fills of an order that is closed: they were read after a gap."""
        for fill in fills:
            self._book(fill)
        self._tell_fills(fills)

    def _book(self, fill: FillRow) -> None:
        quantity = Decimal(fill.quantity)
        signed = quantity if fill.side == "buy" else -quantity
        self._positions[fill.symbol] = self.position(fill.symbol) + signed
        self.record.fill(fill)
        self.sample()

    def _tell_fills(self, fills: Sequence[FillRow]) -> None:
        bot = self.bot
        for fill in fills:
            self.call(partial(bot.on_fill, fill))

    def refused(self, order: BotOrder, error: OrderRejectedError, *, of_place: bool) -> None:
        """Take in that an order, or a command of it, was refused. ``of_place``: there is no such order."""
        if of_place:
            order.refusal = error
            self._open.pop(order.client_order_id, None)
        self.record.refused(error.code)
        self.call(partial(self.bot.on_refused, order, error))

    def gap(self, gap: StreamGap) -> None:
        """Take in a gap."""
        self.call(partial(self.bot.on_gap, gap))

    def sample(self) -> None:
        """Take a sample of the profit. Ends the run where it has lost too much."""
        self.record.sample(self._mode.now_us())
        most = self._checks.limits.max_loss
        if most is not None and self.state is RunState.RUNNING:
            lost = {quote: -profit for quote, profit in self.record.profits.items() if -profit >= most}
            for quote, loss in lost.items():
                self.ending = f"stopped: it lost {loss:f} {quote}, and --max-loss is {most:f}"

    def stop(self) -> None:
        """End: tell the bot, and cancel its orders. Raises BotFailedError."""
        if self.state is RunState.RUNNING:
            self.state = RunState.STOPPING
            try:
                if self.failure is None:
                    self.call(self.bot.on_stop)
            finally:
                for order in self.open_orders:
                    self._mode.cancel(order)

    def end(self) -> None:
        """Nothing more comes."""
        self.state = RunState.ENDED
        self.record.end_us = self._mode.now_us()
        self.record.sample(self.record.end_us)


def _rejected(code: Code, message: str) -> OrderRejectedError:
    return OrderRejectedError(Error(code=code.value, message=message, retry=code.retry))


def is_known_order(error: OrderRejectedError) -> bool:
    """Return whether the refusal is of an order that the account has: its events tell the rest."""
    details = error.error.details
    return details is not UNSET and "order_id" in details
