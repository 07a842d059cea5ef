"""A backtest: lets a bot trade on what recordings say. No socket, no clock, no waiting.

What the market says, and what the bot is told of it, comes in batches (``market_player``). Time is that of
the recording. At each moment, in this order:

1. A batch comes: it fills resting orders.
2. The bot is told the market, and then what happened to its orders.
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
from floorwire.bot.backtest.backtest_venue import BacktestVenue
from floorwire.bot.backtest.bot_topics import CALLBACKS, GAP, Told
from floorwire.bot.backtest.market_player import LISTED_WITHIN_US, NEVER, BacktestError, Batch
from floorwire.bot.bot import Bot
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.bot_order import BotOrder
from floorwire.bot.run import BotFailedError, Run, RunState
from floorwire.client.errors import OrderRejectedError
from floorwire.client.order import AmountLike, amount
from floorwire.client.stream_gap import StreamGap
from floorwire.core.codes import Code
from floorwire.core.market_events import FeedStatus, Listing
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Reported, VenueOutput, Wake
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import VenueNames
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.hub import subscription_replies
from floorwire.hub.market_state import MarketState
from floorwire.protocol.replies import SymbolRow, order_error
from floorwire.protocol.trading_requests import OrderAmend, OrderCancel

BATCHES_A_YIELD: Final = 500
MONEY: Final = "1000000"
"""What the bot has of each quote asset where no deposit was named."""


class Backtest:
    """One run of a bot on recordings."""

    def __init__(
        self,
        venues: Sequence[BacktestVenue],
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
        self.market_events = 0
        """How many market events were played."""
        self._venues = venues
        self._wakes = [NEVER] * len(venues)
        """When each venue has something to do with orders."""
        self._due_us = NEVER
        """When the next of them, or the timer, is due."""
        names = [venue.name for venue in venues]
        self._market = MarketState({}, VenueNames(names[0]), names)
        self._executors = [VenueExecutor(venue.paper, self.now_us) for venue in venues]
        self._rules = rules
        self._deposits = deposits
        self._requests: deque[Callable[[], None]] = deque()
        """What the bot asked for and was not done yet. It is emptied before time goes on."""
        self._timer_us = NEVER
        self._sample_us = 0
        """When the next sample is due. It is taken with the next event: prices may have changed."""

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

    def play(self, bot: Bot, batches: Iterable[Batch], until_us: int = NEVER) -> Iterator[int]:
        """Run the bot to the end; yield the time now and then. Raises BacktestError.

        Where the bot fails, the run ends: ``run.failure`` says why.
        """
        executors = {one.venue.name: one for one in self._executors}
        self._desk = BacktestDesk(executors, self._market.symbols, self._rules)
        self._callbacks = {name: getattr(bot, name) for name in (*CALLBACKS.values(), GAP)}
        self._credit()
        following = iter(batches)
        try:
            for index, venue in enumerate(self._venues):
                venue.paper.date(0)
                self._take(index, venue.paper.start(self._now_us))
            yield from self._run(bot, following, until_us)
            self._end(bot, following)
        except BotFailedError:
            self._abandon()

    @property
    def order_manager(self) -> OrderManager:
        """The accounts, for reading only."""
        return self._desk.order_manager

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

    def _run(self, bot: Bot, batches: Iterator[Batch], until_us: int) -> Iterator[int]:
        run, requests, tell = self.run, self._requests, self._tell
        for number, batch in enumerate(batches, 1):
            at_us = batch.at_us
            if at_us > until_us:
                self._run_due(bot, until_us + 1, 0)
                self._now_us = until_us
                return
            if self._due_us <= at_us:
                self._run_due(bot, at_us, batch.venue)
                if run.ending:
                    return
            self._now_us = at_us
            self.market_events += batch.count
            if batch.starts:
                self._start(bot)
            may_report = batch.events or self._due_us <= at_us
            if may_report:
                self._apply(batch)
            if batch.told:
                tell(batch.told)
            if may_report or requests:
                self._settle()
            if at_us >= self._sample_us:
                self._sample()
            if run.ending:
                return
            if number % BATCHES_A_YIELD == 0:
                yield at_us
        while (wake_us := min(self._wakes)) < min(NEVER, until_us + 1) and not run.ending:
            self._run_due(bot, wake_us + 1, 0)

    def _run_due(self, bot: Bot, before_us: int, before_venue: int) -> None:
        """Do what is due before this time; at it only what is of venues before this one."""
        run = self.run
        while not run.ending:
            wake_us = min(self._wakes)
            index = self._wakes.index(wake_us)
            if wake_us <= self._timer_us:
                if (wake_us, index) >= (before_us, before_venue):
                    return
                self._now_us = wake_us
                self._wakes[index] = NEVER
                self._take(index, self._venues[index].apply((), wake_us))
            else:
                if self._timer_us >= before_us:
                    return
                self._now_us = self._timer_us
                self._timer_us += round(bot.timer_s * SECOND_US)
                self._note_due()
                run.call(bot.on_timer)
            self._settle()

    def _start(self, bot: Bot) -> None:
        if bot.timer_s:
            self._timer_us = self._now_us + round(bot.timer_s * SECOND_US)
            self._note_due()
        rows = {
            row.symbol: row for row in subscription_replies.symbol_rows(self._market, PRINCIPAL, frozenset())
        }
        followed = [rows[symbol] for symbol in bot.symbols]
        self._credit_quotes(followed)
        self.run.start(bot, followed)

    def _tell(self, told: Sequence[Told]) -> None:
        """Call the bot with messages. Raises BotFailedError."""
        run, callbacks = self.run, self._callbacks
        try:
            for name, message in told:
                if not isinstance(message, StreamGap):
                    run.marks.last[message.symbol] = message
                    run.record.events += 1
                callbacks[name](message)
        except Exception as error:
            raise run.failed(error) from error

    def _apply(self, batch: Batch) -> None:
        """Let a venue say what its market says."""
        index = batch.venue
        if self._wakes[index] <= self._now_us:
            self._wakes[index] = NEVER
        self._take(index, self._venues[index].apply(batch.events, self._now_us))

    def _take(self, index: int, outputs: Sequence[VenueOutput]) -> None:
        """Take in what a venue said."""
        for output in outputs:
            kind = type(output)
            if kind is Wake:
                self._wakes[index] = output.at_us  # type: ignore[union-attr] # its type says so
            elif kind is Reported:
                self._desk.reported(output.reports, self._now_us)  # type: ignore[union-attr]
            elif kind is Listing:
                self._market.update_instruments(output)  # type: ignore[arg-type]
                self._desk.list(output.instruments, self._now_us)  # type: ignore[union-attr]
            elif kind is FeedStatus:
                self._market.update_feed(self._venues[index].name, output)  # type: ignore[arg-type]
        self._note_due()

    def _note_due(self) -> None:
        self._due_us = min(*self._wakes, self._timer_us)

    def _settle(self) -> None:
        """Tell the bot what happened to its orders, and do what it asks for, until nothing is left."""
        run, requests = self.run, self._requests
        while True:
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

    def _sample(self) -> None:
        if self.run.state is RunState.RUNNING:
            self.run.sample()
            self._sample_us = self._now_us - self._now_us % SECOND_US + SECOND_US

    def _end(self, bot: Bot, batches: Iterator[Batch]) -> None:
        """Stop the bot, and play on until its orders are cancelled. It is told nothing of the market then."""
        if self.run.state is RunState.CREATED:
            raise BacktestError("the recording lists none of the bot's symbols")
        self._timer_us = NEVER
        self.run.stop()
        self._settle()
        end_us = self._now_us + LISTED_WITHIN_US
        while self.run.open_orders:
            batch = next(batches, None)
            at_us = end_us + 1 if batch is None else min(batch.at_us, end_us + 1)
            while self.run.open_orders and min(self._wakes) < at_us:
                self._run_due(bot, min(self._wakes) + 1, 0)
            if batch is None or batch.at_us > end_us:
                break
            self._now_us = batch.at_us
            self._apply(batch)
            self._settle()
        self.run.end()

    def _abandon(self) -> None:
        """End at once: the bot failed, and is not called any more."""
        self._requests.clear()
        self.run.end()


def _rejected(refusal: Refusal) -> OrderRejectedError:
    return OrderRejectedError(order_error(refusal, UNSET, "rejected"))
