"""The deposits of keys.db, each with a tag under the master key, and the identities of the key store.

A store's identity is random. Deposits count up within it. A database that may use ids again takes a new one.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import msgspec

from floorwire.auth.secret_sealer import SecretSealer, verify_tag

KIND = "deposit"
STORE = "store."
STORE_BYTES = 8
INSERT = "INSERT INTO deposits (account, asset, amount, created_us) VALUES (?, ?, ?, ?)"
SELECT = "SELECT id, account, asset, amount, created_us, tag FROM deposits WHERE id > ? ORDER BY id"
STORES = "SELECT name, value FROM meta WHERE name LIKE 'store.%'"
LAST_ID = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'deposits'"


class Deposit(msgspec.Struct, frozen=True):
    """Money that an account was given. ``id`` counts up in each ``store`` and is used once there."""

    id: int
    account: str
    asset: str
    amount: str
    created_us: int
    store: str = ""
    """The identity of the store that gave the id; "" for ids from before stores had identities."""


class StoredDeposits(msgspec.Struct, frozen=True):
    """Deposits in order. ``unverified``: ids of rows with a wrong tag; they credit nothing."""

    deposits: list[Deposit]
    unverified: list[int]


class UnknownAccountError(LookupError):
    """There is no such account."""

    def __init__(self, account: str, known: Sequence[str]) -> None:
        meant = get_close_matches(account, known, n=1)
        hint = (
            f"did you mean {meant[0]}?"
            if meant
            else "keys create makes one with a key, --new-account without"
        )
        super().__init__(f"there is no account {account}; {hint}")


class AccountExistsError(LookupError):
    """There is such an account already."""


class TooManyAccountsError(LookupError):
    """An owner has as many accounts as it may."""


class DepositRows:
    """Reads and writes the deposits within one transaction."""

    def __init__(self, connection: sqlite3.Connection, sealer: SecretSealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def read(self, after: Deposit | None = None) -> StoredDeposits:
        """Return the deposits after ``after``; all where another store made ``after``."""
        stores = self.stores()
        is_known = after is not None and after.store in ("", *(store for _, store in stores))
        found = StoredDeposits([], [])
        after_id = after.id if after is not None and is_known else 0
        for row in self._connection.execute(SELECT, (after_id,)):
            deposit, tag = _deposit(row, stores)
            if verify_tag(self._tag(deposit), tag):
                found.deposits.append(deposit)
            else:
                found.unverified.append(deposit.id)
        return found

    def add(self, account: str, asset: str, amount: str, wall_us: int) -> None:
        """Write a new deposit."""
        row = self._connection.execute(INSERT, (account, asset, amount, wall_us))
        assert row.lastrowid is not None
        self._write_tag(
            Deposit(row.lastrowid, account, asset, amount, wall_us, _store_of(row.lastrowid, self.stores()))
        )

    def tag_all(self) -> None:
        """Give each deposit a tag: they come from a database that had none."""
        stores = self.stores()
        for row in self._connection.execute(SELECT, (-1,)).fetchall():
            self._write_tag(_deposit(row, stores)[0])

    def stores(self) -> list[tuple[int, str]]:
        """Return the identities of the store, oldest first, each with the last deposit id before it."""
        return sorted(
            (int(value), name.removeprefix(STORE))
            for name, value in self._connection.execute(STORES)
            if isinstance(name, str) and isinstance(value, bytes) and value.isdigit()
        )

    def last_id(self) -> int:
        """Return the highest deposit id that was ever given."""
        found = self._connection.execute(LAST_ID).fetchone()[0]
        return found if isinstance(found, int) else 0

    def renew_identity(self) -> None:
        """Take a new identity for the deposits to come."""
        last = str(self.last_id())
        name = STORE + secrets.token_hex(STORE_BYTES)
        self._connection.execute(
            "DELETE FROM meta WHERE name LIKE 'store.%' AND CAST(value AS TEXT) = ?", (last,)
        )
        self._connection.execute("INSERT INTO meta VALUES (?, ?)", (name, last.encode()))

    def _write_tag(self, deposit: Deposit) -> None:
        self._connection.execute("UPDATE deposits SET tag = ? WHERE id = ?", (self._tag(deposit), deposit.id))

    def _tag(self, deposit: Deposit) -> bytes:
        return self._sealer.tag(KIND, msgspec.structs.astuple(deposit))


def add_account(
    rows: DepositRows, connection: sqlite3.Connection, account: str, deposits: Mapping[str, str], wall_us: int
) -> None:
    """Make the account where it is missing, and credit the deposits (asset -> amount)."""
    connection.execute("INSERT OR IGNORE INTO accounts VALUES (?, ?)", (account, wall_us))
    for asset, amount in deposits.items():
        rows.add(account, asset, amount, wall_us)


def _deposit(
    row: tuple[int, str, str, str, int, bytes], stores: list[tuple[int, str]]
) -> tuple[Deposit, bytes]:
    deposit_id, account, asset, amount, created_us, tag = row
    return Deposit(deposit_id, account, asset, amount, created_us, _store_of(deposit_id, stores)), tag


def _store_of(deposit_id: int, stores: list[tuple[int, str]]) -> str:
    return next((store for last_id, store in reversed(stores) if deposit_id > last_id), "")
