"""Messages of symbols: what a fault of one costs, and when a symbol is live."""

from __future__ import annotations

import pytest

from floorwire.core.market_events import BookSnapshot, FeedStatus
from floorwire.core.ports import Answer, Fetch, Send, VenueOutput
from tests.venues.common.plain_exchange import LINK, SECOND, A, B, BooksByHttp, Parts, PlainExchange

LIVE = FeedStatus(A.symbol, "live", "synced", 5 * SECOND)


def ready(exchange: PlainExchange | None = None) -> Parts:
    parts = Parts(exchange)
    parts.want(A, B)
    parts.up()
    parts.now_us = 5 * SECOND
    list(parts.streams.due_requests(parts.now_us))
    return parts


def fetched(parts: Parts, body: bytes) -> list[VenueOutput]:
    """Fetch the book of A, and answer with this body."""
    symbol = parts.followed.by_native["A"]
    (fetch,) = parts.books.fetch("A", symbol, parts.now_us)
    found = parts.books.answered(Answer(fetch.request, 200, body))
    assert found is not None
    return list(parts.messages.apply_fetched(found, body, parts.now_us))


def test_a_book_makes_a_symbol_live() -> None:
    parts = ready()
    out = parts.message("A", "book")
    assert isinstance(out[0], BookSnapshot)
    assert out[-1] == LIVE
    assert parts.message("A", "trade") == []


@pytest.mark.parametrize(
    ("message", "reason", "counted"),
    [("lost", "sequence_gap", {}), ("crossed", "bad_message", {"crossed_book": 1})],
)
def test_a_lost_book_costs_one_symbol(message: str, reason: str, counted: dict[str, int]) -> None:
    parts = ready()
    for native in "AB":
        parts.message(native, "book")
    out = parts.message("A", message)
    assert out == [FeedStatus(A.symbol, "stale", reason, parts.now_us), Send(LINK, "renew A")]
    assert parts.exchange.skipped == counted
    assert parts.followed.by_native["B"].is_synced


def test_a_message_that_cannot_be_used_costs_itself() -> None:
    parts = ready()
    parts.message("A", "book")
    assert parts.message("A", "bad") == []
    assert parts.exchange.skipped == {"bad_message": 1}
    assert parts.followed.by_native["A"].is_synced


def test_a_price_between_two_ticks_asks_for_the_list_again() -> None:
    parts = ready()
    parts.message("A", "book")
    parts.catalogue.request("http://plain/list", 0)
    parts.catalogue.update({"A": A}, 0)
    assert not parts.catalogue.is_due(60 * SECOND)
    parts.message("A", "off_tick")
    assert parts.catalogue.is_due(60 * SECOND)
    assert parts.exchange.skipped == {"off_tick": 1}


def test_a_symbol_without_a_wanted_book_is_live_with_its_first_message() -> None:
    parts = Parts()
    parts.want(A, kinds=frozenset(("trades",)))
    parts.up()
    parts.now_us = 5 * SECOND
    assert parts.message("A", "trade")[-1] == LIVE
    assert parts.message("A", "trade") == []


def test_a_change_before_the_book_fetches_it() -> None:
    parts = ready(PlainExchange(BooksByHttp()))
    assert parts.message("A", "trade") == [Fetch(1, "http://plain/A")]


def test_a_fetched_book_makes_a_symbol_live() -> None:
    parts = ready(PlainExchange(BooksByHttp()))
    out = fetched(parts, b"book")
    assert isinstance(out[0], BookSnapshot)
    assert out[-1] == LIVE


@pytest.mark.parametrize(
    ("body", "counted"), [(b"old", "old_snapshot"), (b"", "bad_snapshot"), (b"crossed", "crossed_book")]
)
def test_a_fetched_book_that_is_of_no_use_is_counted(body: bytes, counted: str) -> None:
    parts = ready(PlainExchange(BooksByHttp()))
    out = fetched(parts, body)
    assert LIVE not in out
    assert parts.exchange.skipped == {counted: 1}
    assert not parts.followed.by_native["A"].is_synced
