from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from floorwire.storage.master_key import FILE, MasterKeyError, load_master

HEX = "ab" * 32


def test_the_environment_comes_first_and_leaves_no_file(tmp_path: Path) -> None:
    assert load_master(tmp_path, {"FLOORWIRE_MASTER_KEY": f" {HEX}\n"}) == bytes.fromhex(HEX)
    assert not list(tmp_path.iterdir())


def test_without_it_a_file_is_made_once(tmp_path: Path) -> None:
    master = load_master(tmp_path, {})
    assert len(master) == 32
    assert load_master(tmp_path, {}) == master
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_two_folders_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert load_master(tmp_path, {}) != load_master(tmp_path / "other", {})


def test_all_who_come_at_once_take_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_master(tmp_path, {}), range(32)))
    assert len(keys) == 1


@pytest.mark.parametrize("text", ["", "secret", "ab" * 31, "ab" * 33, "zz" * 32])
def test_what_is_no_master_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(MasterKeyError, match=r"FLOORWIRE_MASTER_KEY: .* 64 hex digits"):
        load_master(tmp_path, {"FLOORWIRE_MASTER_KEY": text})
    (tmp_path / FILE).write_text(text)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(MasterKeyError, match="64 hex digits") as raised:
        load_master(tmp_path, {})
    assert not text or text not in str(raised.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_master(tmp_path, {})
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(MasterKeyError, match=r"others may read or change it; .* chmod 600 .*master\.key"):
        load_master(tmp_path, {})


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="nowhere"):
        load_master(tmp_path / "nowhere", {})
