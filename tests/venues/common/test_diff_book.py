from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.venues.common.diff_book import MAX_BUFFERED, OLD_SNAPSHOTS, BookDiff, DiffBook
from floorwire.venues.common.venue_book import CrossedBookError, VenueBook


def empty() -> DiffBook:
    return DiffBook(VenueBook(Instrument("A-B", "A", "B", "x", "1", "1")))


def diff(first: int, last: int, bid: int = 0) -> BookDiff:
    """Return a difference that, as a mark, sets the bid at price ``last``."""
    return BookDiff(first, last, ((last, bid or 1),), (), last)


def outcome(diffs: DiffBook, given: BookDiff) -> str:
    result = diffs.apply(given)
    if not isinstance(result, BookChange):
        return result
    assert result == BookChange("A-B", given.bids, given.asks, given.ts_us)
    return "applied"


def marks(diffs: DiffBook) -> list[int]:
    return sorted(price for price, _ in diffs.book.bids.levels())


def test_differences_are_buffered_until_a_snapshot() -> None:
    diffs = empty()
    assert diffs.apply(diff(5, 6)) == "buffered"
    assert diffs.apply(diff(7, 9)) == "buffered"
    assert diffs.has_buffered
    assert diffs.apply_snapshot(6, ((1, 1),), (), 5) == BookSnapshot("A-B", ((9, 1), (1, 1)), (), 5)
    assert diffs.is_live
    assert marks(diffs) == [1, 9], "u <= lastUpdateId is dropped, the rest applied"


@pytest.mark.parametrize(
    ("first", "last", "result"),
    [
        (8, 12, "applied"),  # U <= lastUpdateId + 1 <= u
        (11, 11, "applied"),
        (11, 30, "applied"),
        (9, 10, "old"),  # u <= lastUpdateId
        (12, 13, "gap"),
    ],
)
def test_the_first_after_the_snapshot_must_overlap_it(first: int, last: int, result: str) -> None:
    diffs = empty()
    assert diffs.apply_snapshot(10, (), (), 5)
    assert outcome(diffs, diff(first, last)) == result


@pytest.mark.parametrize(("first", "result"), [(13, "applied"), (14, "gap"), (12, "gap"), (11, "gap")])
def test_then_each_must_follow_the_one_before(first: int, result: str) -> None:
    diffs = empty()
    diffs.apply_snapshot(10, (), (), 5)
    diffs.apply(diff(11, 12))
    assert outcome(diffs, diff(first, 20)) == result


def test_after_a_gap_the_book_is_empty_until_a_snapshot_that_covers_it() -> None:
    diffs = empty()
    diffs.apply_snapshot(10, ((1, 1),), (), 5)
    assert diffs.apply(diff(20, 21)) == "gap"
    assert not diffs.is_live
    assert marks(diffs) == []
    assert not diffs.apply_snapshot(18, ((1, 1),), (), 5), (
        "lastUpdateId < U - 1: something between is missing"
    )
    assert diffs.apply_snapshot(19, ((1, 1),), (), 5)
    assert marks(diffs) == [1, 21]


def test_a_hole_among_buffered_differences_drops_those_before_it() -> None:
    diffs = empty()
    diffs.apply(diff(1, 2))
    diffs.apply(diff(5, 6))
    assert diffs.apply(diff(5, 6)) == "old"
    assert not diffs.apply_snapshot(1, (), (), 5), "would need 3 and 4"
    assert diffs.apply_snapshot(4, (), (), 5)
    assert marks(diffs) == [6]


def test_a_full_buffer_costs_a_snapshot_and_not_the_book() -> None:
    diffs = empty()
    for number in range(1, MAX_BUFFERED + 11):
        diffs.apply(diff(number, number))
    assert not diffs.apply_snapshot(5, (), (), 5), "6 to 10 have fallen out"
    assert diffs.apply_snapshot(10, (), (), 5)
    assert len(marks(diffs)) == MAX_BUFFERED


