from __future__ import annotations

import pytest

from floorwire.engine.participants.informed import Informed
from tests.engine.participants.stand import Stand


@pytest.fixture
def stand() -> Stand:
    stand = Stand()
    for away in range(1, 60):
        stand.buy(10, 2000 - away)
        stand.sell(10, 2000 + away)
    return stand


def test_it_buys_what_is_worth_more_up_to_its_edge(stand: Stand) -> None:
    stand.worth(1.01)
    Informed(stand.market_access, stand.fair_values).act(0)
    assert stand.market_access.touch() == (1999, 2019)  # worth 2020, and the edge is 2


def test_it_sells_what_is_worth_less_down_to_its_edge(stand: Stand) -> None:
    stand.worth(0.99)
    Informed(stand.market_access, stand.fair_values).act(0)
    assert stand.market_access.touch() == (1981, 2001)


@pytest.mark.parametrize("ratio", [1.0, 1.0014, 0.9986])
def test_within_its_edge_it_waits(stand: Stand, ratio: float) -> None:
    stand.worth(ratio)
    stand.exchange.sent.clear()
    assert Informed(stand.market_access, stand.fair_values).act(5) > 5
    assert stand.exchange.sent == []


def test_it_takes_no_more_at_once_than_it_can_carry(stand: Stand) -> None:
    stand.sell(10**6, 2002)
    stand.worth(1.5)
    Informed(stand.market_access, stand.fair_values).act(0)
    assert stand.market_access.touch()[1] == 2002
