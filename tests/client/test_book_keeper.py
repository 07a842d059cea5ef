"""A kept book is the server's, or it is not shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from floorwire.client.book_keeper import BookKeeper, WrongBookError, checksum
from floorwire.protocol.channel_events import WireLevel
from tests.client.events import book

BIDS = (("65432.10", "0.42000"), ("65432.00", "1.50000"), ("65430.10", "0.00007"))
ASKS = (("65432.20", "1.00000"), ("65435.00", "0.31250"), ("65440.00", "2.00000"))


def test_the_checksum_is_that_of_the_document() -> None:
    assert checksum(list(BIDS), list(ASKS)) == 1737979828


def test_a_snapshot_and_an_update() -> None:
    keeper = BookKeeper()
    keeper.apply(book(1, BIDS[::-1], ASKS[::-1], whole=(BIDS, ASKS)))
    assert keeper.book().bids == BIDS
    assert keeper.book().best_ask == ASKS[0]
    after = ((("65432.15", "0.05000"), *BIDS), (("65432.20", "0.98500"), ASKS[2]))
    keeper.apply(
        book(2, (("65432.15", "0.05000"),), (("65432.20", "0.98500"), ("65435.00", "0")), prev=1, whole=after)
    )
    assert (keeper.book().bids, keeper.book().asks, keeper.book().seq) == (*after, 2)


def test_prices_are_ordered_as_numbers() -> None:
    keeper = BookKeeper()
    bids, asks = (("10.0", "1"), ("9.5", "1")), (("99.5", "1"), ("100.0", "1"))
    keeper.apply(book(1, bids, asks))
    assert (keeper.book().bids, keeper.book().asks) == (bids, asks)


def test_an_update_that_does_not_fit_ends_the_book_until_a_snapshot() -> None:
    keeper = BookKeeper()
    with pytest.raises(WrongBookError):
        keeper.apply(book(2, prev=1))
    keeper.apply(book(1, BIDS, ASKS))
    with pytest.raises(WrongBookError):
        keeper.apply(book(3, prev=2, whole=(BIDS, ASKS)))
    with pytest.raises(WrongBookError):
        keeper.apply(book(2, prev=1, whole=(BIDS, ASKS)))
    keeper.apply(book(4, BIDS, ()))
    assert keeper.book().asks == ()


def test_a_wrong_checksum_is_found() -> None:
    keeper = BookKeeper()
    keeper.apply(book(1, BIDS, ASKS))
    with pytest.raises(WrongBookError):
        keeper.apply(book(2, (("65431.00", "1"),), prev=1, whole=(BIDS, ASKS)))


def test_an_update_of_another_epoch_does_not_fit() -> None:
    keeper = BookKeeper()
    keeper.apply(book(1, BIDS, ASKS))
    with pytest.raises(WrongBookError):
        keeper.apply(book(2, prev=1, whole=(BIDS, ASKS), epoch="b"))


LEVELS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 3)), max_size=6, unique_by=lambda level: level[0]
)


@given(first=LEVELS, changes=st.lists(st.tuples(LEVELS, LEVELS), max_size=6))
def test_it_is_the_same_as_two_sorted_maps(
    first: list[tuple[int, int]], changes: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]
) -> None:
    def text(levels: list[tuple[int, int]]) -> tuple[WireLevel, ...]:
        return tuple((f"{price / 2:.1f}", str(size)) for price, size in levels)

    def whole() -> tuple[tuple[WireLevel, ...], tuple[WireLevel, ...]]:
        return tuple(
            tuple(sorted(side.items(), key=lambda level: Decimal(level[0]), reverse=is_bids))
            for side, is_bids in ((sides[0], True), (sides[1], False))
        )  # type: ignore[return-value]

    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    keeper = BookKeeper()
    for seq, (bids, asks) in enumerate([(first, first), *changes], 1):
        for side, levels in zip(sides, (bids, asks), strict=True):
            for price, size in text(levels):
                side.pop(price, None)
                if size != "0":
                    side[price] = size
        event = book(seq, text(bids), text(asks), whole=whole(), prev=UNSET if seq == 1 else seq - 1)
        keeper.apply(event)
        assert (keeper.book().bids, keeper.book().asks) == whole()
