"""Sizes as people choose them: widely spread, and often round."""

from __future__ import annotations

from math import exp

from floorwire.core.ports import Random


def draw_lots(rng: Random, median_lots: float, spread: float, rounded: float) -> int:
    """Return a log-normal size of at least one lot; ``rounded`` is the share of round ones."""
    lots = median_lots * exp(rng.gauss(0.0, spread))
    if rng.random() < rounded:
        return round_lots(lots)
    return max(1, int(lots))


def round_lots(lots: float) -> int:
    """Return 1, 2, 5, 10, 20, 50 ... lots, whichever is next below."""
    decade = 1
    while decade * 10 <= lots:
        decade *= 10
    for step in (5, 2):
        if decade * step <= lots:
            return decade * step
    return decade
