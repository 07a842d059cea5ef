"""What a venue leaves out is counted once and logged now and then, also after a restart and in a loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from structlog.testing import capture_logs

from floorwire.bus.local import LocalBus
from floorwire.connectors import recording
from floorwire.core.market_events import FeedStatus, MarketEvent
from floorwire.core.ports import VenueInput, VenueOutput, Wake, Woke
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.skips import CHECK_US, VenueSkipCounter
from floorwire.ops.stats import Stats
from floorwire.venues.paper import PaperVenue
from tests.clocks import following

OWN = Path(__file__).parent.parent / "recorded"


class SkippingVenue:
    """A venue whose skipped counts the test sets."""

    name = "leaving"

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        return ()

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        return ()


def test_skipped_messages_are_counted_by_reason() -> None:
    venue, stats = SkippingVenue(), Stats()
    skips = VenueSkipCounter(PaperVenue(venue, 0), stats)
    venue.skipped.update(off_tick=3, repeated=0)
    skips.poll(0)
    venue.skipped.update(off_tick=2, repeated=1)
    skips.poll(CHECK_US - 1)
    assert stats.venue_skipped == {("leaving", "off_tick"): 3}
    skips.poll(CHECK_US)
    assert stats.venue_skipped == {("leaving", "off_tick"): 5, ("leaving", "repeated"): 1}
    venue.skipped = Counter(off_tick=2)
    skips.poll(2 * CHECK_US)
    assert stats.venue_skipped["leaving", "off_tick"] == 7, "it was started again and left out two more"


def test_counting_continues_when_the_clock_is_set_back() -> None:
    venue, stats = SkippingVenue(), Stats()
    skips = VenueSkipCounter(venue, stats)
    skips.poll(3600 * CHECK_US)
    venue.skipped["off_tick"] = 1
    skips.poll(CHECK_US)
    assert stats.venue_skipped == {("leaving", "off_tick"): 1}


def test_the_first_the_tenth_and_so_on_are_logged() -> None:
    venue, stats = SkippingVenue(), Stats()
    skips = VenueSkipCounter(venue, stats)
    with capture_logs() as logs:
        for second in range(250):
            venue.skipped.update(("off_tick", "repeated"))
            skips.poll(second * CHECK_US)
    logged = [(line["reason"], line["count"], line["log_level"]) for line in logs]
    assert [line for line in logged if line[0] == "off_tick"] == [
        ("off_tick", 1, "warning"),
        ("off_tick", 10, "warning"),
        ("off_tick", 100, "warning"),
    ]
    assert ("repeated", 100, "info") in logged


def test_a_venue_that_counts_nothing_is_accepted() -> None:
    stats = Stats()
    VenueSkipCounter(PaperVenue(PaperVenue(SkippingVenue(), 0), 0), stats).poll(0)
    assert not stats.venue_skipped


def test_counting_continues_when_a_recording_loops() -> None:
    replay = recording.replay(recording.read(OWN / "binance"), speed=None, loop=True)
    replay.start(0)
    assert replay.skipped is not None
    counts: list[int] = []
    for _ in range(40):
        out = replay.receive(Woke(), 0)
        assert isinstance(out[-1], Wake)
        counts.append(replay.skipped["old_snapshot"])
    assert counts == sorted(counts)
    assert counts[-1] > 1


async def test_a_feed_counts_what_a_recording_leaves_out_and_logs_it_at_the_end() -> None:
    replay = recording.replay(recording.read(OWN / "binance"), speed=None)
    stats, bus, ended = Stats(), LocalBus(), asyncio.Event()

    def on_events(_venue: str, events: Sequence[MarketEvent], _recv_us: int) -> None:
        if any(isinstance(event, FeedStatus) and event.reason == "ended" for event in events):
            ended.set()

    bus.subscribe(on_events)
    with capture_logs() as logs:
        task = asyncio.create_task(VenueFeed(replay, bus, stats, following(lambda: 0), 10_000_000).run())
        await asyncio.wait_for(ended.wait(), 20)
        task.cancel()
    left_out = {"off_tick": 1, "repeated": 1, "old_snapshot": 1}
    assert stats.venue_skipped == {("binance", reason): count for reason, count in left_out.items()}
    [end] = [line for line in logs if line["event"] == "recording ended"]
    for reason, count in left_out.items():
        assert f"{reason} {count}" in end["skipped"]
