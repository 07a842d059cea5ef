"""Opinion: what informed participants think that assets are worth, and the mood that all markets share."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, sqrt

import msgspec

from floorwire.core.ports import Random
from floorwire.engine.participants.profile import Asset

STEP_US = 100_000
YEAR_US = 365 * 86_400 * 1_000_000
HOMING_US = 5 * 86_400 * 1_000_000
"""Opinions come back to the opening value with this time constant: over weeks a price stays in its range."""
MARKET_VOLATILITY = 0.40  # a year, of the move that all assets make together
NEWS_EVERY_US = 900 * 1_000_000  # on average, for each asset
NEWS_SIZE = 0.0012  # standard deviation of what one piece of news is worth
NEWS_HEAT = 1.5  # by how much the asset's volatility rises then
HEAT_US = 60 * 1_000_000  # how long that takes to wear off


class MarketRegime(msgspec.Struct, frozen=True):
    """A regime: how much happens in it, how much it moves, how long it lasts on average."""

    activity: float
    volatility: float
    lasts_s: float


QUIET, USUAL, HECTIC = MarketRegime(0.4, 0.5, 240), MarketRegime(1.0, 1.0, 180), MarketRegime(4.0, 2.5, 30)
MOODS = {QUIET: (USUAL, USUAL), USUAL: (QUIET, HECTIC), HECTIC: (USUAL, QUIET)}
"""Where each mood leads, with equal chances."""


class AssetValue:
    """One asset's value as the logarithm of what it was at the opening."""

    __slots__ = ("asset", "heat", "log_value")

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.log_value = 0.0
        self.heat = 0.0


class FairValues:
    """Moves the values of all assets, ten times a second."""

    def __init__(self, assets: Iterable[Asset], rng: Random) -> None:
        self.due_us = 0
        self.mood = USUAL
        self._rng = rng
        self._beliefs = {asset.name: AssetValue(asset) for asset in assets}
        self._step = sqrt(STEP_US / YEAR_US)

    def value(self, base: str, quote: str) -> float:
        """Return what base is worth in quote, over what it was at the opening."""
        return exp(self._log_value(base) - self._log_value(quote))

    def act(self, now_us: int) -> int:
        """Move every value one step; sometimes the mood changes, or news come."""
        if self._rng.random() * self.mood.lasts_s * 1_000_000 < STEP_US:
            self.mood = MOODS[self.mood][self._rng.random() < 0.5]
        market = self._rng.gauss(0.0, MARKET_VOLATILITY)
        for belief in self._beliefs.values():
            self._move(belief, market)
        return now_us + STEP_US

    def _log_value(self, name: str) -> float:
        belief = self._beliefs.get(name)
        return 0.0 if belief is None else belief.log_value

    def _move(self, belief: AssetValue, market: float) -> None:
        asset = belief.asset
        drawn = asset.beta * market + self._rng.gauss(0.0, asset.volatility)
        spread = self._step * self.mood.volatility * (1.0 + belief.heat)
        belief.heat -= belief.heat * STEP_US / HEAT_US
        belief.log_value += drawn * spread - belief.log_value * STEP_US / HOMING_US
        if self._rng.random() * NEWS_EVERY_US < STEP_US:
            belief.log_value += self._rng.gauss(0.0, NEWS_SIZE)
            belief.heat += NEWS_HEAT
