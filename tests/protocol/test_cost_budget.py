"""Budgets of work: what is done is charged, debts are paid by waiting, and no wait is endless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.protocol.cost_budget import (
    CONNECTION_BURST,
    KIB_US,
    MAX_WAIT_US,
    SHARED_BURST,
    ClientBudget,
    CostBudget,
    SharedBudgets,
)
from floorwire.protocol.frame_budget import FRAMES_BURST, FRAMES_PER_S, MAX_PAUSE_US, FrameBudget

NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
MIB_US = 1024 * KIB_US


def test_a_burst_is_free_and_what_goes_over_it_is_waited_for() -> None:
    budget = CostBudget(per_second=100, burst=1_000)
    budget.charge(1_000, NOW_US)
    assert budget.wait_us(NOW_US) == 0, "all of the burst was there"
    budget.charge(50, NOW_US)
    assert budget.wait_us(NOW_US) == SECOND_US // 2
    assert budget.wait_us(NOW_US + SECOND_US // 2) == 0
    assert not budget.is_full(NOW_US + 10 * SECOND_US)
    assert budget.is_full(NOW_US + 10 * SECOND_US + SECOND_US // 2)


def test_long_work_waits_for_half_of_the_burst() -> None:
    budget = CostBudget(per_second=100, burst=1_000)
    budget.charge(500, NOW_US)
    assert budget.wait_for_half_us(NOW_US) == 0
    budget.charge(50, NOW_US)
    assert (budget.wait_us(NOW_US), budget.wait_for_half_us(NOW_US)) == (0, SECOND_US // 2)
    budget.charge(10**9, NOW_US)
    waited_us = NOW_US + budget.wait_for_half_us(NOW_US)
    assert waited_us == NOW_US + MAX_WAIT_US + 5 * SECOND_US
    assert budget.wait_for_half_us(waited_us) == 0


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 100 * SECOND_US)), max_size=50))
def test_who_waits_as_long_as_told_may_go_on(charges: list[tuple[int, int]]) -> None:
    budget, now_us = CostBudget(per_second=100_000, burst=1_000_000), NOW_US
    for cost, later_us in charges:
        budget.charge(cost, now_us)
        wait_us = budget.wait_us(now_us)
        assert 0 <= wait_us <= MAX_WAIT_US
        assert budget.wait_us(now_us + wait_us) == 0
        now_us += later_us


def test_time_that_goes_back_asks_for_no_longer_wait() -> None:
    budget = CostBudget(per_second=100, burst=1_000)
    budget.charge(10**9, NOW_US)
    assert budget.wait_us(NOW_US - 3_600 * SECOND_US) == MAX_WAIT_US


def test_connections_of_one_address_share_a_budget() -> None:
    budgets = SharedBudgets()
    first, second = (ClientBudget(budgets.of("192.0.2.1", NOW_US)) for _ in range(2))
    other = ClientBudget(budgets.of("192.0.2.2", NOW_US))
    first.charge(SHARED_BURST + 1, NOW_US)
    assert second.wait_us(NOW_US) > 0
    assert other.wait_us(NOW_US) == 0
    second.share(budgets.of("key", NOW_US))
    assert second.wait_us(NOW_US) == 0, "who has signed in shares the budget of the key"
    assert first.wait_us(NOW_US) > second.wait_us(NOW_US)


def test_a_bot_comes_back_with_a_hundred_full_streams() -> None:
    client = ClientBudget(SharedBudgets().of("192.0.2.1", NOW_US))
    for _ in range(100):
        assert client.wait_us(NOW_US) == 0
        client.charge(MIB_US, NOW_US)
    assert 100 * MIB_US < CONNECTION_BURST < SHARED_BURST


def test_so_many_addresses_are_remembered_and_debtors_longest() -> None:
    budgets = SharedBudgets(limit=3)
    debtor = budgets.of("debtor", NOW_US)
    debtor.charge(SHARED_BURST, NOW_US)
    for number in range(10):
        budgets.of(f"192.0.2.{number}", NOW_US)
    assert budgets.of("debtor", NOW_US) is debtor
    for number in range(10):
        budgets.of(f"debtor {number}", NOW_US).charge(1, NOW_US)
    assert len(budgets._budgets) <= 3


def test_frames_pause_reading_beyond_their_burst_for_a_bounded_time() -> None:
    frames = FrameBudget()
    assert frames.charge(FRAMES_BURST, NOW_US) == 0
    assert frames.charge(FRAMES_PER_S, NOW_US) == SECOND_US
    assert frames.charge(10**9, NOW_US) == MAX_PAUSE_US
    assert frames.charge(1, NOW_US + 3_600 * SECOND_US) == 0
