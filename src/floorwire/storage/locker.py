"""Locker: the data folder of one gateway, opened: its vault, keys and audit log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from floorwire.doors.vault import Vault
from floorwire.storage import audit
from floorwire.storage.database import DatabaseError
from floorwire.storage.folder import private_folder
from floorwire.storage.keys import KeyStore
from floorwire.storage.master import MasterKeyError, load_master


class LockerError(Exception):
    """The data folder cannot be used; says why."""


class Locker:
    """What the command line and the server both open. Raises LockerError."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        try:
            self.folder = private_folder(folder)
            self.vault = Vault(load_master(self.folder, environment))
            self.keys = KeyStore(self.folder, self.vault)
        except (OSError, DatabaseError, MasterKeyError) as error:
            raise LockerError(str(error)) from None
        self.audit_path = self.folder / audit.FILE
