"""Runs a bot over the SDK: live, on paper, or on a recording that a server plays.

Each topic is read by a task of its own. Callbacks are plain functions in one event loop, so no two run at a
time. A slow bot gets conflated tickers and books, and a gap where trades were skipped: the SDK's contracts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final, TypeVar

import msgspec

from floorwire.bot.bot import Bot, overrides
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.bot_order import BotOrder
from floorwire.bot.run import BotFailedError, Run, RunState, is_known_order
from floorwire.client.book_keeper import Book
from floorwire.client.errors import ClientError, OrderRejectedError
from floorwire.client.gateway import GatewayClient
from floorwire.client.order import AmountLike, Order
from floorwire.client.stream import Stream
from floorwire.client.stream_gap import StreamGap
from floorwire.core.codes import Code
from floorwire.protocol.channel_events import Candles, Ticker, Trades
from floorwire.protocol.private_events import OrdersUpdate

CANCELLED_WITHIN_S: Final = 10.0
"""How long a run that ends waits until its orders are cancelled."""
SAMPLE_S: Final = 1.0
Message = TypeVar("Message", Ticker, Trades, Book, Candles)
ItemT = TypeVar("ItemT")


class BotRunError(Exception):
    """A run that cannot begin or go on. The message is a sentence for people."""


def system_us() -> int:
    """Return the date of this machine in microseconds."""
    return time.time_ns() // 1_000


class LiveRun:
    """One run over a client that is connected. ``play`` it once."""

    def __init__(
        self,
        client: GatewayClient,
        limits: BotLimits | None = None,
        *,
        name: str,
        seed: int = 0,
        stamp_us: Callable[[], int] = system_us,
        on_line: Callable[[int, str], None] | None = None,
    ) -> None:
        """``name``: what the client order ids begin with. It has to be another one in each run."""
        self.run = Run(self, limits, seed=seed, name=name, on_line=on_line)
        self._client = client
        self._stamp_us = stamp_us
        self._orders: dict[str, Order] = {}
        """The SDK's orders by client order id, as long as they are open."""
        self._told_fills: dict[str, set[str]] = {}
        """By client order id: the fills that the bot was told."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Commands on their way, and reads. All are cancelled at the end."""
        self._readers: list[asyncio.Task[None]] = []
        """What calls the bot that runs now. A reload makes new ones."""
        self._none_open = asyncio.Event()
        """Whether no order is open."""
        self._over: asyncio.Future[None] | None = None
        """Done when the run has to end; with an exception where it cannot go on."""

    # --- Mode --------------------------------------------------------------------------------------------

    def now_us(self) -> int:
        """Return the date."""
        return self._stamp_us()

    # Each command is a task. Tasks begin in the order in which they were made, and send before they wait.

    def place(self, order: BotOrder) -> None:
        """Send an order."""
        self._spawn(self._place(order))

    def amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        """Send an amend."""
        self._spawn(self._amend(order, price, quantity))

    def cancel(self, order: BotOrder) -> None:
        """Send a cancel."""
        self._spawn(self._cancel(order))

    def later(self, call: Callable[[], None]) -> None:
        """Call this when the callback that runs now has returned."""
        asyncio.get_running_loop().call_soon(self._guarded, call)

    # --- the run -----------------------------------------------------------------------------------------

    async def play(self, bot: Bot, ended: asyncio.Event) -> None:
        """Run the bot until it has to end, or until the event. Raises BotRunError, ClientError.

        Where the bot fails, the run ends: ``run.failure`` says why.
        """
        rows = {row.symbol: row for row in await self._client.rest.symbols()}
        missing = [symbol for symbol in bot.symbols if symbol not in rows]
        if missing:
            raise BotRunError(f"there is no symbol {', '.join(missing)}; there are {', '.join(rows)}")
        self._over = asyncio.get_running_loop().create_future()
        asking = asyncio.create_task(self._end_when(ended))
        try:
            self._guarded(lambda: self.run.start(bot, [rows[symbol] for symbol in bot.symbols]))
            self._read_all(bot)
            self._spawn(self._sample())
            await self._over
        finally:
            asking.cancel()
            self._stop_reading()
            await self._cancel_orders()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(asking, *self._tasks, return_exceptions=True)

    def reload(self, bot: Bot) -> None:
        """Run this bot in place of the one before, with its orders and positions."""
        if self.run.state is RunState.RUNNING:
            self._stop_reading()
            self._guarded(lambda: self.run.take_over(bot))
            self._read_all(bot)

    async def _end_when(self, ended: asyncio.Event) -> None:
        await ended.wait()
        self._end()

    def _end(self, error: BaseException | None = None) -> None:
        assert self._over is not None
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    async def _cancel_orders(self) -> None:
        if self.run.state is not RunState.RUNNING:
            return
        self._guarded(self.run.stop)
        try:
            async with asyncio.timeout(CANCELLED_WITHIN_S):
                self._note_open()
                await self._none_open.wait()
        except TimeoutError:
            left = ", ".join(order.client_order_id for order in self.run.open_orders)
            self.run.ending = f"{self.run.ending} not known to be cancelled: {left}".strip()
        self.run.end()

    def _note_open(self) -> None:
        if self.run.open_orders:
            self._none_open.clear()
        else:
            self._none_open.set()

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call what may call the bot. Where it fails, the run ends."""
        try:
            call()
        except BotFailedError:
            self._end()
        self._note_open()
        if self.run.ending:
            self._end()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._end(error)

    # --- market data -------------------------------------------------------------------------------------

    def _read_all(self, bot: Bot) -> None:
        """Read all topics that the bot has callbacks for."""
        fw = self._client
        begun: list[Coroutine[None, None, None]] = []
        for symbol in bot.symbols:
            take = partial(self._take, symbol)
            if overrides(bot, "on_ticker"):
                begun.append(_read(fw.ticker(symbol), partial(take, Ticker, bot.on_ticker)))
            if overrides(bot, "on_trade"):
                begun.append(_read(fw.trades(symbol), partial(take, Trades, bot.on_trade)))
            if overrides(bot, "on_book"):
                begun.append(_read(fw.book(symbol, depth=bot.depth), partial(take, Book, bot.on_book)))
            if overrides(bot, "on_candle"):
                candles = fw.candles(symbol, bot.interval, closed_only=bot.closed_candles)
                begun.append(_read(candles, partial(take, Candles, bot.on_candle)))
        if bot.timer_s:
            begun.append(self._run_timer(bot))
        self._readers = [self._spawn(one) for one in begun]

    def _stop_reading(self) -> None:
        for task in self._readers:
            task.cancel()
        self._readers = []

    def _take(
        self, symbol: str, kind: type[Message], callback: Callable[[Message], None], item: object
    ) -> None:
        if isinstance(item, kind):
            self.run.marks.last[symbol] = item
            self.run.record.events += 1
            self._guarded(partial(self.run.call, partial(callback, item)))
        elif isinstance(item, StreamGap):
            self._guarded(partial(self.run.gap, item))

    async def _run_timer(self, bot: Bot) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += bot.timer_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._guarded(partial(self.run.call, bot.on_timer))

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            self._guarded(self.run.sample)

    # --- orders ------------------------------------------------------------------------------------------

    def _changed(self, sent: Order) -> None:
        """Tell the bot what the SDK heard of an order."""
        row = sent.row
        assert row is not None, "it changed"
        told = self._told_fills.get(sent.client_order_id)
        if told is None:
            return
        fills = [fill for fill in sent.fills if fill.fill_id not in told]
        told.update(fill.fill_id for fill in fills)
        event = row.event if isinstance(row, OrdersUpdate) else None
        name = sent.client_order_id
        self._guarded(partial(self.run.order_changed, name, row, event, fills))
        if name in self._orders and not any(order.client_order_id == name for order in self.run.open_orders):
            del self._orders[name]
            if sent.has_all_fills:
                del self._told_fills[name]
            else:
                self._spawn(self._await_fills(sent))

    async def _await_fills(self, sent: Order) -> None:
        """Tell the bot the fills of a closed order that have to be read: events were lost."""
        try:
            fills = await sent.done()
        except ClientError as error:
            self.run.log(f"{sent.client_order_id}: its fills are not known: {error}")
            return
        told = self._told_fills.pop(sent.client_order_id)
        late = [fill for fill in fills if fill.fill_id not in told]
        self._guarded(partial(self.run.late_fills, late))

    async def _place(self, order: BotOrder) -> None:
        name = order.client_order_id
        sent = self._client.place(msgspec.structs.replace(order.terms, client_order_id=name))
        self._orders[name], self._told_fills[name] = sent, set()
        sent.on_change = self._changed
        try:
            await sent.accepted()
        except OrderRejectedError as error:
            if not is_known_order(error):
                self._orders.pop(name, None)
                self._told_fills.pop(name, None)
                self._guarded(partial(self.run.refused, order, error, of_place=True))

    async def _amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        sent = self._orders.get(order.client_order_id)
        if sent is None:
            return
        try:
            await sent.amend(price=price, quantity=quantity)
        except OrderRejectedError as error:
            is_told = isinstance(sent.row, OrdersUpdate) and sent.row.event == "amend_refused"
            if not is_told and error.code != Code.ORDER_CLOSED:
                self._guarded(partial(self.run.refused, order, error, of_place=False))

    async def _cancel(self, order: BotOrder) -> None:
        sent = self._orders.get(order.client_order_id)
        if sent is None:
            return
        try:
            await sent.cancel()
        except OrderRejectedError as error:
            if order.refusal is None:
                self._guarded(partial(self.run.refused, order, error, of_place=False))


async def _read(stream: Stream[ItemT], take: Callable[[ItemT], None]) -> None:
    async with stream as items:
        async for item in items:
            take(item)
