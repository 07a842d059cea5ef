"""What a key may see of its account, and an admin of halts: everything, or only what the key is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEvent,
    AccountReset,
    Balance,
    Deposited,
    HaltScope,
    Position,
    PositionsChanged,
    TransferReceived,
    TransferSent,
    Withdrawn,
)
from floorwire.core.authorization import Principal
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.venue_names import VenueNames, bare


class Visibility:
    """Filters orders, positions, balances and events for one principal."""

    __slots__ = ("_instruments", "_principal", "names", "sees_all")

    def __init__(
        self,
        principal: Principal,
        instruments: Callable[[], Iterable[Instrument]],
        names: VenueNames | None = None,
    ) -> None:
        self._principal = principal
        self._instruments = instruments
        self.names = names or VenueNames()
        """The names that it reads symbols and assets by."""
        self.sees_all = principal.symbols is None
        """Whether the key is for all symbols."""

    def orders(self, orders: Iterable[Order]) -> list[Order]:
        """Return the visible orders."""
        return [order for order in orders if self.sees_all or self._principal.sees(order.ticket.symbol)]

    def sees_symbol(self, symbol: str) -> bool:
        """Return whether the symbol is visible."""
        return self.sees_all or self._principal.sees(symbol)

    def positions(self, positions: Iterable[Position]) -> list[Position]:
        """Return the visible positions."""
        return [position for position in positions if self.sees_all or self._principal.sees(position.symbol)]

    def balances(self, balances: Iterable[Balance]) -> list[Balance]:
        """Return the visible balances."""
        return [balance for balance in balances if self.sees_all or balance.asset in self.assets()]

    def part_of(self, event: AccountEvent) -> AccountEvent | None:
        """Return the visible part of the event: itself where all is visible, None where nothing is."""
        if self.sees_all:
            return event
        if isinstance(event, PositionsChanged):
            seen = tuple(self.positions(event.positions))
            return replace(event, positions=seen) if seen else None
        if isinstance(event, AccountReset):
            balances, positions = tuple(self.balances(event.balances)), tuple(self.positions(event.positions))
            return replace(event, balances=balances, positions=positions)
        if isinstance(event, Deposited | Withdrawn | TransferSent | TransferReceived):
            return event if event.balance.asset in self.assets() else None
        order = getattr(event, "order", None)
        return event if isinstance(order, Order) and self._principal.sees(order.ticket.symbol) else None

    def assets(self) -> set[str]:
        """Return the assets of the visible instruments, for a key that does not see all."""
        seen = [one for one in self._instruments() if self._principal.sees(one.symbol)]
        return {self.names.asset(one.venue, bare(asset)) for one in seen for asset in (one.base, one.quote)}


def visible_halts(
    principal: Principal,
    halts: Iterable[tuple[HaltScope, str]],
    account_of: Callable[[str], str | None],
) -> list[tuple[HaltScope, str]]:
    """Return the halts that an admin may see: those of all trading, and those of its accounts and symbols.

    ``account_of`` returns the account of a key.
    """

    def sees(scope: HaltScope, name: str) -> bool:
        if scope == "symbol":
            return principal.sees(name)
        if scope == "all" or principal.accounts is None:
            return True
        account = account_of(name) if scope == "key" else name
        return account is not None and account in principal.accounts

    return [halt for halt in halts if sees(*halt)]
