from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.replay_cache import SignedLogin, UsedLogins
from floorwire.auth.sign_in import MAX_KEY, USED_KEPT
from floorwire.storage.login_mark import FILE, FILE_BYTES, SLOT_BYTES, LoginMark

LARGEST = UsedLogins(
    2**53, tuple(SignedLogin(f"{number:x}".rjust(MAX_KEY, "k"), 2**53) for number in range(USED_KEPT))
)


def state(number: int) -> UsedLogins:
    return UsedLogins(number, (SignedLogin("k1", number + 1), SignedLogin("k2", number + 2)))


def held(folder: Path) -> UsedLogins | None:
    mark = LoginMark(folder)
    mark.close()
    return mark.used


def test_a_new_folder_has_no_used_logins(tmp_path: Path) -> None:
    assert held(tmp_path) == UsedLogins(0, ())
    assert held(tmp_path) == UsedLogins(0, ())
    assert (tmp_path / FILE).stat().st_size == FILE_BYTES
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_the_latest_state_is_read_and_the_file_does_not_grow(tmp_path: Path) -> None:
    for round_ in range(3):
        mark = LoginMark(tmp_path)
        for number in range(5):
            mark.write(state(100 * round_ + number))
        mark.close()
        assert held(tmp_path) == state(100 * round_ + 4)
    assert (tmp_path / FILE).stat().st_size == FILE_BYTES


def test_the_most_that_is_kept_fits(tmp_path: Path) -> None:
    mark = LoginMark(tmp_path)
    mark.write(LARGEST)
    mark.write(LARGEST)
    mark.close()
    assert held(tmp_path) == LARGEST


@given(st.integers(0, SLOT_BYTES - 1), st.integers(1, 200), st.binary(min_size=1, max_size=50))
def test_a_slot_that_a_crash_spoiled_is_not_read(
    tmp_path_factory: pytest.TempPathFactory, at: int, size: int, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("spoiled")
    mark = LoginMark(folder)
    for number in (1, 2, 3):
        mark.write(state(number))
    mark.close()
    with (folder / FILE).open("r+b") as file:  # the third is in the second slot
        file.seek(SLOT_BYTES + at)
        file.write((noise * size)[: SLOT_BYTES - at])
    assert held(folder) in (state(2), state(3))


def test_what_cannot_be_read_is_not_taken_for_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"x" * FILE_BYTES)
    (tmp_path / FILE).chmod(0o600)
    assert held(tmp_path) is None
    mark = LoginMark(tmp_path)
    mark.write(state(1))
    mark.close()
    assert held(tmp_path) == state(1)


def test_a_file_that_was_cut_is_made_whole(tmp_path: Path) -> None:
    mark = LoginMark(tmp_path)
    mark.write(state(1))
    mark.write(state(2))
    mark.close()
    with (tmp_path / FILE).open("r+b") as file:
        file.truncate(SLOT_BYTES)
    assert held(tmp_path) == state(2)
    assert (tmp_path / FILE).stat().st_size == FILE_BYTES


def test_a_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    mark = LoginMark(tmp_path)
    mark.write(state(1))
    (tmp_path / FILE).unlink()
    mark.write(state(2))
    mark.close()
    assert held(tmp_path) == state(2)


def test_a_closed_file_is_not_written(tmp_path: Path) -> None:
    mark = LoginMark(tmp_path)
    mark.close()
    with pytest.raises(OSError, match="descriptor"):
        mark.write(state(1))
