"""Clients behind a proxy that harms their connections: what they were told, and what the server says."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from random import Random

from floorwire.client import (
    Book,
    Client,
    Order,
    OrderPhase,
    OrderRejectedError,
    OrderTerms,
    StreamGap,
    Ticker,
    TradeHistory,
    Trades,
)
from floorwire.client.gateway import Encoding
from floorwire.client.stream import Stream
from floorwire.storage.key_store import Issued
from tests.client.faulty_proxy import faulty_proxy
from tests.servers import Server
from tests.trading.trader import FREE, key

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")
SETTINGS = (*FREE, "--set=limits.connections_per_address=1000")
OUTCOME_S = 60.0
"""How long the outcome of the last orders may take once the network is well. It is no measurement."""


class StreamRecord:
    """One stream of one client: what came, in which epoch, and what was said to be missing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: dict[tuple[str, int], Ticker | Trades] = {}
        self.gaps = 0
        self._epoch, self._last = "", 0

    def add(self, item: Ticker | Trades | StreamGap) -> None:
        """Add an item. It fails where one before it is missing, and nobody said so."""
        if isinstance(item, StreamGap):
            first, last = item.first, item.last
            self.gaps += 1
        else:
            first, last = item.seq - (item.conflated or 0), item.seq
            self.events[item.epoch, item.seq] = item
        if item.epoch == self._epoch:
            assert first == self._last + 1, (self.name, self._last, item)
        else:
            assert not self._epoch or isinstance(item, StreamGap), (self.name, self._epoch, item)
        self._epoch, self._last = item.epoch, last


