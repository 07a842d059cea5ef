"""OKX and Bybit live, whole: adapter, connector and feed, against small exchanges of the test."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.server import ServerConnection

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.config import Settings, VenueSettings
from floorwire.connectors import venue_registry
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, MarketEvent
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats
from tests.connectors.local_venue import answering, http, tcp_venue, websocket_venue

MS = 1_700_000_000_000


class SmallExchange:
    """Two symbols. Each subscription of a book gets a snapshot, and then a change every few milliseconds.

    ``lose`` leaves out one change of a symbol.
    """

    def __init__(self) -> None:
        self.subscribed: Counter[str] = Counter()
        self.lose: set[str] = set()
        self._books: set[asyncio.Task[None]] = set()

    async def talk(self, peer: ServerConnection) -> None:
        """Answer one connection."""
        books: dict[str, asyncio.Task[None]] = {}
        with suppress(Exception):
            async for text in peer:
                if text == "ping":
                    await peer.send("pong")
                    continue
                request = json.loads(text)
                for native in self.books(request.get("args", [])):
                    if request["op"] == "unsubscribe":
                        books.pop(native).cancel()
                    else:
                        self.subscribed[native] += 1
                        books[native] = asyncio.create_task(self._send_book(peer, native))
        for task in books.values():
            task.cancel()

    async def _send_book(self, peer: ServerConnection, native: str) -> None:
        number = 100
        with suppress(Exception):
            await peer.send(json.dumps(self.message(native, number, is_snapshot=True)))
            while True:
                number += 1
                if native in self.lose:
                    self.lose.discard(native)
                    continue
                await peer.send(json.dumps(self.message(native, number, is_snapshot=False)))
                await asyncio.sleep(0.005)

    def books(self, args: list[object]) -> list[str]:
        """Return the symbols whose books are in a request."""
        raise NotImplementedError

    def message(self, native: str, number: int, *, is_snapshot: bool) -> dict[str, object]:
        """Return a message of a book."""
        raise NotImplementedError


class SmallOkx(SmallExchange):
    """In OKX's words."""

    path = "/ws/v5/public"
    listed = {  # noqa: RUF012
        "code": "0",
        "data": [
            {"instType": "SPOT", "instId": f"{base}-USDT", "baseCcy": base, "quoteCcy": "USDT"}
            | {"tickSz": "0.1", "lotSz": "0.001", "state": "live"}
            for base in ("BTC", "ETH")
        ],
    }

    def books(self, args: list[object]) -> list[str]:
        return [arg["instId"] for arg in args if isinstance(arg, dict) and arg["channel"] == "books"]

    def message(self, native: str, number: int, *, is_snapshot: bool) -> dict[str, object]:
        levels = {"bids": [["10.4", f"1.{number:03d}", "0", "1"]], "asks": [["10.5", "2", "0", "1"]]}
        numbers = {"seqId": number, "prevSeqId": -1 if is_snapshot else number - 1, "checksum": 0}
        arg = {"channel": "books", "instId": native}
        return {
            "arg": arg,
            "action": "snapshot" if is_snapshot else "update",
            "data": [{**levels, **numbers, "ts": f"{MS + number}"}],
        }


class SmallBybit(SmallExchange):
    """In Bybit's words."""

    path = "/v5/public/spot"
    listed = {  # noqa: RUF012
        "retCode": 0,
        "result": {
            "list": [
                {"symbol": f"{base}USDT", "baseCoin": base, "quoteCoin": "USDT", "status": "Trading"}
                | {"lotSizeFilter": {"basePrecision": "0.001"}, "priceFilter": {"tickSize": "0.1"}}
                for base in ("BTC", "ETH")
            ]
        },
    }

    def books(self, args: list[object]) -> list[str]:
        return [str(topic).rpartition(".")[2] for topic in args if str(topic).startswith("orderbook.200.")]

    def message(self, native: str, number: int, *, is_snapshot: bool) -> dict[str, object]:
        data = {
            "s": native,
            "b": [["10.4", f"1.{number:03d}"]],
            "a": [["10.5", "2"]],
            "u": number,
            "seq": number,
        }
        kind = "snapshot" if is_snapshot else "delta"
        return {"topic": f"orderbook.200.{native}", "ts": MS + number, "type": kind, "data": data}


@asynccontextmanager
async def live(kind: str, exchange: SmallOkx | SmallBybit) -> AsyncIterator[list[MarketEvent]]:
    """Run a feed of it; yield its events."""
    body = json.dumps(exchange.listed).encode()
    async with (
        websocket_venue(exchange.talk) as ws_url,
        tcp_venue(answering(http("200 OK", body))) as port,
    ):
        own = VenueSettings(kind=kind, ws_url=ws_url, rest_url=f"http://127.0.0.1:{port}")
        [venue] = venue_registry.build(Settings(venue=(kind,), venues={kind: own}))
        events: list[MarketEvent] = []
        bus, stats = LocalBus(), Stats()
        bus.subscribe(lambda _venue, batch, _recv_us: events.extend(batch))
        connector = VenueConnector(kind, NetworkRoute(own.ws_url, own.rest_url, None, {}))
        stats.traffic[kind] = connector.traffic
        task = asyncio.create_task(VenueFeed(venue, bus, stats, Clock(), 10_000_000, connector).run())
        try:
            yield events
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def changed(events: list[MarketEvent]) -> Counter[str]:
    return Counter(event.symbol for event in events if isinstance(event, BookChange))


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.002)


@pytest.mark.parametrize(("kind", "make"), [("okx", SmallOkx), ("bybit", SmallBybit)])
async def test_a_lost_change_costs_one_subscription_of_one_book(
    kind: str, make: type[SmallOkx] | type[SmallBybit]
) -> None:
    exchange = make()
    async with live(kind, exchange) as events:
        await until(lambda: min(changed(events)[s] for s in (f"{kind}:BTC-USDT", f"{kind}:ETH-USDT")) > 2)
        [lost] = [native for native in exchange.subscribed if native.startswith("BTC")]
        exchange.lose.add(lost)
        await until(lambda: exchange.subscribed[lost] == 2)
        seen = len(events)
        await until(lambda: changed(events[seen:])[f"{kind}:BTC-USDT"] > 2)
        await until(lambda: changed(events[seen:])[f"{kind}:ETH-USDT"] > 2)
        snapshots = Counter(event.symbol for event in events if isinstance(event, BookSnapshot))
        assert snapshots == {f"{kind}:BTC-USDT": 2, f"{kind}:ETH-USDT": 1}
        stale = [event for event in events if isinstance(event, FeedStatus) and event.feed == "stale"]
        assert [(event.symbol, event.reason) for event in stale] == [(f"{kind}:BTC-USDT", "sequence_gap")]
        assert sum(exchange.subscribed.values()) == 3
