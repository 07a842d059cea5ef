"""Keyring: all API keys in memory, so that a look-up needs no database call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from floorwire.auth.grant import Grant
from floorwire.auth.secret_sealer import (
    NONCE_BYTES,
    SecretSealer,
    WrongMasterKeyError,
    verify_digest,
)
from floorwire.core.authorization import Principal, Scope
from floorwire.protocol.requests import login_signature

MAX_SECRET = 256
"""The longest secret that is hashed. Longer ones are wrong."""


class Key(msgspec.Struct, frozen=True):
    """One API key as it is stored. Its secret cannot be read without the master key."""

    id: str
    grant: Grant
    created_us: int
    revoked_us: int | None
    digest: bytes
    sealed: bytes
    change: int = 0
    """The number of the change that wrote it. A lower one than before is an old row that was put back."""
    next_digest: bytes = b""
    next_sealed: bytes = b""
    """A new secret that was offered. It takes the place of the other one when it is first shown to us."""

    def has_same_rights(self, other: Key) -> bool:
        """Return whether sign-ins with the other key are still valid: only another secret was offered."""
        return self == msgspec.structs.replace(
            other, change=self.change, next_digest=self.next_digest, next_sealed=self.next_sealed
        )

    def is_live(self, wall_us: int) -> bool:
        """Return whether the key is neither revoked nor expired."""
        expires_us = self.grant.expires_us
        return self.revoked_us is None and (expires_us is None or wall_us < expires_us)


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a key. Times are in microseconds since the epoch, UTC."""

    key: str
    account: str
    scopes: tuple[Scope, ...]
    symbols: tuple[str, ...] | None
    accounts: tuple[str, ...] | None
    max_notional: str | None
    addresses: tuple[str, ...]
    created: int
    expires: int | None
    revoked: int | None

    @classmethod
    def of(cls, key: Key) -> KeyInfo:
        """Return the part of the key that may be shown."""
        grant = key.grant
        return cls(
            key=key.id,
            account=grant.account,
            scopes=grant.scopes,
            symbols=grant.symbols,
            accounts=grant.accounts,
            max_notional=grant.max_notional,
            addresses=grant.addresses,
            created=key.created_us,
            expires=grant.expires_us,
            revoked=key.revoked_us,
        )

    def seen_by(self, admin: Principal) -> KeyInfo | None:
        """Return what an admin may see of it: its accounts and symbols. None: it is for others only."""
        if not admin.acts_for(self.account, as_admin=True):
            return None
        accounts, symbols = self.accounts, self.symbols
        if accounts is not None:
            accounts = tuple(name for name in accounts if admin.acts_for(name, as_admin=True))
        if symbols is not None:
            symbols = tuple(symbol for symbol in symbols if admin.sees(symbol))
            if not symbols:
                return None
        return msgspec.structs.replace(self, accounts=accounts, symbols=symbols)


class KeyEntry(NamedTuple):
    """A key and the principal of clients that sign in with it."""

    key: Key
    principal: Principal


class KeyTable(NamedTuple):
    """All keys, ready to be looked up."""

    entries: dict[str, KeyEntry]
    decoys: list[KeyEntry]
    """The same keys. The one that is verified instead of an unknown key is chosen by its place here."""
    ended: set[str]
    """Keys of the table before whose sign-ins are no longer valid: they are gone or changed, which means
    revoked, rotated or given other rights."""


