from __future__ import annotations

import msgspec

from floorwire.core.order_commands import Place
from floorwire.engine.participants.arrivals import HOTTEST, Arrivals
from floorwire.engine.participants.limit_order_crowd import LimitOrderCrowd
from floorwire.engine.participants.takers import Takers
from tests.engine.participants.stand import PROFILE, Stand


class ArrivalsStand(Stand):
    """A pit where crowd and takers come and go."""

    def __init__(self, arrivals: float, taking: float) -> None:
        super().__init__(msgspec.structs.replace(PROFILE, arrivals=arrivals, taking=taking))
        self.arrivals = Arrivals(
            self.market_access,
            self.fair_values,
            LimitOrderCrowd(self.market_access),
            Takers(self.market_access),
        )
        self.scheduler.enter(self.arrivals, 0)

    def run(self, seconds: int) -> list[int]:
        """Return how many commands came in each second."""
        counts = []
        for second in range(seconds):
            self.exchange.sent.clear()
            while self.scheduler.next_us() < (second + 1) * 1_000_000:
                self.scheduler.run_next()
            counts.append(len(self.exchange.sent))
        return counts


def test_where_nobody_trades_they_come_at_the_profiles_rate() -> None:
    counts = ArrivalsStand(arrivals=8, taking=1e-9).run(300)
    mean = sum(counts) / len(counts)
    spread = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert 7 < mean < 8.5  # orders too far off are left out
    assert spread / mean < 1.5


def test_trades_bring_more_and_in_bursts() -> None:
    stand = ArrivalsStand(arrivals=8, taking=0.25)
    counts = stand.run(300)
    mean = sum(counts) / len(counts)
    spread = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert mean > 16
    assert spread / mean > 3


def test_the_excitement_of_a_trade_passes() -> None:
    stand = ArrivalsStand(arrivals=1, taking=0.25)
    stand.run(1)
    for _ in range(20):
        stand.arrivals.saw(2000, 1_000_000)
    hot = stand.arrivals._rate()
    stand.arrivals._cool(100_000_000)
    assert hot > 10
    assert stand.arrivals._rate() < 1.1


def test_excitement_has_a_limit() -> None:
    stand = ArrivalsStand(arrivals=1, taking=0.25)
    for _ in range(10_000):
        stand.arrivals.saw(2000, 0)
    assert stand.arrivals._rate() < HOTTEST + 20


def test_a_trade_brings_the_next_arrival_nearer() -> None:
    stand = ArrivalsStand(arrivals=0.001, taking=0.25)
    stand.scheduler.run_next()
    planned_us = stand.arrivals.due_us
    stand.arrivals.saw(2000, 1)
    assert stand.arrivals.due_us < planned_us


def test_both_kinds_come() -> None:
    stand = ArrivalsStand(arrivals=20, taking=0.5)
    while stand.scheduler.next_us() < 5_000_000:
        stand.scheduler.run_next()
    kinds = {command.time_in_force for command in stand.exchange.sent if isinstance(command, Place)}
    assert kinds >= {"gtc", "ioc"}
