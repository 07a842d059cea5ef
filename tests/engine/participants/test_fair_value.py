from __future__ import annotations

from itertools import pairwise
from math import log
from random import Random
from statistics import pstdev

import pytest

from floorwire.engine.participants.fair_value import (
    NEXT_REGIMES,
    REVERSION_US,
    STEP_US,
    FairValues,
    MarketRegime,
)
from floorwire.engine.participants.profile import Asset

BTC, ETH = Asset("BTC", 0.2, 1.0), Asset("ETH", 0.4, 1.2)


def steps(fair_values: FairValues, count: int) -> list[float]:
    """Return the logarithm of BTC's value after each step."""
    values = []
    now_us = 0
    for _ in range(count):
        now_us = fair_values.act(now_us)
        values.append(log(fair_values.ratio("BTC", "USDT")))
    assert now_us == count * STEP_US
    return values


def test_at_the_opening_every_ratio_is_one() -> None:
    fair_values = FairValues([BTC, ETH], Random(1))
    assert (
        fair_values.ratio("BTC", "USDT")
        == fair_values.ratio("ETH", "BTC")
        == fair_values.ratio("XYZ", "USDT")
        == 1.0
    )


def test_a_cross_rate_is_the_ratio_of_its_two_assets() -> None:
    fair_values = FairValues([BTC, ETH], Random(1))
    steps(fair_values, 1000)
    cross = fair_values.ratio("ETH", "USDT") / fair_values.ratio("BTC", "USDT")
    assert fair_values.ratio("ETH", "BTC") == pytest.approx(cross)
    assert cross != pytest.approx(1.0, abs=1e-9)


def test_values_return_to_the_opening_value() -> None:
    fair_values = FairValues([BTC], Random(1))
    fair_values._values["BTC"].log_value = 10.0
    values = steps(fair_values, 20_000)
    left = (1 - STEP_US / REVERSION_US) ** 20_000
    assert values[-1] == pytest.approx(10.0 * left, abs=0.03)


def test_values_move_as_much_as_the_assets_volatility_says() -> None:
    fair_values = FairValues([BTC], Random(4))
    values = steps(fair_values, 20_000)
    moves = [later - sooner for sooner, later in pairwise(values)]
    usual = (0.2**2 + 0.4**2) ** 0.5 * (STEP_US / (365 * 86_400 * 1_000_000)) ** 0.5
    assert 0.4 * usual < pstdev(moves) < 4 * usual


def test_every_regime_occurs() -> None:
    fair_values = FairValues([], Random(2))
    seen: dict[MarketRegime, int] = dict.fromkeys(NEXT_REGIMES, 0)
    for step in range(60_000):
        fair_values.act(step * STEP_US)
        seen[fair_values.regime] += 1
    assert all(count > 500 for count in seen.values())


def test_news_raise_the_assets_volatility_for_a_while() -> None:
    fair_values = FairValues([BTC], Random(7))
    extra = []
    for step in range(40_000):
        fair_values.act(step * STEP_US)
        extra.append(fair_values._values["BTC"].extra_volatility)
    assert max(extra) > 1.0
    assert min(extra[100:]) < 0.2
