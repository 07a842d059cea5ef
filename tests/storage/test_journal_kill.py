"""kill -9 at any moment: whatever was acknowledged is there, in order, without a hole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.storage.journal import JournalEntry
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journal_child import entry_of


def run_and_kill(folder: Path, seconds: float) -> int:
    """Return the last record that the child said was durable."""
    command = [sys.executable, "-m", "tests.storage.journal_child", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.readline()  # it is up and has committed
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        said = (first + child.stdout.read()).decode()
    return int(said[: said.rindex("\n")].split("\n")[-1])


def check(folder: Path, acknowledged_n: int) -> None:
    with closing(SqliteJournal(folder, 1_000)) as journal:
        records = list(journal.read())
        assert journal.last_n == len(records) >= acknowledged_n
    for n, record in enumerate(records, 1):
        assert record.n == n
        assert JournalEntry(record.account, record.kind, record.ts_us, record.payload) == entry_of(n)


def kill_many_times(folder: Path, times: int, longest_s: float) -> None:
    rng = random.Random(times)
    for _ in range(times):
        check(folder, run_and_kill(folder, rng.uniform(0, longest_s)))


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    kill_many_times(tmp_path, times=4, longest_s=0.2)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_however_often(tmp_path: Path) -> None:
    kill_many_times(tmp_path, times=50, longest_s=1.0)
