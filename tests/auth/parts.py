"""Keys, tokens and times that the tests of sign-in share."""

from __future__ import annotations

from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Key, Keyring
from floorwire.auth.secret_sealer import SecretSealer
from floorwire.core.authorization import Scope

NOW = 1_800_000_000_000_000
S = 1_000_000
HERE = "192.0.2.7"
SECRET = "s" * 43


def sealer() -> SecretSealer:
    return SecretSealer(bytes(range(32)))


def grant(
    account: str = "alice",
    scopes: tuple[Scope, ...] = (Scope.MARKET, Scope.TRADE),
    symbols: tuple[str, ...] | None = None,
    addresses: tuple[str, ...] = (),
    expires_us: int | None = None,
) -> Grant:
    return Grant(account, scopes, symbols=symbols, addresses=addresses, expires_us=expires_us)


def key(
    name: str = "k1", secret: str = SECRET, given: Grant | None = None, revoked: int | None = None
) -> Key:
    safe = sealer()
    return Key(
        name,
        given or grant(),
        NOW - S,
        revoked,
        safe.digest(name, secret),
        safe.seal(name, secret, name.encode().ljust(12)[:12]),
    )


def keyring(*keys: Key) -> Keyring:
    ring = Keyring(sealer())
    ring.replace(keys or (key(),))
    return ring
