from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from floorwire.storage.high_water_mark import HighWaterMark, read_number
from floorwire.storage.stored_number import DamagedNumberError


def test_a_number_is_kept(tmp_path: Path) -> None:
    mark = HighWaterMark(tmp_path / "mark")
    assert mark.n == 0
    mark.raise_to(2**40)
    assert (mark.n, read_number(tmp_path / "mark")) == (2**40, 2**40)
    mark.close()
    assert HighWaterMark(tmp_path / "mark").n == 2**40
    assert (tmp_path / "mark").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("spot", range(16))
def test_a_number_has_two_copies(tmp_path: Path, spot: int) -> None:
    path = tmp_path / "mark"
    mark = HighWaterMark(path)
    mark.raise_to(7)
    mark.close()
    whole = path.read_bytes()
    for copy in (0, 40):
        damaged = flipped(whole, copy + spot)
        path.write_bytes(damaged)
        assert (read_number(path), HighWaterMark(path).n) == (7, 7)
    path.write_bytes(flipped(damaged, spot))
    with pytest.raises(DamagedNumberError):
        read_number(path)
    with pytest.raises(DamagedNumberError):
        _ = HighWaterMark(path).n


def flipped(content: bytes, spot: int) -> bytes:
    return content[:spot] + bytes([content[spot] ^ 1]) + content[spot + 1 :]


@pytest.mark.parametrize("length", [1, 9, 15])
def test_a_part_of_a_number_is_damage(tmp_path: Path, length: int) -> None:
    path = tmp_path / "mark"
    mark = HighWaterMark(path)
    mark.raise_to(7)
    mark.close()
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedNumberError):
        read_number(path)
    with pytest.raises(DamagedNumberError):
        _ = HighWaterMark(path).n


def test_a_kill_between_the_two_copies_leaves_a_number(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark = HighWaterMark(path)
    mark.raise_to(7)
    before = path.read_bytes()
    mark.raise_to(8)
    after = path.read_bytes()
    path.write_bytes(before[:40] + after[40:])
    assert read_number(path) == 7, "8 was told to nobody"
    path.write_bytes(flipped(before[:40], 0) + after[40:])
    assert read_number(path) == 8


def test_a_mark_that_was_never_raised_counts_as_none(tmp_path: Path) -> None:
    HighWaterMark(tmp_path / "mark").close()
    assert read_number(tmp_path / "mark") == 0


def test_a_missing_file_counts_as_none(tmp_path: Path) -> None:
    assert read_number(tmp_path / "mark") == 0
    assert not (tmp_path / "mark").exists()


def written(path: Path, n: int) -> None:
    """Write a mark of n records."""
    path.with_name("journal").touch()
    mark = HighWaterMark(path)
    mark.continues(path.with_name("journal"), 0, 0)
    mark.raise_to(n)
    mark.close()


def continues(folder: Path, last_n: int, before_n: int) -> bool:
    """Return whether the journal beside the mark is the one that it was written for."""
    return HighWaterMark(folder / "mark").continues(folder / "journal", last_n, before_n)


@pytest.mark.parametrize(
    ("last_n", "before_n", "expected"),
    [(9, 8, False), (10, 8, True), (12, 10, True), (12, 11, False), (13, 12, False)],
)
def test_a_journal_continues_only_from_its_marked_records(
    tmp_path: Path, last_n: int, before_n: int, expected: bool
) -> None:
    """The process may have been killed between the commit of records 11 and 12 and the raise of the mark."""
    written(tmp_path / "mark", 10)
    assert continues(tmp_path, last_n, before_n) is expected


def test_a_missing_mark_fits_no_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    assert not continues(tmp_path, 10, 9)


def test_an_empty_journal_whose_mark_is_gone_is_another_journal(tmp_path: Path) -> None:
    written(tmp_path / "mark", 10)
    (tmp_path / "mark").unlink()
    assert not continues(tmp_path, 0, 0)
    new = tmp_path / "new"
    new.mkdir()
    (new / "journal").touch()
    assert continues(new, 0, 0), "where nothing was ever written, nothing is lost"


@pytest.mark.parametrize("copied", ["journal.made", "journal"])
def test_a_copy_is_another_journal(tmp_path: Path, copied: str) -> None:
    written(tmp_path / "mark", 10)
    shutil.copy2(tmp_path / copied, tmp_path / "copy")
    (tmp_path / "copy").replace(tmp_path / copied)
    assert not continues(tmp_path, 10, 9)


def test_a_mark_of_an_earlier_version_is_accepted(tmp_path: Path) -> None:
    written(tmp_path / "mark", 10)
    whole = (tmp_path / "mark").read_bytes()
    (tmp_path / "mark").write_bytes(whole[:16])
    assert continues(tmp_path, 10, 9)
    (tmp_path / "mark").write_bytes(whole[:16])
    assert not continues(tmp_path, 11, 10)


def test_of_a_file_that_somebody_made_huge_the_mark_is_read(tmp_path: Path) -> None:
    mark = HighWaterMark(tmp_path / "mark")
    mark.raise_to(7)
    mark.close()
    os.truncate(tmp_path / "mark", 1 << 40)
    assert read_number(tmp_path / "mark") == 7
