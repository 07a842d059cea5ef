"""Deposits of the key store: each is credited once, also where the store is older than the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.auth.grant import Grant
from floorwire.auth.secret_sealer import SecretSealer
from floorwire.core.authorization import Scope
from floorwire.storage.key_store import KeyStore
from floorwire.trading.deposit_watcher import DepositWatcher

NOW = 1_800_000_000_000_000
GRANT = Grant("alice", (Scope.TRADE,))


class Journal:
    """What was credited. ``last_id``: the last deposit id that the journal knows, None before it is read."""

    def __init__(self, folder: Path, last_id: int | None = 0) -> None:
        self.keys = KeyStore(folder, SecretSealer(bytes(32)))
        self.last_id = last_id
        self.credited: list[tuple[str, int]] = []
        self.watcher = DepositWatcher(
            self.keys,
            lambda deposits: self.credited.extend((one.store, one.id) for one in deposits),
            lambda _store: self.last_id,
        )

    def deposit(self) -> tuple[str, int]:
        """Make a key with a deposit. Return the identity of the store, and the deposit's id."""
        self.keys.create(GRANT, {"USDT": "1"}, NOW)
        return self.keys.store()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


async def test_each_deposit_is_credited_once_and_in_order(journal: Journal) -> None:
    made = [journal.deposit(), journal.deposit()]
    journal.watcher.load()
    assert journal.credited == made
    await journal.watcher.poll()
    assert journal.credited == made, "none twice"
    made.append(journal.deposit())
    await journal.watcher.poll()
    assert journal.credited == made


async def test_a_store_older_than_the_journal_takes_another_identity(journal: Journal) -> None:
    before, last_id = journal.deposit()
    journal.last_id = last_id + 1
    journal.watcher.load()
    after, _ = journal.deposit()
    assert after != before
    await journal.watcher.poll()
    assert journal.credited == [(before, 1), (after, 2)]


async def test_a_store_is_compared_as_soon_as_the_journal_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, last_id=None)
    before, last_id = journal.deposit()
    journal.watcher.load()
    assert journal.keys.store()[0] == before, "nobody knows yet"
    journal.last_id = last_id + 1
    await journal.watcher.poll()
    after = journal.keys.store()[0]
    assert after != before
    await journal.watcher.poll()
    assert journal.keys.store()[0] == after, "once"


async def test_a_store_that_knows_as_much_as_the_journal_keeps_its_identity(journal: Journal) -> None:
    before, journal.last_id = journal.deposit()
    journal.watcher.load()
    await journal.watcher.poll()
    assert journal.keys.store()[0] == before
