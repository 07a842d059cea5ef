"""Files and folders that only their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
OTHERS = 0o077


class ExposedFileError(Exception):
    """Other users of the machine may read a file that holds a secret."""


def private_folder(path: Path) -> Path:
    """Return the folder, with ``~`` resolved. It is made where it is missing. Raises OSError."""
    folder = path.expanduser()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return folder


def touch_private(path: Path) -> None:
    """Make the file where it is missing, and let only its owner read it. Raises OSError.

    A file that exists is not opened: to close it again would end SQLite's locks on it (POSIX fcntl locks).
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & OTHERS:
            path.chmod(FILE_MODE)


def read_secret(path: Path) -> bytes:
    """Return a secret file's content. Raises OSError, and ExposedFileError where others may read it."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & OTHERS:
            raise ExposedFileError(f"{path}: others may read it; take a new secret, and chmod 600 its file")
        return file.read()
