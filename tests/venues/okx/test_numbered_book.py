"""The book of OKX: its numbers, its checksum, and that a lost message is always found."""

from __future__ import annotations

from itertools import zip_longest
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot
from floorwire.venues.common.price_levels import WrittenLevel
from floorwire.venues.common.venue_book import CrossedBookError, LostChangeError
from floorwire.venues.okx.messages import Book
from floorwire.venues.okx.numbered_book import NumberedBook
from tests.venues.driver import rebuilt

ABC = Instrument("ABC-USDT", "ABC", "USDT", "okx", "0.1", "0.001")


def message(
    bids: dict[str, str], asks: dict[str, str], seq: int | None, before: int | None, checksum: int = 0
) -> Book:
    return Book(
        1_000,
        [WrittenLevel(*level) for level in bids.items()],
        [WrittenLevel(*level) for level in asks.items()],
        seq,
        before,
        checksum,
    )


SNAPSHOT = message({"10.4": "1", "10.3": "2"}, {"10.5": "3"}, 10, -1)


def synced() -> NumberedBook:
    book = NumberedBook(ABC)
    book.apply_snapshot(SNAPSHOT)
    return book


def test_what_is_between_two_ticks_is_left_out() -> None:
    book = NumberedBook(ABC)
    event = book.apply_snapshot(message({"10.4": "1", "10.35": "9"}, {"10.5": "3"}, 1, -1))
    assert event == BookSnapshot("ABC-USDT", ((104, 1_000),), ((105, 3_000),), 1_000_000)
    assert (book.off_tick, book.has_left_out) == (1, True)


def test_a_snapshot_and_a_change() -> None:
    book = NumberedBook(ABC)
    assert not book.is_synced
    event = book.apply_snapshot(SNAPSHOT)
    assert (event.bids, event.asks) == (((104, 1_000), (103, 2_000)), ((105, 3_000),))
    changed = book.apply_change(message({"10.4": "0"}, {"10.6": "1"}, 15, 10))
    assert changed == BookChange("ABC-USDT", ((104, 0),), ((106, 1_000),), 1_000_000)
    assert book.is_synced


def test_a_change_that_changes_nothing_keeps_the_number() -> None:
    book = synced()
    assert book.apply_change(message({}, {}, 10, 10)) is None
    assert book.apply_change(message({"10.2": "1"}, {}, 11, 10)) is not None


def test_a_smaller_number_after_maintenance_is_no_loss() -> None:
    book = synced()
    assert book.apply_change(message({"10.2": "1"}, {}, 3, 10)) is not None
    assert book.apply_change(message({"10.2": "0"}, {}, 5, 3)) is not None


@pytest.mark.parametrize("before", [9, 11, None, -1])
def test_a_change_after_another_message_is_a_gap(before: int | None) -> None:
    book = synced()
    with pytest.raises(LostChangeError) as raised:
        book.apply_change(message({"10.2": "1"}, {}, 12, before))
    assert (raised.value.reason, raised.value.symbol) == ("sequence_gap", "ABC-USDT")
    assert not book.is_synced


def test_a_snapshot_starts_the_book_again() -> None:
    book = synced()
    with pytest.raises(LostChangeError):
        book.apply_change(message({}, {}, 30, 20))
    book.apply_snapshot(message({"9.0": "1"}, {}, 40, -1))
    assert book.apply_change(message({}, {"9.1": "1"}, 41, 40)) is not None


def test_a_crossed_book_is_dropped() -> None:
    book = synced()
    with pytest.raises(CrossedBookError):
        book.apply_change(message({"10.5": "1"}, {}, 11, 10))
    assert not book.is_synced


def test_an_auction_may_cross() -> None:
    book = NumberedBook(Instrument("ABC-USDT", "ABC", "USDT", "okx", "0.1", "0.001", state="halted"))
    book.apply_snapshot(SNAPSHOT)
    assert book.apply_change(message({"10.9": "1"}, {}, 11, 10)) is not None


def test_a_level_that_cannot_be_read_drops_the_book() -> None:
    book = synced()
    with pytest.raises(ValueError, match="many"):
        book.apply_change(message({"10.2": "many"}, {}, 11, 10))
    assert not book.is_synced


def test_levels_between_ticks_are_counted() -> None:
    book = synced()
    assert book.apply_change(message({"10.25": "1", "10.2": "1"}, {}, 11, 10)) is not None
    assert (book.off_tick, book.has_left_out) == (1, True)
    assert book.apply_change(message({}, {}, 11, 11)) is None
    assert (book.off_tick, book.has_left_out) == (0, True)


