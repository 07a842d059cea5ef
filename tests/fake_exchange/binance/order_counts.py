"""Binance's count of unfilled orders: by account, over all of its keys, connections and addresses."""

from collections.abc import Callable

from tests.fake_exchange.limits import FixedWindow


class OrderCounts:
    """At most `limit` in ten seconds and `day_limit` in a day. A first fill gives one back."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.limit = 50
        self.day_limit = 160_000
        self._now_us = now_us
        self._windows: dict[str, tuple[FixedWindow, FixedWindow]] = {}

    def take(self, account: str) -> int | None:
        """Count an order. If it is over a limit, the seconds to wait."""
        short, day = self._of(account)
        short.limit, day.limit = self.limit, self.day_limit
        allowed = (day.take(), short.take())
        if all(allowed):
            return None
        return short.wait_s() if allowed[0] else day.wait_s()

    def give_back(self, account: str) -> None:
        for window in self._of(account):
            window.give_back()

    def used(self, account: str) -> int:
        return self._of(account)[0].used

    def used_of_day(self, account: str) -> int:
        return self._of(account)[1].used

    def _of(self, account: str) -> tuple[FixedWindow, FixedWindow]:
        if account not in self._windows:
            self._windows[account] = (
                FixedWindow(self.limit, 10_000_000, self._now_us),
                FixedWindow(self.day_limit, 86_400_000_000, self._now_us),
            )
        return self._windows[account]
