"""Snapshots: the state as of a record, so that start-up need not read the whole journal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from floorwire.storage.folder import FILE_MODE
from floorwire.storage.journal import Snapshot

PREFIX = "snapshot-"
KEPT = 3
_MAGIC = b"floorwire snapshot 1\n"
_DIGEST_BYTES = 32
_HEAD_BYTES = len(_MAGIC) + _DIGEST_BYTES


class Snapshots:
    """The snapshots of one folder. Every call blocks; raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, snapshot: Snapshot) -> None:
        """Write the snapshot, whole or not at all, then remove all but the latest few."""
        path = self._folder / f"{PREFIX}{snapshot.n:020d}"
        draft = self._folder / f".{path.name}"
        try:
            _write(draft, _MAGIC + _digest(snapshot.n, snapshot.state) + snapshot.state)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync(self._folder)
        for old in self._newest_first()[KEPT:]:
            old.unlink()

    def latest(self) -> Snapshot | None:
        """Return the latest that is whole, passing over those that are not."""
        return next(self._whole(), None)

    def _whole(self) -> Iterator[Snapshot]:
        for path in self._newest_first():
            n, content = int(path.name.removeprefix(PREFIX)), path.read_bytes()
            state = content[_HEAD_BYTES:]
            if content[:_HEAD_BYTES] == _MAGIC + _digest(n, state):
                yield Snapshot(n, state)

    def _newest_first(self) -> list[Path]:
        paths = self._folder.glob(PREFIX + "[0-9]*")
        return sorted((path for path in paths if path.name.removeprefix(PREFIX).isdigit()), reverse=True)


def _digest(n: int, state: bytes) -> bytes:
    return blake2b(state, digest_size=_DIGEST_BYTES, salt=n.to_bytes(16, "big")).digest()


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _sync(folder: Path) -> None:
    """Make the folder's names durable, where the system knows of that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
