"""A backtest: plays venues in their own time, and lets a bot trade there. No socket, no clock, no waiting.

Time is that of the recording. At each moment, in this order:

1. Venues say what happened: market events, and fills of resting orders.
2. The bot is told the market, topic by topic, and then what happened to its orders.
3. What it asked for meanwhile is done in that order: refused, or sent to the market, where it arrives after
   ``paper.latency_us``. What comes of it is told, and may lead to further requests, at the same moment.
4. The timer of the bot, if it is due.

So the same recording, bot, parameters and seed always give the same run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import UNSET

from floorwire.bot.backtest.backtest_desk import PRINCIPAL, BacktestDesk, VenueExecutor
from floorwire.bot.backtest.bot_market import BotMarket
from floorwire.bot.bot import Bot
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.bot_order import BotOrder
from floorwire.bot.run import BotFailedError, Run, RunState
from floorwire.client.errors import OrderRejectedError
from floorwire.client.order import AmountLike, amount
from floorwire.core.codes import Code
from floorwire.core.market_events import Listing
from floorwire.core.ports import Activity, Reported, TradingVenue, VenueOutput, Wake, Woke
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import VenueNames
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.protocol.replies import SymbolRow, order_error
from floorwire.protocol.trading_requests import OrderAmend, OrderCancel

SECOND_US: Final = 1_000_000
LISTED_WITHIN_US: Final = 10 * SECOND_US
"""So long after the beginning the bot's symbols have to be listed at the latest."""
STEPS_A_YIELD: Final = 500
NEVER: Final = 1 << 62
MONEY: Final = "1000000"
"""What the bot has of each quote asset where no deposit was named."""


class BacktestError(ValueError):
    """A backtest that cannot be run."""


