from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.storage import rows
from floorwire.storage.journal import Entry, JournalCorruptError
from tests.storage.journals import entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ENTRIES = st.lists(
    st.builds(Entry, TEXT, TEXT, st.integers(0, 2**53), st.binary(max_size=40)), min_size=1, max_size=8
)


@given(st.lists(ENTRIES, max_size=5))
def test_rows_give_back_their_records(batches: list[list[Entry]]) -> None:
    n, chain = 0, rows.ORIGIN
    for batch in batches:
        row = rows.make(n + 1, batch, chain)
        found = list(rows.records_of(row, n, chain))
        assert [record.n for record in found] == list(range(n + 1, row.last_n + 1))
        assert [Entry(r.account, r.kind, r.ts_us, r.payload) for r in found] == batch
        n, chain = row.last_n, row.chain


@pytest.mark.parametrize(
    "change",
    [
        {"last_n": 7},
        {"accounts": '["bob"]'},
        {"records": rows.make(3, [entry("bob")], rows.ORIGIN).records},
        {"chain": bytes(16)},
    ],
)
def test_any_change_is_found(change: dict[str, int | str | bytes]) -> None:
    row = rows.make(3, [entry()], rows.ORIGIN)
    with pytest.raises(JournalCorruptError, match="changed") as caught:
        rows.records_of(row._replace(**change), 2, rows.ORIGIN)  # type: ignore[arg-type]
    assert caught.value.good_n == 2


def test_a_row_in_anothers_place_is_found() -> None:
    first = rows.make(1, [entry()], rows.ORIGIN)
    second = rows.make(2, [entry()], first.chain)
    third = rows.make(3, [entry()], second.chain)
    with pytest.raises(JournalCorruptError, match="starts with record 3"):
        rows.records_of(third, 1, first.chain)
    with pytest.raises(JournalCorruptError, match="changed"):
        rows.records_of(third, 2, first.chain)
