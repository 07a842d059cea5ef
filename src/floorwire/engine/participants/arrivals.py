"""Arrivals: when the crowd and the takers come. Trades bring more of them, so that they come in bursts."""

from __future__ import annotations

from math import exp

from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.limit_order_crowd import LimitOrderCrowd
from floorwire.engine.participants.market_access import MarketAccess
from floorwire.engine.participants.takers import Takers

FAST_S, SLOW_S = 0.15, 12.0  # how long the excitement of a trade lasts: a flurry, and a livelier minute
FAST, SLOW = 0.50, 0.30  # arrivals that one arrival brings about through each, on average
HOTTEST = 60.0  # times the usual rate, at most


class Arrivals:
    """A Hawkes process with two memories, drawn by thinning; the mood sets its pace."""

    def __init__(
        self, market_access: MarketAccess, fair_values: FairValues, crowd: LimitOrderCrowd, takers: Takers
    ) -> None:
        self.due_us = 0
        self._market_access = market_access
        self._rng = market_access.rng
        self._fair_values = fair_values
        self._crowd = crowd
        self._takers = takers
        self._fast = self._slow = 0.0
        self._since_us = 0
        self._bound = 0.0
        market_access.watchers.append(self)

    def saw(self, price_ticks: int, now_us: int) -> None:
        """A trade: more will come."""
        self._cool(now_us)
        taking = self._market_access.profile.taking
        fast, slow = FAST / FAST_S / taking, SLOW / SLOW_S / taking
        if self._fast + self._slow < HOTTEST * self._market_access.profile.arrivals:
            self._fast += fast
            self._slow += slow
            self._bound += fast + slow
            self._market_access.scheduler.hasten(self, now_us + self._wait_us(fast + slow))

    def act(self, now_us: int) -> int:
        """Let somebody come, or nobody where the excitement has cooled since this time was drawn."""
        self._cool(now_us)
        if self._rng.random() * self._bound < self._rate():
            if self._rng.random() < self._market_access.profile.taking:
                self._takers.come(now_us)
            else:
                self._crowd.come(now_us)
        self._bound = self._rate()
        return now_us + self._wait_us(self._bound)

    def _rate(self) -> float:
        return (
            self._market_access.profile.arrivals * self._fair_values.mood.activity + self._fast + self._slow
        )

    def _wait_us(self, rate: float) -> int:
        return int(self._rng.expovariate(rate) * 1_000_000)

    def _cool(self, now_us: int) -> None:
        passed_s = (now_us - self._since_us) / 1_000_000
        self._since_us = now_us
        self._fast *= exp(-passed_s / FAST_S)
        self._slow *= exp(-passed_s / SLOW_S)
