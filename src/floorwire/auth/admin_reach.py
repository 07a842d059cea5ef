"""What an admin may change of accounts: no more than its own key is for, in any of its dimensions.

``grant`` has the same rule for keys. Expiry, addresses and accounts are checked where every request is
(``core/authorization.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from floorwire.auth.grant import AMOUNT
from floorwire.core.account_events import HaltScope
from floorwire.core.authorization import Principal
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.venue_names import NO_VENUES, VenueNames, bare, venue_of


def halt_refusal(admin: Principal, scope: HaltScope, name: str) -> Refusal | None:
    """Return why the admin may not halt or resume this; None if it may. A symbol has its full name."""
    if admin.accounts is not None and (scope != "account" or name not in admin.accounts):
        return _forbidden("the key administers some accounts only", scope, name)
    if admin.symbols is not None and (scope != "symbol" or not admin.sees(name)):
        return _forbidden("the key administers some symbols only", scope, name)
    return None


def limits_refusal(admin: Principal, limits: Limits) -> Refusal | None:
    """Return why the admin may not set these limits; None if it may.

    Limits hold for all symbols of the account. An admin with a largest order sets no larger one.
    """
    if admin.symbols is not None:
        message = "limits hold for all symbols of an account; the key administers some symbols only"
        return Refusal(Code.FORBIDDEN, message, {"field": "symbols"})
    most, given = admin.max_notional, limits.max_order_notional
    if most is None or (given is not None and AMOUNT.fullmatch(given) and Decimal(given) <= most):
        return None
    message = f"max_order_notional: at most {most:f}, the largest order of the key that sets it"
    return Refusal(Code.FORBIDDEN, message, {"field": "max_order_notional"})


def deposit_refusal(admin: Principal, assets: Iterable[str], names: VenueNames = NO_VENUES) -> Refusal | None:
    """Return why the admin may not give these assets; None if it may: its symbols trade them.

    A symbol without a venue is one of every venue, and so are its assets.
    """
    if admin.symbols is None:
        return None
    traded = {
        f"{venue_of(symbol)}:{asset}".removeprefix(":")
        for symbol in admin.symbols
        for asset in bare(symbol).split("-")
    }
    for asset in assets:
        if names.identity(asset) not in traded and bare(asset) not in traded:
            message = f"deposit: no symbol that the key administers trades {asset}"
            return Refusal(Code.FORBIDDEN, message, {"field": "deposit"})
    return None


def money_refusal(admin: Principal) -> Refusal | None:
    """Return why the admin may not move money of an account, or reset it; None if it may."""
    if admin.symbols is None:
        return None
    message = "balances are of all symbols of an account; the key administers some symbols only"
    return Refusal(Code.FORBIDDEN, message, {"field": "symbols"})


def _forbidden(message: str, scope: HaltScope, name: str) -> Refusal:
    return Refusal(Code.FORBIDDEN, message, {"scope": scope, "name": name})
