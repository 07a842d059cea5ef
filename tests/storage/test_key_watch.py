"""The watch reads the file that has the name now, however it came there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_rows import StoredKeys
from floorwire.storage.key_store import KeyWatch

NOW = 1_800_000_000_000_000
GRANT = Grant("alice", (Scope.MARKET,))
NO_KEYS = StoredKeys([], [], True, 0)


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data", {})


def vacuumed(data_dir: DataDir) -> Path:
    """Return a copy as SQLite's VACUUM INTO makes it: it is in no WAL mode."""
    copy = data_dir.folder.parent / "copy"
    with closing(sqlite3.connect(data_dir.folder / "keys.db")) as rows:
        rows.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    return copy


def read(watch: KeyWatch) -> int:
    """Return how many keys the watch finds after a change."""
    found = watch.poll()
    assert found is not None
    return len(found.keys)


@pytest.mark.parametrize("put", [shutil.copyfile, os.replace])
def test_a_vacuumed_copy_in_place_of_the_file_is_read(
    data_dir: DataDir, monkeypatch: pytest.MonkeyPatch, put: object
) -> None:
    monkeypatch.setattr("floorwire.storage.database.BUSY_TIMEOUT_S", 0.05)
    assert callable(put)
    data_dir.keys.create(GRANT, {}, NOW)
    copy, watch = vacuumed(data_dir), data_dir.keys.watch()
    assert read(watch) == 1
    put(copy, data_dir.folder / "keys.db")
    assert read(watch) == 1
    data_dir.keys.create(GRANT, {}, NOW)
    assert read(watch) == 2
    watch.close()


def test_a_file_that_could_not_be_opened_is_tried_again(data_dir: DataDir) -> None:
    data_dir.keys.create(GRANT, {}, NOW)
    copy, watch = vacuumed(data_dir), data_dir.keys.watch()
    assert read(watch) == 1
    path = data_dir.folder / "keys.db"
    (path.parent / "broken").write_bytes(b"no database" * 1_000)
    os.replace(path.parent / "broken", path)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            watch.poll()
    os.replace(copy, path)
    assert read(watch) == 1
    watch.close()


def test_closing_waits_for_a_poll_that_is_under_way(data_dir: DataDir) -> None:
    """To close a connection that another thread uses ends the process."""
    is_polling, may_end = threading.Event(), threading.Event()

    def read_slowly(rows: sqlite3.Connection, _known: object) -> StoredKeys:
        is_polling.set()
        may_end.wait(30)
        rows.execute("PRAGMA data_version").fetchone()  # raises where it was closed meanwhile
        return NO_KEYS

    data_dir.keys.create(GRANT, {}, NOW)
    watch = KeyWatch(data_dir.folder / "keys.db", read_slowly)
    with ThreadPoolExecutor(2) as threads:
        poll = threads.submit(watch.poll)
        assert is_polling.wait(30)
        close = threads.submit(watch.close)
        assert not close.done()
        may_end.set()
        assert poll.result(30) == NO_KEYS
        close.result(30)
    with pytest.raises(DatabaseError, match="closed"):
        watch.poll()
