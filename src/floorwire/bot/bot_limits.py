"""Limits of one run, from the command line: checked before an order leaves, the same live and in a backtest.

They come before those of the server, and cannot widen them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from floorwire.client.order import OrderTerms
from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US


class BotLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a bot may do. None: no limit."""

    max_order_notional: Decimal | None = None
    """The most that an order may be worth, in the quote asset."""
    max_position: Mapping[str, Decimal] = {}
    """By symbol: the largest position, bought or sold, if all open orders of that side were filled."""
    max_open_orders: int | None = None
    orders_per_second: int | None = None
    max_loss: Decimal | None = None
    """The run ends when it has lost so much, in any quote asset."""


class Exposure(msgspec.Struct, frozen=True):
    """What an order would add to."""

    position: Decimal
    """Of its symbol."""
    open_same_side: Decimal
    """What is open of other orders of its symbol and side."""
    open_orders: int
    price: Decimal | None
    """What one unit is worth; None: unknown."""


class LimitChecks:
    """Checks orders against the limits. It remembers when orders were sent, for the rate."""

    def __init__(self, limits: BotLimits) -> None:
        self.limits = limits
        self._sent: deque[int] = deque(maxlen=limits.orders_per_second)
        """The times of the latest orders, as many as one second may have."""

    def refusal(self, terms: OrderTerms, exposure: Exposure, now_us: int) -> tuple[Code, str] | None:
        """Return why the order may not be sent, or None. It then counts as sent."""
        return (
            self._of_count(exposure)
            or self._of_value(terms, exposure)
            or self._of_position(terms, exposure)
            or self._of_rate(now_us)
        )

    def _of_count(self, exposure: Exposure) -> tuple[Code, str] | None:
        most = self.limits.max_open_orders
        if most is None or exposure.open_orders < most:
            return None
        return Code.MAX_OPEN_ORDERS, f"the run may have {most} open orders"

    def _of_value(self, terms: OrderTerms, exposure: Exposure) -> tuple[Code, str] | None:
        most = self.limits.max_order_notional
        if most is None:
            return None
        if terms.spend is not None:
            worth = Decimal(terms.spend)
        elif exposure.price is None:
            return Code.MAX_NOTIONAL, "what the order is worth is not known yet"
        else:
            worth = Decimal(terms.quantity or 0) * exposure.price
        return None if worth <= most else (Code.MAX_NOTIONAL, f"worth {worth:f}; the limit is {most:f}")

    def _of_position(self, terms: OrderTerms, exposure: Exposure) -> tuple[Code, str] | None:
        most = self.limits.max_position.get(terms.symbol)
        if most is None:
            return None
        if terms.quantity is None:
            return Code.POSITION_LIMIT, "an order by money has no known quantity; give the quantity"
        sign = 1 if terms.side == "buy" else -1
        would = sign * exposure.position + exposure.open_same_side + Decimal(terms.quantity)
        if would <= most:
            return None
        return Code.POSITION_LIMIT, f"the position could become {sign * would:f}; the limit is {most:f}"

    def _of_rate(self, now_us: int) -> tuple[Code, str] | None:
        most = self.limits.orders_per_second
        if most is None:
            return None
        if len(self._sent) == most and now_us - self._sent[0] < SECOND_US:
            return Code.RATE_LIMITED, f"the run may send {most} orders a second"
        self._sent.append(now_us)
        return None
