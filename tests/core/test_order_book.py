"""The book by price level, beside a naive one."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.core.order_book import Book, Ladder

BTC = Instrument("BTC-USDT", "BTC", "USDT", "sim", tick_size="0.01", lot_size="0.001")

levels = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), max_size=12)


@pytest.fixture(params=[1, -1], ids=["bids", "asks"])
def sign(request: pytest.FixtureRequest) -> int:
    assert isinstance(request.param, int)
    return request.param


def test_best_first(sign: int) -> None:
    ladder = Ladder(sign)
    assert ladder.best() is None
    for price in (5, 9, 7):
        ladder.set(price, price * 10)
    best_first: list[Level] = [(9, 90), (7, 70), (5, 50)][:: 1 if sign > 0 else -1]
    assert ladder.best() == best_first[0]
    assert ladder.top(2) == best_first[:2]
    assert ladder.top(100) == best_first
    assert len(ladder) == 3
    assert (ladder.size(7), ladder.size(8)) == (70, 0)


@given(st.sampled_from([1, -1]), levels, st.lists(levels, max_size=8))
def test_the_ladder_equals_a_naive_one_and_says_what_changed(
    sign: int, first: list[Level], changes: list[list[Level]]
) -> None:
    ladder, naive = Ladder(sign), {price: size for price, size in dict(first).items() if size}
    ladder.replace(first)
    assert ladder.top(99) == sorted(naive.items(), reverse=sign > 0)
    for change in changes:
        before = dict(naive)
        for price, size in change:
            naive[price] = size
        naive = {price: size for price, size in naive.items() if size}
        changed = ladder.apply(change)
        assert ladder.top(99) == sorted(naive.items(), reverse=sign > 0)
        differing = {price for price in before | naive if before.get(price) != naive.get(price)}
        assert changed == {sign * price: before.get(price, 0) for price in differing}


@given(st.sampled_from([1, -1]), levels, levels)
def test_dropping_the_best_counts_as_a_change(sign: int, first: list[Level], change: list[Level]) -> None:
    ladder = Ladder(sign)
    ladder.replace(first)
    before = dict(ladder.sizes)
    changed = ladder.apply(change)
    if not ladder:
        return
    best = ladder.top(2)
    ladder.drop_best(changed)
    assert ladder.top(1) == best[1:]
    after = ladder.sizes
    differing = {key for key in before | after if before.get(key) != after.get(key)}
    assert changed == {key: before.get(key, 0) for key in differing}


def book_of(bids: list[Level], asks: list[Level]) -> Book:
    book = Book()
    book.replace(bids, asks)
    return book


@pytest.mark.parametrize(("bid", "ask", "crossed"), [(99, 100, False), (100, 100, True), (101, 100, True)])
def test_a_book_is_crossed_where_bid_meets_ask(bid: int, ask: int, crossed: bool) -> None:
    assert book_of([(bid, 1)], [(ask, 1)]).crossed() is crossed
    assert not book_of([(bid, 1)], []).crossed()
    assert not book_of([], [(ask, 1)]).crossed()


def test_the_newer_of_two_crossing_levels_stays() -> None:
    book = book_of([(99, 1), (98, 1)], [(100, 2), (101, 2), (102, 2)])
    bids, asks = book.apply([(101, 7)], [])
    book.uncross(bids, asks)
    assert (book.bids.top(9), book.asks.top(9)) == ([(101, 7), (99, 1), (98, 1)], [(102, 2)])
    assert (bids, asks) == ({101: 0}, {-100: 2, -101: 2})
    bids, asks = book.apply([], [(99, 3)])
    book.uncross(bids, asks)
    assert (book.bids.top(9), book.asks.top(9)) == ([(98, 1)], [(99, 3), (102, 2)])
    assert (bids, asks) == ({101: 7, 99: 1}, {-99: 0})


def test_of_two_crossing_levels_of_one_event_neither_stays() -> None:
    book = book_of([(99, 1)], [(101, 1)])
    bids, asks = book.apply([(100, 1)], [(100, 1)])
    book.uncross(bids, asks)
    assert (book.bids.top(9), book.asks.top(9)) == ([(99, 1)], [(101, 1)])
    assert (bids, asks) == ({}, {})


def test_of_a_crossed_snapshot_neither_level_stays() -> None:
    book = book_of([(100, 1), (99, 1)], [(100, 1), (101, 1)])
    book.uncross({}, {})
    assert (book.bids.top(9), book.asks.top(9)) == ([(99, 1)], [(101, 1)])


@given(levels, levels, st.lists(st.tuples(levels, levels), max_size=5))
def test_uncrossing_always_ends_uncrossed(
    bids: list[Level], asks: list[Level], changes: list[tuple[list[Level], list[Level]]]
) -> None:
    book = book_of(bids, asks)
    book.uncross({}, {})
    assert not book.crossed()
    for change in changes:
        before = book.bids.top(99), book.asks.top(99)
        changed = book.apply(*change)
        was_crossed = book.crossed()
        kept = book.bids.top(99), book.asks.top(99)
        book.uncross(*changed)
        assert not book.crossed()
        assert was_crossed or kept == (book.bids.top(99), book.asks.top(99))
        unchanged = before == (book.bids.top(99), book.asks.top(99))
        assert unchanged == (changed == ({}, {}))


def test_the_checksum_is_of_the_best_ten_as_written() -> None:
    bids = [(100 - place, place + 1) for place in range(12)]
    asks = [(101 + place, place + 1) for place in range(12)]
    book = book_of(bids, asks)
    text = "|".join(f"{price / 100:.2f}:{size / 1000:.3f}" for price, size in bids[:10] + asks[:10])
    assert book.checksum(BTC) == book.checksum(BTC, depth=500) == crc32(text.encode())
    assert book.checksum(BTC, depth=1) == crc32(b"1.00:0.001|1.01:0.001")


def test_the_checksum_of_an_empty_side_or_book() -> None:
    assert book_of([(100, 1)], []).checksum(BTC) == crc32(b"1.00:0.001")
    assert book_of([], [(100, 1)]).checksum(BTC) == crc32(b"1.00:0.001")
    assert Book().checksum(BTC) == 0
