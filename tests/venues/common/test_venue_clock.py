"""The venue's own time."""

from __future__ import annotations

from floorwire.core.market_events import Candle, Quote, Trade, VenueTime
from floorwire.venues.common.venue_clock import ACCEPT_AFTER, ACCEPT_AFTER_US, LATE_US, WINDOW_US, VenueClock

NOW = 1_700_000_000_000_000


def trade(ts_us: int) -> Trade:
    return Trade("BTC-USDT", "1", 100, 1, "buy", ts_us)


def test_there_is_no_clock_before_the_first_message() -> None:
    assert VenueClock().events(NOW) == []


def test_the_fastest_message_gives_the_venues_time() -> None:
    clock = VenueClock()
    clock.check([trade(NOW - 80_000), Quote("BTC-USDT", 1, 1, 2, 1, NOW - 30_000)], NOW)
    clock.check([trade(NOW - 900_000)], NOW)
    assert clock.events(NOW + 1_000_000) == [VenueTime(NOW + 1_000_000 - 30_000 - LATE_US, is_reckoned=True)]


def test_a_wrong_clock_of_ours_does_not_matter() -> None:
    clock = VenueClock()
    clock.check([trade(NOW + 5_000_000)], NOW)
    assert clock.events(NOW) == [VenueTime(NOW + 5_000_000 - LATE_US, is_reckoned=True)]


def test_a_window_later_only_newer_messages_count_and_time_never_goes_back() -> None:
    clock = VenueClock()
    clock.check([trade(NOW + 3_000_000)], NOW)
    (ahead,) = clock.events(NOW)
    clock.check([trade(NOW + WINDOW_US)], NOW + WINDOW_US)
    assert clock.events(NOW + WINDOW_US) == [
        VenueTime(NOW + WINDOW_US + 3_000_000 - LATE_US, is_reckoned=True)
    ]
    later = NOW + 2 * WINDOW_US
    clock.check([trade(later)], later)
    assert clock.events(later) == [VenueTime(later - LATE_US, is_reckoned=True)]
    clock.check([trade(later + 5 * WINDOW_US)], later + 5 * WINDOW_US)
    assert clock.events(later + 5 * WINDOW_US) == [
        VenueTime(later + 5 * WINDOW_US - LATE_US, is_reckoned=True)
    ]
    assert clock.events(NOW)[0].ts_us > ahead.ts_us


HOUR_US = 3_600_000_000


def test_a_time_an_hour_ahead_is_not_used_and_is_counted() -> None:
    clock = VenueClock()
    clock.check([trade(NOW - 50_000)], NOW)
    assert clock.check([trade(NOW + HOUR_US)], NOW) == [trade(NOW - 50_000)]
    assert clock.refused == 1
    assert clock.events(NOW + 1_000_000) == [VenueTime(NOW + 950_000 - LATE_US, is_reckoned=True)]


def test_the_first_message_may_be_the_wrong_one() -> None:
    clock = VenueClock()
    assert clock.check([trade(NOW + HOUR_US)], NOW) == [trade(NOW)]
    assert clock.events(NOW) == []
    clock.check([trade(NOW - 50_000)], NOW)
    assert clock.events(NOW) == [VenueTime(NOW - 50_000 - LATE_US, is_reckoned=True)]


def test_an_old_trade_keeps_its_time() -> None:
    clock = VenueClock()
    clock.check([trade(NOW)], NOW)
    assert clock.check([trade(NOW - HOUR_US)], NOW) == [trade(NOW - HOUR_US)]
    assert clock.refused == 0


def test_a_candle_of_the_future_is_left_out() -> None:
    clock = VenueClock()
    clock.check([trade(NOW)], NOW)
    ahead = Candle("BTC-USDT", 60_000_000, NOW + HOUR_US, 1, 1, 1, 1, 1, 1, closed=False, ts_us=NOW)
    assert clock.check([ahead], NOW) == []
    assert clock.refused == 1


def test_a_time_that_all_messages_have_for_seconds_is_accepted() -> None:
    clock = VenueClock()
    for number in range(ACCEPT_AFTER):
        at_us = NOW + number * ACCEPT_AFTER_US // (ACCEPT_AFTER - 1)
        checked = clock.check([trade(at_us + HOUR_US)], at_us)
        assert checked == [trade(at_us + HOUR_US if number == ACCEPT_AFTER - 1 else at_us)]
    assert clock.events(at_us) == [VenueTime(at_us + HOUR_US - LATE_US, is_reckoned=True)]


def test_wrong_times_of_one_symbol_are_never_accepted() -> None:
    clock = VenueClock()
    for number in range(10 * ACCEPT_AFTER):
        at_us = NOW + number * ACCEPT_AFTER_US
        clock.check([trade(at_us)], at_us)
        assert clock.check([trade(at_us + HOUR_US)], at_us) == [trade(at_us)]


def test_a_quote_with_our_time_does_not_change_the_estimate() -> None:
    clock = VenueClock()
    clock.check([trade(NOW - 300_000_000)], NOW)
    clock.check([Quote("BTC-USDT", 1, 1, 2, 1, NOW)], NOW)
    assert clock.events(NOW) == [VenueTime(NOW - 300_000_000 - LATE_US, is_reckoned=True)]


def test_an_old_trade_that_comes_first_does_not_make_later_ones_wrong() -> None:
    clock = VenueClock()
    clock.check([trade(NOW - HOUR_US)], NOW)
    assert clock.check([trade(NOW + 1_000_000)], NOW + 1_000_000) == [trade(NOW + 1_000_000)]


def test_times_that_move_ahead_slowly_are_not_accepted() -> None:
    clock = VenueClock()
    for second in range(0, 60, 4):
        clock.check([trade(NOW), trade(NOW + second * 1_000_000)], NOW)
    assert clock.events(NOW)[0].ts_us < NOW + 6_000_000


def test_after_our_clock_is_corrected_it_is_not_behind_any_more() -> None:
    clock = VenueClock()
    for number in range(ACCEPT_AFTER):
        at_us = NOW + number * ACCEPT_AFTER_US // (ACCEPT_AFTER - 1)
        clock.check([trade(at_us + HOUR_US)], at_us)
    for minute in range(62, 65):
        at_us = NOW + minute * WINDOW_US
        clock.check([trade(at_us)], at_us)
    assert clock.check([trade(at_us + HOUR_US)], at_us) == [trade(at_us)]
