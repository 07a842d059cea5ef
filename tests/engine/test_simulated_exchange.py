from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.order_commands import Cancel, Place
from floorwire.engine.matching_events import Accepted, LevelChanged, Rejected
from floorwire.engine.simulated_exchange import SimulatedExchange


def test_a_command_goes_to_its_market_alone() -> None:
    exchange = SimulatedExchange(["BTC-USDT", "ETH-USDT"])
    events = exchange.execute(Place("ETH-USDT", 1, 5, "buy", 2, 100))
    assert events == [Accepted(1, 5), LevelChanged("buy", 100, 2)]
    assert exchange.markets["ETH-USDT"].bids.sizes() == [(100, 2)]
    assert exchange.markets["BTC-USDT"].bids.sizes() == []


def test_a_market_that_is_not_listed_is_refused() -> None:
    exchange = SimulatedExchange(["BTC-USDT"])
    assert exchange.execute(Place("XRP-USDT", 1, 5, "buy", 2, 100)) == [Rejected(1, Code.UNKNOWN_SYMBOL)]
    assert exchange.execute(Cancel("XRP-USDT", 1)) == [Rejected(1, Code.UNKNOWN_SYMBOL)]
