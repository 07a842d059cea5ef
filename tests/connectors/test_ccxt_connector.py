"""The connector of ccxt, with a stand-in that has the methods of ccxt's documentation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from floorwire.connectors.ccxt_connector import MAX_UNREAD, CcxtConnector
from floorwire.connectors.ccxt_exchange import Addresses, Structure
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, VenueInput
from floorwire.venues.ccxt.messages import MARKETS_URL, BookRow, MarketRow, TradeRows

MARKET: Structure = {
    "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "spot": True, "active": True,
    "precision": {"price": 0.1, "amount": 1e-08}, "limits": {"cost": {"min": 5.0}},
}  # fmt: skip


class StandIn:
    """An exchange whose messages a test gives."""

    def __init__(self) -> None:
        self.has: Mapping[str, object] = {"unWatchTrades": True}
        self.urls: MutableMapping[str, str | Addresses] = {}
        self.options: MutableMapping[str, object] = {}
        self.precisionMode = 4
        self.https_proxy: str | None = None
        self.wss_proxy: str | None = None
        self.loads: list[bool] = []
        """Whether each was to load them again."""
        self.fails = False
        self.is_closed = False
        self.unwatched: list[str] = []
        self.book: dict[str, object] = {"bids": [[99.5, 1.0, 7]], "asks": [], "timestamp": None}
        self.books: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.trades: asyncio.Queue[list[Structure]] = asyncio.Queue()

    async def load_markets(self, reload: bool = False) -> Mapping[str, Structure]:
        self.loads.append(reload)
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError("secret")
        return {"BTC/USD": MARKET, "BTC/USD:USD": {"spot": False}}

    async def watch_order_book(self, symbol: str) -> Structure:
        error = await self.books.get()
        if error is not None:
            raise error
        return self.book

    async def watch_trades(self, symbol: str) -> Sequence[Structure]:
        return await self.trades.get()

    async def watch_ticker(self, symbol: str) -> Structure:
        return {}

    async def un_watch_order_book(self, symbol: str) -> object:
        raise NotImplementedError

    async def un_watch_trades(self, symbol: str) -> object:
        self.unwatched.append(symbol)
        raise ConnectionError

    async def un_watch_ticker(self, symbol: str) -> object:
        raise NotImplementedError

    async def close(self) -> object:
        self.is_closed = True
        raise ConnectionError


class Running:
    """A connector with its stand-ins, the latest one last."""

    def __init__(self, prepare: Callable[[StandIn], None]) -> None:
        self.made: list[StandIn] = []
        self._prepare = prepare
        self.connector = CcxtConnector("here", self._make)
        self._due = asyncio.Event()
        self.connector.start(self._due.set)

    def _make(self) -> StandIn:
        self.made.append(StandIn())
        self._prepare(self.made[-1])
        return self.made[-1]

    async def next(self) -> VenueInput:
        async with asyncio.timeout(5):
            while (happened := self.connector.next_input()) is None:
                self._due.clear()
                await self._due.wait()
            return happened

    async def opened(self, link: str) -> StandIn:
        """Open a watch, and wait until it runs."""
        self.connector.carry_out(Open(link, f"ccxt:{link}"))
        for _ in range(10):
            await asyncio.sleep(0)
        return self.made[-1]


@asynccontextmanager
async def running(prepare: Callable[[StandIn], None] = lambda one: None) -> AsyncIterator[Running]:
    found = Running(prepare)
    try:
        yield found
    finally:
        await found.connector.close()
        assert all(one.is_closed for one in found.made)


async def test_markets_are_those_of_spot_and_loaded_once_at_first() -> None:
    async with running() as here:
        here.connector.carry_out(Fetch(1, MARKETS_URL))
        answer = await here.next()
        assert isinstance(answer, Answer)
        assert (answer.request, answer.status) == (1, 200)
        assert msgspec.json.decode(answer.body, type=list[MarketRow]) == [
            MarketRow("BTC/USD", "BTC", "USD", "0.1", "0.00000001", "5.0", True)
        ]
        assert here.made[0].loads == [False, False]
        here.connector.carry_out(Fetch(2, MARKETS_URL))
        await here.next()
        assert here.made[0].loads == [False, False, True]


async def test_a_list_that_does_not_come_is_answered_and_asked_again() -> None:
    def fail(one: StandIn) -> None:
        one.fails = True

    async with running(fail) as here:
        here.connector.carry_out(Fetch(1, MARKETS_URL))
        assert await here.next() == Answer(1, 0, b"")
        here.made[0].fails = False
        here.connector.carry_out(Fetch(2, MARKETS_URL))
        answer = await here.next()
        assert isinstance(answer, Answer)
        assert answer.status == 200


async def test_a_book_that_was_not_read_is_told_once_as_it_is_then() -> None:
    async with running() as here:
        exchange = await here.opened("book BTC/USD")
        for _ in range(3):
            exchange.books.put_nowait(None)
            for _ in range(5):
                await asyncio.sleep(0)
        exchange.book["bids"] = [[100.0, 2.5]]
        assert await here.next() == Opened("book BTC/USD")
        frame = await here.next()
        assert isinstance(frame, Frame)
        assert msgspec.json.decode(frame.data, type=BookRow) == BookRow((("100.0", "2.5"),), ())
        assert here.connector.next_input() is None
        assert here.connector.traffic.link("book BTC/USD").frames == 1


async def test_a_failure_ends_one_watch() -> None:
    async with running() as here:
        exchange = await here.opened("book BTC/USD")
        await here.opened("trades BTC/USD")
        exchange.books.put_nowait(ConnectionError("secret"))
        assert await here.next() == Closed("book BTC/USD", "ConnectionError")
        exchange.trades.put_nowait([{"id": 7, "price": 1e-05, "amount": 2, "side": "buy", "timestamp": 5}])
        assert await here.next() == Opened("trades BTC/USD")
        frame = await here.next()
        assert isinstance(frame, Frame)
        [trade] = msgspec.json.decode(frame.data, type=TradeRows).trades
        assert (trade.id, trade.price, trade.size, trade.ts_ms) == ("7", "0.00001", "2", 5)
        assert await here.opened("book BTC/USD") is exchange


async def test_a_message_that_is_none_of_ccxt_is_passed_on_as_bad() -> None:
    async with running() as here:
        exchange = await here.opened("trades BTC/USD")
        exchange.trades.put_nowait([{}])
        await here.next()
        assert await here.next() == Frame("trades BTC/USD", b"null")


async def test_too_many_unread_messages_end_a_watch() -> None:
    async with running() as here:
        exchange = await here.opened("trades BTC/USD")
        for _ in range(MAX_UNREAD + 5):
            exchange.trades.put_nowait([])
        await asyncio.sleep(0.01)
        assert exchange.trades.qsize() == 5
        found = [await here.next() for _ in range(MAX_UNREAD + 2)]
        assert found[-1] == Closed("trades BTC/USD", "too much waits to be read")


async def test_what_is_not_wanted_is_unwatched_and_the_last_one_closes_all() -> None:
    async with running() as here:
        exchange = await here.opened("book BTC/USD")
        await here.opened("trades BTC/USD")
        exchange.trades.put_nowait([])
        await asyncio.sleep(0.01)
        here.connector.carry_out(Close("trades BTC/USD", "unwanted"))
        await asyncio.sleep(0.01)
        assert exchange.unwatched == ["BTC/USD"]
        assert here.connector.next_input() is None, "what waited is not told any more"
        here.connector.carry_out(Close("book BTC/USD", "unwanted"))
        await asyncio.sleep(0.01)
        assert exchange.is_closed
        assert await here.opened("book BTC/USD") is not exchange


@pytest.mark.parametrize("link", ["book BTC/USD", "trades BTC/USD"])
async def test_a_reset_forgets_everything(link: str) -> None:
    async with running() as here:
        exchange = await here.opened(link)
        exchange.books.put_nowait(None)
        exchange.trades.put_nowait([])
        await asyncio.sleep(0.01)
        here.connector.reset()
        assert here.connector.next_input() is None
        assert here.connector.traffic.link(link).state == "down"
