from __future__ import annotations

from floorwire.venues.binance.symbol_state import RequestBudget


def test_so_many_at_once_then_one_a_second() -> None:
    budget = RequestBudget(2)
    assert [budget.spend(0) for _ in range(3)] == [True, True, False]
    budget.refill()
    assert [budget.spend(0) for _ in range(2)] == [True, False]


def test_never_more_than_most_is_saved() -> None:
    budget = RequestBudget(1)
    budget.refill()
    assert [budget.spend(0) for _ in range(2)] == [True, False]


def test_nothing_is_spent_while_stopped() -> None:
    budget = RequestBudget(1)
    budget.stop(10)
    assert [budget.spend(9), budget.spend(10)] == [False, True]
