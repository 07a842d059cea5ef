"""What every journal promises."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from floorwire.config import Settings, StorageSettings
from floorwire.storage.data_dir import open_journal
from floorwire.storage.journal import (
    Journal,
    JournalBrokenError,
    JournalError,
    JournalFullError,
    JournalRecord,
    JournalSnapshot,
)
from tests.storage.journals import NOW, entries, entry, keep, numbers, outcome


@pytest.fixture(params=["sqlite", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    storage = StorageSettings(waiting_records=1_000)
    settings = Settings(data=str(tmp_path), journal=request.param, storage=storage)
    journal = open_journal(settings)
    yield journal
    journal.close()


async def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert (journal.last_n, journal.durable_n, journal.broken) == (0, 0, None)
    assert list(journal.read()) == []
    assert list(await journal.read_account("alice", 0, 10)) == []
    assert journal.latest_snapshot() is None


async def test_records_come_back_as_they_went_in(journal: Journal) -> None:
    assert journal.append([entry("alice", b"1"), entry("bob", b"\x00\xff", "fill")], lambda _: None) == 2
    await keep(journal, [entry("käthe", b"")])
    assert list(journal.read()) == [
        JournalRecord(1, "alice", "order", NOW, b"1"),
        JournalRecord(2, "bob", "fill", NOW, b"\x00\xff"),
        JournalRecord(3, "käthe", "order", NOW, b""),
    ]


async def test_numbers_count_up_without_a_hole_whatever_the_batches(journal: Journal) -> None:
    await keep(journal, entries(3), [], entries(1), entries(5))
    assert numbers(list(journal.read())) == list(range(1, 10))
    assert (journal.last_n, journal.durable_n) == (9, 9)


@pytest.mark.parametrize("after_n", range(10))
async def test_reading_starts_anywhere(journal: Journal, after_n: int) -> None:
    await keep(journal, entries(3), entries(1), entries(5))
    assert numbers(list(journal.read(after_n))) == list(range(after_n + 1, 10))


async def test_appenders_are_told_in_order_and_never_from_within(journal: Journal) -> None:
    told: list[tuple[int, JournalError | None]] = []

    def note(number: int, error: JournalError | None) -> None:
        told.append((number, error))

    for number in range(50):
        journal.append(entries(number % 3), partial(note, number))
    assert not told  # the loop has not run
    await keep(journal, [])
    assert told == [(number, None) for number in range(50)]


async def test_durable_n_moves_just_before_the_appender_is_told(journal: Journal) -> None:
    seen: list[int] = []
    for _ in range(3):
        journal.append(entries(2), lambda _: seen.append(journal.durable_n))
    assert (journal.last_n, journal.durable_n) == (6, 0)
    await keep(journal, [])
    assert seen == [2, 4, 6]


async def test_one_appender_that_raises_does_not_keep_the_others_from_being_told(journal: Journal) -> None:
    loop, faults = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: faults.append(str(context.get("exception"))))

    def fail(_: JournalError | None) -> None:
        raise ArithmeticError("mine")

    journal.append(entries(1), fail)
    journal.append(entries(1), fail)
    await keep(journal, entries(1))
    assert faults == ["mine", "mine"]
    assert journal.durable_n == 3
    await keep(journal, entries(1))


async def test_too_much_is_refused_as_a_whole_and_taken_later(journal: Journal) -> None:
    journal.append(entries(990), lambda _: None)
    journal.append(entries(11), lambda _: None)
    with pytest.raises(JournalFullError) as caught:
        journal.append(entries(1), lambda _: None)
    assert (caught.value.waiting, caught.value.limit, journal.last_n) == (1_001, 1_000, 1_001)
    await keep(journal, [])
    await keep(journal, entries(999))
    assert numbers(list(journal.read())) == list(range(1, 2_001))


async def test_more_than_may_wait_is_taken_at_once(journal: Journal) -> None:
    await keep(journal, entries(2_500))
    assert (journal.last_n, journal.durable_n) == (2_500, 2_500)


async def test_an_accounts_records_come_in_order_and_bounded(journal: Journal) -> None:
    await keep(journal, [entry("bob"), entry("alice"), entry("bob")], [entry("carol")], [entry("bob")])
    assert numbers(await journal.read_account("bob", 0, 10)) == [1, 3, 5]
    assert numbers(await journal.read_account("bob", 0, 2)) == [1, 3]
    assert numbers(await journal.read_account("bob", 1, 1)) == [3]
    assert numbers(await journal.read_account("bob", 3, 10)) == [5]
    assert numbers(await journal.read_account("alice", 0, 10)) == [2]
    assert numbers(await journal.read_account("dave", 0, 10)) == []


async def test_an_accounts_records_come_backwards_too(journal: Journal) -> None:
    await keep(journal, [entry("bob"), entry("alice"), entry("bob")], [entry("carol")], [entry("bob")])
    assert numbers(await journal.read_account("bob", 99, 10, back=True)) == [5, 3, 1]
    assert numbers(await journal.read_account("bob", 5, 10, back=True)) == [3, 1]
    assert numbers(await journal.read_account("bob", 5, 1, back=True)) == [3]
    assert numbers(await journal.read_account("bob", 3, 10, back=True)) == [1]
    assert numbers(await journal.read_account("alice", 3, 10, back=True)) == [2]
    for account, n in (("bob", 1), ("bob", 0), ("alice", 2), ("dave", 99)):
        assert numbers(await journal.read_account(account, n, 10, back=True)) == []


async def test_going_back_meets_exactly_what_going_on_does(journal: Journal) -> None:
    chance = random.Random(5)
    for _ in range(40):
        await keep(journal, [entry(chance.choice("abc")) for _ in range(chance.randrange(6))])
    for account in "abc":
        mine = numbers(await journal.read_account(account, 0, 1_000))
        for n in range(journal.last_n + 2):
            limit = chance.randrange(1, 9)
            older = await journal.read_account(account, n, limit, back=True)
            assert numbers(older) == [one for one in reversed(mine) if one < n][:limit]
            newer = await journal.read_account(account, n, limit)
            assert numbers(newer) == [one for one in mine if one > n][:limit]


async def test_an_account_reads_what_was_just_acknowledged(journal: Journal) -> None:
    for n in range(1, 21):
        await keep(journal, entries(1))
        (found,) = await journal.read_account("alice", n - 1, 5)
        assert found.n == n


async def test_a_snapshot_comes_back_and_the_latest_counts(journal: Journal) -> None:
    await keep(journal, entries(9))
    for n in (2, 9, 5):
        await journal.save_snapshot(JournalSnapshot(n, [b"state %d" % n]))
    assert journal.latest_snapshot() == JournalSnapshot(9, [b"state 9"])


async def test_a_snapshot_of_what_is_not_durable_is_refused(journal: Journal) -> None:
    journal.append(entries(1), lambda _: None)
    with pytest.raises(ValueError, match="durable is only 0"):
        await journal.save_snapshot(JournalSnapshot(1, ()))


async def test_a_closed_journal_takes_nothing_and_closes_again(journal: Journal) -> None:
    told: list[JournalError | None] = []
    journal.append(entries(2), told.append)
    journal.close()
    journal.close()
    with pytest.raises(JournalBrokenError, match="closed"):
        journal.append(entries(1), told.append)
    await asyncio.sleep(0.01)
    assert told == [None]
    assert journal.durable_n == 2


async def test_no_entries_wait_for_those_before(journal: Journal) -> None:
    told: list[str] = []
    journal.append(entries(500), lambda _: told.append("entries"))
    assert await outcome(journal, []) is None
    assert told == ["entries"]
