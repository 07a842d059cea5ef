"""The index of the account history: every page is what sorting and filtering all rows gives."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorwire.config import Settings
from floorwire.storage import account_history_index
from floorwire.storage.account_history_index import AccountHistoryIndex, HistoryQuery
from floorwire.storage.account_history_rows import (
    BalanceChange,
    IndexedBalance,
    IndexedDay,
    IndexedFill,
    IndexedLedger,
    IndexedOrder,
    IndexedRows,
    LedgerRecord,
)
from floorwire.storage.data_dir import open_history

ACCOUNTS = ("ann", "bob")
SYMBOLS = ("a:X-Y", "a:Z-Y", "b:X-Y")
STATES = ("filled", "cancelled", "rejected")
NOTHING = IndexedRows([], [], [], [], [], [])


def order(order_id: int, created_us: int, account: str = "ann", symbol: str = SYMBOLS[0]) -> IndexedOrder:
    return IndexedOrder(order_id, account, symbol, STATES[order_id % 3], created_us, 1_000 + order_id)


def rows_of(orders: list[IndexedOrder]) -> IndexedRows:
    records = [(row.n, b"%d" % row.order_id) for row in orders]
    return msgspec.structs.replace(NOTHING, records=records, orders=orders)


def paged(index: AccountHistoryIndex, query: HistoryQuery) -> list[int]:
    """Return the ids of all pages."""
    found: list[int] = []
    while True:
        page = index.orders(query)
        assert len(page.rows) <= query.limit
        assert all(row.payload == b"%d" % row.id for row in page.rows)
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        query = msgspec.structs.replace(query, before=page.next)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), times=st.lists(st.integers(0, 12), max_size=40))
def test_pages_are_what_sorting_gives(
    monkeypatch: pytest.MonkeyPatch, data: st.DataObject, times: list[int]
) -> None:
    monkeypatch.setattr(account_history_index, "EXAMINED", data.draw(st.integers(1, 30)))
    index = AccountHistoryIndex(None)
    orders = [
        order(number, at, data.draw(st.sampled_from(ACCOUNTS)), data.draw(st.sampled_from(SYMBOLS)))
        for number, at in enumerate(times, 1)
    ]
    index.add(rows_of(orders), len(times), b"d", 1)
    seen = data.draw(st.none() | st.frozensets(st.sampled_from(SYMBOLS)))
    query = HistoryQuery(
        "ann",
        data.draw(st.integers(1, 7)),
        from_us=data.draw(st.integers(0, 6)),
        to_us=data.draw(st.none() | st.integers(4, 13)),
        symbol=data.draw(st.none() | st.sampled_from((*SYMBOLS, "no-such"))),
        sees=None if seen is None else seen.__contains__,
        states=data.draw(st.none() | st.sets(st.sampled_from(STATES), min_size=1).map(tuple)),
    )
    wanted = [
        row.order_id
        for row in sorted(orders, key=lambda row: (row.created_us, row.order_id), reverse=True)
        if row.account == "ann"
        and query.from_us <= row.created_us < (99 if query.to_us is None else query.to_us)
        and query.symbol in (None, row.symbol)
        and (query.symbol is not None or seen is None or row.symbol in seen)
        and (query.states is None or row.state in query.states)
    ]
    assert paged(index, query) == wanted
    index.close()


def test_a_page_examines_a_limited_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_history_index, "EXAMINED", 10)
    index = AccountHistoryIndex(None)
    index.add(rows_of([order(number * 3, number) for number in range(1, 31)]), 30, b"", 1)
    page = index.orders(HistoryQuery("ann", 5, states=("rejected",)))
    assert (list(page.rows), page.next) == ([], (20, 60))


def test_a_narrow_key_sees_only_its_symbols_even_where_it_names_one() -> None:
    """The handler refuses the symbol before that; the index does not mix the two conditions up."""
    index = AccountHistoryIndex(None)
    index.add(rows_of([order(1, 1), order(2, 2, symbol=SYMBOLS[1])]), 2, b"", 1)
    page = index.orders(HistoryQuery("ann", 5, sees=lambda symbol: symbol == SYMBOLS[1]))
    assert [row.id for row in page.rows] == [2]


def test_what_was_added_is_there_after_a_kill(tmp_path: Path) -> None:
    killed = AccountHistoryIndex(tmp_path)
    killed.add(rows_of([order(1, 5)]), 17, b"\x07", 99)
    again = AccountHistoryIndex(tmp_path)  # the first was not closed: its process is gone
    assert (again.last_n, again.digest, again.at_us) == (17, b"\x07", 99)
    assert paged(again, HistoryQuery("ann", 5)) == [1]
    again.close()
    killed.close()


@pytest.mark.parametrize("is_closed", [True, False])
def test_after_a_crash_of_the_machine_it_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_closed: bool
) -> None:
    boot_id = tmp_path / "boot_id"
    boot_id.write_text("one")
    monkeypatch.setattr(account_history_index, "BOOT_ID", boot_id)
    index = AccountHistoryIndex(tmp_path)
    index.add(rows_of([order(1, 5)]), 17, b"\x07", 99)
    if is_closed:
        index.close()
    boot_id.write_text("two")
    again = AccountHistoryIndex(tmp_path)
    assert again.last_n == (17 if is_closed else 0)
    assert paged(again, HistoryQuery("ann", 5)) == ([1] if is_closed else [])
    again.close()


def test_what_is_no_index_is_replaced(tmp_path: Path) -> None:
    (tmp_path / account_history_index.FILE).write_bytes(b"no database" * 1_000)
    (tmp_path / account_history_index.FILE).chmod(0o600)
    index = open_history(Settings(data=str(tmp_path)), is_new=False)
    assert index.last_n == 0
    index.add(rows_of([order(1, 5)]), 17, b"", 1)
    index.close()
    index = open_history(Settings(data=str(tmp_path)), is_new=True)
    assert index.last_n == 0
    index.close()


def test_a_part_is_added_whole_or_not_at_all() -> None:
    index = AccountHistoryIndex(None)
    index.add(rows_of([order(1, 5)]), 1, b"", 1)
    bad = msgspec.structs.replace(rows_of([order(2, 6)]), balances=[IndexedBalance("new", "Y", 1 << 70, 8)])
    with pytest.raises((OverflowError, sqlite3.Error)):
        index.add(bad, 2, b"", 1)
    assert (index.last_n, paged(index, HistoryQuery("ann", 5))) == (1, [1])
    index.add(rows_of([order(2, 6, account="new")]), 2, b"", 1)
    assert paged(index, HistoryQuery("new", 5)) == [2]


def test_days_add_up_in_the_finer_units() -> None:
    index = AccountHistoryIndex(None)
    for decimals, turnover in ((2, 150), (4, 10**30), (2, 7)):
        day = IndexedDay("ann", 20_000, "Y", decimals, turnover, 1, 1)
        index.add(msgspec.structs.replace(NOTHING, days=[day]), 1, b"", 1)
    assert index.days("ann", 20_000, 5) == [IndexedDay("ann", 20_000, "Y", 4, 10**30 + 15_700, 201, 3)]
    assert index.days("ann", 20_001, 5) == index.days("bob", 0, 5) == []


def test_fills_and_changes_are_found_by_any_number() -> None:
    index = AccountHistoryIndex(None)
    change = BalanceChange("Y", "fill", "5", 5, 8)
    fills = [
        IndexedFill(number, ACCOUNTS[number % 2], SYMBOLS[0], 10, number, number) for number in (3, 5, 8)
    ]
    ledger = [IndexedLedger(row.n, row.account, 10, LedgerRecord(10, (change,))) for row in fills]
    records = [(row.n, b"") for row in fills]
    index.add(msgspec.structs.replace(NOTHING, records=records, fills=fills, ledger=ledger), 9, b"", 10)
    for before in range(1, 12):
        place, older = (
            index.fill_place(before),
            [row.fill_id for row in reversed(fills) if row.fill_id < before],
        )
        own = [fill_id for fill_id in older if fill_id % 2]
        assert [row.id for row in index.fills(HistoryQuery("bob", 9, place)).rows] == own
        place = index.ledger_place("bob", before)
        assert [n for n, _ in index.ledger(HistoryQuery("bob", 9, place)).rows] == own
    assert index.first_fill("bob") == (3, 10)
    assert index.first_fill("nobody") is None


def test_in_memory_the_oldest_are_forgotten() -> None:
    index = AccountHistoryIndex(None, most_records=100)
    for number in range(1, 301):
        index.add(
            rows_of([IndexedOrder(number, "ann", SYMBOLS[0], "filled", number, number)]), number, b"", 1
        )
    kept = paged(index, HistoryQuery("ann", 50))
    assert kept == list(range(300, index.forgotten_n, -1))
    assert 100 <= len(kept) <= 111


def test_what_was_before_lost_records_is_forgotten_with_them() -> None:
    """Otherwise a page would have rows from both sides, and would not say that some are missing."""
    index = AccountHistoryIndex(None, most_records=100)

    def add(n: int) -> None:
        change = LedgerRecord(n, (BalanceChange("Y", "fill", "5", 5, 8),))
        rows = IndexedRows(
            [(n, b"")],
            [IndexedOrder(n, "ann", SYMBOLS[0], "filled", n, n)],
            [IndexedFill(n, "ann", SYMBOLS[0], n, n, n)],
            [IndexedLedger(n, "ann", n, change)],
            [],
            [IndexedBalance("ann", f"Y{n}", 5, 8)],
        )
        index.add(rows, n, b"", n)

    for n in (1, 2):
        add(n)
    index.skip(40)
    assert (index.last_n, index.forgotten_n, index.first_fill("ann")) == (40, 40, None)
    add(41)
    query = HistoryQuery("ann", 9)
    assert [row.id for row in index.orders(query).rows] == [41]
    assert [row.id for row in index.fills(query).rows] == [41]
    assert [n for n, _ in index.ledger(query).rows] == [41]
    assert [row.asset for row in index.balances()] == ["Y41"]
    assert index.first_fill("ann") == (41, 41)
