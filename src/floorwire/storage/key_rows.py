"""The rows of keys.db. Each has a tag under the master key, and so have all keys together.

A row whose tag is wrong was written by somebody else, and counts for nothing. The seal (a row of ``meta``)
has the number of the last change and a sum over all tags: it shows keys that are missing or were put back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import msgspec

from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Key
from floorwire.auth.secret_sealer import DIGEST_BYTES, TAG_BYTES, SecretSealer, verify_digest, verify_tag
from floorwire.storage.database import DatabaseError

KEY, SEAL = "key", "keys"
"""Kinds of tags. SEAL is also the seal's name in ``meta``."""
SELECT = (
    "SELECT id, account, allows, created_us, revoked_us, digest, sealed, change, tag FROM keys"
    " ORDER BY created_us, id"
)
FIND = (
    "SELECT id, account, allows, created_us, revoked_us, digest, sealed, change, tag FROM keys WHERE id = ?"
)
WRITE = "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
"""In the order of the columns, also where version 1 had the first ones (``database.UPGRADE``)."""
READ_SEAL = "SELECT value FROM meta WHERE name = 'keys'"
WRITE_SEAL = "INSERT OR REPLACE INTO meta VALUES ('keys', ?)"
CHANGE_BYTES = 8
LENGTH_BYTES = 2
MAX_NAMED = 20
"""The most rows that are named one by one."""
MODULUS = 1 << (8 * TAG_BYTES)

Row: TypeAlias = tuple[str, str, bytes, int, int | None, bytes, bytes, int, bytes]


class UnknownKeyError(LookupError):
    """There is no such key, or it is revoked, or its row was changed by somebody else."""

    def __init__(self, key: str, why: str = "") -> None:
        super().__init__(why or f"there is no key {key!r}, or it is revoked")
        self.key = key


class StoredKeys(msgspec.Struct, frozen=True):
    """All keys of the database. ``unverified``: ids of rows with a wrong tag; they open nothing.

    ``is_whole``: no key is missing, and no older row, or older database, was put back.
    """

    keys: list[Key]
    unverified: list[str]
    is_whole: bool
    changes: int

    def faults(self) -> list[str]:
        """Return what is wrong, a sentence each. Of many rows only the first are named."""
        found = [_changed_by_others(key) for key in self.unverified[:MAX_NAMED]]
        if len(self.unverified) > MAX_NAMED:
            found.append(f"{len(self.unverified) - MAX_NAMED} more rows were changed by somebody else")
        if not self.is_whole:
            found.append("keys are missing, or older rows were put back: revoked keys may be live again")
        return found


class VerifiedRow(NamedTuple):
    """A row whose tag is right, the key in it, and its part in the sum."""

    row: Row
    key: Key
    summand: int


class _Seal(msgspec.Struct, frozen=True):
    """``changes``: the number of the last change. ``total``: the sum over the tags of all keys."""

    changes: int
    total: int


