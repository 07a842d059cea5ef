"""API keys on disk. They can be changed while a server runs; it sees a change within a second."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from floorwire.auth.grant import Grant
from floorwire.auth.issued_key import Issued
from floorwire.auth.keyring import Key
from floorwire.auth.secret_sealer import NONCE_BYTES, SecretSealer
from floorwire.core.os_errors import reason, sentence
from floorwire.storage import database, key_mark, key_upgrade
from floorwire.storage.database import DatabaseError
from floorwire.storage.deposit_rows import (
    AccountExistsError,
    Deposit,
    DepositRows,
    StoredDeposits,
    TooManyAccountsError,
    UnknownAccountError,
    add_account,
)
from floorwire.storage.key_mark import FILE as MARK
from floorwire.storage.key_mark import KeyMark
from floorwire.storage.key_rows import READ_SEAL, KeyRows, StoredKeys, UnknownKeyError, VerifiedRow
from floorwire.storage.key_watch import KeyWatch

__all__ = ("MARK", "Deposit", "Issued", "KeyStore", "KeyWatch", "StoredKeys", "UnknownKeyError")

log = structlog.get_logger("floorwire.keys")

ID_BYTES = 8
SECRET_BYTES = 32
OWNED = "--"
"""Stands between the names of an owner's account and of one that the owner made."""


