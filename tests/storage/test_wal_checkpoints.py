from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.storage import journal_file, journal_rows, wal_checkpoints
from floorwire.storage.journal_file import Connection
from floorwire.storage.wal_checkpoints import WalCheckpoints
from tests.storage.journals import entries


def write(connection: Connection, n: int) -> None:
    connection.execute(journal_file.INSERT, journal_rows.make(n, entries(1), journal_rows.ORIGIN))


def proceed_until_moved(steps: WalCheckpoints) -> None:
    ends = time.monotonic() + 10
    while steps._pages >= wal_checkpoints.DUE_PAGES:
        steps.proceed()
        assert time.monotonic() < ends


def test_the_log_is_moved_when_it_is_due_and_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 6)
    log = tmp_path / f"{journal_file.FILE}-wal"
    with (
        closing(journal_file.connect(tmp_path)) as writing,
        closing(journal_file.connect(tmp_path)) as beside,
    ):
        steps = WalCheckpoints(writing, beside)
        write(writing, 1)
        steps.count(100)
        steps.proceed()
        assert steps._bulk is None  # not due
        write(writing, 2)
        steps.count(100)
        proceed_until_moved(steps)
        length = log.stat().st_size
        write(writing, 3)
        assert log.stat().st_size == length  # written over its begin
        steps.close()


def test_a_log_that_cannot_be_moved_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 6)
    with (
        closing(journal_file.connect(tmp_path)) as writing,
        closing(journal_file.connect(tmp_path)) as beside,
    ):
        write(writing, 1)
        steps = WalCheckpoints(writing, beside)
        reader = journal_file.connect_to_read(tmp_path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM commits").fetchone()
        write(writing, 2)  # which the reader does not see: the log has to stay
        steps.count(30_000)
        proceed_until_moved(steps)
        assert steps._pages == 3
        reader.close()
        steps.count(30_000)
        proceed_until_moved(steps)
        assert steps._pages == 0
        steps.close()


def test_an_error_is_no_more_than_a_log_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 6)
    writing, beside = journal_file.connect(tmp_path), journal_file.connect(tmp_path)
    write(writing, 1)
    steps = WalCheckpoints(writing, beside)
    beside.close()
    writing.close()
    steps.count(30_000)
    proceed_until_moved(steps)
    assert (steps._pages, steps.failures) == (3, 2)
    steps.close()
