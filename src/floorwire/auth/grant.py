"""Grants: what a key or a token allows. The rules are checked when a Grant is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

import msgspec

from floorwire.auth.client_address import parse_network
from floorwire.core.authorization import WIDER_SCOPE, Action, Network, Principal, Scope
from floorwire.core.venue_names import VENUE_ID

ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
SYMBOL = re.compile(rf"({VENUE_ID.pattern}:)?[A-Z0-9.]{{1,20}}-[A-Z0-9.]{{1,20}}")
AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
ASSET = re.compile(rf"({VENUE_ID.pattern}:)?[A-Z0-9.]{{1,20}}")
LIFETIME = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
DEPOSIT_DECIMALS = 8
"""Every asset's unit has at least these decimals (``engine/ledger.py``), so no part of a deposit is lost."""
MOST_DEPOSIT = Decimal((1 << 62) // 10**DEPOSIT_DECIMALS)
"""A larger balance than this is too much for any asset."""
MOST = 1_000
"""The most symbols, accounts or addresses in one grant."""
ABOUT_ALL = {Scope.ADMIN} | {action.scope for action in Action if action.about_all}
"""Scopes that concern all accounts where a key is not for some: to administer them, to read of them."""


class GrantError(ValueError):
    """A grant breaks a rule. ``field`` names the wrong field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a key allows, as it is stored and shown. The fields mean the same as in Principal.

    Raises GrantError if a field breaks a rule.
    """

    account: str
    scopes: tuple[Scope, ...]
    symbols: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None
    max_notional: str | None = None
    addresses: tuple[str, ...] = ()
    expires_us: int | None = None

    def __post_init__(self) -> None:
        _match(ACCOUNT, "account", (self.account,))
        if not self.scopes:
            raise GrantError("scopes", f"give at least one of {', '.join(Scope)}")
        if self.symbols is not None:
            _match(SYMBOL, "symbols", self.symbols)
        if self.accounts is not None:
            _match(ACCOUNT, "accounts", self.accounts)
            if self.account not in self.accounts:
                raise GrantError("accounts", f"has to name {self.account}, whose key it is")
        if self.max_notional is not None:
            amount("max_notional", self.max_notional)
        if len(self.addresses) > MOST:
            raise GrantError("addresses", f"at most {MOST}")
        networks("addresses", self.addresses)

    def principal(self, key: str) -> Principal:
        """Return the principal of a client that signs in with this grant. ``key``: the key's id."""
        return Principal(
            account=self.account,
            key=key,
            scopes=frozenset(self.scopes),
            symbols=None if self.symbols is None else frozenset(self.symbols),
            accounts=None if self.accounts is None else frozenset(self.accounts),
            max_notional=None if self.max_notional is None else Decimal(self.max_notional),
            networks=networks("addresses", self.addresses),
            expires_us=self.expires_us,
        )


def check_account(name: str) -> None:
    """Raise GrantError for a name that no account can have."""
    _match(ACCOUNT, "account", (name,))


def exceeds(giver: Principal, grant: Grant) -> str | None:
    """Return the first field in which the grant allows more than its giver may, or None.

    Nobody gives more than they have: to administer keys is not to hold their scopes. Whatever makes a key or
    shows a secret asks this function; a ticket is its maker's own principal.
    """
    return next((field for field, is_covered in COVERED.items() if not is_covered(giver, grant)), None)


def is_out_of_reach(admin: Principal, grant: Grant) -> bool:
    """Return whether the admin may not end a key with this grant, because it is for more than the admin's.

    Scopes do not count: ending a key gives nobody anything.
    """
    return any(not is_covered(admin, grant) for field, is_covered in COVERED.items() if field != "scopes")


def _scopes_covered(giver: Principal, grant: Grant) -> bool:
    return all(scope in giver.scopes or WIDER_SCOPE.get(scope) in giver.scopes for scope in grant.scopes)


def _accounts_covered(giver: Principal, grant: Grant) -> bool:
    is_admin = Scope.ADMIN in giver.scopes
    if giver.accounts is None and is_admin:
        return True
    if giver.accounts is not None and grant.accounts is None and not ABOUT_ALL.isdisjoint(grant.scopes):
        return False  # It may do what concerns all accounts.
    accounts = {grant.account, *(grant.accounts or ())}
    return all(giver.acts_for(account, as_admin=is_admin) for account in accounts)


def _addresses_covered(giver: Principal, grant: Grant) -> bool:
    """Return whether the grant is good only from addresses that its giver may be used from."""
    if not giver.networks:
        return True
    mine4 = collapse_addresses(one for one in giver.networks if isinstance(one, IPv4Network))
    mine6 = collapse_addresses(one for one in giver.networks if isinstance(one, IPv6Network))
    mine: list[Network] = [*mine4, *mine6]
    return bool(grant.addresses) and all(
        any(_is_part(network, one) for one in mine) for network in networks("addresses", grant.addresses)
    )


def _is_part(network: Network, whole: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(whole, IPv4Network) and network.subnet_of(whole)
    return isinstance(whole, IPv6Network) and network.subnet_of(whole)


def _symbols_covered(giver: Principal, grant: Grant) -> bool:
    return giver.symbols is None or all(giver.sees(symbol) for symbol in grant.symbols or ("",))


def _expiry_covered(giver: Principal, grant: Grant) -> bool:
    if giver.expires_us is None:
        return True
    return grant.expires_us is not None and grant.expires_us <= giver.expires_us


def _notional_covered(giver: Principal, grant: Grant) -> bool:
    most = giver.max_notional
    return most is None or (grant.max_notional is not None and Decimal(grant.max_notional) <= most)


COVERED: Mapping[str, Callable[[Principal, Grant], bool]] = {
    "scopes": _scopes_covered,
    "accounts": _accounts_covered,
    "symbols": _symbols_covered,
    "expires": _expiry_covered,
    "max_notional": _notional_covered,
    "addresses": _addresses_covered,
}
"""Field -> whether the grant allows no more in it than its giver may. ``accounts`` includes ``account``."""


def _match(pattern: re.Pattern[str], field: str, values: Sequence[str]) -> None:
    if not values or len(values) > MOST:
        raise GrantError(field, f"give 1 to {MOST}")
    for value in values:
        if not pattern.fullmatch(value):
            raise GrantError(field, f"{value[:80]!r} is not valid: it has to match {pattern.pattern}")


def amount(field: str, text: str) -> Decimal:
    """Return the text as a positive decimal. Raises GrantError."""
    value = Decimal(text) if AMOUNT.fullmatch(text) else Decimal(0)
    if value <= 0:
        raise GrantError(field, f"{text[:80]!r} is not a positive decimal")
    return value


def networks(field: str, texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the addresses and networks: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32. Raises GrantError."""
    try:
        return tuple(parse_network(text) for text in texts)
    except ValueError as error:
        raise GrantError(field, str(error)) from None


def scopes(text: str) -> tuple[Scope, ...]:
    """Return the scopes of ``market,account,trade``, each once. Raises GrantError."""
    try:
        return tuple(dict.fromkeys(Scope(word.strip()) for word in text.split(",")))
    except ValueError:
        raise GrantError("scopes", f"{text[:80]!r}: each is one of {', '.join(Scope)}") from None


def expiry(text: str, wall_us: int) -> int:
    """Return the expiry in microseconds: ``30d`` or ``12h`` from now, or a date (default UTC).

    Raises GrantError.
    """
    lifetime = LIFETIME.fullmatch(text)
    if lifetime:
        return wall_us + int(lifetime[1]) * SECONDS[lifetime[2]] * 1_000_000
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        expires_us = int(moment.timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        raise GrantError("expires", f"{text[:80]!r} is neither like 30d nor a date") from None
    if expires_us <= wall_us:
        raise GrantError("expires", f"{text} is past")
    return expires_us


def deposits(texts: Sequence[str]) -> dict[str, str]:
    """Return asset -> amount of ``USDT=1000000`` or ``VENUE:USDT=1000000``. Raises GrantError."""
    given: dict[str, str] = {}
    for text in texts:
        asset, equals, value = text.partition("=")
        venue, colon, asset = asset.strip().rpartition(":")
        asset = venue.lower() + colon + asset.upper()
        if not equals or not ASSET.fullmatch(asset) or asset in given:
            raise GrantError("deposit", f"{text[:80]!r} is not like USDT=1000000, each asset once")
        exact = amount("deposit", value)
        if len(value.partition(".")[2].rstrip("0")) > DEPOSIT_DECIMALS:
            raise GrantError("deposit", f"{text[:80]!r} is finer than {DEPOSIT_DECIMALS} decimals")
        if exact > MOST_DEPOSIT:
            raise GrantError("deposit", f"{text[:80]!r} is more than {MOST_DEPOSIT}")
        given[asset] = value
    return given
