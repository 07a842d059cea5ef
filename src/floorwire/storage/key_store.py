"""Keys on disk: made, listed, revoked and rotated beside a running server, which sees it within a second."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Key
from floorwire.auth.secret_sealer import NONCE_BYTES, SecretSealer, verify_digest
from floorwire.storage import database
from floorwire.storage.database import DatabaseError

ID_BYTES = 8
SECRET_BYTES = 32

INSERT = "INSERT INTO keys (id, account, allows, created_us, digest, sealed) VALUES (?, ?, ?, ?, ?, ?)"
SELECT = "SELECT id, allows, created_us, revoked_us, digest, sealed FROM keys ORDER BY created_us, id"
FIND = (
    "SELECT id, allows, created_us, revoked_us, digest, sealed FROM keys WHERE id = ? AND revoked_us IS NULL"
)
DEPOSIT = "INSERT INTO deposits (account, asset, amount, created_us) VALUES (?, ?, ?, ?)"
DEPOSITS = "SELECT id, account, asset, amount, created_us FROM deposits WHERE id > ? ORDER BY id"


class UnknownKeyError(LookupError):
    """There is no such key, or it is revoked."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no key {key!r}, or it is revoked")
        self.key = key


class Issued(msgspec.Struct, frozen=True):
    """A key and its secret, the only time that it is to be seen."""

    key: str
    secret: str


class Deposit(msgspec.Struct, frozen=True):
    """Money that an account was given; ``id`` counts up and is never used again."""

    id: int
    account: str
    asset: str
    amount: str
    created_us: int


class KeyStore:
    """The accounts and keys of one data folder. Every call blocks: make it off the event loop.

    Raises DatabaseError wherever the database cannot be used.
    """

    def __init__(self, folder: Path, sealer: SecretSealer) -> None:
        self._path = folder / database.FILE
        self._sealer = sealer
        with database.transaction(self._path) as rows:
            rows.execute("INSERT OR IGNORE INTO meta VALUES ('master', ?)", (sealer.fingerprint,))
            (fingerprint,) = rows.execute("SELECT value FROM meta WHERE name = 'master'").fetchone()
        if not verify_digest(fingerprint, sealer.fingerprint):
            raise DatabaseError(f"{self._path}: its keys were made with another master key")

    def create(self, grant: Grant, deposits: Mapping[str, str], now_us: int) -> Issued:
        """Make a key, its account if need be, and give that the deposits (asset -> amount)."""
        issued = Issued("fw" + secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES))
        allows = msgspec.json.encode(grant)
        with database.transaction(self._path) as rows:
            _open_account(rows, grant.account, deposits, now_us)
            rows.execute(INSERT, (issued.key, grant.account, allows, now_us, *self._stored(issued)))
        return issued

    def open_account(self, account: str, deposits: Mapping[str, str], now_us: int) -> None:
        """Make an account with the deposits; give it nothing where it is there already."""
        with database.transaction(self._path) as rows:
            if not rows.execute("SELECT 1 FROM accounts WHERE name = ?", (account,)).fetchone():
                _open_account(rows, account, deposits, now_us)

    def find(self, key: str) -> Key:
        """Return the key, which is not revoked. Raises UnknownKeyError."""
        with closing(database.connect(self._path)) as rows:
            return _find(rows, key)

    def revoke(self, key: str, now_us: int) -> None:
        """End the key for good. Raises UnknownKeyError."""
        with database.transaction(self._path) as rows:
            _find(rows, key)
            rows.execute("UPDATE keys SET revoked_us = ? WHERE id = ?", (now_us, key))

    def rotate(self, key: str) -> Issued:
        """Give the key a new secret; the old one ends at once. Raises UnknownKeyError."""
        issued = Issued(key, secrets.token_urlsafe(SECRET_BYTES))
        with database.transaction(self._path) as rows:
            _find(rows, key)
            rows.execute("UPDATE keys SET digest = ?, sealed = ? WHERE id = ?", (*self._stored(issued), key))
        return issued

    def list_keys(self) -> list[Key]:
        """Return every key, revoked ones too, the oldest first."""
        with closing(database.connect(self._path)) as rows:
            return _keys(rows)

    def deposits(self, after: int = 0) -> list[Deposit]:
        """Return the deposits made after the one of this id, in their order."""
        with closing(database.connect(self._path)) as rows:
            return [Deposit(*row) for row in rows.execute(DEPOSITS, (after,))]

    def watch(self) -> KeyWatch:
        """Return what tells of changes."""
        return KeyWatch(self._path)

    def _stored(self, issued: Issued) -> tuple[bytes, bytes]:
        sealed = self._sealer.seal(issued.key, issued.secret, secrets.token_bytes(NONCE_BYTES))
        return self._sealer.digest(issued.key, issued.secret), sealed


class KeyWatch:
    """Sees what others change, at the cost of one look at the database's version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = database.connect(path)
        self._version = -1

    def poll(self) -> list[Key] | None:
        """Return every key if anything has changed since the last call, else None. Raises DatabaseError."""
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return None
            keys = _keys(self._connection)
        except sqlite3.Error as error:
            raise DatabaseError(f"{self._path}: {error}") from None
        self._version = version
        return keys

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def _open_account(rows: sqlite3.Connection, account: str, deposits: Mapping[str, str], now_us: int) -> None:
    rows.execute("INSERT OR IGNORE INTO accounts VALUES (?, ?)", (account, now_us))
    rows.executemany(DEPOSIT, [(account, asset, amount, now_us) for asset, amount in deposits.items()])


def _find(rows: sqlite3.Connection, key: str) -> Key:
    row = rows.execute(FIND, (key,)).fetchone()
    if row is None:
        raise UnknownKeyError(key)
    return _key(*row)


def _keys(rows: sqlite3.Connection) -> list[Key]:
    return [_key(*row) for row in rows.execute(SELECT)]


def _key(
    name: str, allows: bytes, created_us: int, revoked_us: int | None, digest: bytes, sealed: bytes
) -> Key:
    try:
        grant = msgspec.json.decode(allows, type=Grant)
    except msgspec.MsgspecError as error:
        raise DatabaseError(f"key {name}: {error}") from None
    return Key(name, grant, created_us, revoked_us, digest, sealed)
