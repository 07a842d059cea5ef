"""The client without ``await``, for notebooks and scripts: its event loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Concatenate, Final, Generic, ParamSpec, Self, TypeVar

from floorwire.client.client import CONNECT_S, Client
from floorwire.client.errors import ClientClosedError
from floorwire.client.gateway import Encoding, Gateway, GatewayClient, Key
from floorwire.client.order import AmountLike, Order, OrderPhase, OrderTerms
from floorwire.client.rest import Rest
from floorwire.client.stream import Stream
from floorwire.protocol.account_rows import FillRow, OrderRow

JOIN_S: Final = 10.0
ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")
P = ParamSpec("P")


class LoopThread:
    """A thread with an event loop. Other threads let it run coroutines, and wait."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        """None: not started, or stopped."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="floorwire client", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[None, None, ResultT]) -> ResultT:
        """Return its result. If the wait is interrupted (Ctrl-C), it is cancelled."""
        if self._loop is None:
            coroutine.close()
            raise ClientClosedError("the client is not started, or was closed")
        future: Future[ResultT] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def soon(self, callback: Callable[[], None]) -> None:
        """Call it in the thread. Does nothing after ``stop``."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it has just been closed
                self._loop.call_soon_threadsafe(callback)

    def stop(self) -> None:
        """End the thread."""
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(JOIN_S)
            loop.close()


class BlockingStream(Generic[ItemT]):
    """An iterator of one topic."""

    def __init__(self, stream: Stream[ItemT], thread: LoopThread) -> None:
        self._stream = stream
        self._thread = thread

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ItemT:
        try:
            return self._thread.run(self._next())
        except StopAsyncIteration:
            raise StopIteration from None

    async def _next(self) -> ItemT:
        return await anext(self._stream)

    def close(self) -> None:
        """End the subscription, if no other stream shares it."""
        self._thread.soon(self._stream.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # in the thread: the stream itself must not end here


class BlockingOrder:
    """An order. docs/sdk.md has its life."""

    def __init__(self, order: Order, thread: LoopThread) -> None:
        self._order = order
        self._thread = thread

    @property
    def client_order_id(self) -> str:
        """The client's name for it."""
        return self._order.client_order_id

    @property
    def phase(self) -> OrderPhase:
        """Where it stands."""
        return self._order.phase

    @property
    def row(self) -> OrderRow | None:
        """What the server last said of it."""
        return self._order.row

    @property
    def fills(self) -> list[FillRow]:
        """Its fills so far, the oldest first."""
        return self._order.fills

    def done(self) -> list[FillRow]:
        """Wait until it is closed; return its fills."""
        return self._thread.run(self._order.done())

    def amend(self, *, price: AmountLike | None = None, quantity: AmountLike | None = None) -> OrderRow:
        """Change the price, the quantity (the total) or both; return the order as it then is."""
        return self._thread.run(self._order.amend(price=price, quantity=quantity))

    def cancel(self) -> None:
        """Ask to cancel what is open of it."""
        self._thread.run(self._order.cancel())


