"""A process that appends until it is killed: ``python -m tests.storage.journal_child FOLDER``.

Prints the number of each commit's last record when it is durable.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from floorwire.storage.journal import JournalEntry, JournalError
from floorwire.storage.journal_sqlite import SqliteJournal

IN_FLIGHT = 16


def entry_of(n: int) -> JournalEntry:
    """Return the entry of record ``n``, which is always the same."""
    return JournalEntry(f"account {n % 7}", "order", n, b"%d," % n * (n % 50))


class Child:
    """Keeps ``IN_FLIGHT`` appends of different sizes in flight."""

    def __init__(self, folder: Path) -> None:
        self._journal = SqliteJournal(folder, 10_000)

    def append(self) -> None:
        """Append up to four records."""
        first_n = self._journal.last_n + 1
        self._journal.append(
            [entry_of(n) for n in range(first_n, first_n + 1 + first_n % 4)], self._on_durable
        )

    def _on_durable(self, error: JournalError | None) -> None:
        if error is not None:
            raise error
        os.write(1, b"%d\n" % self._journal.durable_n)
        self.append()


async def main() -> None:
    """Append for ever."""
    child = Child(Path(sys.argv[1]))
    for _ in range(IN_FLIGHT):
        child.append()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
