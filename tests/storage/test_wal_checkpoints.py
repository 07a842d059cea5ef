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


def run_until_copied(steps: WalCheckpoints) -> None:
    ends = time.monotonic() + 10
    while steps._pages >= wal_checkpoints.DUE_PAGES:
        steps.run_due_step()
        assert time.monotonic() < ends


def test_a_due_checkpoint_copies_the_log_which_is_then_reused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 6)
    log = tmp_path / f"{journal_file.FILE}-wal"
    with (
        closing(journal_file.connect(tmp_path)) as writing,
        closing(journal_file.connect(tmp_path)) as background,
    ):
        steps = WalCheckpoints(writing, background)
        write(writing, 1)
        steps.count_commit(100)
        steps.run_due_step()
        assert steps._first_step is None  # not due
        write(writing, 2)
        steps.count_commit(100)
        run_until_copied(steps)
        length = log.stat().st_size
        write(writing, 3)
        assert log.stat().st_size == length  # it was written from its start again
        steps.close()


def test_a_checkpoint_that_a_reader_blocks_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 6)
    with (
        closing(journal_file.connect(tmp_path)) as writing,
        closing(journal_file.connect(tmp_path)) as background,
    ):
        write(writing, 1)
        steps = WalCheckpoints(writing, background)
        reader = journal_file.connect_to_read(tmp_path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM commits").fetchone()
        write(writing, 2)  # the reader has an older state: the log must stay
        steps.count_commit(30_000)
        run_until_copied(steps)
        assert steps._pages == 3
        reader.close()
        steps.count_commit(30_000)
        run_until_copied(steps)
        assert steps._pages == 0
        steps.close()


def test_a_failed_checkpoint_is_counted_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 6)
    writing, background = journal_file.connect(tmp_path), journal_file.connect(tmp_path)
    write(writing, 1)
    steps = WalCheckpoints(writing, background)
    background.close()
    writing.close()
    steps.count_commit(30_000)
    run_until_copied(steps)
    assert (steps._pages, steps.failures) == (3, 2)
    steps.close()