def test_a_checksum_that_differs_drops_the_book() -> None:
    book = NumberedBook(ABC)
    with pytest.raises(LostChangeError) as raised:
        book.apply_snapshot(message({"10.4": "1"}, {"10.5": "3"}, 10, -1, checksum=1))
    assert raised.value.reason == "bad_message"
    assert not book.is_synced


def test_a_checksum_is_of_the_texts_as_they_came() -> None:
    first = crc32(b"10.40:1.000:10.5:3")
    book = NumberedBook(ABC)
    book.apply_snapshot(message({"10.40": "1.000"}, {"10.5": "3"}, 10, -1, signed(first)))
    assert book.is_synced


def test_checksums_that_end_are_not_missed() -> None:
    """Since 2026 the checksum is 0. Where they come again, nothing is known to compare until a snapshot."""
    book = NumberedBook(ABC)
    book.apply_snapshot(message({"10.4": "1"}, {}, 10, -1, signed(crc32(b"10.4:1"))))
    assert book.apply_change(message({"10.3": "1"}, {}, 11, 10)) is not None
    assert book.apply_change(message({"10.2": "1"}, {}, 12, 11, checksum=99)) is not None


def test_levels_left_out_end_the_comparison() -> None:
    book = NumberedBook(ABC)
    book.apply_snapshot(message({"10.4": "1"}, {}, 10, -1, signed(crc32(b"10.4:1"))))
    assert book.apply_change(message({"10.33": "1", "10.3": "1"}, {}, 11, 10, checksum=99)) is not None


def signed(unsigned: int) -> int:
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned


class Exchange:
    """A book of whole ticks in plain dicts, and the messages that OKX would send of it."""

    def __init__(self, *, numbered: bool, checked: bool) -> None:
        self.sides: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
        self._is_numbered = numbered
        self._is_checked = checked
        self._seq = 100

    def snapshot(self) -> Book:
        return self._message(self.sides["bids"], self.sides["asks"], -1)

    def change(self, levels: list[tuple[bool, int, int]], seq: int) -> Book:
        changed: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
        for is_bid, distance, size in levels:
            side, ticks = ("bids", 1_000 - distance) if is_bid else ("asks", 1_000 + distance)
            changed[side][ticks] = size
            self.sides[side][ticks] = size
            if not size:
                del self.sides[side][ticks]
        before, self._seq = self._seq, seq
        return self._message(changed["bids"], changed["asks"], before)

    def _message(self, bids: dict[int, int], asks: dict[int, int], before: int) -> Book:
        return message(
            {_decimal(ticks): _decimal(size) for ticks, size in bids.items()},
            {_decimal(ticks): _decimal(size) for ticks, size in asks.items()},
            self._seq if self._is_numbered else None,
            before if self._is_numbered else None,
            self._checksum() if self._is_checked else 0,
        )

    def _checksum(self) -> int:
        bids = sorted(self.sides["bids"].items(), reverse=True)[:25]
        asks = sorted(self.sides["asks"].items())[:25]
        texts = [
            f"{_decimal(t)}:{_decimal(s)}" for pair in zip_longest(bids, asks) for t, s in filter(None, pair)
        ]
        return signed(crc32(":".join(texts).encode()))


def _decimal(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


changes = st.lists(
    st.tuples(
        st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 50)), max_size=6),
        st.integers(0, 1_000),
        st.sampled_from(["sent", "sent", "sent", "lost"]),
    ),
    max_size=25,
)


@given(steps=changes, numbered=st.booleans())
def test_the_book_is_the_exchanges_or_the_loss_is_found(
    steps: list[tuple[list[tuple[bool, int, int]], int, str]], numbered: bool
) -> None:
    exchange = Exchange(numbered=numbered, checked=not numbered)
    book = NumberedBook(ABC)
    out: list[BookSnapshot | BookChange] = [book.apply_snapshot(exchange.snapshot())]
    has_lost = False
    for levels, seq, fate in steps:
        sent = exchange.change([], seq) if not levels else exchange.change(levels, seq)
        if fate == "lost":
            has_lost = True
            continue
        try:
            event = book.apply_change(sent)
        except LostChangeError:
            assert has_lost
            has_lost = False
            out = [book.apply_snapshot(exchange.snapshot())]
            continue
        out += [event] if event is not None else []
        if not has_lost:
            mine = rebuilt(out, "ABC-USDT")
            assert dict(mine.bids.top(1_000)) == {t: s * 100 for t, s in exchange.sides["bids"].items()}
            assert dict(mine.asks.top(1_000)) == {t: s * 100 for t, s in exchange.sides["asks"].items()}
