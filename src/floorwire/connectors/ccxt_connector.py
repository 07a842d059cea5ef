"""Runs ccxt for the adapter of its exchanges: a link of the adapter is one watch of one symbol.

ccxt opens the WebSockets, subscribes and keeps the books. Links share its WebSockets. It reconnects when a
watch begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from floorwire.connectors import ccxt_messages
from floorwire.connectors.ccxt_exchange import CcxtExchange, MakesCcxtExchange
from floorwire.connectors.input_queue import InputQueue
from floorwire.connectors.owned_tasks import OwnedTasks
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, Send, VenueInput
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.venues.ccxt.messages import Watch

MAX_UNREAD: Final = 256
"""So many messages of one watch may wait. At one more, the watch ends: the adapter begins it again."""
MAX_WATCHES: Final = 1_000
"""Watches at once. One more is lost at once; the adapter tries again later."""
UNWATCH_S: Final = 5.0
UNWATCH: Final = {"book": "unWatchOrderBook", "trades": "unWatchTrades", "day": "unWatchTicker"}

log = structlog.get_logger("floorwire.venues")


class RunningWatch:
    """One watch that runs."""

    __slots__ = ("is_book_unread", "link", "native", "task", "unread", "watch")

    def __init__(self, link: str) -> None:
        watch, _, native = link.partition(" ")
        self.link = link
        self.watch: Watch = "book" if watch == "book" else "trades" if watch == "trades" else "day"
        self.native = native
        self.unread = 0
        self.is_book_unread = False
        """Whether a book waits. ccxt changes it in place, so that it is the latest one when it is read."""
        self.task: asyncio.Task[None] | None = None


class WatchInput(NamedTuple):
    """What happened on a watch (None: on none), or what ccxt showed there."""

    watch: RunningWatch | None
    happened: VenueInput | None
    shown: object = None


class CcxtConnector:
    """All that runs of ccxt for one venue. It owns the tasks; ``close`` ends them."""

    def __init__(self, venue: str, make_exchange: MakesCcxtExchange) -> None:
        self.traffic = VenueTraffic()
        self._venue = venue
        self._make_exchange = make_exchange
        self._exchange: CcxtExchange | None = None
        self._loading: asyncio.Task[None] | None = None
        """Loads the markets of this exchange object. Watches wait for it."""
        self._watches: dict[str, RunningWatch] = {}
        self._inputs: InputQueue[WatchInput] = InputQueue()
        """Bounded by MAX_UNREAD a watch, and one of a book."""
        self._tasks = OwnedTasks(venue)

    def start(self, on_input: Callable[[], None], _on_frame: Callable[[Frame], bool] | None = None) -> None:
        """Call this whenever an input was queued, from now on."""
        self._inputs.start(on_input)

    def reset(self) -> None:
        """End everything in the background, and forget what waits: the adapter starts anew."""
        for running in list(self._watches.values()):
            self._end(running, "the venue starts again or stops")
        self._inputs.waiting.clear()
        self._drop_exchange()

    async def close(self) -> None:
        """End everything, and wait for that."""
        self._inputs.stop()
        self.reset()
        await self._tasks.wait()

    def next_input(self) -> VenueInput | None:
        """Return what happened next; None if nothing waits."""
        waiting = self._inputs.waiting
        while waiting:
            running, happened, shown = waiting.popleft()
            if running is None:
                return happened
            if self._watches.get(running.link) is not running:
                continue
            if isinstance(happened, Closed):
                del self._watches[running.link]
            if happened is not None:
                return happened
            running.unread -= 1
            running.is_book_unread = False
            return self._frame(running, shown)
        return None

    def carry_out(self, effect: Open | Send | Close | Fetch) -> None:
        """Begin to do what the adapter asks for."""
        match effect:
            case Open(link):
                self._open(RunningWatch(link))
            case Close(link, reason):
                running = self._watches.get(link)
                if running is not None:
                    self._end(running, reason)
                    self._unwatch(running)
            case Fetch(request):
                self.traffic.requested += 1
                self._tasks.start(self._list(request, effect.timeout_us / 1_000_000))
            case Send():
                raise NotImplementedError("ccxt sends by itself")

    # --- watches ------------------------------------------------------------------------------------

    def _open(self, running: RunningWatch) -> None:
        self._watches[running.link] = running
        self.traffic.link(running.link).state = "opening"
        if len(self._watches) > MAX_WATCHES:
            log.warning("too many watches at once", venue=self._venue, most=MAX_WATCHES)
            self._lost(running, "too many watches")
            return
        running.task = self._tasks.start(self._run(running))

    async def _run(self, running: RunningWatch) -> None:
        reason = "too much waits to be read"
        try:
            exchange = await self._loaded()
            watch = {
                "book": exchange.watch_order_book,
                "trades": exchange.watch_trades,
                "day": exchange.watch_ticker,
            }[running.watch]
            while running.unread < MAX_UNREAD:
                self._show(running, await watch(running.native))
        except asyncio.CancelledError:  # ours, or of a task that ccxt shares between watches
            if self._watches.get(running.link) is not running:
                raise
            reason = "cancelled in ccxt"
        except Exception as error:  # noqa: BLE001 - of ccxt, or of any library below it
            reason = type(error).__name__
        self._lost(running, reason)

    def _show(self, running: RunningWatch, shown: object) -> None:
        if self._watches.get(running.link) is not running:
            return
        traffic = self.traffic.link(running.link)
        if traffic.state != "up":
            traffic.state = "up"
            traffic.opened += 1
            log.info("link up", venue=self._venue, link=running.link, times=traffic.opened)
            self._inputs.put(WatchInput(running, Opened(running.link)))
        if running.watch == "book":
            if running.is_book_unread:
                return
            running.is_book_unread = True
        running.unread += 1
        self._inputs.put(WatchInput(running, None, shown))

    def _frame(self, running: RunningWatch, shown: object) -> Frame:
        try:
            data = ccxt_messages.MESSAGES[running.watch](shown)
        except (TypeError, ValueError, KeyError, IndexError, ArithmeticError):
            data = b"null"  # the adapter counts it as a bad message
        traffic = self.traffic.link(running.link)
        traffic.frames += 1
        traffic.bytes += len(data)
        return Frame(running.link, data)

    def _lost(self, running: RunningWatch, reason: str) -> None:
        if self._watches.get(running.link) is running:
            self._down(running.link, reason, "warning")
            self._inputs.put(WatchInput(running, Closed(running.link, reason)))

    def _end(self, running: RunningWatch, reason: str) -> None:
        del self._watches[running.link]
        self._down(running.link, reason, "info")
        if running.task is not None:
            running.task.cancel()

    def _unwatch(self, running: RunningWatch) -> None:
        """Unsubscribe where ccxt can. Without watches all its WebSockets are closed."""
        exchange = self._exchange
        if not self._watches:
            self._drop_exchange()
        elif exchange is not None and exchange.has.get(UNWATCH[running.watch]) is True:
            self._tasks.start(_unwatch(exchange, running))

    def _down(self, link: str, reason: str, level: str) -> None:
        traffic = self.traffic.link(link)
        traffic.state, traffic.last_reason = "down", reason
        (log.warning if level == "warning" else log.info)(
            "link down", venue=self._venue, link=link, reason=reason
        )

    # --- the exchange -------------------------------------------------------------------------------

    async def _loaded(self) -> CcxtExchange:
        """Return the exchange with its markets. They are loaded once for all who wait."""
        if self._exchange is None:
            self._exchange = self._make_exchange()
        exchange = self._exchange
        if self._loading is None or (self._loading.done() and not _succeeded(self._loading)):
            self._loading = asyncio.get_running_loop().create_task(_load(exchange))
            self._loading.add_done_callback(_succeeded)  # a failure is told by whoever waits
        await asyncio.shield(self._loading)
        return exchange

    def _drop_exchange(self) -> None:
        """Close all that ccxt has open. The next watch has a new exchange."""
        exchange, self._exchange = self._exchange, None
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.cancel()
        if exchange is not None:
            self._tasks.start(_close(exchange))

    async def _list(self, request: int, timeout_s: float) -> None:
        """Load the markets again, and answer with them."""
        status, body = 0, b""
        try:
            async with asyncio.timeout(timeout_s):
                is_first = self._loading is None
                exchange = await self._loaded()
                found = await exchange.load_markets(not is_first)
            status, body = 200, ccxt_messages.markets(found, exchange.precisionMode)
        except asyncio.CancelledError:
            if self._exchange is None:
                raise
        except Exception as error:  # noqa: BLE001 - of ccxt, or of any library below it
            log.warning("request failed", venue=self._venue, url="markets", reason=type(error).__name__)
        self.traffic.answered(status)
        self._inputs.put(WatchInput(None, Answer(request, status, body)))


async def _load(exchange: CcxtExchange) -> None:
    await exchange.load_markets()


async def _unwatch(exchange: CcxtExchange, running: RunningWatch) -> None:
    unwatch = {
        "book": exchange.un_watch_order_book,
        "trades": exchange.un_watch_trades,
        "day": exchange.un_watch_ticker,
    }[running.watch]
    with suppress(Exception):  # then the stream comes on unread, until ccxt's WebSockets are closed
        async with asyncio.timeout(UNWATCH_S):
            await unwatch(running.native)


async def _close(exchange: CcxtExchange) -> None:
    with suppress(Exception):  # nothing is left to do with it
        await exchange.close()


def _succeeded(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None
