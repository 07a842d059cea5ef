"""API keys on disk. They can be changed while a server runs; it sees a change within a second."""

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
from floorwire.core.os_errors import reason
from floorwire.storage import database
from floorwire.storage.database import DatabaseError
from floorwire.storage.private_files import touch_private

ID_BYTES = 8
SECRET_BYTES = 32
STORE = "store."
STORE_BYTES = 8
MARK = "keys.mark"
"""File with the store's identity and the last deposit's id. A keys.db that lacks them is an older copy."""

INSERT = "INSERT INTO keys (id, account, allows, created_us, digest, sealed) VALUES (?, ?, ?, ?, ?, ?)"
SELECT = "SELECT id, allows, created_us, revoked_us, digest, sealed FROM keys ORDER BY created_us, id"
FIND = (
    "SELECT id, allows, created_us, revoked_us, digest, sealed FROM keys WHERE id = ? AND revoked_us IS NULL"
)
DEPOSIT = "INSERT INTO deposits (account, asset, amount, created_us) VALUES (?, ?, ?, ?)"
DEPOSITS = "SELECT id, account, asset, amount, created_us FROM deposits WHERE id > ? ORDER BY id"
STORES = "SELECT name, value FROM meta WHERE name LIKE 'store.%'"
LAST_DEPOSIT = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'deposits'"


