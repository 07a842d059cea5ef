from __future__ import annotations

from random import Random
from statistics import median

import msgspec
import pytest

from floorwire.engine.participants.sizes import Sizes, round_lots
from tests.engine.participants.sim_market import PROFILE


@pytest.mark.parametrize(
    ("lots", "rounded"),
    [(0.3, 1), (1, 1), (1.9, 1), (2, 2), (4.9, 2), (5, 5), (9.9, 5), (10, 10), (49, 20), (760, 500)],
)
def test_round_sizes_are_one_two_and_five(lots: float, rounded: int) -> None:
    assert round_lots(lots) == rounded


def test_sizes_spread_around_the_usual_one() -> None:
    sizes = Sizes(PROFILE, Random(3))
    drawn = [sizes.draw(2.0, 1.0, 0.0) for _ in range(2000)]
    assert sizes.usual_lots == 100
    assert 180 < median(drawn) < 220
    assert max(drawn) > 1500
    assert len(set(drawn)) > 300


def test_some_sizes_are_round() -> None:
    sizes = Sizes(PROFILE, Random(3))
    drawn = [sizes.draw(50.0, 1.0, 0.5) for _ in range(2000)]
    share = sum(lots == round_lots(lots) for lots in drawn) / len(drawn)
    assert 0.45 < share < 0.55


def test_no_size_is_worth_less_than_the_minimum() -> None:
    profile = msgspec.structs.replace(PROFILE, min_notional="50")
    sizes = Sizes(profile, Random(3))
    least = min(sizes.draw(1.0, 1.5, 0.5) for _ in range(500))
    assert least == 75  # 0.075 at 1000: 50, and half as much again in case the price has fallen
