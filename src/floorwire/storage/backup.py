"""Backup and restore of a whole data folder as one archive. A server may run during a backup.

The archive is a tar file of consistent copies: first the snapshots, then the journal, then the keys and the
audit log. The order matters, because each file refers to later ones: a snapshot names a journal record,
and the journal names deposits and keys of ``keys.db``. ``backup.json`` is the last file and has a digest of
every other file. An archive without it was cut off.

The archive has neither the high-water mark nor the master key. Without the mark the restored journal gets a
new epoch and skips ids (``Journal.is_restored``). Without the master key nobody can read a secret from it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from floorwire.core.os_errors import sentence
from floorwire.storage import (
    audit_log,
    database,
    high_water_mark,
    journal_file,
    journal_inspection,
    master_key,
)
from floorwire.storage.journal import JournalError
from floorwire.storage.journal_snapshots import PREFIX, is_snapshot
from floorwire.storage.private_files import FILE_MODE, FOLDER_MODE, check_regular, private_folder, sync_folder

MANIFEST = "backup.json"
FORMAT = 1
ALLOWED = frozenset({journal_file.FILE, database.FILE, audit_log.FILE})
CHUNK_BYTES = 1 << 20
WAITS_S = 10.0
MANIFEST_BYTES = 1 << 16
HEADER_BYTES = 1 << 16
"""What stands before a member, such as a long name, has at most so many bytes. Ours has some hundred."""


class BackupError(Exception):
    """The folder cannot be backed up or restored. The message says why."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an archive holds.

    ``made_us``: when it was made (microseconds since 1970). ``records``: the journal's last record.
    ``files``: each file's SHA-256 digest, in hex.
    """

    format: int
    made_us: int
    records: int
    files: dict[str, str]


def back_up(folder: Path, archive: Path, now_us: int) -> Manifest:
    """Write the folder's contents to a new archive, whole or not at all. Raises BackupError."""
    if archive.exists():
        raise BackupError(f"{archive} is there already")
    if not (folder / database.FILE).exists():
        raise BackupError(f"{folder}: there is no data folder")
    if not archive.parent.is_dir():
        raise BackupError(f"{archive.parent}: there is no such folder")
    draft = archive.with_name(f".{archive.name}.part")
    with _backup_errors(), tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent) as name:
        copies = Path(name)
        _copy_snapshots(folder, copies)
        if (folder / journal_file.FILE).exists():
            _copy_database(folder / journal_file.FILE, copies / journal_file.FILE)
        _copy_database(folder / database.FILE, copies / database.FILE)
        _copy_lines(folder / audit_log.FILE, copies / audit_log.FILE)
        manifest = Manifest(FORMAT, now_us, _verified(copies), _digests(copies))
        (copies / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        try:
            _pack(copies, [*manifest.files, MANIFEST], draft)
            draft.replace(archive)
        finally:
            draft.unlink(missing_ok=True)
    return manifest


def restore(archive: Path, folder: Path) -> Manifest:
    """Make a data folder from an archive. Raises BackupError.

    The folder must be empty, except for a master key.
    """
    with _backup_errors():
        private_folder(folder)
        taken = sorted(path.name for path in folder.iterdir() if path.name != master_key.FILE)
        if taken:
            raise BackupError(f"{folder} is not empty ({taken[0]}): restore into another folder")
        draft = folder / ".restoring"
        draft.mkdir(mode=FOLDER_MODE)
        try:
            manifest = _unpacked(archive, draft)
            for name in sorted(manifest.files, key=lambda name: name == database.FILE):
                (draft / name).rename(
                    folder / name
                )  # the keys last: a folder without them is not used as one
            sync_folder(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return manifest


def master_fingerprint(folder: Path) -> bytes:
    """Return the fingerprint of the master key that sealed the folder's keys. Raises BackupError."""
    with _backup_errors(), closing(_connect_to_read(folder / database.FILE)) as rows:
        found = rows.execute("SELECT value FROM meta WHERE name = 'master'").fetchone()
    return b"" if found is None else bytes(found[0])


def _unpacked(archive: Path, draft: Path) -> Manifest:
    """Unpack the archive and check it: every file's digest, and every record."""
    check_regular(archive.stat(), archive)  # a device has no end, and a pipe is waited for
    with archive.open("rb") as file:
        _check_headers(file, archive)
        file.seek(0)
        _unpack(file, archive, draft)
    if not (draft / MANIFEST).exists():
        raise BackupError(f"{archive}: its end is missing")
    if (draft / MANIFEST).stat().st_size > MANIFEST_BYTES:
        raise BackupError(f"{archive} is damaged: {MANIFEST} is not as it was backed up")
    try:
        manifest = msgspec.json.decode((draft / MANIFEST).read_bytes(), type=Manifest)
    except msgspec.MsgspecError:
        raise BackupError(f"{archive} is damaged: {MANIFEST} is not as it was backed up") from None
    (draft / MANIFEST).unlink()
    if manifest.format != FORMAT:
        raise BackupError(f"{archive} was made by another version of Floorwire")
    found = _digests(draft)
    for name in sorted(found.keys() | manifest.files.keys()):
        if found.get(name) != manifest.files.get(name):
            raise BackupError(f"{archive} is damaged: {name} is not as it was backed up")
    if _verified(draft) != manifest.records:
        raise BackupError(f"{archive} is damaged: it should have {manifest.records} records")
    return manifest


def _unpack(file: BinaryIO, archive: Path, draft: Path) -> None:
    """Unpack it. Nothing in it is compressed or sparse, so what it writes is no larger than the archive."""
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            name = member.name
            if (
                not member.isfile()
                or member.issparse()
                or not (name in ALLOWED or name == MANIFEST or is_snapshot(name))
            ):
                raise BackupError(f"{archive}: {name!r} is in no backup")
            source = tar.extractfile(member)
            assert source is not None
            with source, os.fdopen(_new(draft / name), "wb") as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
                target.flush()
                os.fsync(target.fileno())


def _check_headers(file: BinaryIO, archive: Path) -> None:
    """Refuse an archive in which the text before a member is long: the reader of archives takes it whole."""
    while any(block := file.read(tarfile.BLOCKSIZE)):
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            raise tarfile.ReadError from None
        if not member.isreg() and member.size > HEADER_BYTES:
            raise BackupError(f"{archive}: {member.name!r} is in no backup")
        file.seek(-(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE, os.SEEK_CUR)


def _copy_snapshots(folder: Path, copies: Path) -> None:
    for path in sorted(path for path in folder.glob(PREFIX + "[0-9]*") if is_snapshot(path.name)):
        with suppress(FileNotFoundError):  # a running server has just removed it
            _copy(path, copies / path.name, path.stat().st_size)


def _copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database as it is at one moment. A process that writes it does not wait."""
    os.close(_new(target))
    with closing(_connect_to_read(source)) as rows, closing(sqlite3.connect(target)) as copy:
        rows.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _copy_lines(source: Path, target: Path) -> None:
    """Copy the whole lines that are there now."""
    if source.exists():
        _copy(source, target, source.stat().st_size)
        with target.open("r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)


def _copy(source: Path, target: Path, size: int) -> None:
    with source.open("rb") as file, os.fdopen(_new(target), "wb") as copy:
        while size > 0 and (part := file.read(min(size, CHUNK_BYTES))):
            copy.write(part)
            size -= len(part)


def _connect_to_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAITS_S)


def _verified(copies: Path) -> int:
    """Verify the copied journal and return its number of records; 0 where there is no journal."""
    if not (copies / journal_file.FILE).exists():
        return 0
    assert not (copies / high_water_mark.FILE).exists()
    return journal_inspection.verify(copies).records


def _digests(copies: Path) -> dict[str, str]:
    return {path.name: _digest(path) for path in sorted(copies.iterdir()) if _is_kept(path.name)}


def _is_kept(name: str) -> bool:
    return name in ALLOWED or is_snapshot(name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(copies: Path, names: list[str], archive: Path) -> None:
    with os.fdopen(_new(archive), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name in names:
                member = tar.gettarinfo(copies / name, name)
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                with (copies / name).open("rb") as content:
                    tar.addfile(member, content)
        file.flush()
        os.fsync(file.fileno())


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)


@contextmanager
def _backup_errors() -> Iterator[None]:
    """Raise each error of files, SQLite, the journal and the archive as a BackupError."""
    try:
        yield
    except tarfile.ReadError:
        raise BackupError("this file is not a backup of Floorwire") from None
    except (OSError, sqlite3.Error, JournalError, tarfile.TarError, msgspec.MsgspecError) as error:
        raise BackupError(sentence(error)) from None
