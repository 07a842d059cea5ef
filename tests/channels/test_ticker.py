"""The ticker channel: which source is believed, what is visible, and the 24 hours."""

from __future__ import annotations

from msgspec import UNSET

from floorwire.channels.ticker import CHANNEL
from floorwire.core.market_events import BookChange, BookSnapshot, DayStats, Feed, Quote, Trade, VenueTime
from floorwire.core.microseconds import MINUTE_US, SECOND_US
from floorwire.core.notices import SymbolFeedChanged
from floorwire.core.rolling_day import DAY_MINUTES
from floorwire.protocol.channel_events import AnyEvent, Ticker
from tests.channels.stream_driver import Drive

DAY_US = DAY_MINUTES * MINUTE_US
NOON_US = 500 * DAY_US + 12 * 60 * MINUTE_US


def trade(price_ticks: int, size_lots: int = 1, ts_us: int = NOON_US) -> Trade:
    return Trade("BTC-USDT", "1", price_ticks, size_lots, "buy", ts_us)


def quote(bid: int, ask: int, ts_us: int = NOON_US) -> Quote:
    return Quote("BTC-USDT", bid, 1 if bid else 0, ask, 1 if ask else 0, ts_us)


SNAPSHOT = BookSnapshot("BTC-USDT", ((99, 5), (98, 6)), ((101, 7),), NOON_US)
RAISE = BookChange("BTC-USDT", ((100, 4),), (), NOON_US + 1)


def only(messages: list[AnyEvent]) -> Ticker:
    (message,) = messages
    assert isinstance(message, Ticker)
    return message


def best(message: Ticker) -> tuple[str | None, ...]:
    return message.bid, message.bid_size, message.ask, message.ask_size


def day(message: Ticker) -> tuple[str | None, ...]:
    return (
        message.open,
        message.high,
        message.low,
        message.volume,
        message.quote_volume,
        message.change,
    )


def test_nothing_is_said_before_anything_is_known() -> None:
    drive = Drive(CHANNEL)
    assert drive.feed(VenueTime(NOON_US), RAISE) == []
    assert drive.state() is None


def test_what_is_not_known_yet_is_null() -> None:
    drive = Drive(CHANNEL)
    message = only(drive.feed(quote(99, 101)))
    assert best(message) == ("0.99", "0.001", "1.01", "0.001")
    assert (message.last, message.last_size) == (None, None)
    assert day(message) == (None,) * 6
    assert best(only(drive.feed(quote(0, 101)))) == (None, None, "1.01", "0.001")
    assert best(only(drive.feed(quote(99, 0)))) == ("0.99", "0.001", None, None)


def test_a_trade_shows_in_last_and_in_the_day() -> None:
    drive = Drive(CHANNEL)
    drive.feed(trade(100, 2000))
    message = only(drive.feed(trade(90, 1000, NOON_US + 5)))
    assert (message.last, message.last_size, message.ts) == ("0.90", "1.000", NOON_US + 5)
    assert day(message) == ("1.00", "1.00", "0.90", "3.000", "2.90000", "-0.10")
    assert best(message) == (None,) * 4


def test_the_best_of_the_book_stands_in_for_quotes() -> None:
    drive = Drive(CHANNEL)
    assert best(only(drive.feed(SNAPSHOT))) == ("0.99", "0.005", "1.01", "0.007")
    raised = only(drive.feed(RAISE))
    assert (best(raised), raised.ts) == (("1.00", "0.004", "1.01", "0.007"), NOON_US + 1)
    assert drive.feed(BookChange("BTC-USDT", ((98, 1),), (), NOON_US)) == [], "below the best"
    emptied = BookChange("BTC-USDT", (), ((101, 0),), NOON_US)
    assert best(only(drive.feed(emptied))) == ("1.00", "0.004", None, None)


def test_a_crossed_book_shows_the_newer_side() -> None:
    drive = Drive(CHANNEL)
    drive.feed(SNAPSHOT)
    through = BookChange("BTC-USDT", ((101, 4),), (), NOON_US)
    assert best(only(drive.feed(through))) == ("1.01", "0.004", None, None)
    crossed = BookSnapshot("BTC-USDT", ((101, 1), (99, 1)), ((100, 1), (102, 1)), NOON_US)
    assert best(only(drive.feed(crossed))) == ("0.99", "0.001", "1.02", "0.001")


