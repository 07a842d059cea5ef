"""Finds the open orders of some symbols, the oldest first, a bounded number of orders at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import merge
from itertools import islice

from floorwire.core.orders import OPEN, Order
from floorwire.engine.accounts import Accounts


class OpenOrderMerge:
    """One pass over the open orders of all accounts. First ``collect`` their ids, then ``take`` the orders.

    Orders that come after their account was collected are not found. Orders that close meanwhile are left
    out.
    """

    __slots__ = ("_accounts", "_ids", "_merged", "_names", "_symbols", "is_done")

    def __init__(self, accounts: Accounts, symbols: Collection[str]) -> None:
        """``symbols``: may be changed during the pass. What it has when an order is taken counts."""
        self.is_done = False
        """Whether every order was taken."""
        self._accounts = accounts
        self._symbols = symbols
        self._names = list(accounts.by_name)[::-1]
        """Accounts to collect, the last one first."""
        self._ids: list[list[int]] = []
        """The ids of each account's open orders, which count up."""
        self._merged: Iterator[int] = iter(())

    @property
    def is_collected(self) -> bool:
        """Whether the ids of all accounts are collected."""
        return not self._names

    def collect(self, at_most: int) -> None:
        """Collect the ids of the next accounts, until ``at_most`` ids or more were collected."""
        while self._names and at_most > 0:
            known = self._accounts.by_name[self._names.pop()]
            if known.open:
                self._ids.append(list(known.open))
            at_most -= len(known.open) + 1  # an account without orders costs too
        if not self._names:
            self._merged = merge(*self._ids)

    def pop(self, at_most: int) -> list[Order]:
        """Examine the next ``at_most`` ids. Return their orders that are open and of the symbols."""
        ids = list(islice(self._merged, at_most))
        self.is_done = len(ids) < at_most
        found = map(self._accounts.orders.get, ids)
        return [
            order
            for order in found
            if order is not None and order.state in OPEN and order.ticket.symbol in self._symbols
        ]
