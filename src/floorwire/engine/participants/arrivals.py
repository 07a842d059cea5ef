"""When the crowd and the takers arrive. A trade causes more arrivals, so that orders come in bursts."""

from __future__ import annotations

from math import exp

from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.limit_order_crowd import LimitOrderCrowd
from floorwire.engine.participants.market_access import MarketAccess
from floorwire.engine.participants.takers import Takers

FAST_DECAY_S, SLOW_DECAY_S = 0.15, 12.0  # a trade raises the rate for a short burst and for a busier minute
FAST, SLOW = 0.50, 0.30  # how many arrivals one arrival causes through each, on average
MAX_EXCITATION = 60.0  # the raised part of the rate is at most so many times the profile's rate


class Arrivals:
    """A Hawkes process with a fast and a slow kernel, drawn by thinning. The market regime sets its pace."""

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
        """The raised rate of each kernel, in arrivals a second, as of ``_since_us``."""
        self._since_us = 0
        self._bound = 0.0
        """The rate from which the next arrival was drawn. Thinning needs it to be at least the true rate."""
        market_access.trade_listeners.append(self)

    def on_trade(self, price_ticks: int, now_us: int) -> None:
        """Raise the rate after a trade."""
        self._decay(now_us)
        taking = self._market_access.profile.taking
        fast, slow = FAST / FAST_DECAY_S / taking, SLOW / SLOW_DECAY_S / taking
        if self._fast + self._slow < MAX_EXCITATION * self._market_access.profile.arrivals:
            self._fast += fast
            self._slow += slow
            self._bound += fast + slow
            self._market_access.scheduler.schedule_sooner(self, now_us + self._wait_us(fast + slow))

    def act(self, now_us: int) -> int:
        """Let one participant arrive, or none where the rate has fallen since this time was drawn."""
        self._decay(now_us)
        if self._rng.random() * self._bound < self._rate():
            if self._rng.random() < self._market_access.profile.taking:
                self._takers.arrive(now_us)
            else:
                self._crowd.arrive(now_us)
        self._bound = self._rate()
        return now_us + self._wait_us(self._bound)

    def _rate(self) -> float:
        activity = self._fair_values.regime.activity
        return self._market_access.profile.arrivals * activity + self._fast + self._slow

    def _wait_us(self, rate: float) -> int:
        return int(self._rng.expovariate(rate) * 1_000_000)

    def _decay(self, now_us: int) -> None:
        passed_s = (now_us - self._since_us) / 1_000_000
        self._since_us = now_us
        self._fast *= exp(-passed_s / FAST_DECAY_S)
        self._slow *= exp(-passed_s / SLOW_DECAY_S)
