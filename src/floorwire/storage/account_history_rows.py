"""Rows of the account history: what the index keeps of closed orders, fills and changes of balances.

Orders and fills are records of the journal, as they stand there. Changes of balances are worked out from the
records: an event has the balance after it, not what was added or taken.
"""

from __future__ import annotations

import msgspec

from floorwire.core.account_events import Cause


class BalanceChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of one balance. Amounts are in units of ten to the power ``-decimals``."""

    asset: str
    cause: Cause
    amount: str
    """As text: the difference of two balances may be too large for a 64-bit integer."""
    total: int
    """The balance after it."""
    decimals: int


class LedgerRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All changes that one record of the journal made, in order."""

    ts_us: int
    changes: tuple[BalanceChange, ...]
    symbol: str = ""
    """Of a fill; "" for everything else."""
    order_id: int = 0
    fill_id: int = 0
    reference: str = ""
    """What the cause is known by elsewhere: the id of a deposit, of an operator's request."""
    other_account: str = ""
    """Of a transfer: where the money came from, or where it went."""


class IndexedOrder(msgspec.Struct, frozen=True, gc=False):
    """A closed order. ``n`` is the record that closed it."""

    order_id: int
    account: str
    symbol: str
    state: str
    created_us: int
    n: int


class IndexedFill(msgspec.Struct, frozen=True, gc=False):
    """A fill. ``seq`` is its number on the account's channel ``fills``."""

    fill_id: int
    account: str
    symbol: str
    at_us: int
    seq: int
    n: int


class IndexedLedger(msgspec.Struct, frozen=True, gc=False):
    """The changes of one record."""

    n: int
    account: str
    at_us: int
    record: LedgerRecord


class IndexedDay(msgspec.Struct, frozen=True, gc=False):
    """What is added to one day (UTC) of one account and asset, in units of ten to the power ``-decimals``."""

    account: str
    day: int
    """Days since 1970."""
    asset: str
    decimals: int
    turnover: int = 0
    """What fills were worth, in the quote asset."""
    fees: int = 0
    fills: int = 0


class IndexedBalance(msgspec.Struct, frozen=True, gc=False):
    """The balance of an account after the last record that was indexed."""

    account: str
    asset: str
    total: int
    decimals: int


class IndexedRows(msgspec.Struct):
    """What a part of the journal adds to the index."""

    records: list[tuple[int, bytes]]
    """Number and payload of each record that ``orders`` and ``fills`` refer to."""
    orders: list[IndexedOrder]
    fills: list[IndexedFill]
    ledger: list[IndexedLedger]
    days: list[IndexedDay]
    balances: list[IndexedBalance]
    """The latest of each balance that changed comes last."""

    def extend(self, later: IndexedRows) -> None:
        """Add what the next records give."""
        for name in self.__struct_fields__:
            getattr(self, name).extend(getattr(later, name))