class Keyring:
    """Looks up keys and verifies secrets. The cost is the same whether the key exists or not.

    The time of an answer must not show which keys exist. So an unknown key is verified against an existing
    one (a decoy), and refused. Different unknown keys get different decoys: one decoy for all would stay in
    the processor's cache and answer sooner.
    """

    def __init__(self, sealer: SecretSealer) -> None:
        self._sealer = sealer
        grant = Grant(account="nobody", scopes=(Scope.MARKET,))
        sealed = sealer.seal("", "0" * 43, bytes(NONCE_BYTES))
        self._nobody = KeyEntry(Key("", grant, 0, 0, sealer.digest("", ""), sealed), grant.principal(""))
        self._keys: dict[str, KeyEntry] = {}
        self._decoys = [self._nobody]

    def prepare(self, keys: Iterable[Key]) -> KeyTable:
        """Return a table of these keys, for ``take``. It changes nothing, so it may run in a thread.

        The keys must not be replaced between the two calls. An older row of a key is ignored: a revoked key
        stays revoked, whatever is put back into the database.
        """
        before, now = self._keys, dict[str, KeyEntry]()
        for key in keys:
            held = before.get(key.id)
            if held is None or (held.key is not key and held.key != key and held.key.change <= key.change):
                is_same = held is not None and held.key.has_same_rights(key)
                held = KeyEntry(key, held.principal if held and is_same else key.grant.principal(key.id))
            now[key.id] = held
        ended = {
            name
            for name, held in before.items()
            if (later := now.get(name)) is None or later.principal is not held.principal
        }
        return KeyTable(now, list(now.values()) or [self._nobody], ended)

    def set_table(self, table: KeyTable) -> KeyTable:
        """Replace all keys at once. Return the table of the keys before: to free it takes long, too."""
        before = KeyTable(self._keys, self._decoys, set())
        self._keys, self._decoys = table.entries, table.decoys
        return before

    def replace(self, keys: Iterable[Key]) -> set[str]:
        """Replace all keys at once. Return the ids whose sign-ins are no longer valid."""
        table = self.prepare(keys)
        self.set_table(table)
        return table.ended

    def __len__(self) -> int:
        return len(self._keys)

    def account_of(self, key: str) -> str | None:
        """Return the account of a key, live or not; None where there is no such key."""
        held = self._keys.get(key)
        return None if held is None else held.key.grant.account

    def has_live(self, wall_us: int) -> bool:
        """Return whether any key is neither revoked nor expired."""
        return any(held.key.is_live(wall_us) for held in self._keys.values())

    def verify_secret(self, key: str, secret: str, wall_us: int) -> Principal | None:
        """Return the principal if the secret is right, else None."""
        known, principal = self._held_or_decoy(key)
        right = verify_digest(self._sealer.digest(key, secret[:MAX_SECRET]), known.digest)
        return principal if right and known.id == key and known.is_live(wall_us) else None

    def verify_signature(self, key: str, ts_us: int, signed: str, wall_us: int) -> Principal | None:
        """Return the principal if the signature (hex) is right, else None. The caller checks ``ts_us``."""
        known, principal = self._held_or_decoy(key)
        try:
            secret = self._sealer.unseal(known.id, known.sealed)
        except WrongMasterKeyError:  # The database was changed by others.
            return None
        expected = login_signature(secret, ts_us).encode()
        right = verify_digest(expected, signed[:MAX_SECRET].lower().encode(errors="replace"))
        return principal if right and known.id == key and known.is_live(wall_us) else None

    def shows_next_secret(self, key: str, secret: str) -> bool:
        """Return whether it is the new secret that was offered for the key. Any other takes as long."""
        known, _ = self._held_or_decoy(key)
        expected = known.next_digest or known.digest
        right = verify_digest(self._sealer.digest(key, secret[:MAX_SECRET]), expected)
        return right and known.id == key and bool(known.next_digest)

    def shows_next_signature(self, key: str, ts_us: int, signed: str) -> bool:
        """Return the same of a signature with the new secret."""
        known, _ = self._held_or_decoy(key)
        try:
            secret = self._sealer.unseal(known.id, known.next_sealed or known.sealed)
        except WrongMasterKeyError:
            return False
        expected = login_signature(secret, ts_us).encode()
        right = verify_digest(expected, signed[:MAX_SECRET].lower().encode(errors="replace"))
        return right and known.id == key and bool(known.next_sealed)

    def _held_or_decoy(self, key: str) -> KeyEntry:
        decoy = self._decoys[hash(key) % len(self._decoys)]
        return self._keys.get(key, decoy)

    def is_current(self, principal: Principal, wall_us: int) -> bool:
        """Return whether the principal's key is live, and the same as at sign-in."""
        held = self._keys.get(principal.key)
        return held is not None and held.principal is principal and held.key.is_live(wall_us)

    def is_usable_from(self, key: str, address: str) -> bool:
        """Return whether the key may be used from the address. For an unknown key it means nothing."""
        return self._held_or_decoy(key).principal.comes_from(address)
