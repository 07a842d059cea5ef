"""The candles channel: when a candle closes, what fills the silence, what comes too late."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from floorwire.channels import BadOptionError
from floorwire.channels.candles import CHANNEL
from floorwire.channels.interval_candles import MAX_FLAT
from floorwire.core.candle_intervals import INTERVALS, WEEK_US
from floorwire.core.market_events import Candle, Feed, MissingTrade, Trade, VenueTime
from floorwire.core.microseconds import SECOND_US
from floorwire.core.notices import SymbolFeedChanged
from floorwire.protocol.channel_events import AnyEvent, Candles
from tests.channels.stream_driver import BTC, Drive

MINUTE_US = 60 * SECOND_US
DAY_US = 1440 * MINUTE_US
DAY_S = 86_400
MIDNIGHT_US = 20_000 * DAY_US

Row = tuple[int, str, str, str, str, int, bool]


def trade(at_s: float, price_ticks: int = 100, size_lots: int = 1) -> Trade:
    ts_us = MIDNIGHT_US + round(at_s * SECOND_US)
    return Trade("BTC-USDT", "1", price_ticks, size_lots, "buy", ts_us)


def clock(at_s: float) -> VenueTime:
    return VenueTime(MIDNIGHT_US + round(at_s * SECOND_US))


def candle(start_s: int, close_ticks: int, closed: bool = False, interval: str = "1m") -> Candle:
    start_us = MIDNIGHT_US + start_s * SECOND_US
    length_us = INTERVALS[interval].length_us
    assert length_us is not None
    return Candle("BTC-USDT", length_us, start_us, 10, 500, 5, close_ticks, 900, 30, closed, start_us + 7)


def rows(messages: Iterable[AnyEvent]) -> list[Row]:
    """Return start in seconds, open, high, low, close, trades and closed of each."""
    told = []
    for message in messages:
        assert isinstance(message, Candles)
        start_s = (message.start - MIDNIGHT_US) // SECOND_US
        prices = (message.open, message.high, message.low, message.close)
        told.append((start_s, *prices, message.trades, message.closed))
    return told


def flat(start_s: int, price: str) -> Row:
    return (start_s, price, price, price, price, 0, True)


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_of_the_protocol_is_offered(interval: str) -> None:
    assert CHANNEL.option(None, interval) == interval


@pytest.mark.parametrize("interval", ["", "2m", "1y", "60"])
def test_other_intervals_are_refused(interval: str) -> None:
    with pytest.raises(BadOptionError, match="1s, 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d, 3d, 1w, 1M"):
        CHANNEL.option(None, interval)


def test_each_trade_shows_in_the_open_candle() -> None:
    drive = Drive(CHANNEL, "1m")
    said = drive.feed(trade(61, 100, 5), trade(61.5, 120), trade(63, 90), trade(63, 95))
    assert rows(said) == [
        (60, "1.00", "1.00", "1.00", "1.00", 1, False),
        (60, "1.00", "1.20", "1.00", "1.20", 2, False),
        (60, "1.00", "1.20", "0.90", "0.90", 3, False),
        (60, "1.00", "1.20", "0.90", "0.95", 4, False),
    ]
    last = said[-1]
    assert isinstance(last, Candles)
    assert (last.symbol, last.interval, last.volume) == ("BTC-USDT", "1m", "0.008")
    assert (last.start, last.ts) == (MIDNIGHT_US + MINUTE_US, MIDNIGHT_US + 63 * SECOND_US)
    assert drive.state() == last


def test_the_clock_closes_a_candle_once() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(61), clock(119.9))
    said = drive.feed(clock(120), clock(121), clock(179.9))
    assert rows(said) == [(60, "1.00", "1.00", "1.00", "1.00", 1, True)]
    assert said[0].ts == MIDNIGHT_US + 120 * SECOND_US
    assert drive.state() == said[0], "until the next trade, the last closed is the last known"


def test_a_later_trade_closes_a_candle_and_begins_the_next() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(61))
    assert rows(drive.feed(trade(125, 130))) == [
        (60, "1.00", "1.00", "1.00", "1.00", 1, True),
        (120, "1.30", "1.30", "1.30", "1.30", 1, False),
    ]


def test_silence_gives_flat_candles() -> None:
    drive = Drive(CHANNEL, "1s")
    drive.feed(trade(0, 100), trade(0.5, 110))
    assert rows(drive.feed(clock(1), clock(2), clock(4.5))) == [
        (0, "1.00", "1.10", "1.00", "1.10", 2, True),
        flat(1, "1.10"),
        flat(2, "1.10"),
        flat(3, "1.10"),
    ]
    assert rows(drive.feed(trade(6.5, 90))) == [
        flat(4, "1.10"),
        flat(5, "1.10"),
        (6, "0.90", "0.90", "0.90", "0.90", 1, False),
    ]


def test_before_the_first_trade_there_is_nothing_to_be_flat() -> None:
    drive = Drive(CHANNEL, "1s")
    assert drive.feed(clock(0), clock(5)) == []
    assert drive.state() is None
    assert len(drive.feed(trade(5.5))) == 1


def test_a_long_silence_leaves_a_hole_before_the_latest_flat_candles() -> None:
    drive = Drive(CHANNEL, "1s")
    drive.feed(trade(0))
    said = rows(drive.feed(clock(10_000_000)))
    assert said[0] == (0, "1.00", "1.00", "1.00", "1.00", 1, True)
    assert said[1:] == [flat(10_000_000 - MAX_FLAT + n, "1.00") for n in range(MAX_FLAT)]


def test_a_silence_just_short_enough_leaves_no_hole() -> None:
    drive = Drive(CHANNEL, "1s")
    drive.feed(trade(0))
    starts = [row[0] for row in rows(drive.feed(clock(MAX_FLAT + 1)))]
    assert starts == list(range(MAX_FLAT + 1))


def test_a_late_trade_of_the_same_candle_counts_by_its_own_time() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(10, 100), trade(30, 110))
    assert rows(drive.feed(trade(20, 90), trade(5, 80), trade(30.2, 120), trade(30.1, 70))) == [
        (0, "1.00", "1.10", "0.90", "1.10", 3, False),
        (0, "0.80", "1.10", "0.80", "1.10", 4, False),
        (0, "0.80", "1.20", "0.80", "1.20", 5, False),
        (0, "0.80", "1.20", "0.70", "1.20", 6, False),
    ]
    state = drive.state()
    assert state is not None
    assert state.ts == MIDNIGHT_US + round(30.2 * SECOND_US)


def test_a_trade_too_late_for_one_interval_counts_in_a_longer_one() -> None:
    tracker = CHANNEL.tracker(BTC)
    minutes, hours = Drive(CHANNEL, "1m", tracker), Drive(CHANNEL, "1h", tracker)
    for event in (trade(10, 100), trade(70, 110)):
        tracker.apply(event)
        minutes.follow(event)
        hours.follow(event)
    late = trade(59, 500)
    tracker.apply(late)
    assert minutes.follow(late) == []
    assert rows(hours.follow(late)) == [(0, "1.00", "5.00", "1.00", "1.10", 3, False)]


def test_a_trade_of_a_second_that_the_clock_has_ended_is_too_late_for_it() -> None:
    drive = Drive(CHANNEL, "1s")
    drive.feed(clock(10))
    assert drive.feed(trade(9.9)) == []
    assert len(drive.feed(trade(10))) == 1


def test_a_closed_candle_is_never_said_again() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(10), clock(60))
    assert drive.feed(trade(59), clock(60), clock(59)) == []


def test_all_intervals_are_known_though_only_one_is_listened_to() -> None:
    drive = Drive(CHANNEL, "1s")
    drive.feed(trade(0, 100), trade(70, 120), trade(4000, 90))
    for interval, start_s, opened, trades in [
        ("1m", 3960, "0.90", 1),
        ("1h", 3600, "0.90", 1),
        ("4h", 0, "1.00", 3),
        ("1d", 0, "1.00", 3),
    ]:
        state = Drive(CHANNEL, interval, drive.tracker).state()
        assert state is not None
        ((start, open_, _, _, close, count, closed),) = rows([state])
        assert (start, open_, close, count, closed) == (start_s, opened, "0.90", trades, False)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    drive = Drive(CHANNEL, "1w")  # midnight is that of Friday, 4 October 2024
    assert rows(drive.feed(trade(0, 100), clock(3 * DAY_S - 1), trade(3 * DAY_S, 90))) == [
        (-4 * DAY_S, "1.00", "1.00", "1.00", "1.00", 1, False),
        (-4 * DAY_S, "1.00", "1.00", "1.00", "1.00", 1, True),
        (3 * DAY_S, "0.90", "0.90", "0.90", "0.90", 1, False),
    ]
    drive = Drive(CHANNEL, "1M")
    assert rows(drive.feed(trade(0, 100), clock(28 * DAY_S - 1), trade(59 * DAY_S, 90))) == [
        (-3 * DAY_S, "1.00", "1.00", "1.00", "1.00", 1, False),
        (-3 * DAY_S, "1.00", "1.00", "1.00", "1.00", 1, True),
        flat(28 * DAY_S, "1.00"),
        (58 * DAY_S, "0.90", "0.90", "0.90", "0.90", 1, False),
    ]


@pytest.mark.parametrize("day", range(7))
def test_a_venues_week_from_another_day_is_not_mixed_in(day: int) -> None:
    drive = Drive(CHANNEL, "1w")
    drive.feed(trade(0, 100))
    start_us = MIDNIGHT_US + (day - 4) * DAY_US
    own = Candle("BTC-USDT", WEEK_US, start_us, 10, 500, 5, 42, 900, 30, False, start_us + 7)
    assert [row[5] for row in rows(drive.feed(own))] == ([30] if day == 0 else [])


def test_the_venues_candle_outranks_the_trades() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(10, 100))
    assert rows(drive.feed(candle(0, 42))) == [(0, "0.10", "5.00", "0.05", "0.42", 30, False)]
    assert drive.feed(trade(20, 300), candle(0, 42), clock(60), clock(64.9)) == []
    assert rows(drive.feed(candle(0, 43, closed=True))) == [(0, "0.10", "5.00", "0.05", "0.43", 30, True)]
    state = drive.state()
    assert state is not None
    assert rows([state]) == [(0, "0.10", "5.00", "0.05", "0.43", 30, True)]


def test_other_intervals_go_on_from_the_trades() -> None:
    drive = Drive(CHANNEL, "5m")
    drive.feed(trade(10, 100))
    assert drive.feed(candle(0, 42), candle(60, 42)) == []
    assert rows(drive.feed(trade(20, 300))) == [(0, "1.00", "3.00", "1.00", "3.00", 2, False)]


def test_a_venue_that_begins_the_next_candle_has_closed_the_last() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(candle(0, 42))
    said = drive.feed(candle(180, 44))
    assert rows(said) == [
        (0, "0.10", "5.00", "0.05", "0.42", 30, True),
        flat(60, "0.42"),
        flat(120, "0.42"),
        (180, "0.10", "5.00", "0.05", "0.44", 30, False),
    ]
    assert {message.ts for message in said} == {MIDNIGHT_US + 180 * SECOND_US + 7}


def test_a_candle_that_the_venue_left_open_has_the_trades_after_its_last_word() -> None:
    drive = joined()
    drive.feed(trade(5, 100), candle(0, 42), trade(55, 120))
    assert seen(drive.feed(candle(60, 44))) == [(0, "1.20", 2, True, False), (60, "0.44", 30, False, False)]


def test_a_candle_that_the_venue_closed_is_not_closed_again_when_ours_of_it_is_over() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(5), candle(0, 102), candle(0, 103, closed=True), clock(61))
    assert [(row[0], row[-1]) for row in rows(drive.feed(candle(60, 104)))] == [(60, False)]


def test_a_venues_candle_of_the_past_is_ignored() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(candle(60, 42, closed=True))
    assert drive.feed(candle(60, 43), candle(60, 43, closed=True), candle(0, 43, closed=True)) == []
    drive.feed(candle(120, 44))
    assert drive.feed(candle(60, 45)) == []


def test_a_venues_candle_older_than_that_of_the_trades_changes_nothing_said() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(130, 100))
    before = drive.state()
    assert drive.feed(candle(60, 42, closed=True)) == []
    assert drive.state() == before
    assert rows(drive.feed(candle(120, 43))) == [(120, "0.10", "5.00", "0.05", "0.43", 30, False)]


def test_the_trades_of_the_running_second_are_closed_when_the_venue_begins_the_next() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(trade(59.5, 100))
    assert rows(drive.feed(candle(60, 42))) == [
        (0, "1.00", "1.00", "1.00", "1.00", 1, True),
        (60, "0.10", "5.00", "0.05", "0.42", 30, False),
    ]


def test_a_venues_candle_of_another_interval_is_nobodys() -> None:
    drive = Drive(CHANNEL, "1m")
    strange = Candle("BTC-USDT", 3 * MINUTE_US, MIDNIGHT_US, 1, 1, 1, 1, 1, 1, True, MIDNIGHT_US)
    assert drive.feed(strange) == []
    assert drive.state() is None


# --- what was not heard -------------------------------------------------------------------------------

Seen = tuple[int, str, int, bool, bool]


def turned(feed: Feed, at_s: float = 0) -> SymbolFeedChanged:
    return SymbolFeedChanged("BTC-USDT", feed, "test", MIDNIGHT_US + round(at_s * SECOND_US))


def seen(messages: Iterable[AnyEvent]) -> list[Seen]:
    """Return start in seconds, close, trades, closed and incomplete of each."""
    told = []
    for message in messages:
        assert isinstance(message, Candles)
        start_s = (message.start - MIDNIGHT_US) // SECOND_US
        told.append((start_s, message.close, message.trades, message.closed, message.incomplete is True))
    return told


def joined(interval: str = "1m", at_s: float = 0) -> Drive:
    """Return a stream of which the feed is current, and heard from this second on."""
    drive = Drive(CHANNEL, interval)
    drive.feed(turned("connecting"), turned("live"), clock(at_s - 1))
    return drive


def test_a_first_minute_of_which_a_half_was_heard_is_incomplete() -> None:
    drive = joined(at_s=30)
    assert seen(drive.feed(trade(31, 100))) == [(0, "1.00", 1, False, True)]
    assert seen(drive.feed(clock(60))) == [(0, "1.00", 1, True, True)]
    assert seen(drive.feed(trade(61, 110), clock(120))) == [
        (60, "1.10", 1, False, False),
        (60, "1.10", 1, True, False),
    ]
    assert seen([hours] if (hours := Drive(CHANNEL, "1h", drive.tracker).state()) else []) == [
        (0, "1.10", 2, False, True)
    ]


def test_an_old_trade_does_not_make_what_follows_it_heard() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(turned("connecting"), turned("live"))
    assert seen(drive.feed(trade(-600, 90))) == [(-600, "0.90", 1, False, True)]
    assert seen(drive.feed(clock(29), trade(31, 100), clock(60))) == [
        (-600, "0.90", 1, True, True),
        (0, "1.00", 1, False, True),
        (0, "1.00", 1, True, True),
    ], "no flat candles of ten minutes that nobody heard"


def test_while_stale_no_candle_is_made_up() -> None:
    drive = joined()
    drive.feed(trade(10, 100), clock(60), trade(70, 110))
    stale = drive.feed(turned("stale", 75))
    assert seen(stale) == [(60, "1.10", 1, False, True)]
    assert [message.feed for message in stale if isinstance(message, Candles)] == ["stale"]
    assert seen(drive.feed(clock(120))) == [(60, "1.10", 1, True, True)]
    assert drive.feed(clock(180), clock(240), clock(300)) == [], "a hole, and no flat candles"
    drive.feed(turned("live", 310), clock(310))
    assert drive.feed(clock(360), clock(420)) == [], "the price is not known: trades may have been missed"
    assert seen(drive.feed(trade(430, 130), clock(480), clock(540))) == [
        (420, "1.30", 1, False, False),
        (420, "1.30", 1, True, False),
        (480, "1.30", 0, True, False),
    ]


def test_a_trade_of_the_stale_time_is_no_price_of_later() -> None:
    drive = joined()
    drive.feed(trade(10, 100), turned("stale", 20), trade(30, 90), clock(31), turned("live", 40), clock(40))
    assert seen(drive.feed(clock(60), clock(120), clock(180))) == [(0, "0.90", 2, True, True)]


def test_a_venues_candle_cut_off_by_a_loss_is_not_closed_as_whole() -> None:
    drive = joined()
    drive.feed(trade(10, 100), candle(0, 42), turned("stale", 20))
    assert seen(drive.feed(clock(66))) == [(0, "1.00", 30, True, True)]


def test_a_venues_candle_that_comes_again_after_a_loss_is_whole() -> None:
    drive = joined()
    drive.feed(candle(0, 42), turned("stale", 20), turned("live", 30), clock(30))
    assert seen(drive.feed(candle(0, 42))) == [(0, "0.42", 30, False, False)]
    assert seen(drive.feed(candle(0, 43, closed=True))) == [(0, "0.43", 30, True, False)]


def test_a_venues_next_candle_after_a_loss_does_not_make_the_last_whole() -> None:
    drive = joined()
    drive.feed(candle(0, 42), turned("stale", 20), turned("live", 130))
    assert seen(drive.feed(candle(120, 44))) == [(0, "0.42", 30, True, True), (120, "0.44", 30, False, False)]


def test_where_the_venues_candles_end_those_of_the_trades_go_on() -> None:
    drive = joined()
    drive.feed(trade(1, 100), candle(0, 42), trade(40, 110), trade(61, 120))
    assert seen(drive.feed(clock(66))) == [(0, "1.10", 2, True, False), (60, "1.20", 1, False, False)]
    assert seen(drive.feed(trade(70, 130), clock(120), clock(180))) == [
        (60, "1.30", 2, False, False),
        (60, "1.30", 2, True, False),
        (120, "1.30", 0, True, False),
    ]
    assert seen(drive.feed(candle(180, 44))) == [(180, "0.44", 30, False, False)], "they come again"


def test_a_venues_candle_after_which_nothing_was_traded_is_whole() -> None:
    drive = joined(at_s=30)
    drive.feed(trade(29, 100))
    late = replace(candle(0, 42), ts_us=MIDNIGHT_US + 50 * SECOND_US)
    drive.feed(trade(45, 100), late)
    assert seen(drive.feed(clock(66))) == [(0, "0.42", 30, True, False)]


def test_a_venues_candle_that_lacks_trades_is_incomplete_where_ours_is_too() -> None:
    drive = joined(at_s=30)
    drive.feed(candle(0, 42), trade(45, 100))
    assert seen(drive.feed(clock(66))) == [(0, "1.00", 30, True, True)]


def test_between_the_venues_candles_ours_fill_the_holes() -> None:
    drive = joined()
    drive.feed(candle(0, 42, closed=True), trade(61, 100), clock(120))
    assert seen(drive.feed(candle(120, 44))) == [
        (60, "1.00", 1, True, False),
        (120, "0.44", 30, False, False),
    ]


def test_a_minute_that_began_just_before_it_was_surely_heard_is_incomplete() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(turned("connecting"), turned("live"), clock(59.5))
    assert seen(drive.feed(trade(61, 100))) == [(60, "1.00", 1, False, True)]


def test_after_the_venues_candles_a_minute_that_was_not_all_heard_is_a_hole() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(turned("connecting"), turned("live"), candle(0, 42, closed=True), clock(70))
    assert drive.feed(clock(126), clock(180), clock(240)) == [], "the price may have moved unheard"


def test_before_the_first_time_of_a_current_feed_nothing_is_filled() -> None:
    drive = Drive(CHANNEL, "1m")
    drive.feed(turned("connecting"), turned("live"), candle(0, 42, closed=True))
    assert seen(drive.feed(trade(130, 100))) == [(120, "1.00", 1, False, True)]


# --- missing trades -----------------------------------------------------------------------------------


def missing(at_s: float) -> MissingTrade:
    return MissingTrade("BTC-USDT", MIDNIGHT_US + round(at_s * SECOND_US))


def test_the_candles_of_a_missing_trade_are_incomplete_and_no_others() -> None:
    minute = joined()
    hour = Drive(CHANNEL, "1h", minute.tracker)
    minute.feed(trade(10, 100), clock(60))
    assert minute.feed(missing(59)) == [], "that minute is closed, and a closed candle does not change"
    assert seen([shown] if (shown := hour.state()) else []) == [(0, "1.00", 1, False, True)]
    assert seen(minute.feed(trade(61, 110), missing(61.5), trade(61.7, 120), clock(120))) == [
        (60, "1.10", 1, False, False),
        (60, "1.10", 1, False, True),
        (60, "1.20", 2, False, True),
        (60, "1.20", 2, True, True),
    ]
    assert seen(minute.feed(trade(121, 130), clock(180), clock(240))) == [
        (120, "1.30", 1, False, False),
        (120, "1.30", 1, True, False),
        (180, "1.30", 0, True, False),
    ], "from the next trade on the price is known"


def test_a_minute_whose_only_trade_is_missing_is_a_hole() -> None:
    drive = joined()
    drive.feed(trade(10, 100), clock(60))
    assert drive.feed(missing(61), clock(120), clock(180)) == []


def test_a_venues_candle_has_the_missing_trade_unless_it_ends_before() -> None:
    drive = joined()
    assert seen(drive.feed(trade(1, 90), candle(0, 100), missing(20), candle(0, 110, closed=True))) == [
        (0, "0.90", 1, False, False),
        (0, "1.00", 30, False, False),
        (0, "1.10", 30, True, False),
    ]
    assert seen(drive.feed(candle(60, 120), missing(90), clock(120), clock(126))) == [
        (60, "1.20", 30, False, False),
        (60, "1.20", 30, True, True),
    ]
