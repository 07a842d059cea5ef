"""Risk profiles: the limits of one account, with one key, in one instrument.

A profile is computed at the first order, and is kept until a limit, a halt or an instrument changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.venue_names import bare
from floorwire.engine import risk_checks
from floorwire.engine.account import Account
from floorwire.engine.accounts import Accounts
from floorwire.engine.effective_limits import EffectiveLimits, effective_limits, merged
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.protocol.rate_limit import TokenBucket

MOST = 10_000
"""How many profiles are kept. Beyond that, all profiles and all unused order rates are dropped."""

MOST_KEYS = 10_000
"""How many keys of one account may have limits of their own."""

Asked: TypeAlias = tuple[str, str, str, Decimal | None]
"""Account, key, symbol, and the key's largest notional of an order."""
Whose: TypeAlias = tuple[str, str]
"""The owner of an order rate: ``account`` or ``key``, and its name."""


class RiskProfile(msgspec.Struct, frozen=True):
    """Exists only while the instrument is open and no halt applies (kill switch)."""

    account: Account
    instrument_units: InstrumentUnits
    same_base: tuple[InstrumentUnits, ...]
    """All instruments with this base asset, this one included."""
    bounds: EffectiveLimits
    account_rate: TokenBucket | None
    """The order rate of the account, over all its keys (rate limit). None: no limit."""
    key_rate: TokenBucket | None
    """The order rate of the key. None: no limit."""


class RiskProfiles:
    """The profiles in use, and the order rates.

    Order rates are not journalled. After a restart every rate begins with a full bucket.
    """

    __slots__ = ("_accounts", "_default", "_default_of_venue", "_known", "_rates")

    def __init__(
        self, accounts: Accounts, default: Limits, default_of_venue: Mapping[str, Limits] | None = None
    ) -> None:
        """``default_of_venue``: by venue, where a venue has default limits of its own."""
        self._accounts = accounts
        self._default = default
        self._default_of_venue = dict(default_of_venue or {})
        self._known: dict[Asked, RiskProfile] = {}
        self._rates: dict[Whose, tuple[int, TokenBucket]] = {}

    def of(self, asked: Asked, rate_us: int) -> RiskProfile:
        """Return the profile. ``rate_us``: monotonic time, in microseconds.

        Raises Refusal: ``unknown_symbol``, ``market_halted``.
        """
        return self._known.get(asked) or self._worked_out(asked, rate_us)

    def forget(self) -> None:
        """Drop all profiles, because limits, halts or instruments have changed. Order rates stay."""
        self._known.clear()

    def limits(self, account: str, venue: str = "") -> Limits:
        """Return the account's limits. A limit that it does not set has the default, at ``venue`` its own."""
        known = self._accounts.by_name.get(account)
        default = self._default_of_venue.get(venue, self._default)
        return default if known is None else merged(known.limits, default)

    def effective_limits(
        self, account: str, key: str, instrument_units: InstrumentUnits, max_notional: Decimal | None
    ) -> EffectiveLimits:
        """Return the limits of orders of this account and key, in ticks, lots and units."""
        of_account = self.limits(account, instrument_units.instrument.venue)
        return effective_limits(instrument_units, of_account, self.key_limits(account, key), max_notional)

    def key_limits(self, account: str, key: str) -> Limits:
        """Return the key's own limits, without those of its account."""
        known = self._accounts.by_name.get(account)
        return Limits() if known is None else known.key_limits.get(key, Limits())

    def check_room(self, account: str, key: str) -> None:
        """Check that one more key of the account may have limits. Raises Refusal: ``bad_request``."""
        known = self._accounts.by_name.get(account)
        if known is not None and key not in known.key_limits and len(known.key_limits) >= MOST_KEYS:
            message = f"{MOST_KEYS} keys of the account have limits already"
            raise Refusal(Code.BAD_REQUEST, message, {"field": "key"})

    def _worked_out(self, asked: Asked, rate_us: int) -> RiskProfile:
        account, key, symbol, max_notional = asked
        instrument_units = self.instrument_units(symbol)
        risk_checks.check_halts(self._accounts, instrument_units, account, key)
        if max(len(self._known), len(self._rates)) >= MOST:
            self._sweep(rate_us)
        found = RiskProfile(
            self._accounts.by_name.get(account) or Account(0),
            instrument_units,
            tuple(
                one for one in self._accounts.instrument_units.values() if one.base == instrument_units.base
            ),
            self.effective_limits(account, key, instrument_units, max_notional),
            self._rate(("account", account), self.limits(account).orders_per_second),
            self._rate(("key", key), self.key_limits(account, key).orders_per_second),
        )
        if found.account.owner:  # otherwise the account does not exist yet: do not keep it
            self._known[asked] = found
        return found

    def instrument_units(self, symbol: str) -> InstrumentUnits:
        """Return a listed instrument with its units. Raises Refusal: ``unknown_symbol``."""
        found = self._accounts.instrument_units.get(symbol)
        if found is None:
            raise Refusal(
                Code.UNKNOWN_SYMBOL, f"{bare(symbol)} cannot be traded here", {"symbol": bare(symbol)}
            )
        return found

    def _rate(self, whose: Whose, per_second: int | None) -> TokenBucket | None:
        if per_second is None:
            return None
        known = self._rates.get(whose)
        if known is None or known[0] != per_second:  # a changed rate begins with a full bucket
            known = self._rates[whose] = per_second, TokenBucket(per_second, per_second)
        return known[1]

    def _sweep(self, rate_us: int) -> None:
        self._known.clear()  # the profiles refer to buckets that are dropped now
        self._rates = {whose: one for whose, one in self._rates.items() if not one[1].is_full(rate_us)}
