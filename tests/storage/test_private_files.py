from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from floorwire.storage.private_files import (
    SECRET_BYTES,
    ExposedFileError,
    check_files,
    check_private,
    check_tls_key,
    private_folder,
    read_secret,
    read_start,
    touch_private,
)


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
    touch_private(path)
    assert path.read_text() == "kept"


@pytest.mark.parametrize("exposed", [0o604, 0o640, 0o644, 0o660, 0o666, 0o622])
def test_a_ready_made_file_that_others_may_use_is_refused(tmp_path: Path, exposed: int) -> None:
    path = tmp_path / "a file"
    path.touch()
    path.chmod(exposed)
    with pytest.raises(ExposedFileError, match=r"run: chmod 600 '.*a file'$"):
        touch_private(path)
    assert mode(path) == exposed, "whoever wrote it meanwhile is not forgotten"
    with pytest.raises(ExposedFileError, match="chmod 600"):
        check_files(tmp_path, ("other*", "a f*"))
    check_files(tmp_path, ("other*",))
    (tmp_path / "other-gone").symlink_to(tmp_path / "nowhere")
    check_files(tmp_path, ("other*",))


@pytest.mark.parametrize("exposed", [0o777, 0o770, 0o775, 0o722, 0o1777])
def test_a_ready_made_folder_that_others_may_use_is_refused(tmp_path: Path, exposed: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(exposed)
    with pytest.raises(ExposedFileError, match=r"run: chmod 700 .*folder$"):
        private_folder(folder)
    for private in (0o700, 0o755):
        folder.chmod(private)
        assert private_folder(folder) == folder


@pytest.mark.parametrize("exposed", [0o640, 0o440, 0o644, 0o604, 0o660])
def test_a_tls_key_that_others_may_use_is_refused(tmp_path: Path, exposed: int) -> None:
    path = tmp_path / "key.pem"
    path.touch()
    for private in (0o600, 0o400):
        path.chmod(private)
        check_tls_key(path)
    path.chmod(exposed)
    with pytest.raises(ExposedFileError, match="make a new secret, then run: chmod 600"):
        check_tls_key(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of root")
def test_a_tls_key_of_root_may_be_read_by_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    path.touch()
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    for allowed in (0o640, 0o440):
        path.chmod(allowed)
        check_tls_key(path)
    for exposed in (0o660, 0o644):
        path.chmod(exposed)
        with pytest.raises(ExposedFileError, match="chmod 600"):
            check_tls_key(path)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"s")
    path.chmod(0o600)
    assert read_secret(path) == b"s"
    for exposed in (0o640, 0o604, 0o666):
        path.chmod(exposed)
        with pytest.raises(ExposedFileError, match="chmod 600"):
            read_secret(path)


def test_a_pipe_that_nobody_writes_into_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secret", 0o600)
    with pytest.raises(OSError, match="not a regular file"):
        read_secret(tmp_path / "secret")


def test_a_secret_without_an_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    os.truncate(path, SECRET_BYTES)
    assert read_secret(path) == bytes(SECRET_BYTES)
    os.truncate(path, 1 << 40)  # It has no blocks.
    with pytest.raises(OSError, match="larger than"):
        read_secret(path)


def pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


def socket_file(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)  # the whole path may be too long for an address
        listener.bind(path.name)
    path.chmod(0o600)


def device(path: Path) -> None:
    path.symlink_to("/dev/null")  # not /dev/zero: a test that fails would fill the machine's memory


@pytest.mark.parametrize("put", [pipe, socket_file, device])
@pytest.mark.parametrize("check", [check_private, check_tls_key, touch_private])
def test_what_is_no_regular_file_is_refused_and_not_opened(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    put: Callable[[Path], None],
    check: Callable[[Path], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "file")
    with pytest.raises(OSError, match="not a regular file"):
        check(tmp_path / "file")
    with pytest.raises(OSError, match="not a regular file"):
        check_files(tmp_path, ("f*",))


@pytest.mark.parametrize("check", [check_private, check_tls_key, touch_private, read_secret, private_folder])
def test_what_belongs_to_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[Path], object]
) -> None:
    path = tmp_path / "theirs"
    if check is private_folder:
        path.mkdir(0o700)
    else:
        path.touch(0o600)
    check(path)
    if os.geteuid() == 0:
        os.chown(path, 4242, 4242)
        owner = 4242
    else:
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: 4243)
    with pytest.raises(
        ExposedFileError, match=rf"another user \(id {owner}\); .*or run: chown [0-9]+ .*theirs$"
    ):
        check(path)


def test_what_is_roots_may_be_used_by_others_who_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.stat("/")
    assert found.st_uid == 0
    monkeypatch.setattr(os, "geteuid", lambda: 4243)
    assert private_folder(Path("/")) == Path("/")


def test_of_a_small_file_that_was_made_large_only_the_start_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    path.write_bytes(b"12345")
    os.truncate(path, 1 << 40)
    assert read_start(path, 7) == b"12345\0\0"
