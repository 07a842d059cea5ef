"""The projection: what it adds up from the journal is what the accounts have, whatever anybody does."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from floorwire.core.account_events import (
    AccountEntry,
    AccountEvent,
    Balance,
    Coarsened,
    Deposited,
    Identified,
    OrderFilled,
    Position,
    Seqs,
)
from floorwire.core.microseconds import DAY_US
from floorwire.core.orders import Order, OrderTicket
from floorwire.storage.account_history_rows import IndexedDay, IndexedLedger
from floorwire.storage.journal import JournalRecord
from floorwire.trading.account_history_projection import AccountHistoryProjection
from floorwire.trading.account_store import decode_entry
from floorwire.trading.commit_batch import EVENT_KINDS
from tests.engine.test_order_manager_properties import Trading


def record(n: int, entry: AccountEntry) -> JournalRecord:
    event = entry.event
    return JournalRecord(
        n, event.account, EVENT_KINDS[type(event)], event.ts_us, msgspec.msgpack.encode(entry)
    )


def projection() -> AccountHistoryProjection:
    return AccountHistoryProjection(decode_entry, lambda entry: entry)


class Book:
    """Adds up the rows of a ledger."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], Fraction] = defaultdict(Fraction)

    def add(self, rows: list[IndexedLedger]) -> None:
        for row in rows:
            for change in row.record.changes:
                key = row.account, change.asset
                assert int(change.amount)
                self.totals[key] += Fraction(int(change.amount), 10**change.decimals)
                assert self.totals[key] == Fraction(change.total, 10**change.decimals)

    def check(self, account: str, balance: Balance) -> None:
        assert self.totals[account, balance.asset] == Fraction(balance.total, 10**balance.decimals)


class LedgerTrading(Trading):
    """The same trading, with its journal projected as it grows."""

    @initialize()
    def begin_ledger(self) -> None:
        self.projection = projection()
        self.projected = 0
        self.book = Book()
        self.closed: dict[int, str] = {}
        self.filled: list[tuple[int, str]] = []
        self.days: dict[tuple[str, int, str], list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 2)
        self.fees: dict[tuple[str, str], Fraction] = defaultdict(Fraction)

    def project(self) -> None:
        new = self.journal[self.projected :]
        entries = [msgspec.msgpack.decode(row, type=AccountEntry) for row in new]
        rows = self.projection.rows(record(n, entry) for n, entry in enumerate(entries, self.projected + 1))
        self.projected += len(new)
        self.book.add(rows.ledger)
        self.closed.update((row.order_id, row.state) for row in rows.orders)
        self.filled += [(row.fill_id, row.account) for row in rows.fills]
        assert {n for n, _ in rows.records} == {one.n for one in rows.orders} | {one.n for one in rows.fills}
        for day in rows.days:
            self.days[day.account, day.day, day.asset][0] += Fraction(day.turnover, 10**day.decimals)
            self.days[day.account, day.day, day.asset][1] += Fraction(day.fees, 10**day.decimals)
        for row in rows.ledger:
            for change in row.record.changes:
                if change.cause == "fee":
                    self.fees[row.account, change.asset] -= Fraction(int(change.amount), 10**change.decimals)

    @invariant()
    def the_ledger_adds_up_to_balances_and_positions(self) -> None:
        if not hasattr(self, "projection"):
            return
        self.project()
        for account in self.order_manager.accounts():
            for balance in self.order_manager.balances(account):
                self.book.check(account, balance)
            for position in self.order_manager.positions(account):
                quantity = Fraction(position.quantity, 10**position.base_decimals)
                assert self.book.totals[account, "BTC"] == quantity
            paid = sum(
                days[1] for (name, _, asset), days in self.days.items() if (name, asset) == (account, "USDT")
            )
            assert paid == self.fees[account, "USDT"]

    @invariant()
    def every_closed_order_and_every_fill_is_a_row(self) -> None:
        if not hasattr(self, "projection"):
            return
        self.project()
        manager = self.order_manager
        known = manager._accounts.orders.values()
        assert self.closed == {order.order_id: order.state for order in known if not order.is_open}
        fills = sorted((fill.fill_id, name) for name in manager.accounts() for fill in manager.fills(name))
        assert self.filled == fills


TestLedgerTrading = LedgerTrading.TestCase
TestLedgerTrading.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