class ChaosClient:
    """One client: it follows market data, and places orders whose outcome it waits for."""

    def __init__(self, number: int, issued: Issued, seed: int, longest_s: float) -> None:
        """``longest_s``: the longest deadline of its orders."""
        self.number = number
        self.longest_s = longest_s
        self.issued = issued
        self.random = Random(f"{seed}-{number}")
        self.records: list[StreamRecord] = []
        self.books = 0
        self.orders: list[Order] = []
        self.rejected: Counter[str] = Counter()
        self.outcomes = 0

    async def run(self, url: str, seconds: float) -> None:
        """Follow and trade for so long, then learn the outcome of every order."""
        symbol = SYMBOLS[self.number % len(SYMBOLS)]
        bearer = f"{self.issued.key}.{self.issued.secret}"
        encoding: Encoding = "json" if self.number % 2 else "msgpack"
        async with Client(url, key=bearer, encoding=encoding, random=self.random, wait_s=60) as fw:
            readers = [
                asyncio.create_task(self._read(fw.trades(symbol, on_slow="end"), f"trades {symbol}")),
                asyncio.create_task(self._read(fw.ticker(symbol, on_slow="end"), f"ticker {symbol}")),
                asyncio.create_task(self._read_books(fw.book(symbol, depth=25))),
            ]
            try:
                await self._trade(fw, symbol, time.monotonic() + seconds)
                async with asyncio.timeout(OUTCOME_S):
                    await asyncio.gather(*(self._outcome(order) for order in self.orders))
                    await fw.cancel_all()
                    await asyncio.gather(*(order.done() for order in self.orders if order.row is not None))
            finally:
                for reader in readers:
                    reader.cancel()
                ended = await asyncio.gather(*readers, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _read(
        self, stream: Stream[Ticker | StreamGap] | Stream[Trades | TradeHistory | StreamGap], name: str
    ) -> None:
        record = StreamRecord(name)
        self.records.append(record)
        async for item in stream:
            if not isinstance(item, TradeHistory):
                record.add(item)

    async def _read_books(self, stream: Stream[Book | StreamGap]) -> None:
        async for book in stream:
            if isinstance(book, Book):
                self.books += 1
                if book.best_bid is not None and book.best_ask is not None:
                    assert float(book.best_bid[0]) < float(book.best_ask[0]), "a crossed book"

    async def _trade(self, fw: Client, symbol: str, until_s: float) -> None:
        while time.monotonic() < until_s:
            terms = OrderTerms(
                symbol=symbol,
                side=self.random.choice(("buy", "sell")),
                quantity=self.random.choice(("0.001", "0.01", "1000000")),
                limit=None if self.random.random() < 0.3 else "1000",
                deadline_s=self.random.choice((1.0, self.longest_s)),
            )
            self.orders.append(fw.place(terms))
            await asyncio.sleep(self.random.uniform(0.0, 0.4))

    async def _outcome(self, order: Order) -> None:
        try:
            await order.accepted()
        except OrderRejectedError as error:
            self.rejected[error.code] += 1
        self.outcomes += 1


async def chaos(
    server: Server, folder: Path, *, clients: int, seconds: float, longest_s: float, seed: int
) -> str:
    """Run the clients; check what they were told against the server. Return what happened."""
    made = [
        ChaosClient(
            number,
            key(folder, f"account{number}", money={"USDT": "100000", "BTC": "10", "ETH": "10", "SOL": "10"}),
            seed,
            longest_s,
        )
        for number in range(clients)
    ]
    async with faulty_proxy(server.port, Random(seed), life_s=2.0, stall_s=3.0) as (proxy, port):
        healing = asyncio.get_running_loop().call_later(seconds, setattr, proxy, "is_faulty", False)
        try:
            async with asyncio.TaskGroup() as tasks:
                for client in made:
                    tasks.create_task(client.run(f"ws://127.0.0.1:{port}", seconds))
        finally:
            healing.cancel()
        for client in made:
            await check_orders(server, client)
    check_streams(made)
    orders = sum(len(client.orders) for client in made)
    rejected = sum((client.rejected for client in made), Counter[str]())
    events = sum(len(record.events) for client in made for record in client.records)
    gaps = sum(record.gaps for client in made for record in client.records)
    books = sum(client.books for client in made)
    assert orders
    assert proxy.harm["cut"] + proxy.harm["reset"] + proxy.harm["stall and cut"]
    told = f"{orders} orders, {dict(rejected)} rejected, {events} events, {gaps} gaps, {books} books"
    return f"{told}, {dict(proxy.harm)}"


async def check_orders(server: Server, client: ChaosClient) -> None:
    """Require that each order whose outcome is "accepted" is there once, and no other."""
    bearer = f"{client.issued.key}.{client.issued.secret}"
    async with Client(server.ws(), key=bearer, random=client.random) as fw:
        rows = await fw.rest.orders(state="all", limit=100_000)
    assert client.outcomes == len(client.orders)
    there = Counter(row.client_order_id for row in rows if row.state != "rejected")
    market = {row.client_order_id for row in rows if row.state == "rejected"}
    accepted = {order.client_order_id for order in client.orders if order.phase is not OrderPhase.REJECTED}
    assert {name for name, count in there.items() if count > 1} == set(), "an order twice"
    assert set(there) - accepted == set(), "an order that its client was told does not exist"
    assert accepted - set(there) - market == set(), "an order that its client was told exists"
    known = {order.client_order_id: order for order in client.orders}
    for row in rows:
        order = known[row.client_order_id]
        if order.row is not None:
            assert order.row.filled_quantity == row.filled_quantity, row
            assert order.has_all_fills, row


def check_streams(clients: list[ChaosClient]) -> None:
    """Require that all clients were told the same of each event."""
    seen: dict[tuple[str, str, int], tuple[object, ...]] = {}
    for client in clients:
        for record in client.records:
            for (epoch, seq), event in record.events.items():
                content = (
                    (event.trade_id, event.price, event.size)
                    if isinstance(event, Trades)
                    else (event.bid, event.ask, event.last)
                )
                assert seen.setdefault((record.name, epoch, seq), content) == content, (record.name, seq)
