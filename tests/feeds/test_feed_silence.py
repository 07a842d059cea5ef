"""Silence: found once, of a live venue from which more was expected; its end tells what is not live."""

from __future__ import annotations

from floorwire.core.market_events import FeedStatus
from floorwire.feeds.feed_silence import FeedSilence

LIVE = FeedStatus(None, "live", "synced", 1)
LOST = FeedStatus("BTC-USDT", "stale", "sequence_gap", 1)
AT_LAST = FeedStatus(None, "live", "heard", 77)


def live_from(now_us: int) -> FeedSilence:
    """Return the silence of a venue that may say nothing for 10 us, and is live from then on."""
    silence = FeedSilence(10)
    silence.update(LIVE, now_us)
    return silence


def test_a_venue_that_never_was_live_is_not_silent() -> None:
    silence = FeedSilence(10)
    assert not silence.begins(heard_us=0, now_us=1_000)
    assert not silence.has_begun


def test_silence_begins_after_the_longest_time_and_is_found_once() -> None:
    silence = live_from(100)
    assert not silence.begins(heard_us=0, now_us=110), "not longer than it may be"
    assert silence.begins(heard_us=0, now_us=111)
    assert silence.has_begun
    assert not silence.begins(heard_us=0, now_us=112)


def test_the_time_counts_from_the_last_data_if_that_is_later() -> None:
    silence = live_from(100)
    assert not silence.begins(heard_us=105, now_us=115)
    assert silence.begins(heard_us=105, now_us=116)


def test_the_time_counts_anew_when_something_is_wanted_again() -> None:
    silence = live_from(100)
    silence.count_from(200)
    assert not silence.begins(heard_us=105, now_us=210)
    assert silence.begins(heard_us=105, now_us=211)


def test_the_end_tells_which_symbols_are_not_live_and_then_the_venue() -> None:
    silence = live_from(100)
    silence.update(LOST, 100)
    assert silence.begins(heard_us=0, now_us=111)
    assert silence.end(77) == [LOST, AT_LAST]
    assert not silence.has_begun


def test_a_symbol_that_became_live_again_is_not_told() -> None:
    silence = live_from(100)
    silence.update(LOST, 100)
    silence.update(FeedStatus("BTC-USDT", "live", "synced", 2), 101)
    assert silence.end(77) == [AT_LAST]


def test_after_a_loss_of_the_venue_its_symbols_are_told_by_itself() -> None:
    silence = live_from(100)
    silence.update(LOST, 100)
    silence.update(FeedStatus(None, "stale", "link_lost", 2), 101)
    assert not silence.begins(heard_us=0, now_us=1_000), "that it says nothing is known"
    silence.update(LIVE, 1_001)
    assert silence.end(77) == [AT_LAST]
