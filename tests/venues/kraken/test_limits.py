from __future__ import annotations

import pytest

from floorwire.venues.kraken.limits import cancel_weight

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("age_s", "weight"), [(0, 8), (4.9, 8), (5, 6), (10, 5), (15, 4), (45, 2), (90, 1), (300, 0)]
)
def test_young_orders_count_more(age_s: float, weight: int) -> None:
    assert cancel_weight(7, 7 + int(age_s * SECOND)) == weight


def test_orders_of_earlier_processes_count_as_old() -> None:
    assert cancel_weight(None, 5) == 0
