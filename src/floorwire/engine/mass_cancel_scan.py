"""Finds the open orders of a mass cancel, a bounded number of orders at a time."""

from __future__ import annotations

from floorwire.core.account_events import MassCancelStarted
from floorwire.core.orders import OPEN, Order
from floorwire.engine.accounts import Accounts


class MassCancelScan:
    """One pass over the open orders. Accounts may change between two steps: an order that is placed
    meanwhile is not found, and one that closes meanwhile may be.
    """

    __slots__ = ("_accounts", "_at", "_names", "_order_ids", "_started", "_symbols", "examined")

    def __init__(self, accounts: Accounts, started: MassCancelStarted) -> None:
        self.examined = 0
        """Open orders examined so far. An account counts as one, too."""
        self._accounts = accounts
        self._started = started
        account, symbols = started.mass_cancel.account, started.mass_cancel.symbols
        self._symbols = None if symbols is None else frozenset(symbols)
        self._names = list(accounts.by_name)[::-1] if account is None else [account]
        """Accounts to examine, the last one first."""
        self._order_ids: list[int] = []
        """The open orders of the account that is examined now."""
        self._at = 0
        """How many of these are examined."""

    @property
    def is_done(self) -> bool:
        """Whether every open order was examined."""
        return not self._names and self._at == len(self._order_ids)

    def find(self, at_most: int) -> list[int]:
        """Examine the next ``at_most`` orders. Return the ids of those to cancel, the oldest first."""
        found: list[int] = []
        while at_most > 0 and not self.is_done:
            if self._at == len(self._order_ids):
                known = self._accounts.by_name.get(self._names.pop())
                self._order_ids, self._at = [] if known is None else list(known.open), 0
                at_most -= 1  # an account without orders costs too
                self.examined += 1
            next_ids = self._order_ids[self._at : self._at + at_most]
            self._at += len(next_ids)
            at_most -= len(next_ids)
            self.examined += len(next_ids)
            orders = self._accounts.orders
            for order_id in next_ids:
                order = orders.get(order_id)
                if order is not None and self._wants(order):
                    found.append(order_id)
        return found

    def _wants(self, order: Order) -> bool:
        started = self._started
        of = started.mass_cancel
        return (
            order.state in OPEN
            and order.order_id <= started.last_order_id
            and (of.symbol is None or of.symbol == order.ticket.symbol)
            and (of.key is None or of.key == order.key)
            and (self._symbols is None or _is_of(order.ticket.symbol, self._symbols))
        )


def _is_of(symbol: str, symbols: frozenset[str]) -> bool:
    """Return whether it is one of the symbols, with or without its venue (as ``Principal.sees``)."""
    return symbol in symbols or symbol.rpartition(":")[2] in symbols
