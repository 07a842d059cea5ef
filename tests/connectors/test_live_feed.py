"""A live venue, whole: its adapter, the connector and the feed, against a small exchange of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.config import Settings, VenueSettings
from floorwire.connectors import venue_registry
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, Listing, MarketEvent, Trade
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats
from tests.connectors.local_venue import tcp_venue, websocket_venue
from tests.connectors.small_exchange import SmallExchange


@asynccontextmanager
async def live(exchange: SmallExchange) -> AsyncIterator[tuple[list[MarketEvent], Stats]]:
    """Run a feed of it; yield its events and the numbers."""
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        own = VenueSettings(kind="binance", ws_url=ws_url, rest_url=f"http://127.0.0.1:{port}")
        [venue] = venue_registry.build(Settings(venue=("here",), venues={"here": own}))
        events: list[MarketEvent] = []
        bus, stats = LocalBus(), Stats()
        bus.subscribe(lambda _venue, batch, _recv_us: events.extend(batch))
        connector = VenueConnector("here", NetworkRoute(own.ws_url, own.rest_url, None, {}))
        stats.traffic["here"] = connector.traffic
        feed = VenueFeed(venue, bus, stats, Clock(), 10_000_000, connector)
        task = asyncio.create_task(feed.run())
        try:
            yield events, stats
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(events: list[MarketEvent], kind: type, more_than: int = 0) -> None:
    async with asyncio.timeout(20):
        while sum(isinstance(event, kind) for event in events) <= more_than:
            await asyncio.sleep(0.005)


async def test_prices_of_a_live_venue_under_its_own_id() -> None:
    exchange = SmallExchange()
    async with live(exchange) as (events, stats):
        await until(events, BookChange, 3)
        await until(events, Trade, 3)
        [listing] = [event for event in events if isinstance(event, Listing)]
        assert [(one.symbol, one.venue) for one in listing.instruments] == [("here:BTC-USDT", "here")]
        assert FeedStatus("here:BTC-USDT", "live", "synced", 0).feed in {
            event.feed for event in events if isinstance(event, FeedStatus)
        }
        [link] = stats.traffic["here"].links.values()
        assert (link.state, link.opened) == ("up", 1)
        assert stats.traffic["here"].answers["2xx"] >= 2
    assert link.state == "down"
    assert stats.venue_events["here"] > 5


async def test_a_link_that_is_cut_comes_back_with_a_new_snapshot() -> None:
    exchange = SmallExchange()
    async with live(exchange) as (events, stats):
        await until(events, BookChange)
        exchange.peers.pop().transport.abort()
        await until(events, BookSnapshot, 1)
        assert any(isinstance(event, FeedStatus) and event.reason == "link_lost" for event in events)
        [link] = stats.traffic["here"].links.values()
        assert link.opened == 2
