"""An order is accepted once, by whatever says it first."""

from __future__ import annotations

from floorwire.core.remote_order_messages import PlaceAnswer
from floorwire.venues.binance.placing_orders import MOST_KEPT, PlacingOrders


def test_an_order_is_accepted_once() -> None:
    placing = PlacingOrders()
    placing.add("a")
    assert placing.accepted("b", "7") == []
    assert placing.accepted("a", "7") == [PlaceAnswer("a", "accepted", "7")]
    assert placing.accepted("a", "7") == []


def test_a_rejected_order_is_not_accepted_later() -> None:
    placing = PlacingOrders()
    placing.add("a")
    placing.rejected("a")
    placing.rejected("never sent")
    assert placing.accepted("a", "7") == []


def test_the_oldest_are_forgotten() -> None:
    placing = PlacingOrders()
    for number in range(MOST_KEPT + 1):
        placing.add(str(number))
    assert placing.accepted("0", "7") == []
    assert len(placing.accepted("1", "7")) == 1
