"""Each kind of venue says what it gives, and gives that."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from floorwire.config import Settings, VenueSettings
from floorwire.connectors import recording, venue_registry
from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.capabilities import ORDER_TYPES, TIMES_IN_FORCE, HasCapabilities, StreamKind
from floorwire.core.market_events import BookChange, BookSnapshot, Candle, DayStats, Quote, Trade
from floorwire.core.ports import Wake, Woke

OWN = Path(__file__).parents[1] / "recorded"
KINDS: dict[type, StreamKind] = {
    Trade: "trades",
    Quote: "quote",
    BookSnapshot: "book",
    BookChange: "book",
    Candle: "candles",
    DayStats: "day",
}


@pytest.mark.parametrize("exchange", sorted(recording.exchanges()))
def test_every_exchange_says_what_it_gives(exchange: str) -> None:
    found = recording.exchanges()[exchange].capabilities
    assert found.kind == exchange
    assert {"trades", "book"} <= set(found.streams)
    assert bool(found.candle_intervals) is ("candles" in found.streams)
    assert set(found.candle_intervals) <= set(INTERVALS)
    assert not found.places_orders


@pytest.mark.parametrize("exchange", sorted(recording.exchanges()))
def test_a_live_feed_says_what_its_exchange_gives(exchange: str) -> None:
    [built] = venue_registry.build(Settings(venue=("x",), venues={"x": VenueSettings(kind=exchange)}))
    assert isinstance(built, HasCapabilities)
    given = recording.exchanges()[exchange].capabilities
    all_orders = {"order_types": ORDER_TYPES, "times_in_force": TIMES_IN_FORCE}  # they are filled here
    assert built.capabilities == replace(given, places_orders=True, amends_orders=True, **all_orders)
    assert built.name == "x"


@pytest.mark.parametrize("venue", ["sim", f"replay:{OWN / 'binance'}", f"replay:{OWN / 'coinbase'}"])
def test_a_venue_gives_no_more_than_it_says(venue: str) -> None:
    [built] = venue_registry.build(Settings(venue=(venue,), seed=1))
    assert isinstance(built, HasCapabilities)
    can = built.capabilities
    assert can.places_orders
    assert can.amends_orders
    seen: set[StreamKind] = set()
    at_us, outputs = 0, list(built.start(0))
    for _ in range(2_000):
        seen |= {KINDS[type(output)] for output in outputs if type(output) in KINDS}
        wake = [output for output in outputs if isinstance(output, Wake)]
        if not wake or at_us > 20_000_000:
            break
        at_us = max(at_us + 1, wake[-1].at_us)
        outputs = list(built.receive(Woke(), at_us))
    recorded_only = {"day"} if can.kind == "coinbase" else set()  # the Exchange feed has it
    assert {"quote", "trades", "book"} <= seen <= {*can.streams, *recorded_only}
