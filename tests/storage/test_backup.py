"""Archives of data folders: what is in them, and what is refused."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage import backup
from floorwire.storage.audit_log import AuditEntry, append
from floorwire.storage.backup import BackupError, back_up, restore
from floorwire.storage.data_dir import DataDir
from floorwire.storage.journal import JournalSnapshot
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journals import NOW, entry, keep


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a key, a deposit, five records, a snapshot and an audit log."""
    folder = tmp_path / "data"
    data_dir = DataDir(folder, {})
    data_dir.keys.create(Grant("alice", (Scope.MARKET,)), {"USDT": "100"}, NOW)
    append(data_dir.audit_path, [AuditEntry(ts=NOW, event="keys.create")])
    with closing(SqliteJournal(folder, 100)) as journal:
        asyncio.run(fill(journal))
    return folder


async def fill(journal: SqliteJournal) -> None:
    for number in range(5):
        await keep(journal, [entry("alice", str(number).encode())])
    await journal.save_snapshot(JournalSnapshot(4, [b"state"]))


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def changed(archive: Path, name: str, content: bytes) -> None:
    """Put the file into the archive instead of the one with its name, or besides."""
    with tarfile.open(archive) as tar:
        kept = {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}  # type: ignore[union-attr]
    kept[name] = content
    with tarfile.open(archive, "w") as tar:
        for each, data in kept.items():
            member = tarfile.TarInfo(each)
            member.size = len(data)
            tar.addfile(member, BytesIO(data))


def test_all_comes_back_but_the_mark_and_the_master_key(folder: Path, tmp_path: Path) -> None:
    archive, other = tmp_path / "a.tar", tmp_path / "other"
    made = back_up(folder, archive, NOW)
    assert (made.records, archive.stat().st_mode & 0o077) == (5, 0)
    snapshot = f"snapshot-{4:020d}"
    assert sorted(names(archive)) == ["audit.jsonl", "backup.json", "journal.db", "keys.db", snapshot]
    assert restore(archive, other) == made
    assert sorted(path.name for path in other.iterdir()) == ["audit.jsonl", "journal.db", "keys.db", snapshot]
    (other / "master.key").write_bytes((folder / "master.key").read_bytes())
    (other / "master.key").chmod(0o600)
    assert [key.grant for key in DataDir(other, {}).keys.list_keys()] == [
        key.grant for key in DataDir(folder, {}).keys.list_keys()
    ]
    assert DataDir(other, {}).keys.deposits() == DataDir(folder, {}).keys.deposits()
    with closing(SqliteJournal(other, 100)) as journal, closing(SqliteJournal(folder, 100)) as source:
        assert list(journal.read()) == list(source.read())
        assert (journal.is_restored, source.is_restored) == (True, False)
        asyncio.run(keep(journal, [entry("alice", b"more")]))
    with closing(SqliteJournal(other, 100)) as journal:
        assert (journal.is_restored, journal.last_n) == (False, 6)


def test_it_goes_beside_a_writer(folder: Path, tmp_path: Path) -> None:
    with closing(SqliteJournal(folder, 100)) as journal:
        asyncio.run(keep(journal, [entry("alice", b"open")]))
        assert back_up(folder, tmp_path / "a.tar", NOW).records == 6
    assert restore(tmp_path / "a.tar", tmp_path / "other").records == 6


def test_an_older_archive_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "a.tar", NOW)
    before = (tmp_path / "a.tar").read_bytes()
    with pytest.raises(BackupError, match="there already"):
        back_up(folder, tmp_path / "a.tar", NOW)
    assert (tmp_path / "a.tar").read_bytes() == before


def test_a_folder_with_data_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "a.tar", NOW)
    with pytest.raises(BackupError, match="not empty"):
        restore(tmp_path / "a.tar", folder)
    with pytest.raises(BackupError, match="no data folder"):
        back_up(tmp_path / "nothing", tmp_path / "b.tar", NOW)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("keys.db", b"other", "damaged: keys.db is not as"),
        ("snapshot-00000000000000000009", b"more", "damaged: snapshot-00000000000000000009 is not as"),
        ("../../etc/passwd", b"root", "in no backup"),
        ("journal.mark", bytes(16), "in no backup"),
        (backup.MANIFEST, b"{}", "damaged: backup.json is not as"),
    ],
)
def test_what_is_not_as_it_was_is_refused(
    folder: Path, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    archive = tmp_path / "a.tar"
    back_up(folder, archive, NOW)
    changed(archive, name, content)
    with pytest.raises(BackupError, match=why):
        restore(archive, tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


def test_half_an_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    back_up(folder, archive, NOW)
    whole = archive.read_bytes()
    for end in range(0, len(whole) - 10_240, 4_096):
        archive.write_bytes(whole[:end])
        with pytest.raises(BackupError):
            restore(archive, tmp_path / "other")
        assert list((tmp_path / "other").iterdir()) == []


def test_an_archive_that_has_no_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    (tmp_path / "device.tar").symlink_to("/dev/null")
    for name in ("pipe.tar", "device.tar"):
        with pytest.raises(BackupError, match=rf"{name}: not a regular file"):
            restore(tmp_path / name, tmp_path / "other")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_archive_is_no_backup_because_it_may_be_a_bomb(
    folder: Path, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    back_up(folder, tmp_path / "a.tar", NOW)
    (tmp_path / "packed").write_bytes(pack((tmp_path / "a.tar").read_bytes()))
    with pytest.raises(BackupError, match="not a backup"):
        restore(tmp_path / "packed", tmp_path / "other")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_huge_text_before_a_member_is_not_read_into_memory(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, 1 << 40
    archive = tmp_path / "a.tar"
    archive.write_bytes(member.tobuf(tarfile.GNU_FORMAT))
    os.truncate(archive, (1 << 40) + 1024)
    with pytest.raises(BackupError, match="is in no backup"):
        restore(archive, tmp_path / "other")


def test_a_sparse_member_which_is_larger_than_its_archive_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("journal.db")
    member.pax_headers = {
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(1 << 40),
        "GNU.sparse.numblocks": "1",
    }
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member)
    with pytest.raises(BackupError, match=r"'journal\.db' is in no backup"):
        restore(archive, tmp_path / "other")


def test_a_huge_manifest_is_not_read(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "a.tar", NOW)
    changed(tmp_path / "a.tar", "backup.json", b" " * (backup.MANIFEST_BYTES + 1))
    with pytest.raises(BackupError, match="is damaged"):
        restore(tmp_path / "a.tar", tmp_path / "other")
