"""What each adapter told of the fake exchange, and what its recording tells when it is played: the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.config import Settings, VenueSettings
from floorwire.connectors import recording, venue_registry
from floorwire.connectors.recording_writer import RecordingWriter
from floorwire.connectors.traffic_recorder import TrafficRecorder
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, MarketEvent, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats
from tests.live.faces import FACES, Face, trading
from tests.venues.driver import every

pytestmark = pytest.mark.slow


async def record(face: Face, folder: Path) -> list[MarketEvent]:
    """Record the face until a book has changed a hundred times; return what was told."""
    events: list[MarketEvent] = []
    async with trading(face) as market:
        own = VenueSettings(
            kind=face.kind,
            ws_url=f"ws://127.0.0.1:{market.fake.port}",
            rest_url=market.fake.http,
            symbols=(face.symbol,),
        )
        settings = Settings(venue=("here",), venues={"here": own})
        [venue] = venue_registry.build(settings)
        bus, clock = LocalBus(), Clock()
        bus.subscribe(lambda _venue, batch, _recv_us: events.extend(batch))
        writer = RecordingWriter(folder, "here", face.kind, "s", 20_000, 3_600_000_000)
        recorder = TrafficRecorder(writer, clock.stamp_us)
        recorder.start()
        connector = venue_registry.connector("here", settings, recorder)
        feed = asyncio.create_task(VenueFeed(venue, bus, Stats(), clock, 10_000_000, connector).run())
        try:
            async with asyncio.timeout(60):
                while sum(isinstance(event, BookChange) for event in events) < 100:
                    await asyncio.sleep(0.02)
        finally:
            recorder.end()
            feed.cancel()
            with suppress(asyncio.CancelledError):
                await feed
    return events


def played(folder: Path) -> list[VenueOutput]:
    venue = recording.replay(recording.read(folder), "here:", speed=None)
    out = list(venue.start(0))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), 0)
    return out


def told(events: list[MarketEvent] | list[VenueOutput]) -> list[tuple[object, ...]]:
    """Return trades and books, without the times that are our own."""
    found: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, Trade):
            found.append((event.trade_id, event.price_ticks, event.size_lots, event.side, event.ts_us))
        elif isinstance(event, BookSnapshot | BookChange):
            found.append((type(event), event.bids, event.asks))
    return found


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_a_recording_of_an_adapter_tells_what_was_told_live(face: Face, tmp_path: Path) -> None:
    events = await record(face, tmp_path)
    out = played(tmp_path)
    live, again = told(events), told(out)
    assert again[: len(live)] == live
    assert len(again) - len(live) < 200, "what came last had not been handled"
    said = [(status.feed, status.reason) for status in every(out, FeedStatus) if status.symbol]
    assert [feed for feed, _ in said if feed != "connecting"] == ["live"]
