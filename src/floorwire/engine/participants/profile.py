"""The parameters of a simulated instrument and of a simulated asset."""

from __future__ import annotations

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.venue_names import bare


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How one instrument trades. Prices and sizes are decimal text, distances are in ticks."""

    symbol: str
    price: str
    """The opening price, to which the price returns over days."""
    tick_size: str
    lot_size: str
    min_notional: str = "5"
    trade_size: str
    """The size of the median taker's order, in base currency. All other sizes are multiples of it."""
    arrivals: float
    """Orders and cancels of crowd and takers a second, in the normal regime; trades cause more."""
    taking: float = 0.25
    """The share of the arrivals that are takers."""
    makers: int = 3
    half_spread: float = 1.0
    """The sharpest maker's distance from its fair price, in ticks. The others quote wider."""
    layer_step: float = 2.0
    """Ticks between a maker's layers."""
    look_s: float = 0.5
    """Seconds, on average, between two turns of the sharpest maker. Others' turns are in proportion."""
    crowd: int = 400
    """How many orders the crowd keeps on each side of the book."""
    reach: float = 40.0
    """The scale of the crowd's distances, in ticks: half of its orders are nearer than 0.8 of it."""
    eager: float = 0.35
    """How often an order of the crowd improves the best price, where the spread has room."""
    edge: float = 2.0
    """Ticks that an informed trader must gain to trade."""

    @property
    def base(self) -> str:
        """The currency that is traded."""
        return bare(self.symbol).partition("-")[0]

    @property
    def quote(self) -> str:
        """The currency in which the price is."""
        return bare(self.symbol).partition("-")[2]

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
    """How the fair value of one asset moves. Values are measured in an asset without one (USDT)."""

    name: str
    volatility: float
    """The standard deviation of a year's log return that is the asset's own, in the normal regime."""
    beta: float
    """How many times the move of the whole market it makes too."""
