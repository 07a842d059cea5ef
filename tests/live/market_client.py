"""A whole gateway in this process with the prices of a fake exchange, and a client over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from floorwire import config
from floorwire.app import Gateway
from floorwire.clock import Clock
from floorwire.config import VenueSettings
from floorwire.connectors import venue_registry
from floorwire.web import create_app
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.serving import listening
from tests.live.beside import beside
from tests.live.faces import Face
from tests.live.live_gateway import NO_PINGS
from tests.live.market_books import WatchedFeed

DEPTH = 500
"""More levels than others make."""
INTERVALS_US = {"1m": 60_000_000, "5m": 300_000_000}
"""Of candles."""


@asynccontextmanager
async def gateway_of(
    face: Face, fake: FakeExchange, symbols: Iterable[str], clock: Clock
) -> AsyncIterator[str]:
    """Serve the prices of the exchange; give the address for clients."""
    ws_url = f"ws://127.0.0.1:{fake.port}"
    venue = VenueSettings(kind=face.kind, ws_url=ws_url, rest_url=fake.http, symbols=tuple(symbols))
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(
            config.load(None, {}, [f"data={folder}", "journal=memory", *NO_PINGS], {}),
            venue=("here",),
            venues={"here": venue},
        )
        gateway = Gateway(settings, venue_registry.build(settings), clock)
        async with gateway.running(), listening(create_app(gateway)) as port:
            yield f"ws://127.0.0.1:{port}/ws"


@asynccontextmanager
async def client_of(
    face: Face, fake: FakeExchange, feed: WatchedFeed, clock: Clock, interval: str
) -> AsyncIterator[None]:
    """Subscribe to all books of the feed, to further prices of some symbols, and give it what comes.

    ``interval``: of the candles.
    """
    async with (
        gateway_of(face, fake, feed.books, clock) as address,
        connect(address, max_size=None, ping_interval=None, open_timeout=None) as socket,
        beside(_follow(socket, feed, interval)),
    ):
        yield


async def _follow(socket: ClientConnection, feed: WatchedFeed, interval: str) -> None:
    channels: dict[str, dict[str, object]] = {
        "book": {"depth": DEPTH},
        "ticker": {},
        "candles": {"interval": interval},
    }
    requests = [
        {"action": "subscribe", "channel": channel, "symbol": symbol, **options}
        for symbol in feed.books
        for channel, options in channels.items()
        if channel == "book" or symbol in feed.prices
    ]
    requests.append({"action": "subscribe", "channel": "system"})
    with suppress(ConnectionClosed):
        for number, request in enumerate(requests):
            await socket.send(json.dumps(request | {"id": str(number)}))
        async for text in socket:
            message = json.loads(text)
            if message.get("code") == "unknown_symbol":  # not listed yet
                await asyncio.sleep(0.1)
                await socket.send(json.dumps(requests[int(message["id"])] | {"id": message["id"]}))
            feed.receive(message)
