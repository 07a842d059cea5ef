from __future__ import annotations

from floorwire.core.market_events import FeedStatus
from floorwire.venues.common.feed_statuses import FeedStatuses


def as_tuples(statuses: list[FeedStatus]) -> list[tuple[str | None, str, str]]:
    return [(status.symbol, status.feed, status.reason) for status in statuses]


def test_an_unchanged_status_gives_no_event() -> None:
    statuses = FeedStatuses()
    assert as_tuples(list(statuses.set_all("connecting", "start", 1))) == [(None, "connecting", "start")]
    assert as_tuples(list(statuses.set_all("connecting", "start", 2))) == []
    assert as_tuples(list(statuses.add("A-B", 3))) == [], "the venue's status says it"


def test_the_first_live_symbol_makes_the_venue_live_after_the_statuses_of_the_others() -> None:
    statuses = FeedStatuses()
    list(statuses.set_all("connecting", "start", 1))
    for symbol in ("A-B", "C-D"):
        list(statuses.add(symbol, 1))
    assert as_tuples(list(statuses.set_symbol("C-D", "live", "synced", 2))) == [
        ("A-B", "connecting", "start"),
        (None, "live", "synced"),
        ("C-D", "live", "synced"),
    ]
    assert as_tuples(list(statuses.set_symbol("C-D", "live", "synced", 3))) == []
    assert as_tuples(list(statuses.set_symbol("A-B", "live", "synced", 3))) == [("A-B", "live", "synced")]
    assert as_tuples(list(statuses.set_symbol("A-B", "stale", "sequence_gap", 4))) == [
        ("A-B", "stale", "sequence_gap")
    ]


def test_a_symbol_that_comes_later_is_connecting() -> None:
    statuses = FeedStatuses()
    list(statuses.add("A-B", 1))
    list(statuses.set_symbol("A-B", "live", "synced", 1))
    assert as_tuples(list(statuses.add("C-D", 2))) == [("C-D", "connecting", "start")]


def test_a_loss_of_the_venue_is_one_event_and_symbols_recover_one_by_one() -> None:
    statuses = FeedStatuses()
    for symbol in ("A-B", "C-D"):
        list(statuses.add(symbol, 1))
        list(statuses.set_symbol(symbol, "live", "synced", 1))
    assert as_tuples(list(statuses.set_all("stale", "link_lost", 2))) == [(None, "stale", "link_lost")]
    assert as_tuples(list(statuses.set_symbol("A-B", "stale", "sequence_gap", 3))) == [], (
        "the venue is stale anyway"
    )
    assert as_tuples(list(statuses.set_symbol("C-D", "live", "synced", 4))) == [
        ("A-B", "stale", "sequence_gap"),
        (None, "live", "synced"),
        ("C-D", "live", "synced"),
    ]