def test_the_first_quote_silences_the_book() -> None:
    drive = Drive(CHANNEL)
    drive.feed(SNAPSHOT, quote(97, 103))
    assert drive.feed(RAISE, SNAPSHOT, RAISE) == []
    assert best(only(drive.feed(quote(98, 103)))) == ("0.98", "0.001", "1.03", "0.001")


def test_what_looks_the_same_is_not_said_again() -> None:
    drive = Drive(CHANNEL)
    drive.feed(SNAPSHOT, trade(100))
    before = drive.state()
    assert drive.feed(SNAPSHOT, VenueTime(NOON_US + 7), VenueTime(NOON_US + MINUTE_US)) == []
    assert drive.state() == before
    drive.feed(quote(99, 101))
    assert drive.feed(quote(99, 101, NOON_US + 1)) == []


def test_last_is_the_trade_with_the_latest_venue_time() -> None:
    drive = Drive(CHANNEL)
    drive.feed(trade(100))
    late = only(drive.feed(trade(50, ts_us=NOON_US - 1)))
    assert (late.last, late.open, late.low) == ("1.00", "0.50", "0.50")
    assert only(drive.feed(trade(60))).last == "0.60", "of two at once, the one that came later"


def test_the_day_ages_with_the_clock() -> None:
    drive = Drive(CHANNEL)
    drive.feed(trade(100, 5), trade(90, 1, NOON_US + MINUTE_US))
    assert drive.feed(VenueTime(NOON_US + DAY_US)) == []
    aged = only(drive.feed(VenueTime(NOON_US + DAY_US + MINUTE_US)))
    assert day(aged) == ("0.90", "0.90", "0.90", "0.001", "0.00090", "0.00")
    assert aged.ts == NOON_US + DAY_US + MINUTE_US


def test_a_day_without_trades_is_flat_at_the_last_price() -> None:
    drive = Drive(CHANNEL)
    drive.feed(trade(100, 5), trade(90, 1, NOON_US + MINUTE_US))
    flat = only(drive.feed(VenueTime(NOON_US + 2 * DAY_US)))
    assert day(flat) == ("0.90", "0.90", "0.90", "0.000", "0.00000", "0.00")
    assert (flat.last, flat.last_size) == ("0.90", "0.001")
    assert drive.feed(VenueTime(NOON_US + 3 * DAY_US)) == []


def test_a_first_trade_from_before_the_day_is_only_the_last_price() -> None:
    drive = Drive(CHANNEL)
    drive.feed(VenueTime(NOON_US))
    old = only(drive.feed(trade(80, 5, NOON_US - 2 * DAY_US)))
    assert old.last == "0.80"
    assert day(old) == ("0.80", "0.80", "0.80", "0.000", "0.00000", "0.00")


def test_the_venues_own_day_outranks_the_trades() -> None:
    drive = Drive(CHANNEL)
    drive.feed(trade(100))
    stats = DayStats("BTC-USDT", 80, 120, 70, 5000, 450_000, NOON_US + 3)
    told = only(drive.feed(stats))
    assert day(told) == ("0.80", "1.20", "0.70", "5.000", "4.50000", "0.20")
    assert told.ts == NOON_US + 3
    assert drive.feed(stats, VenueTime(NOON_US + 3 * DAY_US)) == []
    after = only(drive.feed(trade(110, ts_us=NOON_US + 4)))
    assert day(after) == ("0.80", "1.20", "0.70", "5.000", "4.50000", "0.30")


def test_a_venue_that_tells_no_quote_volume_leaves_it_unknown() -> None:
    drive = Drive(CHANNEL)
    told = only(drive.feed(DayStats("BTC-USDT", 80, 120, 70, 5000, None, NOON_US)))
    assert day(told) == ("0.80", "1.20", "0.70", "5.000", None, None)


def test_a_stream_that_begins_later_shows_the_same() -> None:
    drive = Drive(CHANNEL)
    drive.feed(SNAPSHOT, trade(100), trade(90))
    late = Drive(CHANNEL, tracker=drive.tracker, seq=drive.seq)
    assert late.state() == drive.state()
    assert late.feed(VenueTime(NOON_US)) == []
    assert only(late.feed(RAISE)).bid == "1.00"


