from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.storage.private_files import ExposedFileError, private_folder, read_secret, touch_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a")
    assert mode(folder) == 0o700
    assert private_folder(folder) == folder


def test_home_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert private_folder(Path("~/data")) == tmp_path / "data"


def test_a_private_file_is_made_private_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    touch_private(path)
    assert mode(path) == 0o600
    path.write_text("kept")
    path.chmod(0o644)
    touch_private(path)
    assert mode(path) == 0o600
    assert path.read_text() == "kept"


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"s")
    path.chmod(0o600)
    assert read_secret(path) == b"s"
    for exposed in (0o640, 0o604, 0o666):
        path.chmod(exposed)
        with pytest.raises(ExposedFileError, match="chmod 600"):
            read_secret(path)
