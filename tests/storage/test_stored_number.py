from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from floorwire.storage.high_water_mark import HighWaterMark, read_number
from floorwire.storage.stored_number import PAIR_BYTES, NumberFile, load, store

SIZE = 2 * PAIR_BYTES


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "number"
    file = NumberFile(path, SIZE)
    store(file.content, 0, PAIR_BYTES, 7)
    file.write()
    assert load(path.read_bytes(), 0, PAIR_BYTES) == 7
    assert load(NumberFile(path, SIZE).content, 0, PAIR_BYTES) == 7
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("length", [0, 1, SIZE - 1])
def test_a_file_that_is_cut_is_written_whole_again(tmp_path: Path, length: int) -> None:
    path = tmp_path / "mark"
    mark = HighWaterMark(path)
    mark.raise_to(7)
    whole = path.read_bytes()
    os.truncate(path, length)
    assert mark.n == 7
    mark.raise_to(7)
    assert path.read_bytes() == whole
    assert read_number(path) == 7


def test_a_file_may_be_closed_twice(tmp_path: Path) -> None:
    file = NumberFile(tmp_path / "number", SIZE)
    file.close()
    file.close()


CUT = """
import os, sys
from pathlib import Path
from floorwire.storage.audit_log import UNWRITTEN_FILE, AuditEntry, AuditLog
from floorwire.storage.high_water_mark import HighWaterMark

folder = Path(sys.argv[1])
audit, mark = AuditLog(folder / "audit.jsonl"), HighWaterMark(folder / "mark")
mark.raise_to(7)
os.truncate(folder / UNWRITTEN_FILE, 0)
os.truncate(folder / "mark", 0)
audit.add(AuditEntry(ts=1, event="sign_in"))
audit.flush()
mark.raise_to(8)
print(mark.n)
"""


def test_a_process_outlives_that_its_files_are_cut(tmp_path: Path) -> None:
    """In a process of its own: a mapped file would end it by SIGBUS."""
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr
