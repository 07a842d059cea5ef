"""The book of Bybit: snapshots at any time, numbers that rise by one, and restarts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot
from floorwire.venues.bybit.messages import Book, BookFrame
from floorwire.venues.bybit.numbered_book import NumberedBook
from floorwire.venues.common.venue_book import CrossedBookError
from tests.venues.driver import rebuilt

ABC = Instrument("ABC-USDT", "ABC", "USDT", "bybit", "0.1", "0.001")


def frame(update: int, bids: dict[str, str], asks: dict[str, str], *, whole: bool = False) -> BookFrame:
    return BookFrame("200", whole, 1_000, Book("ABCUSDT", update, list(bids.items()), list(asks.items())))


def synced() -> NumberedBook:
    book = NumberedBook(ABC)
    book.apply_snapshot(frame(10, {"10.4": "1", "10.3": "2"}, {"10.5": "3"}, whole=True))
    return book


def test_a_snapshot_and_a_change() -> None:
    book = NumberedBook(ABC)
    event = book.apply_snapshot(frame(10, {"10.4": "1"}, {"10.5": "3"}, whole=True))
    assert event == BookSnapshot("ABC-USDT", ((104, 1_000),), ((105, 3_000),), 1_000_000)
    changed = book.apply_change(frame(11, {"10.4": "0"}, {"10.6": "1"}))
    assert changed == BookChange("ABC-USDT", ((104, 0),), ((106, 1_000),), 1_000_000)
    assert book.apply_change(frame(12, {}, {})) is None


@pytest.mark.parametrize(("update", "is_what"), [(11, "next"), (10, "known"), (9, "known"), (12, "lost")])
def test_what_a_change_is_to_the_book(update: int, is_what: str) -> None:
    assert synced().continuity(frame(update, {}, {})) == is_what


def test_a_snapshot_and_a_restart_are_a_new_book_at_any_time() -> None:
    book = synced()
    assert book.continuity(frame(5, {}, {}, whole=True)) == "snapshot"
    assert book.continuity(frame(1, {}, {})) == "snapshot"
    book.apply_snapshot(frame(1, {"9.0": "1"}, {}))
    assert book.continuity(frame(2, {}, {})) == "next"


def test_a_change_without_a_book_is_lost() -> None:
    assert NumberedBook(ABC).continuity(frame(11, {}, {})) == "lost"


def test_a_crossed_book_is_dropped() -> None:
    book = synced()
    with pytest.raises(CrossedBookError):
        book.apply_change(frame(11, {"10.5": "1"}, {}))
    assert not book.is_synced
    with pytest.raises(CrossedBookError):
        book.apply_snapshot(frame(11, {"10.5": "1"}, {"10.5": "1"}, whole=True))
    assert not book.is_synced


def test_a_level_that_cannot_be_read_drops_the_book() -> None:
    book = synced()
    with pytest.raises(ValueError, match="many"):
        book.apply_change(frame(11, {"10.2": "many"}, {}))
    assert not book.is_synced


def test_levels_between_ticks_are_counted() -> None:
    book = synced()
    book.apply_change(frame(11, {"10.25": "1", "10.2": "1"}, {}))
    assert (book.off_tick, book.has_left_out) == (1, True)
    book.apply_change(frame(12, {}, {}))
    assert (book.off_tick, book.has_left_out) == (0, True)
    book.clear()
    assert not book.has_left_out


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 50)), max_size=6),
        st.sampled_from(["sent", "sent", "sent", "lost", "twice", "snapshot", "restart"]),
    ),
    max_size=25,
)


@given(steps=steps)
def test_the_book_is_the_exchanges_or_the_loss_is_found(
    steps: list[tuple[list[tuple[bool, int, int]], str]],
) -> None:
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    update = 100
    book = NumberedBook(ABC)
    out: list[BookSnapshot | BookChange] = [book.apply_snapshot(frame(update, {}, {}, whole=True))]
    for levels, fate in steps:
        changed: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for is_bid, distance, size in levels:
            price = f"{(1_000 - distance if is_bid else 1_000 + distance) / 10:.1f}"
            changed[not is_bid][price] = sides[not is_bid][price] = f"{size / 10:.1f}"
        update = 1 if fate == "restart" else update + 1
        sent = frame(
            update, *(sides if fate in ("snapshot", "restart") else changed), whole=fate == "snapshot"
        )
        for _ in range({"lost": 0, "twice": 2}.get(fate, 1)):
            match book.continuity(sent):
                case "snapshot":
                    out.append(book.apply_snapshot(sent))
                case "next":
                    event = book.apply_change(sent)
                    out += [event] if event is not None else []
                case "known":
                    assert fate == "twice"
                case "lost":
                    out.append(book.apply_snapshot(frame(update, *sides, whole=True)))
        if fate != "lost":
            mine = rebuilt(out, "ABC-USDT")
            for ladder, side in ((mine.bids, sides[0]), (mine.asks, sides[1])):
                exact = {round(float(p) * 10): round(float(s) * 1_000) for p, s in side.items() if float(s)}
                assert dict(ladder.top(1_000)) == exact
