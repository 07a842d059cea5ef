"""Kraken's counters: each request adds to one, and time takes from it."""

from collections.abc import Callable

from tests.fake_exchange.market import Market

# What a cancel or an amendment costs, by the age of the order.
CANCEL_COSTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
AMEND_COSTS = ((5, 3), (10, 2), (15, 1))


class DecayingCounter:
    def __init__(self, limit: int, decay_e3_per_s: int, now_us: Callable[[], int]) -> None:
        self.limit = limit
        self._decay_e3_per_s = decay_e3_per_s
        self._now_us = now_us
        self._value_e9 = 0
        self._since_us = now_us()

    @property
    def value(self) -> int:
        self._decay()
        return -(-self._value_e9 // 10**9)

    def add(self, amount: int) -> None:
        self._decay()
        self._value_e9 += amount * 10**9

    def take(self, amount: int) -> bool:
        """Count it, unless that would exceed the limit."""
        self._decay()
        if self._value_e9 + amount * 10**9 > self.limit * 10**9:
            return False
        self._value_e9 += amount * 10**9
        return True

    def _decay(self) -> None:
        now_us = self._now_us()
        self._value_e9 = max(0, self._value_e9 - (now_us - self._since_us) * self._decay_e3_per_s)
        self._since_us = now_us


class KrakenLimits:
    """The counters of the tier Starter."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.rest_limit = 15
        # Kraken: one call a second is always allowed. How many may come at once is not documented; here it is
        # what the counter of REST allows.
        self.pair_limit = 15
        self.engine_limit = 60
        self.open_orders_limit = 60
        self._now_us = now_us
        self._rest: dict[str, DecayingCounter] = {}
        self._pairs: dict[tuple[str, str], DecayingCounter] = {}
        self._engine: dict[tuple[str, str], DecayingCounter] = {}
        self._locked_until_us = 0

    def rest(self, account: str) -> DecayingCounter:
        counter = self._rest.setdefault(account, DecayingCounter(self.rest_limit, 330, self._now_us))
        counter.limit = self.rest_limit
        return counter

    def pair(self, name: str, pair: str) -> DecayingCounter:
        """Of one public method and pair."""
        counter = self._pairs.setdefault((name, pair), DecayingCounter(self.pair_limit, 1_000, self._now_us))
        counter.limit = self.pair_limit
        return counter

    def engine(self, account: str, market: Market) -> DecayingCounter:
        counter = self._engine.setdefault(
            (account, market.symbol), DecayingCounter(self.engine_limit, 1_000, self._now_us)
        )
        counter.limit = self.engine_limit
        return counter

    def lock_out(self, lockout_us: int = 900_000_000) -> None:
        self._locked_until_us = self._now_us() + lockout_us

    @property
    def is_locked(self) -> bool:
        return self._now_us() < self._locked_until_us


def cost_by_age(costs: tuple[tuple[int, int], ...], age_us: int) -> int:
    return next((cost for age_s, cost in costs if age_us < age_s * 1_000_000), 0)
