"""Profiles: the parameters of one simulated instrument, and of the assets in it."""

from __future__ import annotations

import msgspec

from floorwire.core.instrument import Instrument


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How one instrument trades. Prices and sizes as decimal text, distances in ticks."""

    symbol: str
    price: str
    """Where it opens, and where days of trading come back to."""
    tick_size: str
    lot_size: str
    min_notional: str = "5"
    trade_size: str
    """The median taker's order, in base currency. Everything else's size is a multiple of it."""
    arrivals: float
    """Orders and cancels of crowd and takers a second, in a usual mood and before they excite each other."""
    taking: float = 0.25
    """The share of the arrivals that takes."""
    makers: int = 3
    half_spread: float = 1.0
    """The sharpest maker's distance from what it thinks fair, in ticks; the others stand further off."""
    layer_step: float = 2.0
    """Ticks between a maker's layers."""
    look_s: float = 0.5
    """Seconds, on average, between two looks of makers, informed and trend followers."""
    crowd: int = 400
    """Patient orders a side that the crowd keeps in the book."""
    reach: float = 40.0
    """The scale of the crowd's distances in ticks: half of its orders are nearer than 0.8 of it."""
    eager: float = 0.35
    """How often somebody in the crowd offers better than the best, where there is room."""
    edge: float = 2.0
    """Ticks that an informed trader must gain to move."""

    @property
    def base(self) -> str:
        """The currency that is traded."""
        return self.symbol.partition("-")[0]

    @property
    def quote(self) -> str:
        """The currency that it is paid in."""
        return self.symbol.partition("-")[2]

    def instrument(self, venue: str) -> Instrument:
        """Return the instrument as a venue lists it."""
        return Instrument(
            symbol=self.symbol,
            base=self.base,
            quote=self.quote,
            venue=venue,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            min_notional=self.min_notional,
        )


class Asset(msgspec.Struct, frozen=True):
    """What opinions of one asset do. An asset without one (USDT) is what the others are measured in."""

    name: str
    volatility: float
    """The standard deviation of a year's log return that is the asset's own, in a usual mood."""
    beta: float
    """How much of the market's moves it makes too."""
