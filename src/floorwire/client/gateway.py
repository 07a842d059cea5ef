"""One gateway: its connections, the streams over them, and its orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.client.address import Address
from floorwire.client.book_keeper import Book
from floorwire.client.connection import Connection, Phase
from floorwire.client.errors import ClientError
from floorwire.client.order import DEADLINE_S, AmountLike, Order, OrderTerms
from floorwire.client.order_tracker import OrderTracker
from floorwire.client.rest import Rest
from floorwire.client.stream import QUEUE, ItemQueue, OnFull, Stream
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import PRIVATE, Topic
from floorwire.client.topic_readers import TopicReaders
from floorwire.client.transport import Transport
from floorwire.client.venue_readers import VenueReaders
from floorwire.client.venue_subscription import VenueTopic
from floorwire.core.orders import TimeInForce
from floorwire.protocol.channel_events import Candles, Heartbeat, System, Ticker, Trades
from floorwire.protocol.client_codec import CLIENT_JSON, CLIENT_MSGPACK
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
from floorwire.protocol.private_events import (
    BalancesEvent,
    FillsSnapshot,
    FillsUpdate,
    OrdersSnapshot,
    OrdersUpdate,
    PositionsEvent,
)
from floorwire.protocol.replies import Guarded
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.trading_requests import CancelOnDisconnect, Deadman, OrderStatus

Key: TypeAlias = str | Callable[[], str]
"""KEY.SECRET or a token; or what returns one, called at each handshake."""
Encoding: TypeAlias = Literal["json", "msgpack"]
ItemT = TypeVar("ItemT")
CODECS: Final = {"json": CLIENT_JSON, "msgpack": CLIENT_MSGPACK}
Readers: TypeAlias = TopicReaders | VenueReaders
CONFLATE: Final = frozenset({"ticker", "candles"})
"""Channels whose newest event may stand for those before it."""


class Gateway(msgspec.Struct, frozen=True):
    """Where a gateway is, and how to talk to it."""

    url: str
    key: Key | None = None
    connections: int = 1
    encoding: Encoding = "msgpack"
    cancel_on_disconnect_s: float | None = None
    """If its connection is lost for longer than this, the server cancels the open orders of the key."""
    ca_file: str | None = None
    proxy: str | None = None
    allow_plain: bool = False
    """Whether the key may go over the network without TLS."""


class GatewayClient:
    """The streams and orders of one gateway."""

    def __init__(self, gateway: Gateway, transport: Transport, random: Random) -> None:
        """Raises ValueError for an address or an option that cannot be used."""
        address = Address.parse(gateway.url)
        if gateway.connections < 1:
            raise ValueError(f"connections: {gateway.connections}, has to be at least 1")
        if gateway.key is not None and not (address.is_secure or address.is_local or gateway.allow_plain):
            raise ValueError(
                f"{gateway.url}: the key would be seen on the way; use wss://, or allow_plain=True"
            )
        self._key = gateway.key
        self._transport = transport
        self._connections = [
            Connection(address, transport, CODECS[gateway.encoding], self._headers, random)
            for _ in range(gateway.connections)
        ]
        self._first = self._connections[0]
        if gateway.cancel_on_disconnect_s is not None:
            self._first.greetings.append(
                CancelOnDisconnect(enabled=True, grace_s=gateway.cancel_on_disconnect_s)
            )
        self._topics: dict[Topic | VenueTopic, tuple[Readers, Connection]] = {}
        self._orders = OrderTracker(self._first)
        self._tasks: list[asyncio.Task[None]] = []
        self.rest = Rest(address, transport, self._headers)
        """The HTTP API."""

    # --- its life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        self._tasks = [asyncio.create_task(connection.run()) for connection in self._connections]

    async def aclose(self) -> None:
        """Close all connections. Everybody who waits is told."""
        await self._orders.aclose()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._transport.aclose()

    async def connected(self) -> None:
        """Wait until the first connection is open. Raises ClosedForGoodError."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: ClientError) -> None:
            if not opened.done():
                opened.set_exception(error)

        def succeed() -> None:
            if not opened.done():
                opened.set_result(None)

        self._first.when_open(succeed, fail)
        await opened

    @property
    def phases(self) -> list[Phase]:
        """Where each connection stands."""
        return [connection.phase for connection in self._connections]

    @property
    def problem(self) -> str:
        """Why the first connection is not open, with its address; ``""`` where nothing is known."""
        return f"{self._first.url}: {self._first.problem}" if self._first.problem else ""

    def _headers(self) -> Mapping[str, str]:
        key = self._key() if callable(self._key) else self._key
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    # --- market data -------------------------------------------------------------------------------------

    def ticker(
        self, symbol: str, *, on_slow: OnFull = "conflate", queue: int = QUEUE
    ) -> Stream[Ticker | StreamGap]:
        """Return the tickers of a symbol."""
        return self._stream(Topic("ticker", symbol), on_slow, queue)

    def trades(
        self, symbol: str, *, history: int = 0, on_slow: OnFull = "skip", queue: int = QUEUE
    ) -> Stream[Trades | TradeHistory | StreamGap]:
        """Return the trades of a symbol; with ``history`` so many of the past first."""
        return self._stream(Topic("trades", symbol), on_slow, queue, history)

    def book(self, symbol: str, *, depth: int = 10) -> Stream[Book | StreamGap]:
        """Return the book of a symbol when it has changed; the latest, if it is read more slowly."""
        return self._stream(Topic("book", symbol, depth), "conflate", QUEUE)

    def candles(
        self,
        symbol: str,
        interval: str = "1m",
        *,
        closed_only: bool = False,
        history: int = 0,
        on_slow: OnFull = "conflate",
        queue: int = QUEUE,
    ) -> Stream[Candles | CandleHistory | StreamGap]:
        """Return the candles of a symbol as they change; with ``history`` so many of the past first."""
        return self._stream(Topic("candles", symbol, interval, closed_only), on_slow, queue, history)

    def all_tickers(
        self, venue: str | None = None, *, on_slow: OnFull = "conflate", queue: int = QUEUE
    ) -> Stream[Ticker | StreamGap]:
        """Return the tickers of all symbols of a venue, also of those that it lists later.

        ``venue`` None: the gateway's default one. If the reader is slow, the newest of each symbol waits.
        """
        return self._stream(VenueTopic("ticker", venue), on_slow, queue)

    def all_trades(
        self, venue: str | None = None, *, on_slow: OnFull = "skip", queue: int = QUEUE
    ) -> Stream[Trades | StreamGap]:
        """Return the trades of all symbols of a venue."""
        return self._stream(VenueTopic("trades", venue), on_slow, queue)

    def all_books(self, venue: str | None = None, *, depth: int = 10) -> Stream[Book | StreamGap]:
        """Return the book of each symbol of a venue when it has changed; the latest, if it is read slowly."""
        return self._stream(VenueTopic("book", venue, depth), "conflate", QUEUE)

    def all_candles(
        self,
        interval: str = "1m",
        venue: str | None = None,
        *,
        closed_only: bool = False,
        on_slow: OnFull = "conflate",
        queue: int = QUEUE,
    ) -> Stream[Candles | StreamGap]:
        """Return the candles of all symbols of a venue as they change."""
        return self._stream(VenueTopic("candles", venue, interval, closed_only), on_slow, queue)

    def heartbeat(self, *, on_slow: OnFull = "skip", queue: int = QUEUE) -> Stream[Heartbeat | StreamGap]:
        """Return one event a second."""
        return self._stream(Topic("heartbeat"), on_slow, queue)

    def system(self, *, on_slow: OnFull = "skip", queue: int = QUEUE) -> Stream[System | StreamGap]:
        """Return what happens to the gateway and its feeds."""
        return self._stream(Topic("system"), on_slow, queue)

    # --- the account -------------------------------------------------------------------------------------

    def orders(
        self, *, on_slow: OnFull = "end", queue: int = QUEUE
    ) -> Stream[OrdersSnapshot | OrdersUpdate | StreamGap]:
        """Return the open orders, then what happens to each order of the account."""
        return self._stream(Topic("orders"), on_slow, queue)

    def fills(
        self, *, on_slow: OnFull = "end", queue: int = QUEUE
    ) -> Stream[FillsSnapshot | FillsUpdate | StreamGap]:
        """Return the latest fills, then each fill of the account."""
        return self._stream(Topic("fills"), on_slow, queue)

    def balances(self, *, on_slow: OnFull = "end", queue: int = QUEUE) -> Stream[BalancesEvent | StreamGap]:
        """Return all balances, then those that change."""
        return self._stream(Topic("balances"), on_slow, queue)

    def positions(self, *, on_slow: OnFull = "end", queue: int = QUEUE) -> Stream[PositionsEvent | StreamGap]:
        """Return all positions, then those that change."""
        return self._stream(Topic("positions"), on_slow, queue)

    async def deadman(self, timeout_s: float) -> int | None:
        """Let the server cancel the key's open orders unless this is called again in time; 0 disarms.

        Return when they will be cancelled, in microseconds since the epoch, UTC.
        """
        reply = await self._first.requests.reply(Deadman(timeout_s=timeout_s))
        assert isinstance(reply, Guarded)
        return None if reply.cancels_at is UNSET else reply.cancels_at

    # --- orders ------------------------------------------------------------------------------------------

    @property
    def open_orders(self) -> list[Order]:
        """The orders that are not closed: those that this client sent, or found.

        A reader of ``orders`` who has the snapshot finds all that were open before.
        """
        return self._orders.open_orders

    async def buy(
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
        client_order_id: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> Order:
        """Buy; return when the order is accepted. Raises OrderRejectedError, ClientError."""
        terms = OrderTerms(
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
            client_order_id=client_order_id,
            deadline_s=deadline_s,
        )
        return await self.place(terms).accepted()

    async def sell(
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
        client_order_id: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> Order:
        """Sell; return when the order is accepted. Raises OrderRejectedError, ClientError."""
        terms = OrderTerms(
            symbol=symbol,
            side="sell",
            quantity=quantity,
            limit=limit,
            stop=stop,
            time_in_force=time_in_force,
            expires=expires,
            post_only=post_only,
            reduce_only=reduce_only,
            client_order_id=client_order_id,
            deadline_s=deadline_s,
        )
        return await self.place(terms).accepted()

    def place(self, terms: OrderTerms) -> Order:
        """Send an order; return at once. Raises ValueError, TypeError."""
        return self._orders.place(terms)

    async def order(self, order_id: str | None = None, *, client_order_id: str | None = None) -> Order:
        """Return an order of the account, open or closed, by one of its ids. Raises RequestRefusedError."""
        if (order_id is None) is (client_order_id is None):
            raise ValueError("order_id or client_order_id: give one of them")
        names = OrderStatus(
            order_id=UNSET if order_id is None else order_id,
            client_order_id=UNSET if client_order_id is None else client_order_id,
        )
        return await self._orders.find(names)

    async def cancel_all(self, symbol: str | None = None) -> int:
        """Cancel all open orders of the account, or of a symbol; return how many. Raises ClientError."""
        return await self._orders.cancel_all(symbol)

    # --- parts -------------------------------------------------------------------------------------------

    def _stream(
        self, topic: Topic | VenueTopic, on_slow: OnFull, queue: int, history: int = 0
    ) -> Stream[ItemT]:
        if on_slow == "conflate" and topic.channel not in (*CONFLATE, "book"):
            raise ValueError(f"on_slow: {topic.channel} cannot be conflated")
        contract = UNSET if on_slow == "end" or topic.channel in PRIVATE else on_slow

        def begin(items: ItemQueue) -> Callable[[], None]:
            found = self._topics.get(topic)
            if found is None:
                readers = self._subscribe(topic, items, history, contract)
            else:
                readers, connection = found
                if isinstance(readers, VenueReaders):
                    readers.add(items)
                elif readers.add(items, history):
                    connection.subscriptions.repeat_state(readers.subscription)
            return lambda: self._leave(topic, readers, items)

        return Stream(ItemQueue(queue, on_slow), begin)

    def _subscribe(
        self, topic: Topic | VenueTopic, first: ItemQueue, history: int, on_slow: OnSlow | UnsetType
    ) -> Readers:
        if topic.channel == "orders":  # before its reader, who finds each order in ``open_orders`` then
            self._orders.follow()
        readers: Readers
        if isinstance(topic, VenueTopic):
            readers = VenueReaders(topic, on_slow=on_slow)
        else:
            readers = TopicReaders(topic, history=history, on_slow=on_slow)
        readers.add(first)
        connection = self._first
        if topic.channel not in PRIVATE:
            connection = min(self._connections, key=lambda one: len(one.subscriptions))
        self._topics[topic] = (readers, connection)

        def end(error: ClientError) -> None:
            self._topics.pop(topic, None)
            readers.end(error)

        connection.subscriptions.subscribe(readers.subscription, end)
        return readers

    def _leave(self, topic: Topic | VenueTopic, readers: Readers, items: ItemQueue) -> None:
        readers.remove(items)
        found = self._topics.get(topic)
        if readers.count or found is None or found[0] is not readers:
            return
        del self._topics[topic]
        found[1].subscriptions.unsubscribe(readers.subscription)
