from __future__ import annotations

from floorwire.core.instrument import Side
from floorwire.core.order_commands import Place
from floorwire.engine.participants.trend_follower import PIECES, TrendFollower
from tests.engine.participants.sim_market import SimMarket


class TrendMarket(SimMarket):
    """A deep market with one trend follower."""

    def __init__(self) -> None:
        super().__init__()
        self.buy(10**9, 1)
        self.sell(10**9, 10**6)
        self.follower = TrendFollower(self.market_access)
        self.now_us = 0

    def turns(self, price_ticks: int, times: int) -> list[Side]:
        """Let it see a price for so many turns; return the sides that it traded."""
        self.exchange.sent.clear()
        for _ in range(times):
            self.market_access.last_ticks = price_ticks
            self.now_us = self.follower.act(self.now_us)
        return [command.side for command in self.exchange.sent if isinstance(command, Place)]


def test_it_does_not_trade_in_a_flat_market() -> None:
    assert TrendMarket().turns(2000, 500) == []


def test_it_buys_in_a_rise_and_closes_when_it_turns() -> None:
    sim = TrendMarket()
    assert sim.turns(2060, 30) == ["buy"] * PIECES
    assert sim.turns(1995, 30)[:PIECES] == ["sell"] * PIECES


def test_it_sells_in_a_fall_and_closes_when_the_move_has_passed() -> None:
    sim = TrendMarket()
    assert sim.turns(1940, 30) == ["sell"] * PIECES
    assert sim.turns(1940, 1000) == ["buy"] * PIECES


def test_a_market_that_never_moved_gives_no_signal() -> None:
    sim = TrendMarket()
    sim.follower._deviation = 0.0
    assert sim.turns(2000, 3) == []
