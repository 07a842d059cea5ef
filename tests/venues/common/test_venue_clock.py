"""The venue's own time."""

from __future__ import annotations

from floorwire.core.market_events import Clock, Quote, Trade
from floorwire.venues.common.venue_clock import LATE_US, WINDOW_US, VenueClock

NOW = 1_700_000_000_000_000


def trade(ts_us: int) -> Trade:
    return Trade("BTC-USDT", "1", 100, 1, "buy", ts_us)


def test_nothing_is_known_before_the_first_message() -> None:
    assert VenueClock().clock(NOW) == []


def test_the_quickest_message_tells_how_far_the_venue_is() -> None:
    times = VenueClock()
    times.hear([trade(NOW - 80_000), Quote("BTC-USDT", 1, 1, 2, 1, NOW - 30_000)], NOW)
    times.hear([trade(NOW - 900_000)], NOW)
    assert times.clock(NOW + 1_000_000) == [Clock(NOW + 1_000_000 - 30_000 - LATE_US)]


def test_a_clock_of_ours_that_is_wrong_does_not_matter() -> None:
    times = VenueClock()
    times.hear([trade(NOW + 5_000_000)], NOW)
    assert times.clock(NOW) == [Clock(NOW + 5_000_000 - LATE_US)]


def test_a_window_later_only_newer_messages_count_and_time_never_goes_back() -> None:
    times = VenueClock()
    times.hear([trade(NOW + 3_000_000)], NOW)
    (ahead,) = times.clock(NOW)
    times.hear([trade(NOW + WINDOW_US)], NOW + WINDOW_US)
    assert times.clock(NOW + WINDOW_US) == [Clock(NOW + WINDOW_US + 3_000_000 - LATE_US)]
    later = NOW + 2 * WINDOW_US
    times.hear([trade(later)], later)
    assert times.clock(later) == [Clock(later - LATE_US)]
    times.hear([trade(later + 5 * WINDOW_US)], later + 5 * WINDOW_US)
    assert times.clock(later + 5 * WINDOW_US) == [Clock(later + 5 * WINDOW_US - LATE_US)]
    assert times.clock(NOW)[0].ts_us > ahead.ts_us
