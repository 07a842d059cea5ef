from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.storage import journal_rows
from floorwire.storage.journal import JournalCorruptError, JournalEntry
from tests.storage.journals import entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ENTRIES = st.lists(
    st.builds(JournalEntry, TEXT, TEXT, st.integers(0, 2**53), st.binary(max_size=40)), min_size=1, max_size=8
)


@given(st.lists(ENTRIES, max_size=5))
def test_rows_give_back_their_records(batches: list[list[JournalEntry]]) -> None:
    n, chain = 0, journal_rows.ORIGIN
    for batch in batches:
        row = journal_rows.make(n + 1, batch, chain)
        found = list(journal_rows.records_of(row, n, chain))
        assert [record.n for record in found] == list(range(n + 1, row.last_n + 1))
        assert [JournalEntry(r.account, r.kind, r.ts_us, r.payload) for r in found] == batch
        n, chain = row.last_n, row.chain


@pytest.mark.parametrize(
    "change",
    [
        {"last_n": 7},
        {"accounts": '["bob"]'},
        {"records": journal_rows.make(3, [entry("bob")], journal_rows.ORIGIN).records},
        {"chain": bytes(16)},
    ],
)
def test_any_change_is_found(change: dict[str, int | str | bytes]) -> None:
    row = journal_rows.make(3, [entry()], journal_rows.ORIGIN)
    with pytest.raises(JournalCorruptError, match="changed") as caught:
        journal_rows.records_of(row._replace(**change), 2, journal_rows.ORIGIN)  # type: ignore[arg-type]
    assert caught.value.good_n == 2


def test_a_row_in_anothers_place_is_found() -> None:
    first = journal_rows.make(1, [entry()], journal_rows.ORIGIN)
    second = journal_rows.make(2, [entry()], first.chain)
    third = journal_rows.make(3, [entry()], second.chain)
    with pytest.raises(JournalCorruptError, match="starts with record 3"):
        journal_rows.records_of(third, 1, first.chain)
    with pytest.raises(JournalCorruptError, match="changed"):
        journal_rows.records_of(third, 2, first.chain)
