from __future__ import annotations

from floorwire.engine.participants.sim_ids import SimIds


def test_orders_and_owners_count_down_apart() -> None:
    numbers = SimIds()
    assert [numbers.order(), numbers.order(), numbers.owner(), numbers.order()] == [-1, -2, -1, -3]
