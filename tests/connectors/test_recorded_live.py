"""What a feed told live, and what its recording tells when it is played again: the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.config import Settings, VenueSettings
from floorwire.connectors import recording, venue_registry
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.recording_writer import RecordingWriter
from floorwire.connectors.traffic_recorder import TrafficRecorder
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, MarketEvent, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats
from floorwire.venues.common import link_rotation
from tests.connectors.local_venue import answering, http, tcp_venue, websocket_venue
from tests.connectors.small_exchange import SmallExchange
from tests.connectors.test_live_snapshot_streams import SmallOkx
from tests.venues.driver import every, rebuilt

COMPARED = (BookSnapshot, BookChange, Trade)


class Recorded:
    """A live feed of a small exchange, and its recorder."""

    def __init__(self, folder: Path, kind: str = "binance") -> None:
        self.folder = folder
        self.kind = kind
        self.exchange = SmallExchange()
        self.okx = SmallOkx()
        self.events: list[MarketEvent] = []

    async def run(self, until: Callable[[Recorded], Awaitable[None]]) -> None:
        """Run until this returns."""
        listed = answering(http("200 OK", json.dumps(self.okx.listed).encode()))
        talk, answer = (
            (self.exchange.talk, self.exchange.answer) if self.kind == "binance" else (self.okx.talk, listed)
        )
        async with websocket_venue(talk) as ws_url, tcp_venue(answer) as port:
            own = VenueSettings(kind=self.kind, ws_url=ws_url, rest_url=f"http://127.0.0.1:{port}")
            [venue] = venue_registry.build(Settings(venue=("here",), venues={"here": own}))
            bus, clock = LocalBus(), Clock()
            bus.subscribe(lambda _venue, batch, _recv_us: self.events.extend(batch))
            writer = RecordingWriter(self.folder, "here", self.kind, "here-1", 20_000, 3_600_000_000)
            recorder = TrafficRecorder(writer, clock.stamp_us)
            recorder.start()
            route = NetworkRoute(own.ws_url, own.rest_url, None, {})
            feed = VenueFeed(venue, bus, Stats(), clock, 10_000_000, VenueConnector("here", route, recorder))
            task = asyncio.create_task(feed.run())
            try:
                async with asyncio.timeout(30):
                    await until(self)
            finally:
                recorder.end()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def count(self, kind: type) -> int:
        return sum(isinstance(event, kind) for event in self.events)


def played(folder: Path) -> list[VenueOutput]:
    venue = recording.replay(recording.read(folder), "here:", speed=None)
    out = list(venue.start(0))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), 0)
    return out


def told(events: list[MarketEvent] | list[VenueOutput]) -> list[tuple[object, ...]]:
    """Return what the events say, without the times that are our own."""
    found: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, Trade):
            found.append((event.trade_id, event.price_ticks, event.size_lots, event.ts_us))
        elif isinstance(event, BookSnapshot):
            found.append((event.bids, event.asks))
        elif isinstance(event, BookChange):
            found.append((event.bids, event.asks, event.ts_us))
    return found


async def fifty(made: Recorded) -> None:
    while made.count(BookChange) < 50:
        await asyncio.sleep(0.005)


async def cut_twice(made: Recorded) -> None:
    for times in (1, 2):
        while made.count(BookSnapshot) < times or made.count(BookChange) < 20 * times:
            await asyncio.sleep(0.005)
        peer: ServerConnection = made.exchange.peers.pop()
        peer.transport.abort()
    while made.count(BookSnapshot) < 3:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("until", [fifty, pytest.param(cut_twice, marks=pytest.mark.slow)])
async def test_a_recording_tells_what_was_told_live(
    tmp_path: Path, until: Callable[[Recorded], Awaitable[None]]
) -> None:
    made = Recorded(tmp_path)
    await made.run(until)
    out = played(tmp_path)
    live, again = told(made.events), told(out)
    assert again[: len(live)] == live, "the end of the recording may have more: it had not been handled"
    assert len(again) - len(live) < 200
    lost = [said.reason for said in every(out, FeedStatus) if said.reason == "link_lost"]
    assert lost == [
        event.reason for event in made.events if isinstance(event, FeedStatus) and event.reason == "link_lost"
    ]


@pytest.mark.slow
async def test_a_link_that_was_replaced_leaves_the_books_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_rotation, "SETTLE_US", 300_000)
    made = Recorded(tmp_path, "okx")
    ends_soon = json.dumps({"event": "notice", "code": "64008", "msg": "service upgrade", "connId": "a"})
    peers: list[ServerConnection] = []
    talk = made.okx.talk

    async def remember(peer: ServerConnection) -> None:
        peers.append(peer)
        await talk(peer)

    monkeypatch.setattr(made.okx, "talk", remember)

    async def replaced(one: Recorded) -> None:
        while one.count(BookChange) < 20:
            await asyncio.sleep(0.01)
        before = len(peers)
        for peer in list(peers):
            await peer.send(ends_soon)
        while not any(peer.close_code is not None for peer in peers[:before]):
            await asyncio.sleep(0.05)
        changes = one.count(BookChange)
        while one.count(BookChange) < changes + 50:
            await asyncio.sleep(0.01)

    await made.run(replaced)
    out = played(tmp_path)
    said = [(status.feed, status.reason) for status in every(out, FeedStatus) if status.symbol]
    assert {feed for feed, reason in said if reason not in ("start", "synced")} == set()
    for symbol in ("here:BTC-USDT", "here:ETH-USDT"):
        live, again = rebuilt(made.events, symbol), rebuilt(out, symbol)
        assert again.bids.best() is not None
        assert again.asks.top(9) == live.asks.top(9)
    assert len(every(out, BookSnapshot)) == 4, "each book again on the new link"
