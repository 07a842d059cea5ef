"""Order sizes as people choose them: widely spread, often round, never below the instrument's minimum."""

from __future__ import annotations

from math import ceil, exp

from floorwire.core.ports import Random
from floorwire.engine.participants.profile import Profile

MARGIN = 1.5  # the smallest size is computed at the opening price, and prices may fall


class Sizes:
    """Draws log-normal sizes around an instrument's usual ones."""

    def __init__(self, profile: Profile, rng: Random) -> None:
        instrument = profile.instrument("")
        self._rng = rng
        self.usual_lots = instrument.size.floor(profile.trade_size)
        worth = float(profile.price) * float(profile.lot_size)
        self._min_lots = ceil(MARGIN * float(profile.min_notional) / worth)

    def draw(self, times: float, spread: float, rounded: float) -> int:
        """Return a size in lots.

        The median is ``times`` the usual size, ``spread`` the standard deviation of the logarithm, and
        ``rounded`` the share of round sizes.
        """
        lots = self.usual_lots * times * exp(self._rng.gauss(0.0, spread))
        if self._rng.random() < rounded:
            lots = round_lots(lots)
        return max(self._min_lots, int(lots))


def round_lots(lots: float) -> int:
    """Return the greatest of 1, 2, 5, 10, 20, 50 ... lots that is not above ``lots``."""
    decade = 1
    while decade * 10 <= lots:
        decade *= 10
    for step in (5, 2):
        if decade * step <= lots:
            return decade * step
    return decade
