from __future__ import annotations

from floorwire.core.market_events import FeedStatus
from floorwire.venues.common.feed_statuses import FeedStatuses


def said(statuses: list[FeedStatus]) -> list[tuple[str | None, str, str]]:
    return [(status.symbol, status.feed, status.reason) for status in statuses]


def test_nothing_is_said_twice() -> None:
    statuses = FeedStatuses()
    assert said(list(statuses.all("connecting", "start", 1))) == [(None, "connecting", "start")]
    assert said(list(statuses.all("connecting", "start", 2))) == []
    assert said(list(statuses.add("A-B", 3))) == [], "the venue's status says it"


def test_the_first_live_symbol_makes_the_venue_live_after_the_others_were_told() -> None:
    statuses = FeedStatuses()
    list(statuses.all("connecting", "start", 1))
    for symbol in ("A-B", "C-D"):
        list(statuses.add(symbol, 1))
    assert said(list(statuses.one("C-D", "live", "synced", 2))) == [
        ("A-B", "connecting", "start"),
        (None, "live", "synced"),
        ("C-D", "live", "synced"),
    ]
    assert said(list(statuses.one("C-D", "live", "synced", 3))) == []
    assert said(list(statuses.one("A-B", "live", "synced", 3))) == [("A-B", "live", "synced")]
    assert said(list(statuses.one("A-B", "stale", "sequence_gap", 4))) == [("A-B", "stale", "sequence_gap")]


def test_a_symbol_that_comes_later_is_not_taken_for_live() -> None:
    statuses = FeedStatuses()
    list(statuses.add("A-B", 1))
    list(statuses.one("A-B", "live", "synced", 1))
    assert said(list(statuses.add("C-D", 2))) == [("C-D", "connecting", "start")]


def test_what_is_lost_for_all_is_said_once_and_ends_for_each() -> None:
    statuses = FeedStatuses()
    for symbol in ("A-B", "C-D"):
        list(statuses.add(symbol, 1))
        list(statuses.one(symbol, "live", "synced", 1))
    assert said(list(statuses.all("stale", "link_lost", 2))) == [(None, "stale", "link_lost")]
    assert said(list(statuses.one("A-B", "stale", "sequence_gap", 3))) == [], "the venue is stale anyway"
    assert said(list(statuses.one("C-D", "live", "synced", 4))) == [
        ("A-B", "stale", "sequence_gap"),
        (None, "live", "synced"),
        ("C-D", "live", "synced"),
    ]
