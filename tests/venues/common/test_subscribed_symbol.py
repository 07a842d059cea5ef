"""What is kept of a symbol: when its snapshot is late, and what its best prices say of its book."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.venues.bybit.messages import Book, BookFrame
from floorwire.venues.bybit.numbered_book import NumberedBook
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol

SECOND = 1_000_000
ABC = Instrument("ABC-USDT", "ABC", "USDT", "bybit", "0.1", "0.001")
BID, ASK = (104, 1_000), (105, 2_000)


def symbol(*, synced: bool = True) -> SubscribedSymbol:
    book = NumberedBook(ABC)
    if synced:
        book.apply_snapshot(BookFrame("200", True, 1, Book("ABCUSDT", 5, [("10.4", "1")], [("10.5", "2")])))
    return SubscribedSymbol(book, "spot-0", 0)


def test_a_snapshot_is_late_after_ever_longer_times() -> None:
    abc = symbol(synced=False)
    assert not abc.snapshot_is_due(10 * SECOND - 1)
    assert abc.snapshot_is_due(10 * SECOND)
    abc.clear(10 * SECOND)
    for _ in range(9):
        abc.count_try(no_jitter)
    assert not abc.snapshot_is_due(309 * SECOND)
    assert abc.snapshot_is_due(310 * SECOND)
    assert not symbol().snapshot_is_due(400 * SECOND), "it has come"


def test_other_best_prices_for_long_show_that_the_book_has_ended() -> None:
    abc = symbol()
    assert not abc.quoted(BID, (106, 1), 0)
    assert not abc.quoted(BID, (107, 1), 5 * SECOND - 1)
    assert abc.quoted(BID, (107, 1), 5 * SECOND)


def test_a_message_of_the_book_or_equal_prices_end_the_doubt() -> None:
    abc = symbol()
    assert not abc.quoted(BID, (106, 1), 0)
    abc.book_came()
    assert not abc.quoted(BID, (106, 1), 6 * SECOND)
    assert not abc.quoted(BID, ASK, 9 * SECOND)
    assert not abc.quoted(BID, (106, 1), 14 * SECOND)
    assert not symbol(synced=False).quoted(BID, ASK, 0)


def test_quotes_are_the_exchanges_for_as_long_as_they_come() -> None:
    abc = symbol()
    assert not abc.has_quotes(0)
    abc.quoted(BID, ASK, 0)
    assert abc.has_quotes(3 * SECOND - 1)
    assert not abc.has_quotes(3 * SECOND)
    abc.quoted(BID, ASK, 4 * SECOND)
    abc.link_lost(4 * SECOND)
    assert not abc.has_quotes(4 * SECOND)
    assert not abc.is_synced
