from __future__ import annotations

import os
from pathlib import Path

import pytest

from floorwire.config import Settings
from floorwire.storage.data_dir import DataDir, DataDirError, check_exists, open_journal
from floorwire.storage.login_mark import LoginMark


def made(folder: Path) -> set[str]:
    """Make every file of a data folder; return their names."""
    DataDir(folder, {}).audit_path.touch(0o600)
    LoginMark(folder).close()
    open_journal(Settings(data=str(folder))).close()
    (folder / "snapshot-1").touch(0o600)
    return {path.name for path in folder.iterdir()}


def test_every_file_is_its_owners_alone_or_refused_with_the_command_to_run(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    names = made(folder)
    assert len(names) >= 8
    for name in names:
        path = folder / name
        assert path.stat().st_mode & 0o077 == 0
        for exposed in (0o644, 0o666):
            path.chmod(exposed)
            with pytest.raises(DataDirError, match=rf"run: chmod 600 .*{name}$"):
                DataDir(folder, {})
            if name != "master.key":
                with pytest.raises(DataDirError, match=rf"run: chmod 600 .*{name}$"):
                    check_exists(folder)
        path.chmod(0o600)
    DataDir(folder, {})
    check_exists(folder)


def test_no_file_may_be_a_pipe_that_would_be_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name in made(folder) - {"keys.db", "journal.db"} | {"journal.db-wal", "snapshot-2"}:
        path, aside = folder / name, tmp_path / "aside"
        if path.exists():
            path.rename(aside)
        os.mkfifo(path, 0o600)
        with pytest.raises(DataDirError, match=rf"{name}: not a regular file$"):
            DataDir(folder, {})
        if name != "master.key":
            with pytest.raises(DataDirError, match=rf"{name}: not a regular file$"):
                check_exists(folder)
        path.unlink()
        if aside.exists():
            aside.rename(path)
    DataDir(folder, {})


def test_a_mark_that_somebody_made_huge_is_not_read_into_memory(tmp_path: Path) -> None:
    made(tmp_path)
    os.truncate(tmp_path / "keys.mark", 1 << 40)
    DataDir(tmp_path, {})


def test_a_folder_that_others_may_write_into_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(DataDirError, match=r"others may put files into the folder; run: chmod 700 "):
        DataDir(tmp_path, {})
    assert list(tmp_path.iterdir()) == []


def test_a_public_file_of_the_operator_may_lie_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch(0o644)
    DataDir(tmp_path, {})
