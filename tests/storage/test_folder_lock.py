from __future__ import annotations

import os
from pathlib import Path

import pytest

from floorwire.storage.folder_lock import FILE, FolderInUseError, FolderLock


def test_one_at_a_time(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    for _ in range(2):
        with pytest.raises(FolderInUseError, match=f"process {os.getpid()}"):
            FolderLock(tmp_path)
    lock.close()
    FolderLock(tmp_path).close()
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"\xff?")])
def test_no_file_can_be_removed_to_get_round_it(tmp_path: Path, harm: object) -> None:
    lock = FolderLock(tmp_path)
    assert callable(harm)
    harm(tmp_path / FILE)
    with pytest.raises(FolderInUseError, match="another server uses this folder; stop"):
        FolderLock(tmp_path)
    lock.close()


def test_a_file_that_a_killed_server_left_locks_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("99999999999\n")
    (tmp_path / FILE).chmod(0o600)
    lock = FolderLock(tmp_path)
    assert (tmp_path / FILE).read_text() == f"{os.getpid()}\n"
    lock.close()


def test_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        FolderLock(tmp_path / "gone")
