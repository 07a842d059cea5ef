"""The master key: from the environment, or from a file in the data folder that is made at first use."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from floorwire.auth.secret_sealer import MASTER_BYTES
from floorwire.config import MASTER_KEY
from floorwire.core.os_errors import sentence
from floorwire.storage.private_files import FILE_MODE, ExposedFileError, read_secret

FILE = "master.key"


class MasterKeyError(Exception):
    """There is no usable master key. The message says where it was looked for."""


def load_master(folder: Path, environment: Mapping[str, str]) -> bytes:
    """Return the master key: 64 hex digits in FLOORWIRE_MASTER_KEY, else in the file, made if missing.

    The database of keys cannot be used without it. If copies of the folder go to places where secrets should
    not be, keep the master key in the environment. Raises MasterKeyError.
    """
    text = environment.get(MASTER_KEY)
    if text is not None:
        return _parsed(text, MASTER_KEY)
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        return _parsed(read_secret(path).decode(errors="replace"), str(path))
    except (OSError, ExposedFileError) as error:
        raise MasterKeyError(sentence(error)) from None


def _parsed(text: str, source: str) -> bytes:
    try:
        master = bytes.fromhex(text.strip())
    except ValueError:
        master = b""
    if len(master) != MASTER_BYTES:
        raise MasterKeyError(f"{source}: a master key is {2 * MASTER_BYTES} hex digits")
    return master


def _make(path: Path) -> None:
    """Write a new key, whole or not at all. Processes that do so at the same moment all get the same key."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(MASTER_BYTES) + "\n")
            file.flush()
            os.fsync(handle)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
