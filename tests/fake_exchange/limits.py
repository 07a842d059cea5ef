"""Counts of what clients did, and the limits that depend on them."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Counts:
    """Everything that tests may want to assert. Nothing here is ever reset by the fake."""

    connections: Counter[str] = field(default_factory=Counter)
    subscriptions: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    refusals: Counter[int | str] = field(default_factory=Counter)
    weight: int = 0
    orders: int = 0


class FixedWindow:
    """At most `limit` in each window. Windows start at multiples of their length."""

    def __init__(self, limit: int, window_us: int, now_us: Callable[[], int]) -> None:
        self.limit = limit
        self._window_us = window_us
        self._now_us = now_us
        self._window = -1
        self._used = 0

    @property
    def used(self) -> int:
        window = self._now_us() // self._window_us
        if window != self._window:
            self._window, self._used = window, 0
        return self._used

    def take(self, amount: int = 1) -> bool:
        """Count it, and say whether it is within the limit."""
        self._used = self.used + amount
        return self._used <= self.limit

    def give_back(self, amount: int = 1) -> None:
        self._used = max(0, self.used - amount)

    def wait_s(self) -> int:
        """Seconds until the next window, at least one."""
        return max(1, (self._window_us - self._now_us() % self._window_us) // 1_000_000)


class SlidingWindow:
    """At most `limit` in any stretch of `window_us`."""

    def __init__(self, limit: int, window_us: int, now_us: Callable[[], int]) -> None:
        self.limit = limit
        self._window_us = window_us
        self._now_us = now_us
        self._taken_us: deque[int] = deque()

    def take(self) -> bool:
        now_us = self._now_us()
        while self._taken_us and self._taken_us[0] <= now_us - self._window_us:
            self._taken_us.popleft()
        self._taken_us.append(now_us)
        if len(self._taken_us) <= self.limit:
            return True
        self._taken_us.popleft()
        return False


class TokenBucket:
    """`limit` at once, and one more in each `refill_us`."""

    def __init__(self, limit: int, refill_us: int, now_us: Callable[[], int]) -> None:
        self.limit = limit
        self._refill_us = refill_us
        self._now_us = now_us
        self._used = 0
        self._since_us = now_us()

    def take(self) -> bool:
        now_us = self._now_us()
        back = min(self._used, (now_us - self._since_us) // self._refill_us)
        self._used -= back
        self._since_us = self._since_us + back * self._refill_us if self._used else now_us
        if self._used >= self.limit:
            return False
        self._used += 1
        return True


class WindowsByKey:
    """A fixed window for each key, such as an account with an endpoint."""

    def __init__(self, window_us: int, now_us: Callable[[], int]) -> None:
        self._window_us = window_us
        self._now_us = now_us
        self._windows: dict[tuple[str, ...], FixedWindow] = {}

    def take(self, limit: int, *key: str, amount: int = 1) -> bool:
        window = self._windows.setdefault(key, FixedWindow(limit, self._window_us, self._now_us))
        window.limit = limit
        return window.take(amount)
