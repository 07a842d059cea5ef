"""Snapshots: the state after a record, so that a start need not read the whole journal.

A file holds a magic line, then each piece behind its length (four bytes), then the digest of all that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from threading import Event

from floorwire.storage.journal import JournalSnapshot
from floorwire.storage.private_files import FILE_MODE, read_start, sync_folder

PREFIX = "snapshot-"
NAME = re.compile(rf"{PREFIX}[0-9]{{1,20}}")
"""Its name. The number of a record has at most 20 digits."""
KEPT = 3
PAUSE_S = 0.002
"""Pause between two pieces. To make a piece holds the interpreter's lock, so that the event loop waits."""
_MAGIC = b"floorwire snapshot 3\n"
"""Earlier versions do not read this one: they would take its identities for names. They read the journal from
its start, and find records of a newer version there."""
_OLD_MAGIC = b"floorwire snapshot 2\n"
_DIGEST_BYTES = 32
_LENGTH_BYTES = 4


class SnapshotFiles:
    """The snapshots of one folder. Every call blocks; raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_stopped = Event()

    def save(self, snapshot: JournalSnapshot) -> None:
        """Write the snapshot, whole or not at all, then remove all but the latest ``KEPT``.

        Nothing is written where ``stop`` is called meanwhile. Two calls must not run at once.
        """
        path = self._folder / f"{PREFIX}{snapshot.n:020d}"
        draft = self._folder / f".{path.name}"
        try:
            if not self._write(draft, snapshot):
                draft.unlink(missing_ok=True)
                return
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)
        for old in [*self._newest_first()[KEPT:], *self._folder.glob(f".{PREFIX}[0-9]*")]:
            old.unlink(missing_ok=True)  # a draft is left by a process that was killed

    def stop(self) -> None:
        """Make ``save`` stop, a call that runs and later calls. May be called from any thread."""
        self._is_stopped.set()

    def _write(self, path: Path, snapshot: JournalSnapshot) -> bool:
        """Return whether all of it is written."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        digest = _digest(snapshot.n)
        with os.fdopen(handle, "wb") as file:
            for part in _framed(snapshot.state):
                digest.update(part)
                file.write(part)
                if self._is_stopped.wait(PAUSE_S):
                    return False
            file.write(digest.digest())
            file.flush()
            os.fsync(handle)
        return True

    def latest(self) -> JournalSnapshot | None:
        """Return the latest snapshot that is whole; None where there is none."""
        return next(self._whole(), None)

    def _whole(self) -> Iterator[JournalSnapshot]:
        for path in self._newest_first():
            if not read_start(path, len(_MAGIC)).startswith((_MAGIC, _OLD_MAGIC)):
                continue  # no snapshot, whatever its size
            n, content = int(path.name.removeprefix(PREFIX)), path.read_bytes()
            framed, stored = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
            digest = _digest(n)
            digest.update(framed)
            if digest.digest() == stored:
                yield JournalSnapshot(n, _pieces(framed))

    def _newest_first(self) -> list[Path]:
        paths = self._folder.glob(PREFIX + "[0-9]*")
        return sorted((path for path in paths if is_snapshot(path.name) and path.is_file()), reverse=True)


def is_snapshot(name: str) -> bool:
    """Return whether a file of this name is a snapshot."""
    return NAME.fullmatch(name) is not None


def _digest(n: int) -> blake2b:
    return blake2b(digest_size=_DIGEST_BYTES, salt=n.to_bytes(16, "big"))


def _framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield _MAGIC
    for piece in pieces:
        yield len(piece).to_bytes(_LENGTH_BYTES, "big") + piece


def _pieces(framed: bytes) -> list[bytes]:
    at, pieces = len(_MAGIC), []
    while at < len(framed):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(framed[at:begin], "big")
        pieces.append(framed[begin:at])
    return pieces