class Backtest:
    """One run of a bot on venues that need nothing but time: recordings, or simulated markets."""

    def __init__(
        self,
        venues: Sequence[TradingVenue],
        rules: TradingRules,
        begin_us: int,
        deposits: Mapping[str, str],
        *,
        limits: BotLimits | None = None,
        seed: int = 0,
        on_line: Callable[[int, str], None] | None = None,
    ) -> None:
        """``venues``: the first is the default. ``deposits``: asset -> amount; none: play money."""
        self._now_us = begin_us
        self.run = Run(self, limits, seed=seed, on_line=on_line)
        self._venues = venues
        self._wakes = [NEVER] * len(venues)
        self._names = VenueNames(venues[0].name)
        self._executors = [VenueExecutor(venue, self.now_us) for venue in venues]
        self._rules = rules
        self._deposits = deposits
        self._requests: deque[Callable[[], None]] = deque()
        """What the bot asked for and was not done yet. It is emptied before time goes on."""
        self._timer_us = NEVER
        self._sample_us = 0
        """When the next sample is due. It is taken with the next event: prices may have changed."""
        self._sampled = 0
        """How many events there were at the last sample."""

    # --- Mode --------------------------------------------------------------------------------------------

    def now_us(self) -> int:
        """Return the time of the recording."""
        return self._now_us

    def place(self, order: BotOrder) -> None:
        """Send an order."""
        self._requests.append(partial(self._place, order))

    def amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        """Send an amend."""
        request = OrderAmend(
            client_order_id=order.client_order_id, price=amount(price), quantity=amount(quantity)
        )
        self._requests.append(partial(self._command, order, partial(self._desk.amend, request)))

    def cancel(self, order: BotOrder) -> None:
        """Send a cancel."""
        request = OrderCancel(client_order_id=order.client_order_id)
        self._requests.append(partial(self._command, order, partial(self._desk.cancel, request)))

    def later(self, call: Callable[[], None]) -> None:
        """Call this when the callback that runs now has returned."""
        self._requests.append(call)

    def _place(self, order: BotOrder) -> None:
        deadline_us = self._now_us + round(order.terms.deadline_s * SECOND_US)
        try:
            self._desk.place(order.terms.request(order.client_order_id, deadline_us), self._now_us)
        except Refusal as refusal:
            self.run.refused(order, _rejected(refusal), of_place=True)

    def _command(self, order: BotOrder, command: Callable[[int], None]) -> None:
        try:
            command(self._now_us)
        except Refusal as refusal:
            if refusal.code is not Code.ORDER_CLOSED and order.refusal is None:
                self.run.refused(order, _rejected(refusal), of_place=False)

    # --- the run -----------------------------------------------------------------------------------------

    def play(self, bot: Bot, until_us: int = NEVER) -> Iterator[int]:
        """Run the bot to the end; yield the time now and then. Raises BacktestError.

        Where the bot fails, the run ends: ``run.failure`` says why.
        """
        names = [venue.name for venue in self._venues]
        self._market = BotMarket(bot, self.run, self._names, names)
        executors = dict(zip(names, self._executors, strict=True))
        self._desk = BacktestDesk(executors, self._market.state.symbols, self._rules)
        self._credit()
        try:
            self._begin()
            yield from self._steps(bot, until_us)
            self._end()
        except BotFailedError:
            self._abandon()

    @property
    def order_manager(self) -> OrderManager:
        """The accounts, for reading only."""
        return self._desk.order_manager

    @property
    def market_events(self) -> int:
        """How many market events were played."""
        return self._market.events

    def _credit(self) -> None:
        for asset, quantity in self._deposits.items():
            try:
                self._desk.deposit(asset, quantity, self._now_us)
            except Refusal as refusal:
                raise BacktestError(f"deposit {asset}={quantity}: {refusal.message}") from None

    def _credit_quotes(self, rows: Iterable[SymbolRow]) -> None:
        """Credit play money of each quote asset, where no deposit was named."""
        if not self._deposits:
            for asset in dict.fromkeys(f"{row.venue}:{row.quote}" for row in rows):
                self._desk.deposit(asset, MONEY, self._now_us)

    def _begin(self) -> None:
        for index, venue in enumerate(self._venues):
            venue.date(0)
            self._take(index, venue.start(self._now_us))

    def _steps(self, bot: Bot, until_us: int) -> Iterator[int]:
        begin_us, count, run = self._now_us, 0, self.run
        while True:
            wake_us = min(self._wakes)
            if wake_us > self._now_us and run.state is RunState.CREATED:
                self._try_start(bot, is_late=wake_us > begin_us + LISTED_WITHIN_US)
            at_us = min(wake_us, self._timer_us)
            if at_us > until_us:
                self._now_us = until_us
                return
            if wake_us == NEVER:
                return
            self._now_us = max(self._now_us, at_us)
            if wake_us <= at_us:
                index = self._wakes.index(wake_us)
                self._wakes[index] = NEVER
                self._take(index, self._venues[index].receive(Woke(), self._now_us))
            else:
                self._timer_us += round(bot.timer_s * SECOND_US)
                run.call(bot.on_timer)
            self._settle()
            if run.ending:
                return
            count += 1
            if count % STEPS_A_YIELD == 0:
                yield self._now_us

    def _try_start(self, bot: Bot, *, is_late: bool) -> None:
        rows = self._market.symbol_rows(PRINCIPAL)
        missing = [symbol for symbol in bot.symbols if symbol not in rows]
        if missing and is_late:
            raise BacktestError(
                f"there is no symbol {', '.join(missing)}; there are {', '.join(rows) or 'none'}"
            )
        if missing:
            return
        if bot.timer_s:
            self._timer_us = self._now_us + round(bot.timer_s * SECOND_US)
        followed = [rows[symbol] for symbol in bot.symbols]
        self._credit_quotes(followed)
        self.run.start(bot, followed)
        self._market.start(self._now_us)
        self._settle()

    def _take(self, index: int, outputs: Sequence[VenueOutput]) -> None:
        """Take in what a venue said."""
        now_us, name = self._now_us, self._venues[index].name
        for output in outputs:
            kind = type(output)
            if kind is Wake:
                self._wakes[index] = output.at_us  # type: ignore[union-attr] # its type says so
            elif kind is Reported:
                self._desk.reported(output.reports, now_us)  # type: ignore[union-attr] # its type says so
            elif kind is not Activity:
                self._market.apply(name, output, now_us)  # type: ignore[arg-type] # all others
                if kind is Listing:
                    self._desk.list(output.instruments, now_us)  # type: ignore[union-attr]

    def _settle(self) -> None:
        """Tell the bot what happened, and do what it asks for, until nothing is left of this moment."""
        run, requests = self.run, self._requests
        while True:
            self._market.deliver()
            for update in self._desk.pop_updates():
                fills = () if update.fill is UNSET else (update.fill,)
                run.order_changed(update.client_order_id, update, update.event, fills)
            if not requests:
                break
            for _ in range(len(requests)):
                requests.popleft()()
            for index, executor in enumerate(self._executors):
                if executor.outputs:
                    outputs, executor.outputs = executor.outputs, []
                    self._take(index, outputs)
        events = self._market.events
        if self._now_us >= self._sample_us and events != self._sampled and run.state is RunState.RUNNING:
            run.sample()
            self._sampled = events
            self._sample_us = self._now_us - self._now_us % SECOND_US + SECOND_US

    def _end(self) -> None:
        """Stop the bot, and play on until its orders are cancelled."""
        if self.run.state is RunState.CREATED:
            raise BacktestError("the recording lists none of the bot's symbols")
        self._market.stop()
        self.run.stop()
        self._settle()
        end_us = self._now_us + LISTED_WITHIN_US
        while self.run.open_orders and min(self._wakes) <= end_us:
            index = self._wakes.index(min(self._wakes))
            self._now_us = max(self._now_us, self._wakes[index])
            self._wakes[index] = NEVER
            self._take(index, self._venues[index].receive(Woke(), self._now_us))
            self._settle()
        self.run.end()

    def _abandon(self) -> None:
        """End at once: the bot failed, and is not called any more."""
        self._requests.clear()
        self.run.end()


def _rejected(refusal: Refusal) -> OrderRejectedError:
    return OrderRejectedError(order_error(refusal, UNSET, "rejected"))
