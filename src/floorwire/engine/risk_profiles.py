"""Mandates: what an account may do with one key in one instrument, worked out once until a rule changes."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.limits import Limits
from floorwire.core.refusal import Refusal
from floorwire.engine import risk_checks
from floorwire.engine.accounts import Account, Accounts
from floorwire.engine.effective_limits import EffectiveLimits, effective_limits, merged
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.protocol.rate_limit import TokenBucket

MOST = 10_000
"""Mandates kept; where there are more all are forgotten, and rates that nobody is near with them."""

Asked: TypeAlias = tuple[str, str, str, Decimal | None]
"""Account, key, symbol, and the most that the key's orders may be worth."""
Whose: TypeAlias = tuple[str, str]
"""``account`` or ``key``, and its name."""


class RiskProfile(msgspec.Struct, frozen=True):
    """There is one only while the market is open and nothing is halted."""

    account: Account
    terms: InstrumentUnits
    same_base: tuple[InstrumentUnits, ...]
    """The rules of all instruments with this base asset, this one's among them."""
    bounds: EffectiveLimits
    account_rate: TokenBucket | None
    """How fast the account sends orders, by all its keys; None: as fast as it can."""
    key_rate: TokenBucket | None


class RiskProfiles:
    """Those asked for lately. How fast orders came is no account state: a restart forgives."""

    __slots__ = ("_accounts", "_default", "_known", "_rates")

    def __init__(self, accounts: Accounts, default: Limits) -> None:
        self._accounts = accounts
        self._default = default
        self._known: dict[Asked, RiskProfile] = {}
        self._rates: dict[Whose, tuple[int, TokenBucket]] = {}

    def of(self, asked: Asked, rate_us: int) -> RiskProfile:
        """Return the mandate. ``rate_us``: monotonic time.

        Raises Refusal: ``unknown_symbol``, ``market_halted``.
        """
        return self._known.get(asked) or self._worked_out(asked, rate_us)

    def forget(self) -> None:
        """Limits, halts or instruments have changed."""
        self._known.clear()

    def limits(self, account: str) -> Limits:
        """Return the account's limits as they hold, the default's included."""
        known = self._accounts.by_name.get(account)
        return self._default if known is None else merged(known.limits, self._default)

    def bounds(
        self, account: str, key: str, terms: InstrumentUnits, max_notional: Decimal | None
    ) -> EffectiveLimits:
        """Return what holds for orders of this account by this key."""
        return effective_limits(terms, self.limits(account), self.key_limits(account, key), max_notional)

    def key_limits(self, account: str, key: str) -> Limits:
        """Return the key's own limits."""
        known = self._accounts.by_name.get(account)
        return Limits() if known is None else known.key_limits.get(key, Limits())

    def _worked_out(self, asked: Asked, rate_us: int) -> RiskProfile:
        account, key, symbol, max_notional = asked
        terms = self.terms(symbol)
        risk_checks.check_halts(self._accounts, terms, account, key)
        if max(len(self._known), len(self._rates)) >= MOST:
            self._sweep(rate_us)
        found = RiskProfile(
            self._accounts.by_name.get(account) or Account(0),
            terms,
            tuple(one for one in self._accounts.terms.values() if one.base == terms.base),
            self.bounds(account, key, terms, max_notional),
            self._rate(("account", account), self.limits(account).orders_per_second),
            self._rate(("key", key), self.key_limits(account, key).orders_per_second),
        )
        if found.account.owner:  # else it is nobody's yet
            self._known[asked] = found
        return found

    def terms(self, symbol: str) -> InstrumentUnits:
        """Return the rules of an instrument. Raises Refusal: ``unknown_symbol``."""
        found = self._accounts.terms.get(symbol)
        if found is None:
            raise Refusal(Code.UNKNOWN_SYMBOL, f"{symbol} cannot be traded here", {"symbol": symbol})
        return found

    def _rate(self, whose: Whose, per_second: int | None) -> TokenBucket | None:
        if per_second is None:
            return None
        known = self._rates.get(whose)
        if known is None or known[0] != per_second:  # a new rate begins with a full bucket
            known = self._rates[whose] = per_second, TokenBucket(per_second, per_second)
        return known[1]

    def _sweep(self, rate_us: int) -> None:
        self._known.clear()  # they know buckets
        self._rates = {whose: one for whose, one in self._rates.items() if not one[1].is_full(rate_us)}
