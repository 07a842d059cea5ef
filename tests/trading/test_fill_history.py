"""Fills of long ago: any page is found, wherever it is in the journal, and however much lies between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from floorwire.channels import fills
from floorwire.config import Settings
from floorwire.core.account_events import AccountEntry, Balance, OrderAccepted, OrderFilled, Position, Seqs
from floorwire.core.authorization import Principal, Scope
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order, OrderTicket
from floorwire.protocol.replies import Gap
from floorwire.protocol.rows import FillRow
from floorwire.storage import journal as journals
from floorwire.storage.data_dir import open_journal
from floorwire.storage.journal import ForgottenError, Journal
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.trading import fill_history
from floorwire.trading.commit_batch import EVENT_KINDS
from floorwire.trading.fill_history import FillSearch
from floorwire.trading.visibility import Visibility
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

    def search(self, account: str, limit: int, before: int = LATEST, only: str | None = None) -> FillSearch:
        """Return a search that has looked at the latest ten."""
        symbols = None if only is None else frozenset((only,))
        principal = Principal(account, "k", frozenset((Scope.ACCOUNT,)), symbols=symbols)
        visibility = Visibility(principal, lambda: (BTC, ETH))
        search = FillSearch(len(self.fills[account]), _row, visibility, limit, before)
        search.add(self.fills[account][:-11:-1])
        return search


def _row(fill: OrderFilled) -> FillRow:
    return fills.row(fill, BTC if fill.order.ticket.symbol == BTC.symbol else ETH)


def _ids(search: FillSearch) -> list[int]:
    return [int(row.fill_id) for row in search.rows]


@pytest.fixture(params=["sqlite", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    journal = open_journal(Settings(data=str(tmp_path), journal=request.param))
    yield journal
    journal.close()


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
async def test_a_page_is_found_wherever_it_begins(journal: Journal, share: float) -> None:
    history, chance = RandomHistory(3, share), random.Random(4)
    await history.append_to(journal, 200)
    for account, had in history.fills.items():
        for before in chance.sample(range(had[-1].fill_id + 2), 15):
            limit = chance.randrange(1, 30)
            search = history.search(account, limit, before)
            await fill_history.continue_search(journal, account, search)
            assert _ids(search) == history.ids(account, before)[:limit]


@pytest.mark.parametrize("only", [None, BTC.symbol])
@pytest.mark.parametrize("share", [0.02, 0.5])
async def test_pages_follow_each_other_to_the_first_while_more_happens(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, share: float, only: str | None
) -> None:
    monkeypatch.setattr(fill_history, "MAX_READS", 3)
    monkeypatch.setattr(fill_history, "PAGE_RECORDS", 5)
    history = RandomHistory(5, share)
    await history.append_to(journal, 150)
    wanted, found, before = history.ids("alice", LATEST, only), list[int](), LATEST
    for _ in range(len(history.ids("alice")) + 1):
        search = history.search("alice", 7, before, only)
        await fill_history.continue_search(journal, "alice", search)
        found += _ids(search)
        reply = search.reply(1)
        if reply.next is UNSET:
            break
        before = int(str(reply.next))
        await history.append_to(journal, 1)
    assert found == wanted
    assert search.remaining == 0


async def test_where_memory_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    journal, history = MemoryJournal(1_000, 200), RandomHistory(7, 0.3)
    await history.append_to(journal, 120)
    kept = {record.n for record in journal.read(journal.first_n - 1) if record.kind == fill_history.FILLED}
    ids = history.ids("alice")
    known = [one for one in ids if one in kept]  # records and what they tell are numbered alike here
    search = history.search("alice", 1_000)
    with pytest.raises(ForgottenError):
        await fill_history.continue_search(journal, "alice", search)
    assert _ids(search) == known
    assert len(known) > 10
    reply = search.reply(UNSET, forgotten=True)
    assert (reply.gap, reply.next) == (Gap(1, len(ids) - len(known), "expired"), UNSET)
    for before in (known[-1], ids[len(known) + 5], 1):
        search = history.search("alice", 5, before)
        with pytest.raises(ForgottenError):
            await fill_history.continue_search(journal, "alice", search)
        assert not search.rows
