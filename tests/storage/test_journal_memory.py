from __future__ import annotations

import pytest

from floorwire.storage.journal import ForgottenError
from floorwire.storage.journal_memory import MemoryJournal
from tests.storage.journals import entries, entry, keep, numbers


async def test_only_the_latest_are_kept_and_a_hole_is_never_silent() -> None:
    journal = MemoryJournal(max_waiting=100, max_kept=4)
    await keep(journal, entries(3), [entry("bob"), *entries(3)])
    assert journal.first_n == 4
    assert numbers(list(journal.read(3))) == [4, 5, 6, 7]
    assert numbers(await journal.read_account("alice", 3, 10)) == [5, 6, 7]
    assert numbers(await journal.read_account("bob", 3, 10)) == [4]
    with pytest.raises(ForgottenError) as caught:
        list(journal.read(2))
    assert (caught.value.n, caught.value.first_n) == (2, 4)
    with pytest.raises(ForgottenError):
        await journal.read_account("bob", 0, 10)


async def test_going_back_tells_where_the_memory_ends() -> None:
    journal = MemoryJournal(max_waiting=100, max_kept=4)
    await keep(journal, entries(3), [entry("bob"), *entries(3)])
    assert numbers(await journal.read_account("alice", 7, 2, back=True)) == [6, 5]
    assert numbers(await journal.read_account("alice", 7, 9, back=True)) == [6, 5]
    for account, n in (("alice", 5), ("alice", 2), ("bob", 4), ("carol", 8)):
        with pytest.raises(ForgottenError) as caught:
            await journal.read_account(account, n, 9, back=True)
        assert (caught.value.n, caught.value.first_n) == (n, 4)


async def test_accounts_without_kept_records_cost_nothing() -> None:
    journal = MemoryJournal(max_waiting=100, max_kept=10)
    for number in range(50):
        await keep(journal, [entry(f"account {number}")])
    assert len(journal._by_account) == 10
    assert numbers(await journal.read_account("account 3", 40, 10)) == []
