"""The trading rules that the settings give: fees and default limits, of all venues and of each."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.config import Settings, VenueSettings
from floorwire.core.risk_limits import Limits
from floorwire.engine.instrument_units import MILLION
from floorwire.engine.trading_rules import TradingRules, VenueRules


def trading_rules(settings: Settings, default_venue: str) -> TradingRules:
    """Return the rules for all accounts. ``default_venue``: its id."""
    risk, fees = settings.risk, settings.fees
    limits = Limits(
        max_order_notional=f"{risk.max_order_notional:f}" if risk.max_order_notional else None,
        max_open_orders=risk.max_open_orders,
        orders_per_second=risk.orders_per_second,
        price_collar=f"{risk.price_collar:f}",
        self_trade="cancel_newest",
    )
    own_rules = {venue: _venue_rules(settings, own, limits) for venue, own in settings.venues.items()}
    return TradingRules(
        limits, round(fees.maker * MILLION), round(fees.taker * MILLION), default_venue, own_rules
    )


def _venue_rules(settings: Settings, own: VenueSettings, limits: Limits) -> VenueRules:
    """Return the rules of one venue: its own, and those of all venues where it has none."""
    if own.max_order_notional is not None:
        most = f"{own.max_order_notional:f}" if own.max_order_notional else None
        limits = replace(limits, max_order_notional=most)
    if own.price_collar is not None:
        limits = replace(limits, price_collar=f"{own.price_collar:f}")
    maker = settings.fees.maker if own.maker_fee is None else own.maker_fee
    taker = settings.fees.taker if own.taker_fee is None else own.taker_fee
    return VenueRules(limits, round(maker * MILLION), round(taker * MILLION))