class KeyRows:
    """Reads and writes the keys within one transaction.

    ``least_changes``: the number of the last change that is known from elsewhere. A database with a lower one
    is older than that.
    """

    def __init__(self, connection: sqlite3.Connection, sealer: SecretSealer, least_changes: int = 0) -> None:
        self._connection = connection
        self._sealer = sealer
        self._least_changes = least_changes

    def read(self, known: dict[str, VerifiedRow] | None = None) -> StoredKeys:
        """Return all keys, the oldest first. Raises DatabaseError.

        ``known``: the rows of the read before. A row that is the same is not verified again. It is updated.
        """
        keys: list[Key] = []
        unverified: list[str] = []
        total = 0
        before = known or {}
        found: dict[str, VerifiedRow] = {}
        for row in self._connection.execute(SELECT):
            verified = before.get(row[0])
            if verified is None or verified.row != row:
                if not self._is_verified(row):
                    unverified.append(str(row[0]))
                    continue
                verified = VerifiedRow(row, _key(row), self._sealer.summand(row[-1]))
            keys.append(verified.key)
            total += verified.summand
            if known is not None:
                found[verified.key.id] = verified
        if known is not None:
            known.clear()
            known.update(found)
        seal = self._seal()
        is_whole = seal is not None and seal.total == total % MODULUS and seal.changes >= self._least_changes
        return StoredKeys(keys, unverified, is_whole, 0 if seal is None else seal.changes)

    def changes(self) -> int:
        """Return the number of the last change."""
        seal = self._seal()
        return 0 if seal is None else seal.changes

    def find(self, key: str) -> Key:
        """Return a key that is not revoked. Raises UnknownKeyError."""
        row = self._connection.execute(FIND, (key,)).fetchone()
        if row is None:
            raise UnknownKeyError(key)
        if not self._is_verified(row):
            raise UnknownKeyError(key, _changed_by_others(key))
        found = _key(row)
        if found.revoked_us is not None:
            raise UnknownKeyError(key)
        return found

    def write(self, key: Key) -> None:
        """Write a new key, or a key that was changed, as the next change."""
        seal = self._seal()
        change = max(self._least_changes, self.changes()) + 1
        before = self._connection.execute("SELECT tag FROM keys WHERE id = ?", (key.id,)).fetchone()
        tag = self._write_row(msgspec.structs.replace(key, change=change))
        if seal is None:
            return  # It was removed or changed: what is missing since then must not look whole.
        total = seal.total + self._sealer.summand(tag)
        if before is not None:
            total -= self._sealer.summand(before[0])
        if seal.changes < self._least_changes:
            total += 1  # The database is an older copy. From now on only a wrong sum tells so.
        self._write_seal(_Seal(change, total % MODULUS))

    def write_all(self, keys: Iterable[Key] = ()) -> None:
        """Write all these keys and a new seal: the rows are whole as they are from now on."""
        change = max(self._least_changes, self.changes()) + 1
        total = 0
        for key in keys:
            total += self._sealer.summand(self._write_row(msgspec.structs.replace(key, change=change)))
        self._write_seal(_Seal(change, total % MODULUS))

    def _write_row(self, key: Key) -> bytes:
        allows = msgspec.json.encode(key.grant)
        digest, sealed = _joined(key)
        fields = (key.id, key.grant.account, allows, key.created_us, key.revoked_us, digest, sealed)
        tag = self._sealer.tag(KEY, (*fields, key.change))
        self._connection.execute(WRITE, (*fields, key.change, tag))
        return tag

    def _is_verified(self, row: Row) -> bool:
        return verify_tag(self._sealer.tag(KEY, row[:-1]), row[-1])

    def _seal(self) -> _Seal | None:
        """Return the seal; None where there is none, or where its tag is wrong."""
        found = self._connection.execute(READ_SEAL).fetchone()
        content = found[0] if found is not None and isinstance(found[0], bytes) else b""
        body, tag = content[:-TAG_BYTES], content[-TAG_BYTES:]
        if len(body) != CHANGE_BYTES + TAG_BYTES or not verify_digest(self._sealer.tag(SEAL, (body,)), tag):
            return None
        return _Seal(int.from_bytes(body[:CHANGE_BYTES]), int.from_bytes(body[CHANGE_BYTES:]))

    def _write_seal(self, seal: _Seal) -> None:
        body = seal.changes.to_bytes(CHANGE_BYTES) + seal.total.to_bytes(TAG_BYTES)
        self._connection.execute(WRITE_SEAL, (body + self._sealer.tag(SEAL, (body,)),))


def _changed_by_others(key: str) -> str:
    return f"the row of key {key!r} was changed by somebody else: it opens nothing"


def _key(row: Row) -> Key:
    name, _, allows, created_us, revoked_us, digest, sealed, change, _ = row
    try:
        grant = msgspec.json.decode(allows, type=Grant)
    except msgspec.MsgspecError as error:
        raise DatabaseError(f"key {name}: {error}") from None
    if len(digest) <= DIGEST_BYTES:
        return Key(name, grant, created_us, revoked_us, digest, sealed, change)
    end = LENGTH_BYTES + int.from_bytes(sealed[:LENGTH_BYTES])
    now, later = sealed[LENGTH_BYTES:end], sealed[end:]
    digest, next_digest = digest[:DIGEST_BYTES], digest[DIGEST_BYTES:]
    return Key(name, grant, created_us, revoked_us, digest, now, change, next_digest, later)


def _joined(key: Key) -> tuple[bytes, bytes]:
    """Return what the columns ``digest`` and ``sealed`` hold: if a secret was offered, both."""
    if not key.next_digest:
        return key.digest, key.sealed
    length = len(key.sealed).to_bytes(LENGTH_BYTES)
    return key.digest + key.next_digest, length + key.sealed + key.next_sealed
