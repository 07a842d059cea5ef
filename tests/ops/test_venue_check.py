"""What a venue sends is counted, and what is wrong is told in sentences."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    FeedStatus,
    Listing,
    MarketEvent,
    Quote,
    Trade,
)
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.ops.venue_check import VenueCheck

NOW = 1_800_000_000_000_000
SYMBOL = "here:BTC-USDT"
LISTING = Listing((Instrument(SYMBOL, "BTC", "USDT", "here", "1", "1"),), NOW)
SNAPSHOT = BookSnapshot(SYMBOL, ((100, 1),), ((101, 1),), NOW)
LIVE = FeedStatus(SYMBOL, "live", "synced", NOW)


def good_traffic() -> VenueTraffic:
    traffic = VenueTraffic()
    traffic.answered(200)
    traffic.link("streams-0").state = "up"
    return traffic


def failures(*events: MarketEvent, traffic: VenueTraffic | None = None, late_us: int = 0) -> list[str]:
    check = VenueCheck()
    check.consume("here", events, NOW + late_us)
    return list(check.failures(traffic or good_traffic()))


def test_a_venue_whose_book_is_whole_is_well() -> None:
    change = BookChange(SYMBOL, ((100, 2),), (), NOW)
    trade = Trade(SYMBOL, "1", 100, 1, "buy", NOW)
    assert failures(LISTING, LIVE, SNAPSHOT, change, trade) == []


def test_a_venue_that_sends_nothing() -> None:
    assert failures(traffic=VenueTraffic()) == [
        "the venue asked for nothing",
        "no instrument was listed: no list came, or it has none of the symbols",
    ]


def test_failed_requests_and_links() -> None:
    traffic = good_traffic()
    traffic.answered(0)
    traffic.answered(429)
    traffic.answered(500)
    traffic.link("other").last_reason = "refused: HTTP 403"
    assert failures(LISTING, LIVE, SNAPSHOT, traffic=traffic) == [
        "1 requests failed: HTTP 429",
        "1 requests failed: HTTP 5xx",
        "1 requests failed: no answer",
        "link other is down: refused: HTTP 403",
    ]


def test_books_that_are_missing_stale_or_crossed() -> None:
    stale = FeedStatus(SYMBOL, "stale", "sequence_gap", NOW)
    assert failures(LISTING) == [f"{SYMBOL}: no book came (connecting start)"]
    assert failures(LISTING, LIVE, SNAPSHOT, stale) == [f"{SYMBOL}: is stale: sequence_gap"]
    lost = FeedStatus(None, "stale", "link_lost", NOW)
    assert failures(LISTING, LIVE, SNAPSHOT, lost) == [f"{SYMBOL}: is stale: link_lost"]
    crossed = BookChange(SYMBOL, ((101, 1),), (), NOW)
    assert failures(LISTING, LIVE, SNAPSHOT, crossed) == [f"{SYMBOL}: its book was crossed 1 times"]


def test_quotes_that_never_are_those_of_the_book() -> None:
    other, same = (Quote(SYMBOL, bid, size, 101, 1, NOW) for bid, size in ((99, 1), (100, 1)))
    changes = [BookChange(SYMBOL, ((90, number),), (), NOW) for number in range(1, 30)]
    assert failures(LISTING, LIVE, SNAPSHOT, other, *changes) == [
        f"{SYMBOL}: the best prices never were those of the book"
    ]
    assert failures(LISTING, LIVE, SNAPSHOT, other, *changes, same, *changes[:1]) == []


def test_a_clock_that_is_off_and_resyncs() -> None:
    trade = Trade(SYMBOL, "1", 100, 1, "buy", NOW)
    assert failures(LISTING, LIVE, SNAPSHOT, trade, late_us=-3_000_000) == [
        "our clock is 3.0 s behind, or messages come that late"
    ]
    assert failures(LISTING, LIVE, SNAPSHOT, trade, late_us=3_000_000) == [
        "our clock is 3.0 s ahead, or messages come that late"
    ]
    check = VenueCheck()
    check.consume("here", [LISTING, LIVE, FeedStatus(SYMBOL, "stale", "silent", NOW), LIVE], NOW)
    assert check.symbols[SYMBOL].resyncs == 1
