from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.storage.files_in_place import FileGoneError, FilesInPlace


def test_files_that_are_there_are_there(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    files = FilesInPlace([tmp_path / "a"])
    (tmp_path / "a").write_text("longer")
    files.check()


def test_a_file_that_was_removed_or_replaced_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    files = FilesInPlace([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "b").rename(tmp_path / "c")
    with pytest.raises(FileGoneError, match="b was removed"):
        files.check()
    (tmp_path / "b").touch()
    with pytest.raises(FileGoneError, match="b was replaced"):
        files.check()
    (tmp_path / "c").rename(tmp_path / "b")
    files.check()


def test_a_file_may_grow_and_one_that_was_cut_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"four")
    files = FilesInPlace([tmp_path / "a"])
    (tmp_path / "a").write_bytes(b"longer")
    files.check()
    (tmp_path / "a").write_bytes(b"two")
    with pytest.raises(FileGoneError, match="a was cut to 3 bytes"):
        files.check()


def test_a_file_that_never_was_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FilesInPlace([tmp_path / "a"])
