"""An instrument: what is traded, and its ticks and lots."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, TypeAlias

import msgspec

from floorwire.core.units import Scale, format_units

Side: TypeAlias = Literal["buy", "sell"]
InstrumentState: TypeAlias = Literal["open", "halted", "closed"]


class Instrument(msgspec.Struct, frozen=True, dict=True):
    """What is traded: canonical symbol (``BASE-QUOTE``), venue, and tick and lot as decimal text."""

    symbol: str
    base: str
    quote: str
    venue: str
    tick_size: str
    lot_size: str
    min_notional: str = "0"
    state: InstrumentState = "open"
    price_band: str | None = None
    """How far a limit price may be from the last price, as a fraction of it; None: no limit."""
    trades_stale: bool = False
    """Whether orders are accepted while its prices are not current."""
    min_quantity: str = "0"
    """The smallest quantity of an order, in the base asset; 0: one lot."""

    @cached_property
    def price(self) -> Scale:
        """The scale of prices: one step is one tick."""
        return Scale.of(self.tick_size)

    @cached_property
    def size(self) -> Scale:
        """The scale of sizes: one step is one lot."""
        return Scale.of(self.lot_size)

    @property
    def steps(self) -> tuple[str, ...]:
        """Tick, lot, base and quote. If one changes, the same whole number means another amount."""
        return self.tick_size, self.lot_size, self.base, self.quote

    def format_notional(self, ticks_times_lots: int) -> str:
        """Return an amount in ticks x lots (price x size) as quote currency, exactly."""
        units = ticks_times_lots * self.price.step * self.size.step
        return format_units(units, self.price.decimals + self.size.decimals)
