"""Limits of Binance: fixed windows, the numbers that it tells, and bans."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.venues.binance.order_limits import FOR_CANCELS, OrderLimits
from floorwire.venues.binance.order_messages import Failure, RateLimit

SECOND = 1_000_000
MINUTE = 60 * SECOND
AT = 1_700_000_040 * SECOND  # a minute begins


def test_weight_comes_back_when_the_minute_is_over() -> None:
    limits = OrderLimits()
    assert limits.spend(6_000 - FOR_CANCELS, AT, FOR_CANCELS)
    assert not limits.spend(1, AT + MINUTE - 1, FOR_CANCELS)
    assert limits.spend(1, AT + MINUTE, FOR_CANCELS)


def test_some_weight_is_kept_for_cancels() -> None:
    limits = OrderLimits()
    assert not limits.spend(6_000 - FOR_CANCELS + 1, AT, FOR_CANCELS)
    assert limits.spend(6_000, AT, 0)
    assert not limits.spend(1, AT, 0)


def test_fifty_orders_in_ten_seconds() -> None:
    limits = OrderLimits()
    for _ in range(50):
        assert limits.spend_order(AT)
        limits.order_answered(AT, (), is_counted=True)
    assert not limits.spend_order(AT + 9 * SECOND)
    assert limits.spend_order(AT + 10 * SECOND)


def test_orders_on_their_way_count() -> None:
    limits = OrderLimits()
    assert [limits.spend_order(AT) for _ in range(51)] == [True] * 50 + [False]
    limits.order_answered(AT, (), is_counted=False)
    assert limits.spend_order(AT)


def test_a_refused_order_does_not_count() -> None:
    limits = OrderLimits()
    for _ in range(200):
        assert limits.spend_order(AT)
        limits.order_answered(AT, (), is_counted=False)


def test_what_binance_tells_counts() -> None:
    limits = OrderLimits()
    assert limits.spend_order(AT)
    told = [RateLimit("ORDERS", "SECOND", 10, 20, 20), RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 6_000, 5_990)]
    limits.order_answered(AT, told, is_counted=True)
    assert not limits.spend_order(AT)
    assert not limits.spend_order(AT + 10 * SECOND)  # the weight
    assert limits.spend(10, AT, 0)
    assert not limits.spend(1, AT, 0)
    assert limits.spend_order(AT + MINUTE)
    # a first fill gives an order back
    limits.order_answered(AT + MINUTE, [RateLimit("ORDERS", "SECOND", 10, 20, 0)], is_counted=True)
    assert all(limits.spend_order(AT + MINUTE) for _ in range(20))
    assert not limits.spend_order(AT + MINUTE)


def test_a_limit_that_was_not_there_before() -> None:
    limits = OrderLimits()
    limits.told([RateLimit("ORDERS", "MINUTE", 1, 2, 2), RateLimit("NEW_KIND", "SECOND", 1, 0, 5)], AT)
    assert not limits.spend_order(AT + 30 * SECOND)
    assert limits.spend_order(AT + MINUTE)


@pytest.mark.parametrize("interval", ["CENTURY", ""])
def test_an_interval_that_nobody_knows(interval: str) -> None:
    limits = OrderLimits()
    limits.told([RateLimit("ORDERS", interval, 1, 0, 5)], AT)
    assert limits.spend_order(AT)


def test_nothing_is_sent_before_the_end_of_a_ban() -> None:
    limits = OrderLimits()
    limits.block(AT + 3 * MINUTE)
    limits.block(AT + MINUTE)
    assert not limits.spend(1, AT + 3 * MINUTE - 1, 0)
    assert not limits.spend_order(AT + 3 * MINUTE - 1)
    assert limits.spend_order(AT + 3 * MINUTE)


def test_what_a_refusal_says_of_when_to_go_on() -> None:
    limits = OrderLimits()
    limits.exceeded(Failure(-1003), 0, AT)
    assert not limits.spend(1, AT + MINUTE - 1, 0)
    assert limits.spend(1, AT + MINUTE, 0)
    limits.exceeded(Failure(-1003), 300, AT)
    assert not limits.spend(1, AT + 5 * MINUTE - 1, 0)
    at_ms = (AT + 10 * MINUTE) // 1_000
    limits.exceeded(Failure(-1003, data=msgspec.Raw(b'{"retryAfter":%d}' % at_ms)), 1, AT)
    assert not limits.spend(1, AT + 10 * MINUTE - 1, 0)
    assert limits.spend(1, AT + 10 * MINUTE, 0)
    limits.exceeded(Failure(-1003, data=msgspec.Raw(b'{"retryAfter":9007199254740992}')), 0, AT)
    assert limits.spend(1, AT + 3 * 1_440 * MINUTE, 0)


def test_an_order_that_was_one_too_many_stops_orders_and_no_cancels() -> None:
    limits = OrderLimits()
    limits.exceeded(Failure(-1015), 0, AT)
    assert not limits.spend_order(AT + 9 * SECOND)
    assert limits.spend(1, AT + 9 * SECOND, 0)
    assert limits.spend_order(AT + 10 * SECOND)
