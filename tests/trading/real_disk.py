"""A real journal on a real disk, whose intents and commits wait or fail when the test says so.

``Moment`` keeps the journal's files as they are now, and puts them back: a process that is killed at that
moment leaves these.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from floorwire.storage import intent_file, journal_file
from floorwire.storage.journal import Journal, JournalEntry, OnWritten
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.trading.flaky import WAITING, Disk

WAITS_S = 60.0


class RealDisk(Disk):
    """What the journals of one folder do."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.holds_intents = False
        """Whether a block that is on the disk is told so only by ``release``."""
        self.fails_intents = False
        """Whether the disk reports an error for each block, though it may have it."""
        self.fails_commits = False
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.commits = 0
        """Commits that began."""
        self.intents: list[bytes] = []
        """All that were begun."""
        self.discarded = 0
        self.held: list[Callable[[], None]] = []
        self.journal: RealJournal | None = None

    def open(self) -> Journal:
        """Open the journal of the folder."""
        self.opened += 1
        self.journal = RealJournal(self)
        return self.journal

    def release(self) -> None:
        """Tell of all blocks that are on the disk."""
        held, self.held = self.held, []
        for tell in held:
            tell()

    async def until_held(self) -> None:
        """Wait until a block is on the disk."""
        async with asyncio.timeout(WAITS_S):
            while not self.held:
                await asyncio.sleep(0.001)

    async def until_committing(self, commits: int) -> None:
        """Wait until so many commits have begun."""
        async with asyncio.timeout(WAITS_S):
            while self.commits < commits:
                await asyncio.sleep(0.001)

    def block(self) -> bytes:
        """Return what ``journal.intent`` has."""
        return (self.folder / intent_file.FILE).read_bytes()

    def intent(self) -> bytes | None:
        """Return the intent that a start would find now."""
        return intent_file.decode(self.block(), self.last_n())

    def last_n(self) -> int:
        """Return the number of the last record on the disk."""
        for record in journal_file.read(self.folder, 0):
            last_n = record.n
        return last_n


class RealJournal(SqliteJournal):
    """The journal that the program uses, with a disk in the test's hands."""

    def __init__(self, disk: RealDisk) -> None:
        self._disk = disk
        super().__init__(disk.folder, WAITING)

    def write_intent(self, intent: bytes, on_written: OnWritten) -> bool:
        """Write it. Its end is told when the test says so."""
        disk = self._disk

        def told(is_written: bool) -> None:
            tell = partial(on_written, is_written and not disk.fails_intents)
            if disk.holds_intents:
                disk.held.append(tell)
            else:
                tell()

        if not super().write_intent(intent, told):
            return False
        disk.intents.append(intent)
        return True

    def discard_intent(self) -> None:
        self._disk.discarded += 1
        super().discard_intent()

    def _commit(self, entries: Sequence[JournalEntry], on_write: Callable[[], None]) -> None:
        """Wait until it may; then write it, or fail."""
        self._disk.commits += 1
        assert self._disk.may_commit.wait(WAITS_S)
        if self._disk.fails_commits:
            raise OSError(errno.EIO, "input/output error")
        super()._commit(entries, on_write)


class Moment:
    """The files of a folder, as they are now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def put_back(self) -> None:
        """Put them back, each into the same inode: the journal must not look like a copy."""
        for path in self._folder.iterdir():
            if path.name not in self.files:
                path.unlink()
        for name, content in self.files.items():
            path = self._folder / name
            if not path.exists() or path.read_bytes() != content:
                if not path.exists():
                    path.touch(0o600)
                with path.open("r+b") as file:
                    file.write(content)
                    file.truncate(len(content))
