"""Catching up: exactly what was missed, or the word that it is not kept any more."""

from __future__ import annotations

import pytest

from floorwire.core.account_events import CHANNELS, PrivateChannel
from floorwire.storage.journal import ForgottenError
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.trading import private_resume
from floorwire.trading.private_event_mapping import seq_of
from tests.trading.random_history import RandomHistory


@pytest.mark.parametrize("channel", ["orders", "fills", "balances", "positions"])
@pytest.mark.parametrize("kept", range(30, 50))
async def test_what_memory_has_forgotten_is_never_made_up(channel: PrivateChannel, kept: int) -> None:
    journal, history = MemoryJournal(1_000, kept), RandomHistory(kept, 0.2)
    await history.append_to(journal, 20)
    now = seq_of(history.seqs["alice"], channel)
    told = forgotten = 0
    for seq in range(now + 1):
        try:
            entries = [entry async for entry in private_resume.entries_after(journal, "alice", channel, seq)]
        except ForgottenError:
            forgotten += 1
            continue
        told += 1
        assert all(channel in CHANNELS[type(entry.event)] for entry in entries)
        assert [seq_of(entry.seqs, channel) for entry in entries] == list(range(seq + 1, now + 1))
    assert told
    assert forgotten
