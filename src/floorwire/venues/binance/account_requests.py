"""Reads an account of Binance: open orders, then executions since a cursor, then balances.

The cursor has the next execution to ask for, by symbol: Binance lists executions of one symbol at a time.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from floorwire.core.remote_order_messages import Executed, OrderSeen, Reconcile, ReconcileAnswer, VenueBalance
from floorwire.venues.binance import order_mapping, order_requests
from floorwire.venues.binance.order_messages import (
    account_decoder,
    orders_decoder,
    trades_decoder,
)
from floorwire.venues.binance.order_requests import MOST_TRADES, Call, Reconciling

MOST_SYMBOLS = 100
"""Symbols in a cursor. Reading so many costs a third of a minute's weight."""
MOST_PAGES = 50
"""Lists of executions of one symbol in one reading. The cursor goes on from there the next time."""

_cursor_decoder = msgspec.json.Decoder(dict[str, int])


class ReadStep(Enum):
    """What is read next. DONE: the answer is whole."""

    ORDERS = "orders"
    TRADES = "trades"
    BALANCES = "balances"
    DONE = "done"


class AccountReading:
    """One reconciliation: which request is next, and what was read."""

    def __init__(self, request: Reconcile, traded: list[str]) -> None:
        """``traded``: symbols of which orders were placed, beside those in the cursor."""
        self.request = request.request
        self.step = ReadStep.ORDERS
        self._cursor = _read_cursor(request.cursor)
        self._symbols = list(dict.fromkeys((*traded, *self._cursor)))
        self._pages = 0
        self._orders: list[OrderSeen] = []
        self._executions: list[Executed] = []
        self._balances: list[VenueBalance] = []

    def call(self) -> Call:
        """Return the next request."""
        purpose = Reconciling(self.request)
        if self.step is ReadStep.ORDERS:
            return order_requests.open_orders(purpose)
        if self.step is ReadStep.TRADES:
            native = self._symbols[0]
            return order_requests.trades(native, self._cursor.get(native), purpose)
        return order_requests.balances(purpose)

    def take(self, result: bytes) -> None:
        """Take in the answer to the last request. Raises ValueError where it cannot be read."""
        if self.step is ReadStep.ORDERS:
            self._take_orders(result)
        elif self.step is ReadStep.TRADES:
            self._take_trades(result)
        else:
            rows = account_decoder.decode(result).balances
            self._balances = [order_mapping.balance(row) for row in rows]
            self.step = ReadStep.DONE

    def answer(self) -> ReconcileAnswer:
        """Return all that was read."""
        assert self.step is ReadStep.DONE, self.step
        return ReconcileAnswer(
            self.request,
            tuple(self._orders),
            tuple(self._executions),
            tuple(self._balances),
            msgspec.json.encode(self._cursor).decode() if self._cursor else "",
        )

    def _take_orders(self, result: bytes) -> None:
        rows = orders_decoder.decode(result)
        for row in rows:
            seen = order_mapping.order_seen(row)
            if seen is None or seen.state != "open":
                raise ValueError(f"an open order has the status {row.status[:40]!r}")
            self._orders.append(seen)
        listed = (row.symbol for row in rows)
        self._symbols = list(dict.fromkeys((*listed, *self._symbols)))[:MOST_SYMBOLS]
        self._cursor = {native: self._cursor[native] for native in self._symbols if native in self._cursor}
        self.step = ReadStep.TRADES if self._symbols else ReadStep.BALANCES

    def _take_trades(self, result: bytes) -> None:
        native = self._symbols[0]
        rows = trades_decoder.decode(result)
        if any(row.symbol != native for row in rows):
            raise ValueError("executions of another symbol")
        self._executions += map(order_mapping.executed, rows)
        from_id = self._cursor.get(native)
        if rows:
            self._cursor[native] = max(row.id for row in rows) + 1
        self._pages += 1
        if from_id is not None and len(rows) >= MOST_TRADES and self._pages < MOST_PAGES:
            return  # there may be more
        self._pages = 0
        del self._symbols[0]
        if not self._symbols:
            self.step = ReadStep.BALANCES


def _read_cursor(text: str) -> dict[str, int]:
    """Return the cursor. One that cannot be read is none: then the latest executions are read."""
    try:
        cursor = _cursor_decoder.decode(text)
    except (ValueError, RecursionError):
        return {}
    return {native: next_id for native, next_id in cursor.items() if 0 <= next_id < 2**63}
