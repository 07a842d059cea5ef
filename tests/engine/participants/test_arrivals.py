from __future__ import annotations

import msgspec

from floorwire.core.order_commands import Place
from floorwire.engine.participants.arrivals import MAX_EXCITATION, Arrivals
from floorwire.engine.participants.limit_order_crowd import LimitOrderCrowd
from floorwire.engine.participants.takers import Takers
from tests.engine.participants.sim_market import PROFILE, SimMarket


class ArrivalsMarket(SimMarket):
    """A market in which crowd and takers arrive."""

    def __init__(self, arrivals: float, taking: float) -> None:
        super().__init__(msgspec.structs.replace(PROFILE, arrivals=arrivals, taking=taking))
        self.arrivals = Arrivals(
            self.market_access,
            self.fair_values,
            LimitOrderCrowd(self.market_access),
            Takers(self.market_access),
        )
        self.scheduler.schedule(self.arrivals, 0)

    def run(self, seconds: int) -> list[int]:
        """Return how many commands came in each second."""
        counts = []
        for second in range(seconds):
            self.exchange.sent.clear()
            while self.scheduler.next_us() < (second + 1) * 1_000_000:
                self.scheduler.run_next()
            counts.append(len(self.exchange.sent))
        return counts


def test_without_trades_arrivals_come_at_the_profiles_rate() -> None:
    counts = ArrivalsMarket(arrivals=8, taking=1e-9).run(300)
    mean = sum(counts) / len(counts)
    spread = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert 7 < mean < 8.5  # orders too far off are left out
    assert spread / mean < 1.5


def test_trades_cause_more_arrivals_in_bursts() -> None:
    sim = ArrivalsMarket(arrivals=8, taking=0.25)
    counts = sim.run(300)
    mean = sum(counts) / len(counts)
    spread = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert mean > 16
    assert spread / mean > 3


def test_the_raised_rate_after_a_trade_decays() -> None:
    sim = ArrivalsMarket(arrivals=1, taking=0.25)
    sim.run(1)
    for _ in range(20):
        sim.arrivals.on_trade(2000, 1_000_000)
    hot = sim.arrivals._rate()
    sim.arrivals._decay(100_000_000)
    assert hot > 10
    assert sim.arrivals._rate() < 1.1


def test_the_raised_rate_has_a_limit() -> None:
    sim = ArrivalsMarket(arrivals=1, taking=0.25)
    for _ in range(10_000):
        sim.arrivals.on_trade(2000, 0)
    assert sim.arrivals._rate() < MAX_EXCITATION + 20


def test_a_trade_makes_the_next_arrival_come_sooner() -> None:
    sim = ArrivalsMarket(arrivals=0.001, taking=0.25)
    sim.scheduler.run_next()
    planned_us = sim.arrivals.due_us
    sim.arrivals.on_trade(2000, 1)
    assert sim.arrivals.due_us < planned_us


def test_both_crowd_and_takers_arrive() -> None:
    sim = ArrivalsMarket(arrivals=20, taking=0.5)
    while sim.scheduler.next_us() < 5_000_000:
        sim.scheduler.run_next()
    kinds = {command.time_in_force for command in sim.exchange.sent if isinstance(command, Place)}
    assert kinds >= {"gtc", "ioc"}
