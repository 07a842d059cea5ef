"""Files and folders that only their owner may use."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE = 0o600
FOLDER_MODE = 0o700
OTHERS = 0o077
WRITES = 0o022
KEY_GROUP_READS = 0o640
"""A TLS key of root that a group may read: how distributions hand keys to servers."""

SECRET_BYTES = 65_536
"""The longest secret file. A private key in PEM has a few thousand."""

NOT_WAITING: Final = getattr(os, "O_NONBLOCK", 0)
"""Opens a pipe at once, although nobody has it open at its other end."""

TAKE_NEW = "others may read or change it; make a new secret, then run"


class ExposedFileError(PermissionError):
    """Other users of the machine may use a private file or folder. The message has the command to run."""

    def __init__(self, what: str, command: str, path: Path) -> None:
        super().__init__(errno.EACCES, f"{what}: {command} {shlex.quote(str(path))}")

    def __str__(self) -> str:
        return str(self.strerror)


def private_folder(path: Path) -> Path:
    """Return the folder, with ``~`` resolved. It is made where it is missing.

    Raises OSError, and ExposedFileError where others may write into it: they could put other files there.
    Others may see the names of files that are all private.
    """
    folder = path.expanduser()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.stat()
    _check_owner(found, folder)
    if _is_exposed(found.st_mode, WRITES):
        raise ExposedFileError("others may put files into the folder; run", f"chmod {FOLDER_MODE:o}", folder)
    return folder


def check_private(path: Path) -> None:
    """Raise ExposedFileError where others may read or change the file.

    Raises OSError where it is missing, or where it is not a regular file: a pipe would be waited for.
    """
    found = path.stat()
    check_regular(found, path)
    _check_owner(found, path)
    if _is_exposed(found.st_mode):
        raise ExposedFileError("others may read or change it; run", f"chmod {FILE_MODE:o}", path)


def check_files(folder: Path, patterns: Iterable[str]) -> None:
    """Raise ExposedFileError where others may use a file of the folder with such a name.

    Raises OSError where something else than a regular file has such a name.
    """
    for pattern in patterns:
        for path in folder.glob(pattern):
            with suppress(FileNotFoundError):  # a running server has just removed it
                check_private(path)


def check_tls_key(path: Path) -> None:
    """Raise ExposedFileError where others may use a TLS key; a group may read one that is root's.

    Raises OSError where it is missing.
    """
    found = path.stat()
    check_regular(found, path)
    _check_owner(found, path)
    is_roots = found.st_uid == 0 and os.geteuid() != 0
    if _is_exposed(found.st_mode & ~(KEY_GROUP_READS if is_roots else 0)):
        raise ExposedFileError(TAKE_NEW, f"chmod {FILE_MODE:o}", path)


def touch_private(path: Path) -> None:
    """Make the file where it is missing. Raises OSError, and ExposedFileError where others may use it.

    A file that exists is not opened: to close it again would end SQLite's locks on it (POSIX fcntl locks).
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        check_private(path)


def sync_folder(folder: Path) -> None:
    """Make the names of the folder's files durable. Other systems than POSIX cannot. Raises OSError."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_secret(path: Path) -> bytes:
    """Return a secret file's content. Raises OSError, and ExposedFileError where others may use it.

    A secret is a regular file of at most ``SECRET_BYTES``. To read a pipe may last for ever.
    """
    handle = os.open(path, os.O_RDONLY | NOT_WAITING)
    try:
        found = os.fstat(handle)
        check_regular(found, path)
        _check_owner(found, path)
        if _is_exposed(found.st_mode):
            raise ExposedFileError(TAKE_NEW, f"chmod {FILE_MODE:o}", path)
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(SECRET_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > SECRET_BYTES:
        raise OSError(errno.EFBIG, f"larger than {SECRET_BYTES} bytes", str(path))
    return content


def read_start(path: Path, size: int) -> bytes:
    """Return the first ``size`` bytes of a small file, which somebody may have made large. Raises OSError."""
    with path.open("rb") as file:
        return file.read(size)


def check_regular(found: os.stat_result, path: Path) -> None:
    """Raise OSError where it is no file with an end: a pipe, a device, a folder."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def _check_owner(found: os.stat_result, path: Path) -> None:
    """Refuse what is of another user: root would read what that user may change at any time."""
    if os.name == "posix" and found.st_uid not in (os.geteuid(), 0):
        raise ExposedFileError(
            f"it belongs to another user (id {found.st_uid}); run this as that user, or run",
            f"chown {os.geteuid()}",
            path,
        )


def _is_exposed(mode: int, rights: int = OTHERS) -> bool:
    return os.name == "posix" and bool(stat.S_IMODE(mode) & rights)
