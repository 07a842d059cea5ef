from __future__ import annotations

import pytest

from floorwire.venues.kraken.order_ages import MOST_ORDERS, OrderAges

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("age_s", "weight"), [(0, 8), (4.9, 8), (5, 6), (10, 5), (15, 4), (45, 2), (90, 1), (300, 0)]
)
def test_young_orders_count_more(age_s: float, weight: int) -> None:
    ages = OrderAges()
    ages.placed("a", 0)
    assert ages.cancel_weight("a", int(age_s * SECOND)) == weight


def test_orders_of_others_and_ended_ones_count_as_old() -> None:
    ages = OrderAges()
    assert ages.cancel_weight("a", 0) == 0
    ages.placed("a", 0)
    ages.ended("a")
    ages.ended("b")
    assert ages.cancel_weight("a", 0) == 0


def test_the_oldest_is_forgotten() -> None:
    ages = OrderAges()
    for number in range(MOST_ORDERS + 1):
        ages.placed(str(number), 0)
    assert (ages.cancel_weight("0", 0), ages.cancel_weight("1", 0)) == (0, 8)
