from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.microseconds import SECOND_US
from floorwire.venues.bybit import limits as bybit
from floorwire.venues.coinbase import limits as coinbase
from floorwire.venues.common.rate_limits import (
    MAX_PAUSE_US,
    ORDERS_WAIT_US,
    REST,
    Allowance,
    RateLimits,
    SharedRateLimits,
    pause_us,
)
from floorwire.venues.common.request_budgets import BudgetRule, RequestBudgets
from floorwire.venues.kraken import limits as kraken
from floorwire.venues.okx import limits as okx

ALLOWANCES = {REST: Allowance(100, SECOND_US // 50), "other": Allowance(1, SECOND_US)}


def test_weight_is_spent_and_comes_back() -> None:
    limits = RateLimits(ALLOWANCES)
    assert [limits.allow(REST, 50, 0) for _ in range(3)] == [True, True, False]
    assert limits.allow("other", 1, 0), "each bucket has its own weight"
    assert not limits.allow(REST, 50, SECOND_US - 1)
    assert limits.allow(REST, 50, SECOND_US)


def test_a_block_is_for_all_buckets_and_never_gets_shorter() -> None:
    limits = RateLimits(ALLOWANCES)
    limits.block(7 * SECOND_US)
    limits.block(3 * SECOND_US)
    assert limits.blocked_until == 7 * SECOND_US
    assert not limits.allow(REST, 1, 7 * SECOND_US - 1)
    assert not limits.allow("other", 1, 7 * SECOND_US - 1)
    assert limits.allow(REST, 100, 7 * SECOND_US), "nothing was taken meanwhile"


def test_a_pause_of_one_bucket_leaves_the_others() -> None:
    limits = RateLimits(ALLOWANCES)
    limits.block(7 * SECOND_US, REST)
    assert not limits.allow(REST, 1, 7 * SECOND_US - 1)
    assert limits.allow("other", 1, 0)
    assert limits.allow(REST, 1, 7 * SECOND_US)


def test_all_instances_of_a_kind_at_an_address_share_one_budget() -> None:
    shared = SharedRateLimits()
    one, same = shared.of("binance", "", ALLOWANCES), shared.of("binance", "", ALLOWANCES)
    assert one is same
    assert shared.of("binance", "wss://testnet", ALLOWANCES) is not one
    assert shared.of("okx", "", ALLOWANCES) is not one


def test_prices_leave_a_part_to_orders() -> None:
    limits = RateLimits({REST: Allowance(100, SECOND_US // 50, for_orders=30)})
    assert limits.allow(REST, 70, 0)
    assert not limits.allow(REST, 1, 0)
    assert not limits.spend(REST, 21, 0, left=10), "what goes first has its part too"
    assert limits.spend(REST, 20, 0, left=10)
    assert limits.spend(REST, 10, 0)


def test_prices_wait_until_an_order_that_found_too_little_got_it() -> None:
    limits = RateLimits({REST: Allowance(1, SECOND_US)})
    assert limits.allow(REST, 1, 0)
    assert not limits.spend(REST, 1, 0)
    assert not limits.allow(REST, 1, SECOND_US), "it is the order's"
    assert limits.free_us(REST, 1, 0) == SECOND_US
    assert limits.spend(REST, 1, SECOND_US)
    assert limits.allow(REST, 1, 2 * SECOND_US)
    assert not limits.spend(REST, 1, 2 * SECOND_US)
    assert limits.allow(REST, 1, 2 * SECOND_US + ORDERS_WAIT_US), "nobody asked again"


def test_a_ban_is_for_orders_too() -> None:
    limits = RateLimits(ALLOWANCES)
    limits.block(SECOND_US, REST)
    assert not limits.spend(REST, 1, SECOND_US - 1)
    assert limits.free_us(REST, 1, 0) == SECOND_US
    assert limits.spend(REST, 1, SECOND_US)


ORDERS = {"read": BudgetRule(30, SECOND_US // 40, address=REST)}


@given(
    steps=st.lists(
        st.tuples(st.integers(0, SECOND_US), st.booleans(), st.integers(1, 40)), min_size=1, max_size=80
    )
)
def test_prices_and_orders_together_keep_the_limit_and_orders_never_wait_for_prices(
    steps: list[tuple[int, bool, int]],
) -> None:
    limits = RateLimits({REST: Allowance(100, SECOND_US // 50, for_orders=30)})
    orders, alone = RequestBudgets(ORDERS, limits), RequestBudgets(ORDERS)
    now_us, spent = 0, []
    for wait_us, is_order, weight in steps:
        now_us += wait_us
        if is_order:
            weight = min(weight, 30)
            is_sent = orders.spend("read", "", now_us, weight)
            assert is_sent == alone.spend("read", "", now_us, weight)
        else:
            is_sent = limits.allow(REST, weight, now_us)
        if is_sent:
            spent.append((now_us, weight))
    for start, (since_us, _) in enumerate(spent):
        for end_us, _ in spent[start:]:
            total = sum(weight for at_us, weight in spent if since_us <= at_us <= end_us)
            assert total <= 100 + (end_us - since_us) // (SECOND_US // 50) + 1


class Share(NamedTuple):
    """What one exchange allows an address, and the kinds of budgets of orders that count in it."""

    allowances: Mapping[str, Allowance]
    budgets: Mapping[str, BudgetRule]
    limit: int
    window_us: int


@pytest.mark.parametrize(
    "share",
    [
        Share(bybit.ALLOWANCES, bybit.ORDER_BUDGETS, 600, 5 * SECOND_US),
        Share(coinbase.ALLOWANCES, coinbase.ORDER_BUDGETS, 10, SECOND_US),
        Share(kraken.ALLOWANCES, kraken.rest_budgets("starter"), 15, 10 * SECOND_US),
        Share(okx.ALLOWANCES, okx.ORDER_BUDGETS, 20, 2 * SECOND_US),
    ],
    ids=["bybit", "coinbase", "kraken", "okx"],
)
def test_each_exchange_has_a_part_for_the_burst_of_orders(share: Share) -> None:
    allowance = share.allowances[REST]
    counted = [rule for rule in share.budgets.values() if rule.address == REST]
    assert counted
    assert sum(rule.capacity for rule in counted) <= allowance.for_orders < allowance.capacity
    assert sum(1 / rule.interval_us for rule in counted) <= 1 / allowance.interval_us
    assert allowance.capacity + share.window_us // allowance.interval_us <= share.limit


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, (("retry-after", "9"),), 0),
        (404, (), 0),
        (429, (), 60),
        (429, (("x", "y"), ("retry-after", " 9 ")), 9),
        (418, (("retry-after", "7200"),), 7200),
        (429, (("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),), 60),
        (429, (("retry-after", "-1"),), 60),
        (429, (("retry-after", "9" * 30),), 60),
        (429, (("retry-after", "999999999"),), MAX_PAUSE_US // SECOND_US),
        (0, (), 0),
    ],
)
def test_how_long_an_answer_asks_for_silence(
    status: int, headers: tuple[tuple[str, str], ...], seconds: int
) -> None:
    pauses_us = {429: 60 * SECOND_US, 418: 120 * SECOND_US}
    assert pause_us(status, headers, pauses_us) == seconds * SECOND_US


@given(
    steps=st.lists(st.tuples(st.integers(0, 3 * SECOND_US), st.integers(1, 60)), max_size=60),
)
def test_never_more_in_any_time_than_the_capacity_and_what_came_back(steps: list[tuple[int, int]]) -> None:
    limits = RateLimits(ALLOWANCES)
    now_us, spent = 0, []
    for wait_us, weight in steps:
        now_us += wait_us
        if limits.allow(REST, weight, now_us):
            spent.append((now_us, weight))
    for start, (since_us, _) in enumerate(spent):
        for end_us, _ in spent[start:]:
            total = sum(weight for at_us, weight in spent if since_us <= at_us <= end_us)
            assert total <= 100 + (end_us - since_us) // (SECOND_US // 50) + 1
