"""Opens the journal that the settings ask for."""

from __future__ import annotations

from pathlib import Path

from floorwire.config import Settings
from floorwire.storage.journal import Journal
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.storage.journal_sqlite import SqliteJournal


def open_journal(settings: Settings) -> Journal:
    """Return the journal, ready to be read and appended to; blocks. Raises JournalError."""
    if settings.journal == "memory":
        return MemoryJournal(settings.storage.waiting_records, settings.storage.memory_records)
    return SqliteJournal(Path(settings.data), settings.storage.waiting_records)
