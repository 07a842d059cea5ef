"""Prices of a fake exchange through ccxt. It runs with any Python that has the packages of both.

`python -m tests.connectors.ccxt_prices_session EXCHANGE HTTP WS SYMBOL` prints what came as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.config import Settings, VenueSettings
from floorwire.connectors import venue_registry
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, MarketEvent
from floorwire.core.order_book import Book
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats


class Seen:
    """What came of one symbol."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.statuses: list[str] = []
        self.book = Book()

    def consume(self, venue: str, events: Sequence[MarketEvent], ts_us: int) -> None:
        for event in events:
            self.kinds[type(event).__name__] += 1
            if isinstance(event, BookSnapshot):
                self.book.replace(event.bids, event.asks)
            elif isinstance(event, BookChange):
                self.book.apply(event.bids, event.asks)
            elif isinstance(event, FeedStatus) and event.symbol is None:
                self.statuses.append(f"{event.feed} {event.reason}")


async def session(exchange: str, http: str, ws: str, symbol: str) -> dict[str, object]:
    given = f"ccxt:{exchange}"
    own = VenueSettings(rest_url=http, ws_url=ws, symbols=(symbol,))
    settings = Settings(venue=(given,), venues={f"ccxt-{exchange}": own})
    [venue] = venue_registry.build(settings)
    seen, bus = Seen(), LocalBus()
    bus.subscribe(seen.consume)
    connector = venue_registry.connector(venue.name, settings)
    feed = VenueFeed(venue, bus, Stats(), Clock(), 10_000_000, connector)
    running = asyncio.create_task(feed.run())
    try:
        async with asyncio.timeout(20):
            while seen.kinds["BookChange"] < 10 or not seen.kinds["Trade"] or not seen.kinds["DayStats"]:
                await asyncio.sleep(0.1)
            print("up", flush=True)
            await asyncio.to_thread(sys.stdin.readline)  # the test disconnects us meanwhile
            while seen.statuses[-1] != "live synced" or seen.kinds["BookSnapshot"] < 2:
                await asyncio.sleep(0.1)
    finally:
        running.cancel()
        await asyncio.wait((running,))
    return {
        "venue": venue.name,
        "kinds": sorted(seen.kinds),
        "statuses": seen.statuses,
        "crossed": seen.book.crossed(),
        "levels": [len(seen.book.bids), len(seen.book.asks)],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(*sys.argv[1:]))))
