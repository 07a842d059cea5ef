"""Trading rules: fees and default limits, for all venues or for one. They are not journalled."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from floorwire.core.risk_limits import Limits


class VenueRules(msgspec.Struct, frozen=True):
    """The rules of one venue, where they are not those of all."""

    limits: Limits
    """The default limits of its orders."""
    maker_ppm: int
    taker_ppm: int


class TradingRules(msgspec.Struct, frozen=True):
    """Rules for all accounts. They come from the settings, and are not journalled.

    ``maker_ppm``, ``taker_ppm``: the fees, in millionths of the turnover.
    """

    limits: Limits = Limits(price_collar="0.05")
    """The default limits. They need a price collar: a market order holds for its worst price."""
    maker_ppm: int = 0
    taker_ppm: int = 0
    default_venue: str = ""
    """The id of the default venue. "": venues have no ids here."""
    venues: Mapping[str, VenueRules] = {}
    """By venue, where it has rules of its own."""