# --- what is not heard any more -----------------------------------------------------------------------


def turned(feed: Feed) -> SymbolFeedChanged:
    return SymbolFeedChanged("BTC-USDT", feed, "test", NOON_US)


def test_a_quote_of_before_a_loss_does_not_outrank_the_book_of_after_it() -> None:
    drive = Drive(CHANNEL)
    drive.feed(SNAPSHOT, quote(97, 103), turned("stale"))
    assert best(only(drive.feed(SNAPSHOT))) == best(only(Drive(CHANNEL).feed(SNAPSHOT)))


def test_the_ticker_says_whether_it_is_current() -> None:
    drive = Drive(CHANNEL)
    assert drive.feed(turned("connecting")) == [], "nothing is known yet"
    assert only(drive.feed(quote(97, 103))).feed == "connecting"
    live = only(drive.feed(turned("live")))
    assert live.feed is UNSET
    stale = only(drive.feed(turned("stale")))
    assert (stale.feed, best(stale)) == ("stale", best(live))
    assert drive.state() == stale


def test_the_venues_own_day_that_has_ended_is_not_shown_for_ever() -> None:
    drive = Drive(CHANNEL)
    drive.feed(turned("connecting"), turned("live"), VenueTime(NOON_US))
    drive.feed(trade(100), DayStats("BTC-USDT", 80, 120, 70, 5000, 450_000, NOON_US))
    drive.feed(trade(130, ts_us=NOON_US + SECOND_US))
    assert drive.feed(VenueTime(NOON_US + 10 * SECOND_US)) == []
    ended = only(drive.feed(VenueTime(NOON_US + 11 * SECOND_US)))
    assert (ended.last, *day(ended)) == ("1.30", None, None, None, None, None, None)
    again = only(drive.feed(DayStats("BTC-USDT", 80, 130, 70, 5000, 450_000, NOON_US + 12 * SECOND_US)))
    assert again.high == "1.30"


def test_ours_replaces_the_venues_day_where_it_covers_one() -> None:
    drive = Drive(CHANNEL)
    drive.feed(turned("connecting"), turned("live"), VenueTime(NOON_US))
    drive.feed(DayStats("BTC-USDT", 80, 120, 70, 5000, 450_000, NOON_US))
    later_us = NOON_US + DAY_US + MINUTE_US
    drive.feed(trade(130, 7, ts_us=later_us))
    counted = only(drive.feed(VenueTime(later_us + 11 * SECOND_US)))
    assert day(counted) == ("1.30", "1.30", "1.30", "0.007", "0.00910", "0.00")


def test_a_quiet_day_is_the_venues_own_however_long_it_is_quiet() -> None:
    drive = Drive(CHANNEL)
    drive.feed(trade(100), DayStats("BTC-USDT", 80, 120, 70, 5000, 450_000, NOON_US))
    assert drive.feed(VenueTime(NOON_US + 600 * SECOND_US)) == []


def test_the_venues_day_that_lags_includes_the_last_price() -> None:
    drive = Drive(CHANNEL)
    drive.feed(DayStats("BTC-USDT", 80, 120, 70, 5000, 450_000, NOON_US))
    above = only(drive.feed(trade(130, ts_us=NOON_US + 1)))
    assert (above.last, *day(above)) == ("1.30", "0.80", "1.30", "0.70", "5.000", "4.50000", "0.50")
    below = only(drive.feed(trade(60, ts_us=NOON_US + 2)))
    assert (below.last, below.high, below.low) == ("0.60", "1.30", "0.60")
    lagging = only(drive.feed(DayStats("BTC-USDT", 80, 120, 70, 6000, 460_000, NOON_US + 1)))
    assert (lagging.high, lagging.low) == ("1.20", "0.60")
    after_us = NOON_US + 3 + DAY_US
    alone = only(drive.feed(DayStats("BTC-USDT", 80, 120, 70, 6000, 460_000, after_us)))
    assert (alone.last, alone.high, alone.low) == ("0.60", "1.20", "0.70"), "the last trade is of no such day"