@pytest.mark.slow
def test_long_trading() -> None:
    many = settings(
        max_examples=200, stateful_step_count=100, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(LedgerTrading, settings=many)


def entries(*events: AccountEvent) -> list[JournalRecord]:
    return [record(n, AccountEntry(event, Seqs(fills=n))) for n, event in enumerate(events, 1)]


def told(row: IndexedLedger) -> list[tuple[str, str, int, int]]:
    return [(change.asset, change.cause, int(change.amount), change.total) for change in row.record.changes]


def fill(fee: int, fee_asset: str, quote: int, base: int, third: Balance | None) -> OrderFilled:
    ticket = OrderTicket("ann", "c", "v:X-Y", "buy", "limit", 2, None, 5)
    order = Order(7, ticket, "k", 2, 5, "filled", 10, 20)
    balances = Balance("v:Y", quote, 0, 1), Balance("v:X", base, 0, 0)
    position = Position("v:X-Y", base, 2, 10, 0, 0, 1)
    return OrderFilled(
        "ann", order, 3, "t", 5, 2, "maker", fee, balances, position, DAY_US + 20, "e", fee_asset, third
    )


@pytest.mark.parametrize(
    ("filled", "changes", "days"),
    [
        (fill(1, "v:Y", 899, 2, None),
         [("v:Y", "fill", -100, 900), ("v:Y", "fee", -1, 899), ("v:X", "fill", 2, 2)],
         {"v:Y": (100, 1, 1)}),
        (fill(-1, "v:Y", 901, 2, None),
         [("v:Y", "fill", -100, 900), ("v:Y", "fee", 1, 901), ("v:X", "fill", 2, 2)],
         {"v:Y": (100, -1, 1)}),
        (fill(1, "v:X", 900, 1, None),
         [("v:Y", "fill", -100, 900), ("v:X", "fill", 2, 2), ("v:X", "fee", -1, 1)],
         {"v:Y": (100, 0, 1), "v:X": (0, 1, 0)}),
        (fill(4, "v:BNB", 900, 2, Balance("v:BNB", -4, 0, 3)),
         [("v:Y", "fill", -100, 900), ("v:X", "fill", 2, 2), ("v:BNB", "fee", -4, -4)],
         {"v:Y": (100, 0, 1), "v:BNB": (0, 4, 0)}),
    ],
)  # fmt: skip
def test_a_fee_is_told_apart_whatever_it_is_paid_in(
    filled: OrderFilled, changes: list[tuple[str, str, int, int]], days: dict[str, tuple[int, int, int]]
) -> None:
    rows = projection().rows(entries(Deposited("ann", 1, 1_000, Balance("v:Y", 1_000, 0, 1), 5), filled))
    assert [told(row) for row in rows.ledger] == [[("v:Y", "deposit", 1_000, 1_000)], changes]
    assert {row.asset: (row.turnover, row.fees, row.fills) for row in rows.days} == days
    assert {row.day for row in rows.days} == {1}
    assert [(row.order_id, row.state, row.created_us) for row in rows.orders] == [(7, "filled", 10)]


def test_coarser_units_round_each_balance_down() -> None:
    deposits = [
        Deposited("ann", 1, 1_234, Balance("v:Y", 1_234, 0, 3), 5),
        Deposited("bob", 2, 2_000, Balance("v:Y", 2_000, 0, 3), 5),
    ]
    later = Deposited("ann", 3, 1, Balance("v:Y", 13, 0, 1), 7)
    rows = projection().rows(entries(*deposits, Coarsened((("v:Y", 1),), (), 6), later))
    assert [told(row) for row in rows.ledger[2:]] == [
        [("v:Y", "rounding", -34, 1_200)],
        [("v:Y", "deposit", 1, 13)],
    ]


def test_balances_of_an_earlier_version_move_to_their_venues() -> None:
    moved = Identified((), (("ann", (Balance("a:Y", 600, 0, 8), Balance("b:Y", 400, 0, 8))),), 6)
    rows = projection().rows(entries(Deposited("ann", 1, 1_000, Balance("Y", 1_000, 0, 8), 5), moved))
    assert told(rows.ledger[1]) == [
        ("Y", "conversion", -1_000, 0),
        ("a:Y", "conversion", 600, 600),
        ("b:Y", "conversion", 400, 400),
    ]


def test_it_goes_on_from_kept_balances_and_its_latest_date() -> None:
    first = projection()
    kept = first.rows(entries(Deposited("ann", 1, 9, Balance("v:Y", 9, 0, 2), 50))).balances
    again = AccountHistoryProjection(decode_entry, lambda entry: entry, kept, first.at_us)
    rows = again.rows(entries(Deposited("ann", 2, 1, Balance("v:Y", 1_000, 0, 4), 40)))
    assert told(rows.ledger[0]) == [("v:Y", "deposit", 100, 1_000)]
    assert (rows.ledger[0].at_us, rows.ledger[0].record.ts_us) == (50, 40)


def test_a_balance_that_lost_records_changed_is_known_from_its_next_record_on() -> None:
    made = projection()
    made.rows(entries(Deposited("ann", 1, 1_000, Balance("v:Y", 1_000, 0, 1), 5)))
    made.skip()
    later = Deposited("ann", 2, 5, Balance("v:Y", 855, 0, 1), DAY_US + 30)
    rows = made.rows(entries(fill(4, "v:BNB", 850, 3, Balance("v:BNB", 60, 0, 3)), later))
    assert [told(row) for row in rows.ledger] == [
        [("v:BNB", "fee", -4, 60)],
        [("v:Y", "deposit", 5, 855)],
    ]
    assert {row.asset: (row.turnover, row.fees, row.fills) for row in rows.days} == {
        "v:Y": (0, 0, 1),
        "v:BNB": (0, 4, 0),
    }
    assert [row.fill_id for row in rows.fills] == [3]
    made.skip()
    assert made.rows(entries(fill(0, "v:Y", 700, 5, None))).ledger == []


def test_rows_of_a_day_in_two_units_are_one() -> None:
    made = projection()
    made._count("ann", Balance("v:Y", 0, 0, 1), 5, 1, 7, 1)
    made._count("ann", Balance("v:Y", 0, 0, 3), 6, 1, 5, 0)
    made._count("ann", Balance("v:Y", 0, 0, 1), 7, 1, 1, 0)
    assert [IndexedDay(*key, *numbers) for key, numbers in made._days.items()] == [
        IndexedDay("ann", 0, "v:Y", 3, 805, 100, 3)
    ]
