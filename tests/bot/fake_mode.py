"""A mode of a run that only notes what it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from floorwire.bot import BotOrder
from floorwire.client.order import AmountLike


class FakeMode:
    """``later`` calls wait until ``settle``."""

    def __init__(self) -> None:
        self.time_us = 1_000_000
        self.asked: list[str] = []
        self._later: list[Callable[[], None]] = []

    def now_us(self) -> int:
        return self.time_us

    def place(self, order: BotOrder) -> None:
        self.asked.append(f"place {order.client_order_id} {order.terms.side} {order.terms.quantity}")

    def amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        self.asked.append(f"amend {order.client_order_id} {price} {quantity}")

    def cancel(self, order: BotOrder) -> None:
        self.asked.append(f"cancel {order.client_order_id}")

    def later(self, call: Callable[[], None]) -> None:
        self._later.append(call)

    def settle(self) -> None:
        while self._later:
            self._later.pop(0)()
