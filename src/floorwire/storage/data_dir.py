"""Locker: the data folder of one gateway, opened: its vault, keys and audit log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from floorwire.auth.secret_sealer import SecretSealer
from floorwire.storage import audit_log
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import KeyStore
from floorwire.storage.master_key import MasterKeyError, load_master
from floorwire.storage.private_files import private_folder


class DataDirError(Exception):
    """The data folder cannot be used; says why."""


class DataDir:
    """What the command line and the server both open. Raises LockerError."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        try:
            self.folder = private_folder(folder)
            self.sealer = SecretSealer(load_master(self.folder, environment))
            self.keys = KeyStore(self.folder, self.sealer)
        except (OSError, DatabaseError, MasterKeyError) as error:
            raise DataDirError(str(error)) from None
        self.audit_path = self.folder / audit_log.FILE
