"""How many mandates are kept."""

from __future__ import annotations

import pytest

from floorwire.core.limits import Limits
from floorwire.core.orders import Ticket
from floorwire.core.ports import Prices
from floorwire.engine import mandates as mandates_module
from floorwire.engine.house import House, Rules
from tests.engine.market import BTC

NOW = 1_000_000
MOST = 3


def test_no_more_mandates_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mandates_module, "MOST", MOST)
    house = House(Rules(limits=Limits(price_collar="0.1")), lambda _: Prices(199, 201, 200, "live"))
    house.list_instruments([BTC], 0)
    house.deposit("ann", "USDT", "1000", 1, 0)
    kept = []
    for number in range(2 * MOST):
        ticket = Ticket("ann", str(number), BTC.symbol, "buy", "limit", 10, None, 190)
        house.place(ticket, NOW, key=f"k{number}")
        kept.append(len(house._mandates._known))
        assert kept[-1] <= MOST
    assert max(kept) == MOST