def _asks(
    method: Callable[Concatenate[Rest, P], Coroutine[None, None, ResultT]],
) -> Callable[Concatenate[BlockingRest, P], ResultT]:
    def call(self: BlockingRest, /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
        return self.thread.run(method(self.rest, *args, **kwargs))

    call.__doc__ = method.__doc__
    return call


class BlockingRest:
    """The HTTP API."""

    def __init__(self, rest: Rest, thread: LoopThread) -> None:
        self.rest = rest
        self.thread = thread

    time = _asks(Rest.time)
    symbols = _asks(Rest.symbols)
    tickers = _asks(Rest.tickers)
    book = _asks(Rest.book)
    balances = _asks(Rest.balances)
    positions = _asks(Rest.positions)
    account = _asks(Rest.account)
    order = _asks(Rest.order)
    candles = _asks(Rest.candles)
    trades = _asks(Rest.trades)
    orders = _asks(Rest.orders)
    fills = _asks(Rest.fills)
    ledger = _asks(Rest.ledger)


def _streams(
    method: Callable[Concatenate[GatewayClient, P], Stream[ItemT]],
) -> Callable[Concatenate[BlockingGateway, P], BlockingStream[ItemT]]:
    def call(self: BlockingGateway, /, *args: P.args, **kwargs: P.kwargs) -> BlockingStream[ItemT]:
        return BlockingStream(method(self.client, *args, **kwargs), self.thread)

    call.__doc__ = method.__doc__
    return call


def _sends(
    method: Callable[Concatenate[GatewayClient, P], Coroutine[None, None, Order]],
) -> Callable[Concatenate[BlockingGateway, P], BlockingOrder]:
    def call(self: BlockingGateway, /, *args: P.args, **kwargs: P.kwargs) -> BlockingOrder:
        return BlockingOrder(self.thread.run(method(self.client, *args, **kwargs)), self.thread)

    call.__doc__ = method.__doc__
    return call


class BlockingGateway:
    """The streams and orders of one gateway."""

    def __init__(self, client: GatewayClient, thread: LoopThread) -> None:
        self.client = client
        self.thread = thread
        self.rest = BlockingRest(client.rest, thread)

    ticker = _streams(GatewayClient.ticker)
    trades = _streams(GatewayClient.trades)
    book = _streams(GatewayClient.book)
    candles = _streams(GatewayClient.candles)
    all_tickers = _streams(GatewayClient.all_tickers)
    all_trades = _streams(GatewayClient.all_trades)
    all_books = _streams(GatewayClient.all_books)
    all_candles = _streams(GatewayClient.all_candles)
    heartbeat = _streams(GatewayClient.heartbeat)
    system = _streams(GatewayClient.system)
    orders = _streams(GatewayClient.orders)
    fills = _streams(GatewayClient.fills)
    balances = _streams(GatewayClient.balances)
    positions = _streams(GatewayClient.positions)
    buy = _sends(GatewayClient.buy)
    sell = _sends(GatewayClient.sell)

    @property
    def open_orders(self) -> list[BlockingOrder]:
        """The orders that are not closed: those that this client sent, or found."""
        return [BlockingOrder(order, self.thread) for order in self.client.open_orders]

    def place(self, terms: OrderTerms) -> BlockingOrder:
        """Send an order; return at once."""

        async def place() -> Order:
            return self.client.place(terms)

        return BlockingOrder(self.thread.run(place()), self.thread)

    def order(self, order_id: str | None = None, *, client_order_id: str | None = None) -> BlockingOrder:
        """Return an order of the account, open or closed, by one of its ids."""
        found = self.thread.run(self.client.order(order_id, client_order_id=client_order_id))
        return BlockingOrder(found, self.thread)

    def cancel_all(self, symbol: str | None = None) -> int:
        """Cancel all open orders of the account, or of a symbol; return how many."""
        return self.thread.run(self.client.cancel_all(symbol))

    def deadman(self, timeout_s: float) -> int | None:
        """Let the server cancel the key's open orders unless this is called again in time; 0 disarms."""
        return self.thread.run(self.client.deadman(timeout_s))


class BlockingClient(BlockingGateway):
    """``Client`` without ``await``. Use it by ``with``, or call ``start`` and ``close``."""

    def __init__(
        self,
        url: str = "ws://127.0.0.1:8000",
        *,
        key: Key | None = None,
        connections: int = 1,
        encoding: Encoding = "msgpack",
        cancel_on_disconnect_s: float | None = None,
        ca_file: str | None = None,
        proxy: str | None = None,
        allow_plain: bool = False,
        others: Mapping[str, Gateway] | None = None,
        wait_s: float | None = CONNECT_S,
    ) -> None:
        self._client = Client(
            url,
            key=key,
            connections=connections,
            encoding=encoding,
            cancel_on_disconnect_s=cancel_on_disconnect_s,
            ca_file=ca_file,
            proxy=proxy,
            allow_plain=allow_plain,
            others=others,
            wait_s=wait_s,
        )
        super().__init__(self._client, LoopThread())

    def __getitem__(self, name: str) -> BlockingGateway:
        return BlockingGateway(self._client[name], self.thread)

    def start(self) -> Self:
        """Connect. Raises ClosedForGoodError, UnreachableError."""
        self.thread.start()
        try:
            self.thread.run(self._client.__aenter__())
        except BaseException:
            self.thread.stop()
            raise
        return self

    def close(self) -> None:
        """Close all connections, and end the thread."""
        try:
            self.thread.run(self._client.aclose())
        finally:
            self.thread.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
