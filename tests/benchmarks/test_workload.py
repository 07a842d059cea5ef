"""All contestants publish the same: as often, of the same symbols, in as many bytes."""

from __future__ import annotations

import sys
from itertools import islice

import msgspec
import pytest
from benchmarks.floorwire_server import BurstVenue
from benchmarks.workload import Tickers, Workload

from floorwire.channels import ticker
from floorwire.core.market_events import Listing, Quote, Trade
from floorwire.core.ports import Wake, Woke
from floorwire.protocol.event_stamps import EventStamp

NOW = 1_800_000_000_000_000
WIDE = Workload(port=1, symbols=5, bursts_per_second=20, width=2, depth=1)
DEEP = Workload(port=1, symbols=5, bursts_per_second=20, width=1, depth=3)


def test_bursts_rotate_over_the_symbols() -> None:
    wide = [[name[:4] for name in burst] for burst in islice(WIDE.bursts(), 3)]
    assert wide == [["S000", "S001"], ["S002", "S003"], ["S004", "S000"]]
    assert next(DEEP.bursts()) == ["S000-USDT"] * 3


def test_the_command_line_gives_the_same_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["contestant", *WIDE.arguments])
    assert Workload.from_arguments() == WIDE


def test_the_burst_venue_publishes_the_workload() -> None:
    pulse = BurstVenue(DEEP)
    opening = pulse.start(NOW)
    assert isinstance(opening[0], Listing)
    assert opening[-1] == Wake(NOW + 50_000)
    late = pulse.receive(Woke(), NOW + 60_000)
    assert late[-1] == Wake(NOW + 100_000)
    quotes = [quote for quote in late if isinstance(quote, Quote)]
    assert [quote.symbol for quote in quotes] == ["S000-USDT"] * 3
    assert len(set(quotes)) == 3


def test_tickers_are_like_those_of_floorwire() -> None:
    pulse = BurstVenue(WIDE)
    opening = pulse.start(NOW)
    instrument = next(event for event in opening if isinstance(event, Listing)).instruments[0]
    tracker = ticker.CHANNEL.tracker(instrument)
    for event in opening:
        if isinstance(event, Quote | Trade) and event.symbol == instrument.symbol:
            tracker.apply(event)
    ours = tracker.stream(None).state(EventStamp("01234567-1", 1, NOW, NOW))
    theirs = Tickers().next(instrument.symbol)
    assert len(msgspec.json.encode(ours)) == len(theirs)
    assert msgspec.json.decode(msgspec.json.encode(ours)).keys() == msgspec.json.decode(theirs).keys()
