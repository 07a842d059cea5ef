"""Symbols of which something is wanted: how current each is, and what follows from its link."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.market_events import FeedStatus
from tests.venues.common.plain_exchange import LINK, SECOND, A, B, C, Parts


def synced() -> Parts:
    """Return the parts with books of A and B on one link, and C on another one."""
    parts = Parts()
    parts.want(A, B, C)
    for link in (LINK, "main-1"):
        parts.up(link)
    for native in "ABC":
        parts.message(native, "book")
    return parts


def test_symbols_of_a_link_are_those_whose_book_comes_on_it() -> None:
    followed = synced().followed
    assert [native for native, _ in followed.on(LINK)] == ["A", "B"]
    assert [native for native, _ in followed.on("main-1")] == ["C"]


def test_a_lost_link_costs_its_own_books() -> None:
    parts = synced()
    parts.links.lost(LINK, 1)
    found = list(parts.followed.link_down(LINK, "link_lost", 1))
    assert found == [FeedStatus(one.symbol, "stale", "link_lost", 1) for one in (A, B)]
    assert [one.is_synced for one in parts.followed.by_native.values()] == [False, False, True]


def test_the_venue_is_stale_when_its_last_link_is() -> None:
    parts = synced()
    for link in (LINK, "main-1"):
        parts.links.lost(link, 1)
    assert list(parts.followed.link_down(LINK, "link_lost", 1)) == [FeedStatus(None, "stale", "link_lost", 1)]


def test_a_link_that_was_only_quiet_makes_current_symbols_live_again() -> None:
    parts = synced()
    list(parts.followed.link_stale(LINK, "silent", 1))
    parts.followed.by_native["B"].clear(1)
    found = list(parts.followed.link_active_again(LINK, 2))
    assert found == [FeedStatus(A.symbol, "live", "heard", 2)]  # B has no book


def test_a_symbol_is_silent_while_its_link_is_active() -> None:
    parts = synced()
    followed, abc = parts.followed, parts.followed.by_native["A"]
    parts.links.received(LINK, 30 * SECOND)
    assert not followed.is_silent(abc, 31 * SECOND, 30 * SECOND)
    assert followed.is_silent(abc, 30 * SECOND, 30 * SECOND)
    followed.activity.symbol_received(A.symbol, 20 * SECOND)
    assert not followed.is_silent(abc, 30 * SECOND, 30 * SECOND)


def test_nothing_is_expected_of_a_link_that_is_down_or_of_what_is_not_traded() -> None:
    parts = synced()
    abc = parts.followed.by_native["A"]
    abc.book.levels.instrument = replace(A, state="halted")
    assert not parts.followed.is_silent(abc, SECOND, 30 * SECOND)
    abc.book.levels.instrument = A
    assert parts.followed.is_silent(abc, SECOND, 30 * SECOND)
    parts.links.lost(LINK, 30 * SECOND)
    assert not parts.followed.is_silent(abc, SECOND, 30 * SECOND)


def test_books_are_waited_for_from_the_opening_of_their_link_on() -> None:
    parts = Parts()
    parts.want(A)
    parts.now_us = 40 * SECOND
    parts.up()
    abc = parts.followed.by_native["A"]
    assert not abc.snapshot_is_due(49 * SECOND)
    assert abc.snapshot_is_due(50 * SECOND)


def test_what_still_comes_of_a_delisted_symbol_does_not_make_it_live() -> None:
    parts = synced()
    symbol = parts.followed.by_native["A"]
    symbol.book.levels.instrument = replace(A, state="closed")
    assert list(parts.followed.delisted(symbol, 1)) == [FeedStatus(A.symbol, "stale", "delisted", 1)]
    assert not symbol.is_synced
    out = parts.message("A", "book")
    assert [one for one in out if isinstance(one, FeedStatus)] == []