class KeyStore:
    """The accounts, keys and deposits of one data folder. Every call blocks: do not call on the event loop.

    Raises DatabaseError wherever the database cannot be used.
    """

    def __init__(self, folder: Path, sealer: SecretSealer) -> None:
        self._folder = folder
        self._path = folder / database.FILE
        self._sealer = sealer
        self.notices: list[str] = []
        """What whoever opens the store has to tell the operator, a sentence each."""
        mark = self._mark()
        database.create(self._path, lambda rows: self._take_over(rows, mark))
        with database.transaction(self._path) as rows:
            rows.execute("INSERT OR IGNORE INTO meta VALUES ('master', ?)", (sealer.fingerprint,))
            self._check_master(rows)
            if not rows.execute("SELECT 1 FROM keys").fetchone() and not rows.execute(READ_SEAL).fetchone():
                KeyRows(rows, sealer).write_all()
            deposits = DepositRows(rows, sealer)
            if _is_copy(deposits, mark):
                deposits.renew_identity()
            if not mark.is_tagged and not self.notices and rows.execute("SELECT 1 FROM keys").fetchone():
                self.notices.append(
                    f"{MARK} is missing, as in a folder that was restored: if keys.db is older than it was,"
                    " keys that were revoked since then are live again. Look at floorwire keys list once"
                )
        self._raise_mark()

    # --- keys ---------------------------------------------------------------------------------------

    def create(self, grant: Grant, deposits: Mapping[str, str], wall_us: int) -> Issued:
        """Make a key, and its account where it is missing. Credit the deposits (asset -> amount)."""
        issued = new_key()
        self.add(issued, grant, deposits, wall_us)
        return issued

    def add(self, issued: Issued, grant: Grant, deposits: Mapping[str, str], wall_us: int) -> None:
        """Make the key good that ``new_key`` gave, as ``create`` does."""
        with self._transaction() as rows:
            add_account(DepositRows(rows, self._sealer), rows, grant.account, deposits, wall_us)
            self._keys(rows).write(Key(issued.key, grant, wall_us, None, *self._stored(issued)))

    def create_owned(self, grant: Grant, deposits: Mapping[str, str], wall_us: int, most: int) -> Issued:
        """Make a new account with a key. Its name begins with its owner's, and ``OWNED``.

        Raises AccountExistsError, and TooManyAccountsError where the owner has ``most`` of them.
        """
        issued = new_key()
        prefix = owner_of(grant.account) + OWNED
        with self._transaction() as rows:
            known = [name for (name,) in rows.execute("SELECT name FROM accounts")]
            if grant.account in known:
                raise AccountExistsError(grant.account)
            if sum(name.startswith(prefix) for name in known) >= most:
                raise TooManyAccountsError(grant.account)
            add_account(DepositRows(rows, self._sealer), rows, grant.account, deposits, wall_us)
            self._keys(rows).write(Key(issued.key, grant, wall_us, None, *self._stored(issued)))
        return issued

    def find(self, key: str) -> Key:
        """Return the key. Raises UnknownKeyError where there is none or it is revoked."""
        with database.reading(self._path) as rows:
            return self._keys(rows).find(key)

    def revoke(self, key: str, wall_us: int) -> None:
        """End the key for good. Raises UnknownKeyError."""
        with self._transaction() as rows:
            keys = self._keys(rows)
            keys.write(msgspec.structs.replace(keys.find(key), revoked_us=wall_us))

    def new_secret(self, key: str) -> Issued:
        """Return a new secret for the key, good from ``replace_secret`` on. Raises UnknownKeyError."""
        self.find(key)
        return Issued(key, secrets.token_urlsafe(SECRET_BYTES))

    def replace_secret(self, issued: Issued) -> None:
        """Make the new secret good; the old one ends at once. Raises UnknownKeyError."""
        digest, sealed = self._stored(issued)
        self._change_secret(issued.key, digest=digest, sealed=sealed, next_digest=b"", next_sealed=b"")

    def offer_secret(self, key: str) -> Issued:
        """Return a new secret for the key, good from when it is first shown to us. The old one is until then.

        Raises UnknownKeyError.
        """
        issued = self.new_secret(key)
        digest, sealed = self._stored(issued)
        self._change_secret(key, next_digest=digest, next_sealed=sealed)
        return issued

    def confirm_secret(self, key: str) -> None:
        """The offered secret was shown to us: it is good from now on, and the old one has ended.

        Raises UnknownKeyError.
        """
        found = self.find(key)
        if found.next_digest:
            self._change_secret(
                key,
                digest=found.next_digest,
                sealed=found.next_sealed,
                next_digest=b"",
                next_sealed=b"",
            )

    def _change_secret(self, key: str, **fields: bytes) -> None:
        with self._transaction() as rows:
            keys = self._keys(rows)
            keys.write(msgspec.structs.replace(keys.find(key), **fields))

    def read(self) -> StoredKeys:
        """Return every key, revoked ones too, the oldest first, and what is wrong with the rows."""
        with database.reading(self._path) as rows:
            return self._read(rows)

    def list_keys(self) -> list[Key]:
        """Return every key, revoked ones too, the oldest first."""
        return self.read().keys

    def accept(self) -> list[str]:
        """Take the keys as they are: remove rows with a wrong tag, and miss no other. Return the removed ids.

        An operator asks for this who has looked at the list of keys.
        """
        with self._transaction() as rows:
            keys = self._keys(rows)
            found = keys.read()
            rows.executemany("DELETE FROM keys WHERE id = ?", [(key,) for key in found.unverified])
            keys.write_all(found.keys)
        return found.unverified

    def watch(self) -> KeyWatch:
        """Return a watch that finds changes of the keys."""
        return KeyWatch(self._path, self._read)

    # --- accounts and deposits ----------------------------------------------------------------------

    def open_account(self, account: str, deposits: Mapping[str, str], wall_us: int) -> None:
        """Make an account with the deposits (asset -> amount). An account that exists gets nothing."""
        with self._transaction() as rows:
            if not rows.execute("SELECT 1 FROM accounts WHERE name = ?", (account,)).fetchone():
                add_account(DepositRows(rows, self._sealer), rows, account, deposits, wall_us)

    def deposit(
        self, account: str, deposits: Mapping[str, str], wall_us: int, *, is_new: bool = False
    ) -> None:
        """Credit deposits (asset -> amount) to an account; all of them, or none.

        ``is_new``: make the account where it is missing. Else that raises UnknownAccountError.
        """
        with self._transaction() as rows:
            known = [name for (name,) in rows.execute("SELECT name FROM accounts ORDER BY name")]
            if account not in known and not is_new:
                raise UnknownAccountError(account, known)
            add_account(DepositRows(rows, self._sealer), rows, account, deposits, wall_us)

    def accounts(self) -> list[str]:
        """Return the names of all accounts, sorted."""
        with database.reading(self._path) as rows:
            return [name for (name,) in rows.execute("SELECT name FROM accounts ORDER BY name")]

    def read_deposits(self, after: Deposit | None = None) -> StoredDeposits:
        """Return the deposits after ``after``, in order; all where another store made ``after``."""
        with database.reading(self._path) as rows:
            return DepositRows(rows, self._sealer).read(after)

    def deposits(self, after: Deposit | None = None) -> list[Deposit]:
        """Return the deposits after ``after`` whose rows are right."""
        return self.read_deposits(after).deposits

    def store(self) -> tuple[str, int]:
        """Return the store's present identity and the highest deposit id so far."""
        with database.reading(self._path) as rows:
            deposits = DepositRows(rows, self._sealer)
            stores = deposits.stores()
            return stores[-1][1] if stores else "", deposits.last_id()

    def renew_store(self) -> None:
        """Give the store a new identity. Call it where ids may have been used twice: a copy was put back."""
        with self._transaction() as rows:
            DepositRows(rows, self._sealer).renew_identity()

    # --- parts --------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with database.transaction(self._path) as rows:
            yield rows
        try:
            self._raise_mark()
        except DatabaseError as error:  # The change is stored all the same. The next one raises the mark.
            log.error("a change of keys is stored, but its mark is not", error=str(error))

    def _keys(self, rows: sqlite3.Connection) -> KeyRows:
        return KeyRows(rows, self._sealer, self._mark().changes)

    def _read(self, rows: sqlite3.Connection, known: dict[str, VerifiedRow] | None = None) -> StoredKeys:
        keys = self._keys(rows)  # It reads the mark first: a change in between is no older database.
        rows.execute("BEGIN")
        try:
            return keys.read(known)
        finally:
            rows.execute("ROLLBACK")

    def _stored(self, issued: Issued) -> tuple[bytes, bytes]:
        sealed = self._sealer.seal(issued.key, issued.secret, secrets.token_bytes(NONCE_BYTES))
        return self._sealer.digest(issued.key, issued.secret), sealed

    def _check_master(self, rows: sqlite3.Connection) -> None:
        found = rows.execute("SELECT value FROM meta WHERE name = 'master'").fetchone()
        if found is not None and found[0] != self._sealer.fingerprint:
            raise DatabaseError(f"{self._path}: its keys were made with another master key")

    def _take_over(self, rows: sqlite3.Connection, mark: KeyMark) -> None:
        """Give the rows of version 1 their tags, unless the folder had tags before."""
        self._check_master(rows)
        if mark.is_tagged:
            raise DatabaseError(
                f"{self._path} is of version 1, and {MARK} beside it is not: somebody put an old"
                f" database here. If it was you, remove {MARK}"
            )
        count = key_upgrade.take_over(rows, self._sealer)
        if count:
            self.notices.append(
                f"keys.db of an earlier version was taken over with {count} keys. Nobody could tell until now"
                " whether somebody had changed what they may do: look at floorwire keys list once"
            )

    def _mark(self) -> KeyMark:
        try:
            return key_mark.read(self._folder, self._sealer)
        except OSError as error:
            raise DatabaseError(sentence(error)) from None

    def _raise_mark(self) -> None:
        """Write the mark where it has changed. Raises DatabaseError."""
        before = self._mark()
        identity, last_id = self.store()
        with database.reading(self._path) as rows:
            changes = max(before.changes, KeyRows(rows, self._sealer).changes())
        mark = KeyMark(identity, last_id, changes, is_tagged=True)
        try:
            if mark != before:
                key_mark.write(self._folder, mark, self._sealer)
        except OSError as error:
            raise DatabaseError(f"{self._folder / MARK}: {reason(error)}") from None


def owner_of(account: str) -> str:
    """Return the account whose owner made this one; itself where nobody's did."""
    return account.partition(OWNED)[0]


def new_key() -> Issued:
    """Return a new id and a new secret."""
    return Issued("fw" + secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES))


def _is_copy(deposits: DepositRows, mark: KeyMark) -> bool:
    """Return whether the database is new or an older copy: it would use deposit ids again."""
    stores = deposits.stores()
    return not stores or mark.identity != stores[-1][1] or mark.last_id > deposits.last_id()
