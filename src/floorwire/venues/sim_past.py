"""The past of the simulated market: candles of the same model, in longer steps, back from the opening prices.

The values of assets return to the opening value with one time constant (``engine.participants.fair_value``).
Such a process looks the same in both directions. So it is drawn from the present backwards, exactly for each
step, however long. Within a step, high and low are those of a Brownian bridge. A finer interval reaches less
far back; where it reaches, longer candles are merged from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, sqrt
from typing import Final

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.candle_state import CandleState
from floorwire.core.microseconds import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from floorwire.core.ports import Random
from floorwire.engine.participants.arrivals import FAST, SLOW
from floorwire.engine.participants.fair_value import (
    MARKET_VOLATILITY,
    NEWS_INTERVAL_US,
    NEWS_SIZE,
    REVERSION_US,
    YEAR_US,
)
from floorwire.engine.participants.profile import Asset, Profile

BARS: Final = 500
"""So many candles of each interval there are, and a day of minutes."""
STEPS: Final[Sequence[tuple[str, int]]] = (
    ("1m", 5 * MINUTE_US * (BARS + 4)),
    ("15m", HOUR_US * (BARS + 2)),
    ("2h", 12 * HOUR_US * (BARS + 2)),
    ("1d", 7 * DAY_US * (BARS + 1)),
    ("1M", 31 * DAY_US * BARS),
)
"""The intervals that are drawn, and how far back each reaches, for the longer ones that are made of it."""
BUSY: Final = 0.4
"""The standard deviation of the logarithm of how busy a candle is."""


class PastCandles(msgspec.Struct, frozen=True):
    """The past of one symbol. ``candles``: by interval, the oldest first, in ticks and lots."""

    profile: Profile
    candles: Mapping[str, Sequence[CandleState]]


class _Symbol:
    """What the candles of one symbol are drawn with."""

    __slots__ = ("base", "lots", "opening", "quote", "trades_a_us", "variance")

    def __init__(self, profile: Profile, assets: Mapping[str, Asset]) -> None:
        self.base, self.quote = profile.base, profile.quote
        instrument = profile.instrument("")
        self.opening = instrument.price.floor(profile.price)
        self.lots = max(1, instrument.size.floor(profile.trade_size))
        self.trades_a_us = profile.arrivals * profile.taking / (1.0 - FAST - SLOW) / SECOND_US
        base, quote = assets.get(self.base), assets.get(self.quote)
        beta = (base.beta if base else 0.0) - (quote.beta if quote else 0.0)
        own = sum(_variance(one.volatility) for one in (base, quote) if one is not None)
        self.variance = (beta * MARKET_VOLATILITY) ** 2 / YEAR_US + own
        """Of the logarithm of the price, for each microsecond."""


def _variance(volatility: float) -> float:
    """Return the variance of an asset's own moves and news, for each microsecond."""
    return volatility**2 / YEAR_US + NEWS_SIZE**2 / NEWS_INTERVAL_US


def make(
    profiles: Sequence[Profile], assets: Iterable[Asset], rng: Random, until_us: int
) -> list[PastCandles]:
    """Return the past of each symbol, up to a time at which all have their opening prices."""
    traded = {name for profile in profiles for name in (profile.base, profile.quote)}
    by_name = {asset.name: asset for asset in assets if asset.name in traded}
    symbols = [_Symbol(profile, by_name) for profile in profiles]
    drawn: list[dict[str, list[CandleState]]] = [{} for _ in profiles]
    values = dict.fromkeys(by_name, 0.0)
    end_us = until_us
    for (name, reach_us), coarser in zip(STEPS, [*STEPS[1:], STEPS[-1]], strict=True):
        start_us = INTERVALS[coarser[0]].start_of(until_us - reach_us)
        for candles in drawn:
            candles[name] = []
        _draw(INTERVALS[name], start_us, end_us, symbols, by_name, values, rng, [one[name] for one in drawn])
        end_us = start_us
    for candles in drawn:
        for finer, (name, _) in zip([step[0] for step in STEPS], STEPS[1:], strict=False):
            candles[name] += _merged(candles[finer], INTERVALS[name])
    return [PastCandles(profile, candles) for profile, candles in zip(profiles, drawn, strict=True)]


def _draw(
    interval: CandleInterval,
    from_us: int,
    until_us: int,
    symbols: Sequence[_Symbol],
    assets: Mapping[str, Asset],
    values: dict[str, float],
    rng: Random,
    out: Sequence[list[CandleState]],
) -> None:
    """Draw the candles of this time, the latest first, and leave them the oldest first in ``out``.

    ``values``: of the assets at its end; afterwards at its beginning.
    """
    end_us = until_us
    while end_us > from_us:
        start_us = interval.start_of(end_us - 1)
        length_us = end_us - start_us
        kept = exp(-length_us / REVERSION_US)
        # The variance of such a process after a step: REVERSION_US / 2 of it is reached in the long run.
        spread = sqrt(REVERSION_US / 2 * (1.0 - kept * kept))
        before = _step_back(values, assets, kept, spread, rng)
        for symbol, candles in zip(symbols, out, strict=True):
            closing = values.get(symbol.base, 0.0) - values.get(symbol.quote, 0.0)
            opening = before.get(symbol.base, 0.0) - before.get(symbol.quote, 0.0)
            candles.append(_candle(symbol, start_us, length_us, opening, closing, rng))
        values.update(before)
        end_us = start_us
    for candles in out:
        candles.reverse()


def _step_back(
    values: Mapping[str, float], assets: Mapping[str, Asset], kept: float, spread: float, rng: Random
) -> dict[str, float]:
    """Return the values of the assets one step earlier."""
    market = rng.gauss(0.0, MARKET_VOLATILITY / sqrt(YEAR_US) * spread)
    return {
        name: values[name] * kept
        + asset.beta * market
        + rng.gauss(0.0, sqrt(_variance(asset.volatility)) * spread)
        for name, asset in assets.items()
    }


def _candle(
    symbol: _Symbol, start_us: int, length_us: int, opening: float, closing: float, rng: Random
) -> CandleState:
    """Return a candle between two values, with the extremes of a path between them."""
    # The extremes of a Brownian bridge are distributed so. A long step reverts, and reaches no further.
    doubled = 2.0 * symbol.variance * min(length_us, REVERSION_US)
    apart = (closing - opening) ** 2
    high = (opening + closing + sqrt(apart - doubled * log(1.0 - rng.random()))) / 2
    low = (opening + closing - sqrt(apart - doubled * log(1.0 - rng.random()))) / 2
    trades = 1 + int(symbol.trades_a_us * length_us * exp(rng.gauss(0.0, BUSY)))
    first, last = max(1, int(symbol.opening * exp(opening))), max(1, int(symbol.opening * exp(closing)))
    return CandleState(
        start_us,
        start_us,
        start_us + length_us - 1,
        first,
        max(first, last, int(symbol.opening * exp(high))),
        max(1, min(first, last, int(symbol.opening * exp(low)))),
        last,
        trades * symbol.lots,
        trades,
    )


def _merged(finer: Sequence[CandleState], interval: CandleInterval) -> list[CandleState]:
    """Return the candles of an interval that these make."""
    merged: list[CandleState] = []
    end_us = 0
    for candle in finer:
        if not merged or candle.start_us >= end_us:
            start_us = interval.start_of(candle.start_us)
            end_us = interval.end_of(start_us)
            merged.append(msgspec.structs.replace(candle, start_us=start_us))
        else:
            merged[-1].merge(candle)
    return merged
