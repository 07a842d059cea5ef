"""Orders that end at a date. The core has no dates."""

from collections.abc import Callable

from tests.fake_exchange.matching import MatchingCore


class Expiries:
    def __init__(self, core: MatchingCore, now_us: Callable[[], int]) -> None:
        self._core = core
        self._now_us = now_us
        self._ends_us: dict[int, int] = {}

    def set(self, order_id: int, end_us: int) -> None:
        """It may be set before the order is placed, so that what is told of a new order has its date."""
        self._ends_us[order_id] = end_us

    def end_us(self, order_id: int) -> int | None:
        return self._ends_us.get(order_id)

    def fire(self) -> None:
        """End the orders whose date has come."""
        now_us = self._now_us()
        for order_id, end_us in self._ends_us.items():
            order = self._core.orders.get(order_id)
            if end_us <= now_us and order is not None and order.state.is_open:
                self._core.expire(order)
