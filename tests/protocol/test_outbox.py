"""The outbox, case by case; tests/property/test_outbox.py has the invariants."""

from __future__ import annotations

import pytest

from floorwire.protocol.outbox import OfferResult, Outbox, OutboxSubscription
from floorwire.protocol.requests import OnSlow


def full(limit: int = 10) -> Outbox[str]:
    """Return a blocked outbox without any room."""
    outbox: Outbox[str] = Outbox(limit)
    outbox.block()
    outbox.put(b"x" * limit)
    return outbox


def test_blocking_counts_what_is_queued_already() -> None:
    outbox: Outbox[str] = Outbox(10)
    outbox.queue.extend([b"abc", b"de"])
    outbox.block()
    assert outbox.size == 5


def test_what_fits_is_queued() -> None:
    outbox: Outbox[str] = Outbox(10)
    outbox.block()
    subscription = OutboxSubscription("a", "conflate")
    assert outbox.offer(subscription, b"12345", 1, 2) is OfferResult.QUEUED
    assert outbox.offer(subscription, b"67890", 3, 3) is OfferResult.QUEUED
    assert outbox.offer(subscription, b"1", 4, 4) is OfferResult.LEFT_OUT
    assert outbox.pop(100) == b"1234567890"


@pytest.mark.parametrize("on_slow", ["conflate", "skip"])
def test_once_events_are_left_out_later_ones_are_too_until_the_gap_is_announced(on_slow: OnSlow) -> None:
    outbox, subscription = full(), OutboxSubscription("a", on_slow)
    assert outbox.offer(subscription, b"1", 5, 6) is OfferResult.LEFT_OUT
    assert outbox.next_lagging() is subscription
    assert outbox.pop(100) == b"x" * 10
    assert outbox.offer(subscription, b"1", 7, 9) is OfferResult.LEFT_OUT, (
        "there is room, but 5 and 6 come first"
    )
    assert outbox.lagging == 0, "it was asked for already"
    assert (subscription.lags, subscription.catch_up(), subscription.lags) == (True, (5, 9), False)
    assert outbox.offer(subscription, b"1", 10, 10) is OfferResult.QUEUED


def test_disconnect_means_that_nothing_is_left_out() -> None:
    outbox, subscription = full(), OutboxSubscription("a", "disconnect")
    assert outbox.offer(subscription, b"1", 5, 5) is OfferResult.OVERFLOW
    assert not subscription.lags
    assert outbox.lagging == 0


def test_the_subscription_that_lags_longest_catches_up_first_and_once() -> None:
    outbox = full()
    first, second = OutboxSubscription("a", "conflate"), OutboxSubscription("b", "skip")
    for subscription in (first, second, first):
        outbox.offer(subscription, b"1", 1, 1)
    assert [outbox.lagging, outbox.next_lagging(), outbox.next_lagging(), outbox.next_lagging()] == [
        2,
        first,
        second,
        None,
    ]


def test_after_unsubscribing_no_gap_is_announced() -> None:
    outbox, subscription = full(), OutboxSubscription("a", "conflate")
    outbox.offer(subscription, b"1", 1, 1)
    outbox.forget(subscription)
    outbox.forget(subscription)
    assert outbox.next_lagging() is None


def test_take_joins_whole_chunks_up_to_a_size_but_gives_at_least_one() -> None:
    outbox: Outbox[str] = Outbox(100)
    outbox.block()
    for chunk in (b"12345", b"67", b"89", b"0"):
        outbox.put(chunk)
    assert [outbox.pop(4), outbox.pop(4), outbox.pop(4), outbox.pop(4)] == [b"12345", b"6789", b"0", b""]
    assert outbox.size == 0


def test_replies_may_take_as_much_again_as_events() -> None:
    outbox, over = full(limit=10), []
    for reply in (b"x" * 10, b"x"):
        outbox.put(reply)
        over.append(outbox.is_over)
    assert over == [False, True]


def test_what_the_peer_takes_is_not_counted() -> None:
    outbox: Outbox[str] = Outbox(10)
    outbox.put(b"x" * 100)
    assert not outbox.is_over
