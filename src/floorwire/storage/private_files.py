"""The data folder: made for its owner alone, and every file in it too."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
OTHERS = 0o077


class ExposedFileError(Exception):
    """Others may read what only its owner should."""


def private_folder(path: Path) -> Path:
    """Return the folder, with ``~`` resolved; made if it is not there. Raises OSError."""
    folder = path.expanduser()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return folder


def touch_private(path: Path) -> None:
    """Make the file if it is not there; readable by its owner alone either way. Raises OSError.

    A file that is there is not opened: to close it again would end the locks that SQLite has on it.
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