def test_a_difference_that_crosses_the_book_is_an_error() -> None:
    diffs = empty()
    diffs.apply_snapshot(10, ((1, 1),), ((3, 1),), 5)
    with pytest.raises(CrossedBookError):
        diffs.apply(BookDiff(11, 12, ((3, 1),), (), 6))
    diffs.reset()
    diffs.apply(BookDiff(13, 14, ((3, 1),), (), 7))
    with pytest.raises(CrossedBookError):
        diffs.apply_snapshot(12, ((1, 1),), ((3, 1),), 8)


def test_reset_drops_the_book() -> None:
    diffs = empty()
    diffs.apply(diff(1, 1))
    diffs.reset()
    assert not diffs.has_buffered
    assert not diffs.is_live


class Exchange:
    """An exchange's book with every update numbered, to compare with."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.number = 0
        self.bids: dict[int, int] = {}

    def next(self) -> BookDiff:
        first = self.number + 1
        self.number += self.random.randrange(1, 4)
        levels = {self.random.randrange(1, 20): self.random.randrange(0, 3) for _ in range(2)}
        for price, size in levels.items():
            self.bids[price] = size
        return BookDiff(first, self.number, tuple(levels.items()), (), 0)

    def snapshot(self) -> tuple[int, tuple[Level, ...]]:
        return self.number, tuple((price, size) for price, size in self.bids.items() if size)


@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(st.sampled_from(["diff", "lose", "repeat", "ask", "answer"]), max_size=80),
)
def test_a_live_book_is_the_exchanges_book_or_there_is_a_gap(seed: int, steps: list[str]) -> None:
    """Whatever is lost, repeated or late: while nothing is missing, the books are equal."""
    exchange, diffs = Exchange(seed), empty()
    last = exchange.next()
    asked = exchange.snapshot()
    behind = False  # something was lost that no number has shown yet
    for step in steps:
        match step:
            case "diff":
                last = exchange.next()
                result = outcome(diffs, last)
                assert not (behind and result == "applied")
                behind = False
            case "lose":
                last = exchange.next()
                behind = True
            case "repeat" if not behind:
                diffs.apply(last)
            case "ask":
                asked = exchange.snapshot()
            case "answer" if not diffs.is_live and not behind:
                diffs.apply_snapshot(asked[0], asked[1], (), 5)
            case _:
                pass
        if diffs.is_live and not behind:
            assert marks_of(diffs) == exchange_of(exchange)


def marks_of(diffs: DiffBook) -> dict[int, int]:
    return dict(diffs.book.bids.levels())


def exchange_of(exchange: Exchange) -> dict[int, int]:
    return {price: size for price, size in exchange.bids.items() if size}


def test_a_snapshot_older_than_what_was_applied_is_refused_after_a_reset_too() -> None:
    diffs = empty()
    assert diffs.apply_snapshot(10, ((1, 1),), (), 5)
    diffs.apply(BookDiff(11, 20, (), (), 0))
    diffs.reset()
    assert not diffs.apply_snapshot(19, ((1, 1),), (), 5)
    assert not diffs.is_live
    assert diffs.apply_snapshot(20, ((1, 1),), (), 5)


def test_restarted_ids_are_accepted_after_some_snapshots() -> None:
    diffs = empty()
    assert diffs.apply_snapshot(1_000, (), (), 5)
    diffs.reset()
    diffs.apply(BookDiff(1, 2, (), (), 0))
    tries = [diffs.apply_snapshot(2, (), (), 5) for _ in range(OLD_SNAPSHOTS)]
    assert tries == [None] * (OLD_SNAPSHOTS - 1) + [BookSnapshot("A-B", (), (), 5)]


def test_a_snapshot_of_a_server_that_lags_is_always_refused() -> None:
    diffs = empty()
    assert diffs.apply_snapshot(1_000, (), (), 5)
    diffs.reset()
    diffs.apply(BookDiff(1_001, 1_002, (), (), 0))
    assert not any(diffs.apply_snapshot(999, (), (), 5) for _ in range(5 * OLD_SNAPSHOTS))
