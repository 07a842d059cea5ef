"""The venue's own time."""

from __future__ import annotations

from floorwire.core.market_events import Candle, Clock, Quote, Trade
from floorwire.venues.common.venue_clock import ADOPT, ADOPT_US, LATE_US, WINDOW_US, VenueClock

NOW = 1_700_000_000_000_000


def trade(ts_us: int) -> Trade:
    return Trade("BTC-USDT", "1", 100, 1, "buy", ts_us)


def test_nothing_is_known_before_the_first_message() -> None:
    assert VenueClock().clock(NOW) == []


def test_the_quickest_message_tells_how_far_the_venue_is() -> None:
    times = VenueClock()
    times.hear([trade(NOW - 80_000), Quote("BTC-USDT", 1, 1, 2, 1, NOW - 30_000)], NOW)
    times.hear([trade(NOW - 900_000)], NOW)
    assert times.clock(NOW + 1_000_000) == [Clock(NOW + 1_000_000 - 30_000 - LATE_US, is_reckoned=True)]


def test_a_clock_of_ours_that_is_wrong_does_not_matter() -> None:
    times = VenueClock()
    times.hear([trade(NOW + 5_000_000)], NOW)
    assert times.clock(NOW) == [Clock(NOW + 5_000_000 - LATE_US, is_reckoned=True)]


def test_a_window_later_only_newer_messages_count_and_time_never_goes_back() -> None:
    times = VenueClock()
    times.hear([trade(NOW + 3_000_000)], NOW)
    (ahead,) = times.clock(NOW)
    times.hear([trade(NOW + WINDOW_US)], NOW + WINDOW_US)
    assert times.clock(NOW + WINDOW_US) == [Clock(NOW + WINDOW_US + 3_000_000 - LATE_US, is_reckoned=True)]
    later = NOW + 2 * WINDOW_US
    times.hear([trade(later)], later)
    assert times.clock(later) == [Clock(later - LATE_US, is_reckoned=True)]
    times.hear([trade(later + 5 * WINDOW_US)], later + 5 * WINDOW_US)
    assert times.clock(later + 5 * WINDOW_US) == [Clock(later + 5 * WINDOW_US - LATE_US, is_reckoned=True)]
    assert times.clock(NOW)[0].ts_us > ahead.ts_us


HOUR_US = 3_600_000_000


def test_a_time_an_hour_ahead_is_not_used_and_is_counted() -> None:
    times = VenueClock()
    times.hear([trade(NOW - 50_000)], NOW)
    assert times.hear([trade(NOW + HOUR_US)], NOW) == [trade(NOW - 50_000)]
    assert times.refused == 1
    assert times.clock(NOW + 1_000_000) == [Clock(NOW + 950_000 - LATE_US, is_reckoned=True)]


def test_the_first_message_may_be_the_wrong_one() -> None:
    times = VenueClock()
    assert times.hear([trade(NOW + HOUR_US)], NOW) == [trade(NOW)]
    assert times.clock(NOW) == []
    times.hear([trade(NOW - 50_000)], NOW)
    assert times.clock(NOW) == [Clock(NOW - 50_000 - LATE_US, is_reckoned=True)]


def test_an_old_trade_keeps_its_time() -> None:
    times = VenueClock()
    times.hear([trade(NOW)], NOW)
    assert times.hear([trade(NOW - HOUR_US)], NOW) == [trade(NOW - HOUR_US)]
    assert times.refused == 0


def test_a_candle_of_the_future_is_left_out() -> None:
    times = VenueClock()
    times.hear([trade(NOW)], NOW)
    ahead = Candle("BTC-USDT", 60_000_000, NOW + HOUR_US, 1, 1, 1, 1, 1, 1, closed=False, ts_us=NOW)
    assert times.hear([ahead], NOW) == []
    assert times.refused == 1


def test_what_all_messages_say_for_seconds_is_the_venues_time() -> None:
    times = VenueClock()
    for number in range(ADOPT):
        at_us = NOW + number * ADOPT_US // (ADOPT - 1)
        heard = times.hear([trade(at_us + HOUR_US)], at_us)
        assert heard == [trade(at_us + HOUR_US if number == ADOPT - 1 else at_us)]
    assert times.clock(at_us) == [Clock(at_us + HOUR_US - LATE_US, is_reckoned=True)]


def test_one_symbols_wrong_times_are_never_the_venues() -> None:
    times = VenueClock()
    for number in range(10 * ADOPT):
        at_us = NOW + number * ADOPT_US
        times.hear([trade(at_us)], at_us)
        assert times.hear([trade(at_us + HOUR_US)], at_us) == [trade(at_us)]


def test_a_quote_that_has_our_time_tells_nothing_of_the_venues() -> None:
    times = VenueClock()
    times.hear([trade(NOW - 300_000_000)], NOW)
    times.hear([Quote("BTC-USDT", 1, 1, 2, 1, NOW)], NOW)
    assert times.clock(NOW) == [Clock(NOW - 300_000_000 - LATE_US, is_reckoned=True)]


def test_an_old_trade_that_comes_first_makes_no_later_one_wrong() -> None:
    times = VenueClock()
    times.hear([trade(NOW - HOUR_US)], NOW)
    assert times.hear([trade(NOW + 1_000_000)], NOW + 1_000_000) == [trade(NOW + 1_000_000)]


def test_times_that_creep_ahead_are_not_followed() -> None:
    times = VenueClock()
    for second in range(0, 60, 4):
        times.hear([trade(NOW), trade(NOW + second * 1_000_000)], NOW)
    assert times.clock(NOW)[0].ts_us < NOW + 6_000_000


def test_a_clock_of_ours_that_is_set_right_again_is_not_behind_any_more() -> None:
    times = VenueClock()
    for number in range(ADOPT):
        at_us = NOW + number * ADOPT_US // (ADOPT - 1)
        times.hear([trade(at_us + HOUR_US)], at_us)
    for minute in range(62, 65):
        at_us = NOW + minute * WINDOW_US
        times.hear([trade(at_us)], at_us)
    assert times.hear([trade(at_us + HOUR_US)], at_us) == [trade(at_us)]
