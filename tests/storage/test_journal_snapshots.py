from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.storage.journal import JournalSnapshot
from floorwire.storage.journal_snapshots import KEPT, SnapshotFiles, is_snapshot


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("snapshot-*"))


def test_the_older_ones_are_pruned(tmp_path: Path) -> None:
    snapshots = SnapshotFiles(tmp_path)
    for n in range(1, 10):
        snapshots.save(JournalSnapshot(n, [bytes(n)]))
        assert snapshots.latest() == JournalSnapshot(n, [bytes(n)])
    assert len(files(tmp_path)) == KEPT
    assert all(path.stat().st_mode & 0o077 == 0 for path in files(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "renamed"])
def test_a_damaged_one_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    snapshots = SnapshotFiles(tmp_path)
    snapshots.save(JournalSnapshot(10, [b"ten"]))
    snapshots.save(JournalSnapshot(20, [b"twenty"]))
    path = files(tmp_path)[-1]
    content = path.read_bytes()
    if damage == "renamed":
        path.rename(path.with_name(path.name.replace("20", "30")))
    else:
        path.write_bytes(
            {"cut": content[:-1], "flipped": content[:-1] + b"Y", "emptied": b""}[damage],
        )
    assert snapshots.latest() == JournalSnapshot(10, [b"ten"])
    files(tmp_path)[0].unlink()
    assert snapshots.latest() is None


def test_what_a_crash_or_a_stranger_left_is_passed_over(tmp_path: Path) -> None:
    draft = tmp_path / ".snapshot-00000000000000000099"
    draft.write_bytes(b"draft")
    (tmp_path / "snapshot-1.txt").write_bytes(b"mine")
    SnapshotFiles(tmp_path).save(JournalSnapshot(1, [b"one"]))
    assert SnapshotFiles(tmp_path).latest() == JournalSnapshot(1, [b"one"])
    assert (tmp_path / "snapshot-1.txt").exists()
    assert not draft.exists(), "each crash would leave one for good"


def test_one_that_cannot_be_written_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    snapshots = SnapshotFiles(tmp_path)
    snapshots.save(JournalSnapshot(1, [b"one"]))
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        snapshots.save(JournalSnapshot(2, [b"two"]))
    assert snapshots.latest() == JournalSnapshot(1, [b"one"])
    assert len(list(tmp_path.iterdir())) == 1


def test_one_that_is_given_up_leaves_no_trace(tmp_path: Path) -> None:
    snapshots = SnapshotFiles(tmp_path)
    snapshots.save(JournalSnapshot(1, [b"one"]))
    made = []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            if number == 3:
                snapshots.stop()
            yield b"piece"

    snapshots.save(JournalSnapshot(2, pieces()))
    assert made == [0, 1, 2, 3]
    assert snapshots.latest() == JournalSnapshot(1, [b"one"])
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "name", ["snapshot-1\u00b2", "snapshot-1\u0663", f"snapshot-{'9' * 45}", "snapshot-5-copy"]
)
def test_a_name_that_is_no_number_of_a_record_is_passed_over(tmp_path: Path, name: str) -> None:
    snapshots = SnapshotFiles(tmp_path)
    snapshots.save(JournalSnapshot(10, [b"ten"]))
    (tmp_path / name).write_bytes(files(tmp_path)[0].read_bytes())
    assert snapshots.latest() == JournalSnapshot(10, [b"ten"])
    assert not is_snapshot(name)


def test_what_is_huge_or_a_pipe_under_the_name_of_a_snapshot_is_not_read(tmp_path: Path) -> None:
    snapshots = SnapshotFiles(tmp_path)
    snapshots.save(JournalSnapshot(10, [b"ten"]))
    huge = tmp_path / "snapshot-00000000000000000030"
    huge.touch(0o600)
    os.truncate(huge, 1 << 40)
    os.mkfifo(tmp_path / "snapshot-00000000000000000040", 0o600)
    assert snapshots.latest() == JournalSnapshot(10, [b"ten"])
