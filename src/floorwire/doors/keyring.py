"""Keyring: every key in memory, so that a look-up costs no database call."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from floorwire.core.auth import Principal, Scope
from floorwire.doors.grant import Grant
from floorwire.doors.vault import NONCE_BYTES, Vault, WrongMasterKeyError, is_same
from floorwire.protocol.login import signature

MAX_SECRET = 256
"""Longer ones are wrong; what is beyond is not even hashed."""


class Key(msgspec.Struct, frozen=True):
    """One API key as it is stored: what it allows, and nothing that signs in without the master key."""

    id: str
    grant: Grant
    created_us: int
    revoked_us: int | None
    digest: bytes
    sealed: bytes

    def is_live(self, now_us: int) -> bool:
        """Return whether it opens anything."""
        expires_us = self.grant.expires_us
        return self.revoked_us is None and (expires_us is None or now_us < expires_us)


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told about a key; times in microseconds since the epoch, UTC."""

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
        """Return what may be told about the key."""
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


class Keyring:
    """Looks keys up and checks secrets, at the same cost whether the key exists or not."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys: dict[str, tuple[Key, Principal]] = {}
        decoy = Grant(account="nobody", scopes=(Scope.MARKET,))
        sealed = vault.seal("", "0" * 43, bytes(NONCE_BYTES))
        self._decoy = Key("", decoy, 0, 0, vault.digest("", ""), sealed), decoy.principal("")

    def replace(self, keys: Iterable[Key]) -> set[str]:
        """Take these keys for all there are; return those whose sign-ins hold no longer.

        That is each that is gone or different: revoked, rotated, narrowed.
        """
        before, self._keys = self._keys, {}
        for key in keys:
            held = before.get(key.id)
            self._keys[key.id] = held if held and held[0] == key else (key, key.grant.principal(key.id))
        return {name for name, held in before.items() if self._keys.get(name) is not held}

    def __len__(self) -> int:
        return len(self._keys)

    def has_live(self, now_us: int) -> bool:
        """Return whether any key opens anything."""
        return any(key.is_live(now_us) for key, _ in self._keys.values())

    def by_secret(self, key: str, secret: str, now_us: int) -> Principal | None:
        """Return whom the secret proves, if anybody."""
        known, principal = self._keys.get(key, self._decoy)
        right = is_same(self._vault.digest(key, secret[:MAX_SECRET]), known.digest)
        return principal if right and known.is_live(now_us) else None

    def by_signature(self, key: str, ts_us: int, signed: str, now_us: int) -> Principal | None:
        """Return whom the signature (hex) proves, if anybody. The caller holds the time to its bounds."""
        known, principal = self._keys.get(key, self._decoy)
        try:
            secret = self._vault.unseal(known.id, known.sealed)
        except WrongMasterKeyError:  # somebody wrote to the database who should not
            return None
        expected = signature(secret, ts_us)
        given = signed[:MAX_SECRET].lower().encode(errors="replace")
        return principal if is_same(expected.encode(), given) and known.is_live(now_us) else None

    def is_current(self, principal: Principal, now_us: int) -> bool:
        """Return whether the key that the principal came in with still holds as it was then."""
        known, current = self._keys.get(principal.key, self._decoy)
        return current is principal and known.is_live(now_us)

    def is_usable_from(self, key: str, address: str) -> bool:
        """Return whether the key, if there is one, may be used from the address."""
        return self._keys.get(key, self._decoy)[1].comes_from(address)
