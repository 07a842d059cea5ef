"""Authorization: who may do what, for which symbol and account, until when. It is decided only here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal

Network: TypeAlias = IPv4Network | IPv6Network


class Scope(StrEnum):
    """What a key is for."""

    MARKET = "market"
    ACCOUNT = "account"
    TRADE = "trade"
    ADMIN = "admin"
    MONITOR = "monitor"
    """To read metrics only. An admin may do that too."""


WIDER_SCOPE: Mapping[Scope, Scope] = {Scope.MONITOR: Scope.ADMIN}
"""Scope -> the wider scope, which allows all that it allows."""


class Action(StrEnum):
    """Every action of the gateway, by its name on the wire, with the scope that it needs.

    Subscribing to a private channel is the action of the same name: a key that may read ``orders`` may
    subscribe to them. ``one_symbol``: the action is about an order, so a narrowed key has to name its symbol.
    ``about_all``: the action concerns all accounts and symbols, so no narrowed key may do it.
    """

    scope: Scope | None
    one_symbol: bool
    about_all: bool

    def __new__(
        cls, value: str, scope: Scope | None, one_symbol: bool = False, about_all: bool = False
    ) -> Action:
        action = str.__new__(cls, value)
        action._value_ = value
        action.scope = scope
        action.one_symbol = one_symbol
        action.about_all = about_all
        return action

    PING = "ping", None
    LOGIN = "login", None
    UNSUBSCRIBE = "unsubscribe", None
    SUBSCRIPTIONS = "subscriptions", None

    SUBSCRIBE = "subscribe", Scope.MARKET
    SYMBOLS = "symbols", Scope.MARKET

    ORDERS = "orders", Scope.ACCOUNT
    FILLS = "fills", Scope.ACCOUNT
    BALANCES = "balances", Scope.ACCOUNT
    POSITIONS = "positions", Scope.ACCOUNT
    LEDGER = "ledger", Scope.ACCOUNT
    ACCOUNT = "account", Scope.ACCOUNT
    ORDER_STATUS = "order.status", Scope.ACCOUNT, True

    ACCOUNTS_LIST = "accounts.list", Scope.ACCOUNT
    ACCOUNTS_CREATE = "accounts.create", Scope.TRADE

    ORDER_PLACE = "order.place", Scope.TRADE, True
    ORDER_AMEND = "order.amend", Scope.TRADE, True
    ORDER_CANCEL = "order.cancel", Scope.TRADE, True
    ORDER_CANCEL_ALL = "order.cancel_all", Scope.TRADE
    CANCEL_ON_DISCONNECT = "session.cancel_on_disconnect", Scope.TRADE
    DEADMAN = "session.deadman", Scope.TRADE

    LIMITS = "limits", Scope.ACCOUNT

    LIMITS_SHOW = "limits.show", Scope.ADMIN
    LIMITS_SET = "limits.set", Scope.ADMIN
    HALTS_LIST = "halts.list", Scope.ADMIN
    HALT = "halt", Scope.ADMIN
    RESUME = "resume", Scope.ADMIN
    JOURNAL = "journal", Scope.ADMIN, False, True
    QUARANTINE_LIST = "quarantine.list", Scope.ADMIN
    QUARANTINE_RELEASE = "quarantine.release", Scope.ADMIN
    REPLAYS_LIST = "replays.list", Scope.ADMIN, False, True
    REPLAYS_CONTROL = "replays.control", Scope.ADMIN, False, True
    ACCOUNTS_WITHDRAW = "accounts.withdraw", Scope.ADMIN
    ACCOUNTS_TRANSFER = "accounts.transfer", Scope.ADMIN
    ACCOUNTS_RESET = "accounts.reset", Scope.ADMIN
    KEYS_LIST = "keys.list", Scope.ADMIN
    KEYS_CREATE = "keys.create", Scope.ADMIN
    KEYS_REVOKE = "keys.revoke", Scope.ADMIN
    KEYS_ROTATE = "keys.rotate", Scope.ADMIN

    METRICS = "metrics", Scope.MONITOR, False, True


class Principal(msgspec.Struct, frozen=True):
    """Who makes a request: the key that signed in (``""``: none did) and what it may do.

    ``symbols``: None means all, else these, written ``BASE-QUOTE`` (on every venue) or ``venue:BASE-QUOTE``.
    ``accounts``: the accounts that it may act for; None means its own, and for an admin all.
    ``max_notional``: the most that one order may be worth, in the instrument's quote currency.
    ``networks``: the addresses that it may be used from; none means all.
    ``expires_us``: microseconds since the epoch, UTC, from which on it may do nothing.
    """

    account: str
    key: str
    scopes: frozenset[Scope]
    symbols: frozenset[str] | None = None
    accounts: frozenset[str] | None = None
    max_notional: Decimal | None = None
    networks: tuple[Network, ...] = ()
    expires_us: int | None = None

    def sees(self, symbol: str) -> bool:
        """Return whether it may use the canonical symbol. It gets no data of other symbols."""
        if self.symbols is None or symbol in self.symbols:
            return True
        return symbol.rpartition(":")[2] in self.symbols

    def acts_for(self, account: str, as_admin: bool) -> bool:
        """Return whether it may act for the account."""
        if self.accounts is not None:
            return account in self.accounts
        return as_admin or account == self.account

    @property
    def is_narrowed(self) -> bool:
        """Whether it may see some accounts or symbols only."""
        return self.accounts is not None or self.symbols is not None

    def comes_from(self, address: str) -> bool:
        """Return whether it may be used from the address."""
        return not self.networks or is_within(address, self.networks)


ANONYMOUS = Principal(account="", key="", scopes=frozenset())
"""Nobody signed in, and every action needs a key."""
ANONYMOUS_MARKET = Principal(account="", key="", scopes=frozenset({Scope.MARKET}))
"""Nobody signed in, and market data needs no key."""


def decide(
    principal: Principal,
    action: Action,
    wall_us: int,
    *,
    symbol: str | None = None,
    account: str | None = None,
    address: str | None = None,
    notional: Decimal | None = None,
    shown: str | None = None,
) -> Refusal | None:
    """Return why the principal may not do this; None if it may.

    ``symbol`` is an identity; ``shown`` is how the refusal names it. Leave out what the action does not need.
    ``account`` left out is its own. ``address`` is needed only if it was not checked at sign-in.
    The refusal is ``unauthenticated``, ``forbidden`` or ``max_notional``.
    """
    if action.scope is None:
        return None
    return (
        _check_scope(principal, action, action.scope, wall_us)
        or (None if address is None else _check_address(principal, address))
        or _check_symbol(principal, action, symbol, shown)
        or (None if account is None else _check_account(principal, action.scope, account))
        or (None if notional is None else _check_notional(principal, notional))
    )


def _check_scope(principal: Principal, action: Action, scope: Scope, wall_us: int) -> Refusal | None:
    if principal.expires_us is not None and wall_us >= principal.expires_us:
        return Refusal(Code.UNAUTHENTICATED, "the key or the token has expired")
    if scope in principal.scopes or WIDER_SCOPE.get(scope) in principal.scopes:
        return None
    if principal.key:
        return _forbidden(f"{action} needs the scope {scope}", "scope", scope)
    return Refusal(Code.UNAUTHENTICATED, f"{action} needs a key with the scope {scope}")


def _check_address(principal: Principal, address: str) -> Refusal | None:
    if principal.comes_from(address):
        return None
    return _forbidden("the key may not be used from this address", "address", address)


def _check_symbol(
    principal: Principal, action: Action, symbol: str | None, shown: str | None
) -> Refusal | None:
    if symbol is not None:
        if principal.sees(symbol):
            return None
        name = symbol if shown is None else shown
        return _forbidden(f"the key may not do this to {name}", "symbol", name)
    if action.one_symbol and principal.symbols is not None:
        return _forbidden(f"{action} by this key has to name one of its symbols", "symbol", "")
    if action.about_all and principal.is_narrowed:
        return _forbidden(
            f"{action} concerns all accounts and symbols; the key is for some", "action", action
        )
    return None


def _check_account(principal: Principal, scope: Scope, account: str) -> Refusal | None:
    if principal.acts_for(account, as_admin=scope is Scope.ADMIN):
        return None
    return _forbidden(f"the key may not act for {account}", "account", account)


def _check_notional(principal: Principal, notional: Decimal) -> Refusal | None:
    limit = principal.max_notional
    if limit is None or notional <= limit:
        return None
    return Refusal(
        Code.MAX_NOTIONAL,
        f"worth {notional:f}; the key may place orders of up to {limit:f}",
        {"limit": f"{limit:f}", "notional": f"{notional:f}"},
    )


def _forbidden(message: str, field: str, value: str) -> Refusal:
    return Refusal(Code.FORBIDDEN, message, {field: value})


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Return whether the address is in one of the networks; text that is no address is in none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)  # a dual-stack socket's ::ffff:192.0.2.1 is 192.0.2.1
    return any((mapped or parsed) in network for network in networks)
