"""Effective limits: the limits that hold for one account, key and instrument, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.units import MAX_DECIMALS, InexactError, Scale
from floorwire.core.venue_names import bare
from floorwire.engine.instrument_units import FRACTION, InstrumentUnits

FINEST = Scale(MAX_DECIMALS, 1)
WHOLE = FINEST.floor("1")
MOST = 1 << 53
"""Largest count that a limit may name. For more, set no limit; a journal record could not hold it."""
MOST_ASSETS = 200
"""The most assets that one limit may name. All of them are in the journal record, and in each answer."""
MOST_ASSET_NAME = 64
"""Characters of the longest name of an asset."""
MOST_QUOTED = 40
"""Characters of an invalid amount that the error message repeats."""


class EffectiveLimits(msgspec.Struct, frozen=True):
    """Limits of one order, of the position, and of the open orders. None where there is no limit."""

    max_turnover: int | None
    """Largest value of an order, in ticks times lots."""
    max_lots: int | None
    max_position_lots: int | None
    collar_ppm: int
    cancels_self_trade: bool
    """Self-trade prevention: the order is cancelled where it would trade with one of its own account."""
    max_open: int | None
    """Open orders of the account, over all its keys."""
    max_open_of_key: int | None
    """Open orders of the key."""


def merged(own: Limits, default: Limits) -> Limits:
    """Return ``own``, with the limit of ``default`` where ``own`` has none."""
    return Limits(
        *(
            getattr(default, field) if getattr(own, field) is None else getattr(own, field)
            for field in Limits.__struct_fields__
        )
    )


def check(limits: Limits) -> None:
    """Check that assets are few, amounts decimals, the collar below 1, and counts in range.

    Raises Refusal: ``bad_request``.
    """
    for name in ("max_order_quantity", "max_position"):
        _check_assets(name, getattr(limits, name) or {})
    amounts = [limits.max_order_notional, limits.price_collar]
    for by_asset in (limits.max_order_quantity, limits.max_position):
        amounts += (by_asset or {}).values()
    for amount in (given for given in amounts if given is not None):
        try:
            fine = FINEST.floor(amount) >= 0
        except InexactError:
            fine = False
        if not fine:
            raise Refusal(Code.BAD_REQUEST, f"{amount[:MOST_QUOTED]!r} is not an amount", {"field": "limits"})
    if limits.price_collar is not None and FINEST.floor(limits.price_collar) >= WHOLE:
        message = "price_collar: less than 1; it is a part of the price, and 1 would not limit sells at all"
        raise Refusal(Code.BAD_REQUEST, message, {"field": "limits"})
    if limits.orders_per_second is not None and not 1 <= limits.orders_per_second <= MOST:
        raise Refusal(Code.BAD_REQUEST, f"orders_per_second: 1 to {MOST}", {"field": "limits"})
    if limits.max_open_orders is not None and not 0 <= limits.max_open_orders <= MOST:
        raise Refusal(Code.BAD_REQUEST, f"max_open_orders: 0 to {MOST}", {"field": "limits"})


def _check_assets(limit: str, by_asset: Mapping[str, str]) -> None:
    if len(by_asset) > MOST_ASSETS:
        message = f"{limit}: names {len(by_asset)} assets; {MOST_ASSETS} at most"
    elif any(not 1 <= len(asset) <= MOST_ASSET_NAME for asset in by_asset):
        message = f"{limit}: the name of an asset has 1 to {MOST_ASSET_NAME} characters"
    else:
        return
    raise Refusal(Code.BAD_REQUEST, message, {"field": limit})


def effective_limits(
    instrument_units: InstrumentUnits, account: Limits, key: Limits, max_notional: Decimal | None
) -> EffectiveLimits:
    """Return the tighter of the limits of account and key, in the steps of the instrument.

    ``account`` always has a collar. ``max_notional`` is one more limit, in the quote asset.
    """
    levels, size = (account, key), instrument_units.instrument.size
    notionals = [account.max_order_notional, key.max_order_notional]
    if max_notional is not None:
        notionals.append(f"{max_notional:f}")
    return EffectiveLimits(
        max_turnover=_least(instrument_units.turnover, notionals),
        max_lots=_least(size, [_named(one.max_order_quantity, instrument_units.base) for one in levels]),
        max_position_lots=_least(size, [_named(one.max_position, instrument_units.base) for one in levels]),
        collar_ppm=_least(FRACTION, [one.price_collar for one in levels]) or 0,
        cancels_self_trade=(key.self_trade or account.self_trade) != "allow",
        max_open=account.max_open_orders,
        max_open_of_key=key.max_open_orders,
    )


def _named(by_asset: Mapping[str, str] | None, asset: str) -> str | None:
    """Return the limit of an asset: the one that names its venue, or else the one of every venue."""
    return None if by_asset is None else by_asset.get(asset, by_asset.get(bare(asset)))


def _least(scale: Scale, amounts: list[str | None]) -> int | None:
    """Return the smallest amount in steps, or None where no amount is given."""
    return min((scale.floor(amount) for amount in amounts if amount is not None), default=None)
