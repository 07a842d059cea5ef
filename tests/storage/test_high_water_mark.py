from __future__ import annotations

from pathlib import Path

from floorwire.storage.high_water_mark import HighWaterMark, peek


def test_a_number_is_kept(tmp_path: Path) -> None:
    mark = HighWaterMark(tmp_path / "mark")
    assert mark.n == 0
    mark.raise_to(2**40)
    assert (mark.n, peek(tmp_path / "mark")) == (2**40, 2**40)
    mark.close()
    assert HighWaterMark(tmp_path / "mark").n == 2**40
    assert (tmp_path / "mark").stat().st_mode & 0o077 == 0


def test_half_a_number_is_none(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark = HighWaterMark(path)
    mark.raise_to(7)
    mark.close()
    whole = path.read_bytes()
    for spot in range(len(whole)):
        path.write_bytes(whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1 :])
        assert (peek(path), HighWaterMark(path).n) == (0, 0)
    path.write_bytes(whole[:9])
    assert (peek(path), HighWaterMark(path).n) == (0, 0)


def test_no_file_is_no_number(tmp_path: Path) -> None:
    assert peek(tmp_path / "mark") == 0
    assert not (tmp_path / "mark").exists()
