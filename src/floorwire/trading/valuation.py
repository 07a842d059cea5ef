"""Valuation: what assets are worth in one currency, at the prices of the live market. It is pure.

An asset is valued on its own venue: by its market with the currency, or over one asset in between. A price
counts only while its feed is live. Where there is none, the value is None: nothing is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final, TypeAlias

from floorwire.core.account_events import Position
from floorwire.core.instrument import Instrument
from floorwire.core.ports import Prices
from floorwire.core.units import format_units, trim
from floorwire.core.venue_names import bare

DECIMALS: Final = 8
"""Of a value."""
MAX_PATHS: Final = 3
"""Assets in between that are tried: to ask for a price makes a venue stream it."""
PREFERRED: Final = ("USDT", "USD", "USDC", "EUR", "BTC", "ETH")
"""Assets in between that are tried first. They have the most markets."""

PricesOf: TypeAlias = Callable[[str], Prices]


class Valuation:
    """Values assets of all venues in one currency.

    ``instruments``: with the identities of their assets. ``prices`` returns the prices of a symbol.
    """

    def __init__(self, instruments: Iterable[Instrument], prices: PricesOf, currency: str) -> None:
        self._prices = prices
        self._currency = currency
        self._markets: dict[str, dict[str, Instrument]] = {}
        """By asset: the instrument with each other asset."""
        for instrument in instruments:
            if instrument.state != "closed":
                self._markets.setdefault(instrument.base, {})[instrument.quote] = instrument
                self._markets.setdefault(instrument.quote, {})[instrument.base] = instrument
        self._rates: dict[str, Fraction | None] = {}

    @property
    def is_known(self) -> bool:
        """Return whether anything is traded in the currency."""
        return any(bare(asset) == self._currency for asset in self._markets)

    def value(self, asset: str, units: int, decimals: int) -> Fraction | None:
        """Return what so many units of the asset are worth; None where no current price says it."""
        if not units:
            return Fraction(0)
        rate = self._rate(asset)
        return None if rate is None else rate * Fraction(units, 10**decimals)

    def _rate(self, asset: str) -> Fraction | None:
        if asset not in self._rates:
            self._rates[asset] = self._find_rate(asset)
        return self._rates[asset]

    def _find_rate(self, asset: str) -> Fraction | None:
        if bare(asset) == self._currency:
            return Fraction(1)
        markets = self._markets.get(asset, {})
        target = asset.removesuffix(bare(asset)) + self._currency
        if target in markets:
            return self._ratio(asset, target)
        between = [other for other in markets if target in self._markets[other]]
        for other in sorted(between, key=_preference)[:MAX_PATHS]:
            first = self._ratio(asset, other)
            second = None if first is None else self._ratio(other, target)
            if first is not None and second is not None:
                return first * second
        return None

    def _ratio(self, asset: str, other: str) -> Fraction | None:
        """Return how much of ``other`` one of ``asset`` is worth on their market."""
        instrument = self._markets[asset][other]
        price = self.price(instrument)
        if price is None:
            return None
        return price if instrument.base == asset else 1 / price

    def price(self, instrument: Instrument) -> Fraction | None:
        """Return the price between the best bid and ask, or else the last one; None while there is none."""
        now = self._prices(instrument.symbol)
        if now.feed != "live":
            return None
        both = now.bid_ticks > 0 and now.ask_ticks > 0
        ticks = Fraction(now.bid_ticks + now.ask_ticks, 2) if both else Fraction(now.last_ticks)
        scale = instrument.price
        return ticks * scale.step / 10**scale.decimals if ticks > 0 else None

    def unrealised(self, position: Position, instrument: Instrument) -> Fraction | None:
        """Return what the bought part of a position is worth now over its cost, in the quote asset."""
        if not position.bought:
            return Fraction(0)
        price = self.price(instrument)
        if price is None:
            return None
        worth = price * Fraction(position.bought, 10**position.base_decimals)
        return worth - Fraction(position.cost, 10**position.quote_decimals)


def as_text(amount: Fraction) -> str:
    """Return the amount as a decimal text of at most ``DECIMALS`` decimals, rounded to the nearest."""
    return trim(format_units(round(amount * 10**DECIMALS), DECIMALS))


def _preference(asset: str) -> tuple[int, str]:
    name = bare(asset)
    return (PREFERRED.index(name) if name in PREFERRED else len(PREFERRED), asset)
