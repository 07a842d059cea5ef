"""A journal of random orders and fills of two accounts."""

from __future__ import annotations

import random

import msgspec

from floorwire.core.account_events import AccountEntry, Balance, OrderAccepted, OrderFilled, Position, Seqs
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order, OrderTicket
from floorwire.storage import journal as journals
from floorwire.storage.journal import Journal
from floorwire.trading.commit_batch import EVENT_KINDS
from tests.storage.journals import keep

BTC = Instrument("BTC-USDT", "BTC", "USDT", "sim", "0.5", "0.00001")
ETH = Instrument("ETH-USDT", "ETH", "USDT", "sim", "0.01", "0.0001")
LATEST = 1 << 63
MONEY = Balance("USDT", 10**12, 0, 8)


class RandomHistory:
    """Random entries of two accounts, and their fills in order."""

    def __init__(self, seed: int, share: float) -> None:
        """``share``: of all that happens so much is fills."""
        self.fills: dict[str, list[OrderFilled]] = {"alice": [], "bob": []}
        self._chance = random.Random(seed)
        self._share = share
        self.seqs = dict.fromkeys(self.fills, Seqs())
        self._last_id = 0

    async def append_to(self, journal: Journal, appends: int) -> None:
        """Append random entries to the journal."""
        for _ in range(appends):
            await keep(journal, [self._next() for _ in range(self._chance.randrange(1, 12))])

    async def append_once(self, journal: Journal, records: int) -> None:
        """Append so many random entries in one commit."""
        await keep(journal, [self._next() for _ in range(records)])

    def _next(self) -> journals.JournalEntry:
        account = self._chance.choice(("alice", "alice", "bob"))
        symbol = self._chance.choice((BTC, ETH)).symbol
        self._last_id += 1
        ticket = OrderTicket(account, f"c{self._last_id}", symbol, "buy", "limit", 5, None, 9)
        order, seqs = Order(self._last_id, ticket, "k", 5, 9, "new", 1, 1), self.seqs[account]
        event: OrderFilled | OrderAccepted
        if self._chance.random() < self._share:
            event = self._fill(account, order)
            self.fills[account].append(event)
            seqs = Seqs(seqs.orders + 1, seqs.fills + 1, seqs.balances + 1, seqs.positions + 1)
        else:
            event = OrderAccepted(account, order, (MONEY,), 1)
            seqs = Seqs(seqs.orders + 1, seqs.fills, seqs.balances + 1, seqs.positions)
        self.seqs[account] = seqs
        entry = AccountEntry(event, seqs)
        return journals.JournalEntry(
            account, EVENT_KINDS[type(entry.event)], 1, msgspec.msgpack.encode(entry)
        )

    def _fill(self, account: str, order: Order) -> OrderFilled:
        position = Position(order.ticket.symbol, 5, 5, 45, 0, 8, 8)
        return OrderFilled(account, order, self._last_id, "t", 9, 5, "maker", 0, (MONEY, MONEY), position, 1)

    def ids(self, account: str, before: int = LATEST, only: str | None = None) -> list[int]:
        """Return the fills that are older, the latest first."""
        return [
            fill.fill_id
            for fill in reversed(self.fills[account])
            if fill.fill_id < before and only in (None, fill.order.ticket.symbol)
        ]