class UnknownKeyError(LookupError):
    """There is no such key, or it is revoked."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no key {key!r}, or it is revoked")
        self.key = key


class Issued(msgspec.Struct, frozen=True):
    """A key and its secret. The secret is shown once: only its digest and a sealed copy are stored."""

    key: str
    secret: str


class Deposit(msgspec.Struct, frozen=True):
    """Money that an account was given. ``id`` counts up in each ``store`` and is used once there."""

    id: int
    account: str
    asset: str
    amount: str
    created_us: int
    store: str = ""
    """The identity of the store that gave the id; "" for ids from before stores had identities."""


class KeyStore:
    """The accounts, keys and deposits of one data folder. Every call blocks: do not call on the event loop.

    Raises DatabaseError wherever the database cannot be used.
    """

    def __init__(self, folder: Path, sealer: SecretSealer) -> None:
        self._path = folder / database.FILE
        self._mark_path = folder / MARK
        self._sealer = sealer
        with database.transaction(self._path) as rows:
            rows.execute("INSERT OR IGNORE INTO meta VALUES ('master', ?)", (sealer.fingerprint,))
            (fingerprint,) = rows.execute("SELECT value FROM meta WHERE name = 'master'").fetchone()
            if self._is_copy(rows):
                _begin_store(rows)
        if not verify_digest(fingerprint, sealer.fingerprint):
            raise DatabaseError(f"{self._path}: its keys were made with another master key")
        self._raise_mark()

    def create(self, grant: Grant, deposits: Mapping[str, str], wall_us: int) -> Issued:
        """Make a key, and its account where it is missing. Credit the deposits (asset -> amount)."""
        issued = Issued("fw" + secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES))
        allows = msgspec.json.encode(grant)
        with database.transaction(self._path) as rows:
            _open_account(rows, grant.account, deposits, wall_us)
            rows.execute(INSERT, (issued.key, grant.account, allows, wall_us, *self._stored(issued)))
        self._raise_mark()
        return issued

    def open_account(self, account: str, deposits: Mapping[str, str], wall_us: int) -> None:
        """Make an account with the deposits (asset -> amount). An account that exists gets nothing."""
        with database.transaction(self._path) as rows:
            if not rows.execute("SELECT 1 FROM accounts WHERE name = ?", (account,)).fetchone():
                _open_account(rows, account, deposits, wall_us)
        self._raise_mark()

    def find(self, key: str) -> Key:
        """Return the key. Raises UnknownKeyError where there is none or it is revoked."""
        with closing(database.connect(self._path)) as rows:
            return _find(rows, key)

    def revoke(self, key: str, wall_us: int) -> None:
        """End the key for good. Raises UnknownKeyError."""
        with database.transaction(self._path) as rows:
            _find(rows, key)
            rows.execute("UPDATE keys SET revoked_us = ? WHERE id = ?", (wall_us, key))

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

    def deposits(self, after: Deposit | None = None) -> list[Deposit]:
        """Return the deposits after ``after``, in order; all where another store made ``after``."""
        with closing(database.connect(self._path)) as rows:
            stores = _stores(rows)
            known = after is not None and after.store in ("", *(store for _, store in stores))
            found = rows.execute(DEPOSITS, (after.id if after is not None and known else 0,)).fetchall()
        return [
            Deposit(n, account, asset, amount, created_us, _store_of(n, stores))
            for n, account, asset, amount, created_us in found
        ]

    def store(self) -> tuple[str, int]:
        """Return the store's present identity and the highest deposit id so far."""
        with closing(database.connect(self._path)) as rows:
            stores = _stores(rows)
            return stores[-1][1] if stores else "", rows.execute(LAST_DEPOSIT).fetchone()[0]

    def renew_store(self) -> None:
        """Give the store a new identity. Call it where ids may have been used twice: a copy was put back."""
        with database.transaction(self._path) as rows:
            _begin_store(rows)
        self._raise_mark()

    def _is_copy(self, rows: sqlite3.Connection) -> bool:
        """Return whether the database is new or an older copy: it would use deposit ids again."""
        stores, (last_id,) = _stores(rows), rows.execute(LAST_DEPOSIT).fetchone()
        identity, _, marked = self._mark().partition(" ")
        return not stores or identity != stores[-1][1] or not marked.isdecimal() or int(marked) > last_id

    def _mark(self) -> str:
        try:
            return self._mark_path.read_text("ascii", "replace")
        except FileNotFoundError:
            return ""

    def _raise_mark(self) -> None:
        """Write the mark where it has changed, whole or not at all. Raises DatabaseError."""
        identity, last_id = self.store()
        text = f"{identity} {last_id}"
        try:
            if self._mark() != text:
                draft = self._mark_path.with_name(f".{MARK}.{secrets.token_hex(ID_BYTES)}")
                touch_private(draft)
                draft.write_text(text, "ascii")
                draft.replace(self._mark_path)
        except OSError as error:
            raise DatabaseError(f"{self._mark_path}: {reason(error)}") from None

    def watch(self) -> KeyWatch:
        """Return a watch that finds changes of the keys."""
        return KeyWatch(self._path)

    def _stored(self, issued: Issued) -> tuple[bytes, bytes]:
        sealed = self._sealer.seal(issued.key, issued.secret, secrets.token_bytes(NONCE_BYTES))
        return self._sealer.digest(issued.key, issued.secret), sealed


class KeyWatch:
    """Finds changes of other connections and processes. A poll reads the database's version only."""

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


def _stores(rows: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return the identities of the store, oldest first, each with the last deposit id before it."""
    return sorted((int(value), name.removeprefix(STORE)) for name, value in rows.execute(STORES))


def _begin_store(rows: sqlite3.Connection) -> None:
    (last_id,) = rows.execute(LAST_DEPOSIT).fetchone()
    name = STORE + secrets.token_hex(STORE_BYTES)
    rows.execute("DELETE FROM meta WHERE name LIKE 'store.%' AND CAST(value AS TEXT) = ?", (str(last_id),))
    rows.execute("INSERT INTO meta VALUES (?, ?)", (name, str(last_id).encode()))


def _store_of(deposit_id: int, stores: list[tuple[int, str]]) -> str:
    return next((store for last_id, store in reversed(stores) if deposit_id > last_id), "")


def _open_account(rows: sqlite3.Connection, account: str, deposits: Mapping[str, str], wall_us: int) -> None:
    rows.execute("INSERT OR IGNORE INTO accounts VALUES (?, ?)", (account, wall_us))
    rows.executemany(DEPOSIT, [(account, asset, amount, wall_us) for asset, amount in deposits.items()])


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
