"""Repair: the records before the damage become the journal. The damaged files are kept elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec

from floorwire.storage import high_water_mark, intent_file, journal_file, journal_rows
from floorwire.storage.journal import JournalCorruptError, JournalEntry, JournalRecord
from floorwire.storage.journal_inspection import last_known, read, verify
from floorwire.storage.journal_snapshots import PREFIX, is_snapshot

ROW_RECORDS = 1_000
_DRAFT = "repaired"


class RepairResult(msgspec.Struct, frozen=True):
    """What a repair did.

    ``kept_n``: the last record that was kept. ``lost``: the records that are known to be lost, and the
    damage. ``damaged``: the folder of the damaged files.
    """

    kept_n: int
    lost: str
    damaged: Path


def repair(folder: Path, wall_us: int, kept: Callable[[JournalRecord], JournalEntry]) -> RepairResult | None:
    """Keep the records before the damage. Return None, and change nothing, where there is no damage.

    ``kept`` returns the new journal's entry for a record. No server may have the journal open. Raises
    JournalLockedError, JournalUnusableError.
    """
    with closing(journal_file.lock(folder)):
        try:
            verify(folder)
        except JournalCorruptError as damage:
            return _repair(folder, damage, folder / f"damaged-{wall_us}", kept)
    return None


def _repair(
    folder: Path, damage: JournalCorruptError, damaged: Path, kept: Callable[[JournalRecord], JournalEntry]
) -> RepairResult:
    draft = folder / _DRAFT
    with journal_file.journal_errors(folder):
        last_n = last_known(folder)
        draft.mkdir(mode=0o700, exist_ok=True)
        for left in draft.iterdir():
            left.unlink()
        kept_n = _write(draft, map(kept, _verified(folder)))
        damaged.mkdir(mode=0o700)
        for path in _replaced(folder, kept_n):
            path.rename(damaged / path.name)
        (draft / journal_file.FILE).rename(folder / journal_file.FILE)
        draft.rmdir()
    return RepairResult(kept_n, _lost(kept_n, last_n, damage.what), damaged)


def _lost(kept_n: int, last_n: int, cause: str) -> str:
    """Return which records are lost, and why. All that come after the damage are."""
    records = f"records {kept_n + 1} to {last_n}"
    return cause if last_n <= kept_n or cause.startswith(records) else f"{records}: {cause}"


def _verified(folder: Path) -> Iterator[JournalRecord]:
    try:
        yield from read(folder)
    except JournalCorruptError:
        return


def _write(draft: Path, entries: Iterable[JournalEntry]) -> int:
    """Write a new journal of these entries; return the number of the last record."""
    n, chain = 0, journal_rows.ORIGIN
    found = iter(entries)
    with closing(journal_file.connect(draft)) as connection:
        while batch := list(islice(found, ROW_RECORDS)):
            row = journal_rows.make(n + 1, batch, chain)
            connection.execute(journal_file.INSERT, row)
            n, chain = row.last_n, row.chain
    return n


def _replaced(folder: Path, kept_n: int) -> list[Path]:
    """Return the files of the damaged journal and the snapshots of lost records; the high-water mark last.

    The mark goes last: while it is there, an opening after an interrupted repair still reports the loss.
    """
    snapshots = [
        path
        for path in folder.glob(PREFIX + "[0-9]*")
        if is_snapshot(path.name) and int(path.name.removeprefix(PREFIX)) > kept_n
    ]
    files = [journal_file.FILE + end for end in ("", "-wal", "-shm", "-wal.damaged")]
    names = [*files, intent_file.FILE, high_water_mark.FILE]
    return [*snapshots, *(path for name in names if (path := folder / name).exists())]
