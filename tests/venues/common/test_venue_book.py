from __future__ import annotations

import msgspec
import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Quote
from floorwire.venues.common.venue_book import CrossedBookError, VenueBook

OF = Instrument("A-B", "A", "B", "x", "1", "1")


def test_a_snapshot_is_told_best_first_without_empty_levels() -> None:
    kept = VenueBook(OF)
    assert kept.snapshot(((8, 1), (9, 2), (7, 0)), ((12, 1), (11, 3)), 5) == BookSnapshot(
        "A-B", ((9, 2), (8, 1)), ((11, 3), (12, 1)), 5
    )
    assert kept.is_synced


def test_best_prices_are_told_when_they_change() -> None:
    kept = VenueBook(OF)
    kept.snapshot(((9, 2),), (), 5)
    assert list(kept.best(5)) == [Quote("A-B", 9, 2, 0, 0, 5)]
    assert list(kept.best(6)) == []
    assert kept.change(((8, 1),), (), 7) == BookChange("A-B", ((8, 1),), (), 7)
    assert list(kept.best(7)) == []
    kept.change(((9, 0),), ((11, 4),), 8)
    assert list(kept.best(8)) == [Quote("A-B", 8, 1, 11, 4, 8)]


@pytest.mark.parametrize("ask", [9, 8])
def test_a_crossed_book_is_an_error_while_trading_is_open(ask: int) -> None:
    kept = VenueBook(OF)
    with pytest.raises(CrossedBookError, match="A-B"):
        kept.snapshot(((9, 2),), ((ask, 1),), 5)
    assert not kept.is_synced
    kept.instrument = msgspec.structs.replace(OF, state="halted")
    kept.snapshot(((9, 2),), ((ask, 1),), 5)
    assert kept.is_synced, "in an auction prices may cross"


def test_forgetting_leaves_nothing() -> None:
    kept = VenueBook(OF)
    kept.snapshot(((9, 2),), (), 5)
    list(kept.best(5))
    kept.forget()
    assert not kept.is_synced
    assert list(kept.best(6)) == [Quote("A-B", 0, 0, 0, 0, 6)]
