from __future__ import annotations

import msgspec
import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Quote
from floorwire.venues.common.venue_book import CrossedBookError, VenueBook

INSTRUMENT = Instrument("A-B", "A", "B", "x", "1", "1")


def test_a_snapshot_event_has_the_best_levels_first_and_no_empty_ones() -> None:
    book = VenueBook(INSTRUMENT)
    assert book.apply_snapshot(((8, 1), (9, 2), (7, 0)), ((12, 1), (11, 3)), 5) == BookSnapshot(
        "A-B", ((9, 2), (8, 1)), ((11, 3), (12, 1)), 5
    )
    assert book.is_synced


def test_a_quote_comes_only_when_best_prices_change() -> None:
    book = VenueBook(INSTRUMENT)
    book.apply_snapshot(((9, 2),), (), 5)
    assert book.changed_quote(5) == Quote("A-B", 9, 2, 0, 0, 5)
    assert book.changed_quote(6) is None
    assert book.apply_change(((8, 1),), (), 7) == BookChange("A-B", ((8, 1),), (), 7)
    assert book.changed_quote(7) is None
    book.apply_change(((9, 0),), ((11, 4),), 8)
    assert book.changed_quote(8) == Quote("A-B", 8, 1, 11, 4, 8)


@pytest.mark.parametrize("ask", [9, 8])
def test_a_crossed_book_is_an_error_while_trading_is_open(ask: int) -> None:
    book = VenueBook(INSTRUMENT)
    with pytest.raises(CrossedBookError, match="A-B"):
        book.apply_snapshot(((9, 2),), ((ask, 1),), 5)
    assert not book.is_synced
    book.instrument = msgspec.structs.replace(INSTRUMENT, state="halted")
    book.apply_snapshot(((9, 2),), ((ask, 1),), 5)
    assert book.is_synced, "in an auction prices may cross"


def test_a_cleared_book_is_empty() -> None:
    book = VenueBook(INSTRUMENT)
    book.apply_snapshot(((9, 2),), (), 5)
    book.changed_quote(5)
    book.clear()
    assert not book.is_synced
    assert book.changed_quote(6) == Quote("A-B", 0, 0, 0, 0, 6)
