"""Takes over a keys.db of version 1, whose rows had no tags. This happens once for each folder.

What a key of version 1 may do was not protected, so nobody can tell whether it was changed. Only the secret
was: a row without a secret that was sealed for its key is not taken over. Secrets are sealed anew, so that
keys made later can never be brought in as rows of version 1.
"""

from __future__ import annotations

import secrets
import sqlite3

import msgspec

from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Key
from floorwire.auth.secret_sealer import NONCE_BYTES, SecretSealer, WrongMasterKeyError, verify_digest
from floorwire.storage.deposit_rows import DepositRows
from floorwire.storage.key_rows import KeyRows

SELECT = "SELECT id, allows, created_us, revoked_us, digest, sealed FROM keys"


def take_over(connection: sqlite3.Connection, sealer: SecretSealer) -> int:
    """Give all rows their tags. Return the number of keys. Rows that cannot be right get none."""
    found = connection.execute(SELECT).fetchall()
    keys = [key for row in found if (key := _key(*row, sealer=sealer)) is not None]
    KeyRows(connection, sealer).write_all(keys)
    DepositRows(connection, sealer).tag_all()
    return len(keys)


def _key(
    name: object,
    allows: object,
    created_us: int,
    revoked_us: int | None,
    digest: object,
    sealed: object,
    *,
    sealer: SecretSealer,
) -> Key | None:
    if not (isinstance(name, str) and isinstance(allows, bytes)):
        return None
    if not (isinstance(digest, bytes) and isinstance(sealed, bytes)):
        return None
    try:
        secret = sealer.unseal_first(name, sealed)
        grant = msgspec.json.decode(allows, type=Grant)
    except (WrongMasterKeyError, msgspec.MsgspecError):
        return None
    if not verify_digest(sealer.digest(name, secret), digest):
        return None
    again = sealer.seal(name, secret, secrets.token_bytes(NONCE_BYTES))
    return Key(name, grant, created_us, revoked_us, digest, again)
