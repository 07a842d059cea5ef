"""The lens: what of its account a key may see: everything, or what is about its symbols and their assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from floorwire.core.account_events import AccountEvent, Balance, Deposited, Position
from floorwire.core.authorization import Principal
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order


class Visibility:
    """One principal's."""

    __slots__ = ("_instruments", "_principal", "sees_all")

    def __init__(self, principal: Principal, instruments: Callable[[], Iterable[Instrument]]) -> None:
        self._principal = principal
        self._instruments = instruments
        self.sees_all = principal.symbols is None
        """Whether it hides nothing."""

    def orders(self, orders: Iterable[Order]) -> list[Order]:
        """Return those that may be seen."""
        return [order for order in orders if self.sees_all or self._principal.sees(order.ticket.symbol)]

    def positions(self, positions: Iterable[Position]) -> list[Position]:
        """Return those that may be seen."""
        return [position for position in positions if self.sees_all or self._principal.sees(position.symbol)]

    def balances(self, balances: Iterable[Balance]) -> list[Balance]:
        """Return those that may be seen."""
        return [balance for balance in balances if self.sees_all or balance.asset in self._assets()]

    def shows(self, event: AccountEvent) -> bool:
        """Return whether anything of the event may be seen."""
        if self.sees_all:
            return True
        if isinstance(event, Deposited):
            return event.balance.asset in self._assets()
        order = getattr(event, "order", None)
        return isinstance(order, Order) and self._principal.sees(order.ticket.symbol)

    def _assets(self) -> set[str]:
        seen = [one for one in self._instruments() if self._principal.sees(one.symbol)]
        return {one.base for one in seen} | {one.quote for one in seen}
