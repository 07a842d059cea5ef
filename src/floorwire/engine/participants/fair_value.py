"""The fair value of each asset, which informed participants know, and the market regime that all share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, sqrt
from types import MappingProxyType

import msgspec

from floorwire.core.ports import Random
from floorwire.engine.participants.profile import Asset

STEP_US = 100_000
YEAR_US = 365 * 86_400 * 1_000_000
REVERSION_US = 5 * 86_400 * 1_000_000
"""Values return to the opening value with this time constant: over weeks a price stays in its range."""
MARKET_VOLATILITY = 0.40  # a year, of the move that all assets make together
NEWS_INTERVAL_US = 900 * 1_000_000  # on average, for each asset
NEWS_SIZE = 0.0012  # standard deviation of the log return that one piece of news causes
NEWS_VOLATILITY = 1.5  # how much the asset's volatility rises at a piece of news, as a share of the usual
NEWS_DECAY_US = 60 * 1_000_000  # how long that rise takes to wear off


class MarketRegime(msgspec.Struct, frozen=True):
    """How busy and volatile the markets are, as multiples of normal, and how long that lasts on average."""

    activity: float
    volatility: float
    lasts_s: float


QUIET, NORMAL, HECTIC = MarketRegime(0.4, 0.5, 240), MarketRegime(1.0, 1.0, 180), MarketRegime(4.0, 2.5, 30)
NEXT_REGIMES = {QUIET: (NORMAL, NORMAL), NORMAL: (QUIET, HECTIC), HECTIC: (NORMAL, QUIET)}
"""The regimes that may follow each one, with equal chances."""


class AssetValue:
    """One asset's value, as the logarithm of its ratio to the opening value."""

    __slots__ = ("asset", "extra_volatility", "log_value")

    def __init__(self, asset: Asset, log_value: float) -> None:
        self.asset = asset
        self.log_value = log_value
        self.extra_volatility = 0.0
        """What news added to the volatility, as a share of the usual. It wears off."""


class FairValues:
    """Moves the values of all assets, ten times a second of simulated time."""

    def __init__(
        self, assets: Iterable[Asset], rng: Random, log_values: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        """``log_values``: where values begin that are not the opening ones."""
        self.due_us = 0
        self.regime = NORMAL
        self._rng = rng
        self._values = {asset.name: AssetValue(asset, log_values.get(asset.name, 0.0)) for asset in assets}
        self._step = sqrt(STEP_US / YEAR_US)
        """A year's standard deviation times this is one step's."""

    def ratio(self, base: str, quote: str) -> float:
        """Return the value of ``base`` in ``quote``, divided by what it was at the opening."""
        return exp(self._log_value(base) - self._log_value(quote))

    def act(self, now_us: int) -> int:
        """Move every value one step. Now and then the regime changes, or an asset has news."""
        if self._rng.random() * self.regime.lasts_s * 1_000_000 < STEP_US:
            self.regime = NEXT_REGIMES[self.regime][self._rng.random() < 0.5]
        market_move = self._rng.gauss(0.0, MARKET_VOLATILITY)
        for value in self._values.values():
            self._move(value, market_move)
        return now_us + STEP_US

    def _log_value(self, name: str) -> float:
        value = self._values.get(name)
        return 0.0 if value is None else value.log_value

    def _move(self, value: AssetValue, market_move: float) -> None:
        asset = value.asset
        drawn = asset.beta * market_move + self._rng.gauss(0.0, asset.volatility)
        scale = self._step * self.regime.volatility * (1.0 + value.extra_volatility)
        value.extra_volatility -= value.extra_volatility * STEP_US / NEWS_DECAY_US
        value.log_value += drawn * scale - value.log_value * STEP_US / REVERSION_US
        if self._rng.random() * NEWS_INTERVAL_US < STEP_US:
            value.log_value += self._rng.gauss(0.0, NEWS_SIZE)
            value.extra_volatility += NEWS_VOLATILITY
