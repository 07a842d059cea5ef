"""How a book starts, and starts again after a loss."""

from __future__ import annotations

from floorwire.core.capabilities import StreamKind
from floorwire.core.market_events import FeedStatus
from floorwire.core.ports import Answer, Fetch, Send, VenueOutput
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from tests.venues.common.plain_exchange import LINK, SECOND, A, B, BooksByHttp, Parts, PlainExchange

TRADES: frozenset[StreamKind] = frozenset(("trades",))


def ready(*, by_http: bool) -> tuple[Parts, SubscribedSymbol]:
    parts = Parts(PlainExchange(BooksByHttp() if by_http else None))
    parts.want(A, B)
    parts.up()
    parts.now_us = 5 * SECOND
    list(parts.streams.due_requests(parts.now_us))
    return parts, parts.followed.by_native["A"]


def resync(parts: Parts, symbol: SubscribedSymbol, reason: str) -> list[VenueOutput]:
    return list(parts.books.resync("A", symbol, reason, parts.now_us))


def test_a_lost_book_is_stale_and_its_subscription_renewed() -> None:
    parts, symbol = ready(by_http=False)
    parts.message("A", "book")
    out = resync(parts, symbol, "sequence_gap")
    assert out == [FeedStatus(A.symbol, "stale", "sequence_gap", parts.now_us), Send(LINK, "renew A")]
    assert not symbol.is_synced


def test_a_subscription_without_a_book_is_renewed_after_ever_longer_times() -> None:
    parts, symbol = ready(by_http=False)
    list(parts.books.request("A", symbol, parts.now_us))
    waits: list[int] = []
    begun_us = parts.now_us
    while len(waits) < 3:
        parts.now_us += SECOND
        parts.links.received(LINK, parts.now_us)
        if list(parts.books.due("A", symbol, parts.now_us)):
            waits.append((parts.now_us - begun_us) // SECOND)
            begun_us = parts.now_us
    assert waits == sorted(set(waits))


def test_a_book_is_fetched_once_and_within_the_rate_limit() -> None:
    parts, symbol = ready(by_http=True)
    assert list(parts.books.fetch("A", symbol, parts.now_us)) == [Fetch(1, "http://plain/A")]
    assert list(parts.books.fetch("A", symbol, parts.now_us)) == []  # it is under way
    other = parts.followed.by_native["B"]
    assert list(parts.books.fetch("B", other, parts.now_us)) == []  # one a second
    assert list(parts.books.fetch("B", other, parts.now_us + SECOND)) == [Fetch(2, "http://plain/B")]
    found = parts.books.answered(Answer(1, 200, b""))
    assert found is not None
    assert (found.native, found.symbol) == ("A", symbol)
    assert parts.books.answered(Answer(1, 200, b"")) is None


def test_what_has_no_need_of_a_book_fetches_none() -> None:
    parts, symbol = ready(by_http=True)
    symbol.wanted = TRADES
    assert list(parts.books.fetch("A", symbol, parts.now_us)) == []
    assert list(parts.books.due("A", symbol, parts.now_us + 999 * SECOND)) == []
    assert resync(parts, symbol, "silent") == []


def test_a_stream_that_fell_silent_is_subscribed_again_and_no_book_fetched_before_it_sends() -> None:
    parts, symbol = ready(by_http=True)
    assert resync(parts, symbol, "silent") == [Send(LINK, "renew A")]
    assert symbol.is_book_silent
    symbol.book_came()
    assert list(parts.books.fetch("A", symbol, parts.now_us)) == [Fetch(1, "http://plain/A")]


def test_an_answer_to_a_request_before_a_loss_is_not_used() -> None:
    parts, symbol = ready(by_http=True)
    list(parts.books.fetch("A", symbol, parts.now_us))
    symbol.link_lost(parts.now_us)
    assert parts.books.answered(Answer(1, 200, b"book")) is None
