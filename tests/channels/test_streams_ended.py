"""Streams that ended because nobody wanted them: what they told is forgotten, and nothing is made up."""

from __future__ import annotations

from floorwire.channels import book, candles, ticker
from floorwire.core.capabilities import StreamKind
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    DayStats,
    Quote,
    StreamsEnded,
    Trade,
    VenueTime,
)
from floorwire.protocol.channel_events import BookEvent, Candles, Ticker
from tests.channels.stream_driver import Drive

MINUTE = 60_000_000
START = 1_800_000_000_000_000
SNAPSHOT = BookSnapshot("BTC-USDT", ((100, 1),), ((102, 1),), START)


def ended(*kinds: StreamKind) -> StreamsEnded:
    return StreamsEnded("BTC-USDT", frozenset(kinds), START)


def test_a_book_is_unknown_until_its_next_snapshot() -> None:
    drive = Drive(book.CHANNEL, 10)
    drive.feed(SNAPSHOT, BookChange("BTC-USDT", ((99, 1),), (), START))
    assert drive.feed(ended("book")) == []
    assert drive.state() is None
    assert drive.feed(BookChange("BTC-USDT", ((98, 1),), (), START)) == []
    [again] = drive.feed(BookSnapshot("BTC-USDT", ((50, 1),), (), START))
    assert isinstance(again, BookEvent)
    assert [price for price, _ in again.bids] == ["0.50"]


def test_the_book_stays_while_other_streams_end() -> None:
    drive = Drive(book.CHANNEL, 10)
    drive.feed(SNAPSHOT, ended("quote", "trades", "day", "candles"))
    assert drive.state() is not None


def test_a_ticker_forgets_what_is_not_streamed() -> None:
    drive = Drive(ticker.CHANNEL)
    drive.feed(
        Quote("BTC-USDT", 100, 1, 102, 1, START),
        Trade("BTC-USDT", "1", 101, 1, "buy", START),
        DayStats("BTC-USDT", 90, 110, 80, 7, None, START),
    )
    drive.feed(ended("quote", "trades", "day"))
    state = drive.state()
    assert isinstance(state, Ticker)
    assert (state.bid, state.ask, state.last, state.open, state.volume) == (None,) * 5
    [after] = drive.feed(Quote("BTC-USDT", 103, 1, 104, 1, START))
    assert isinstance(after, Ticker)
    assert (after.bid, after.last) == ("1.03", None)


def test_best_prices_of_a_book_go_with_the_book() -> None:
    drive = Drive(ticker.CHANNEL)
    drive.feed(SNAPSHOT)
    [message] = drive.feed(ended("book"))
    assert isinstance(message, Ticker)
    assert message.bid is None


def test_no_flat_candle_is_made_up_while_trades_are_not_streamed() -> None:
    drive = Drive(candles.CHANNEL, "1m")
    start = START - START % MINUTE
    drive.feed(VenueTime(start), Trade("BTC-USDT", "1", 101, 1, "buy", start + 1), VenueTime(start + MINUTE))
    assert drive.feed(VenueTime(start + 2 * MINUTE)) != [], "nothing traded: a flat one"
    drive.feed(ended("trades", "candles"))
    assert drive.feed(VenueTime(start + 4 * MINUTE), VenueTime(start + 5 * MINUTE)) == []
    out = drive.feed(
        Trade("BTC-USDT", "9", 105, 1, "buy", start + 5 * MINUTE + 1), VenueTime(start + 6 * MINUTE)
    )
    shown = [(one.open, one.incomplete is True) for one in out if isinstance(one, Candles)]
    assert shown
    assert set(shown) == {("1.05", True)}, "earlier trades of its minute may be missing"
    out = drive.feed(
        VenueTime(start + 7 * MINUTE),
        Trade("BTC-USDT", "10", 106, 1, "buy", start + 7 * MINUTE + 1),
        VenueTime(start + 8 * MINUTE),
    )
    assert [one.incomplete is True for one in out if isinstance(one, Candles)][-1] is False
