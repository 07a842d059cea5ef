"""How many risk profiles are kept."""

from __future__ import annotations

import pytest

from floorwire.core.orders import OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.risk_limits import Limits
from floorwire.engine import risk_profiles as risk_profiles_module
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC

NOW = 1_000_000
AT = moment(NOW)
MOST = 3


def test_no_more_risk_profiles_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk_profiles_module, "MOST", MOST)
    order_manager = OrderManager(
        TradingRules(limits=Limits(price_collar="0.1")), lambda _: Prices(199, 201, 200, "live")
    )
    order_manager.list_instruments([BTC], 0)
    order_manager.deposit("ann", "USDT", "1000", 1, 0)
    kept = []
    for number in range(2 * MOST):
        ticket = OrderTicket("ann", str(number), BTC.symbol, "buy", "limit", 10, None, 190)
        order_manager.place(ticket, AT, key=f"k{number}")
        kept.append(len(order_manager._risk_profiles._known))
        assert kept[-1] <= MOST
    assert max(kept) == MOST
