from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.request_budgets import BudgetRule, RequestBudgets

SECOND = 1_000_000
RULES = {"place": BudgetRule(3, SECOND), "read": BudgetRule(1, SECOND)}


def test_kinds_and_symbols_have_budgets_of_their_own() -> None:
    budgets = RequestBudgets(RULES)
    assert [budgets.spend("place", "A", 0) for _ in range(4)] == [True, True, True, False]
    assert budgets.spend("place", "B", 0)
    assert budgets.spend("read", "", 0)


def test_says_when_the_next_request_is_free() -> None:
    budgets = RequestBudgets(RULES)
    assert budgets.free_us("place", "A", 5) == 5
    assert budgets.spend("place", "A", 5, 3)
    assert budgets.free_us("place", "A", 5) == 5 + SECOND
    assert budgets.free_us("place", "A", 5, 2) == 5 + 2 * SECOND
    assert not budgets.spend("place", "A", 4 + SECOND)
    assert budgets.spend("place", "A", 5 + SECOND)


def test_weight_above_the_capacity_waits_for_a_full_bucket() -> None:
    budgets = RequestBudgets(RULES)
    budgets.spend("read", "", 0)
    assert budgets.free_us("read", "", 0, 9) == SECOND


def test_nothing_is_sent_while_blocked() -> None:
    budgets = RequestBudgets(RULES)
    budgets.block(7)
    budgets.block(3)
    assert not budgets.spend("read", "", 6)
    assert budgets.free_us("read", "", 6) == 7
    assert budgets.spend("read", "", 7)


def test_rule_of_a_longer_time_counts_too() -> None:
    budgets = RequestBudgets({"read": BudgetRule(2, SECOND, BudgetRule(3, 60 * SECOND))})
    assert budgets.spend("read", "", 0, 2)
    assert budgets.spend("read", "", 2 * SECOND)
    assert not budgets.spend("read", "", 3 * SECOND)
    assert budgets.free_us("read", "", 3 * SECOND) == 60 * SECOND
    assert budgets.spend("read", "", 60 * SECOND)


def test_a_budget_that_is_used_up_at_the_venue_comes_back_from_now_on() -> None:
    budgets = RequestBudgets(RULES)
    budgets.drain("place", "A", SECOND // 2)
    assert not budgets.spend("place", "A", SECOND)
    assert budgets.free_us("place", "A", SECOND, 2) == SECOND // 2 + 2 * SECOND
    assert budgets.spend("place", "B", SECOND, 3)


def test_what_can_wait_leaves_a_part_and_a_process_begins_with_that() -> None:
    budgets = RequestBudgets({"read": BudgetRule(4, SECOND, for_urgent=2)})
    assert not budgets.spend("read", "", 0, can_wait=True)
    assert budgets.free_us("read", "", 0, can_wait=True) == SECOND
    assert budgets.spend("read", "", 0, 3)
    assert not budgets.spend("read", "", SECOND, can_wait=True)
    assert budgets.spend("read", "", 2 * SECOND, can_wait=True)
    assert budgets.spend("read", "", 2 * SECOND, 2)


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 3)), max_size=60))
def test_free_is_when_it_may_be_spent_and_not_before(steps: list[tuple[int, int]]) -> None:
    budgets, now_us = RequestBudgets(RULES), 0
    for pause_us, weight in steps:
        now_us += pause_us
        free_us = budgets.free_us("place", "", now_us, weight)
        if free_us > now_us:
            assert not budgets.spend("place", "", free_us - 1, weight)
            now_us = free_us
        assert budgets.spend("place", "", now_us, weight)
