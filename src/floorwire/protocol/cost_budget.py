"""Cost budgets: how much work a client may make the server do.

A rate limit counts requests. But a request of a few bytes can make the server send a megabyte. So each
request is also charged what it makes the server do, in microseconds of the event loop. The prices are fixed
numbers, so the same request always costs the same. A replay of 100 streams of a megabyte each fits into one
budget.

All times are monotonic, in microseconds.
"""

from __future__ import annotations

from typing import Final

REQUEST_US: Final = 20
"""Price of one request that is charged."""
SYMBOL_US: Final = 10
"""Price of each symbol that it names."""
KIB_US: Final = 10
"""Price of each KiB that it is sent: missed events and first states. It pays for the network, too."""
TRANSCODE_US: Final = 2
"""Price of each missed event that has to be made in MessagePack. It is kept, so the next one is free."""
ROW_US: Final = 2
"""Price of each row of a list: instruments, subscriptions."""
TABLE_ROW_US: Final = 10
"""Price of each row of market history in a table (CSV, Parquet), with its bytes."""
STATE_US: Final = 100
"""Price of a state that is made for one client: a deep book is large."""
PAGE_US: Final = 2_000
"""Price of a page of market history, which a thread reads."""
SAMPLE_US: Final = 10
"""Price of each sample of the metrics."""

CONNECTION_PER_S: Final = 100_000
"""Work of one connection: a tenth of the time."""
CONNECTION_BURST: Final = 2_500_000
SHARED_PER_S: Final = 300_000
"""Work of all connections of one key, or of one address without keys: three tenths of the time."""
SHARED_BURST: Final = 4_000_000
MAX_WAIT_US: Final = 10_000_000
"""The longest wait that is asked for. Debts beyond it are forgiven."""
MAX_SUBJECTS: Final = 20_000
"""The most keys and addresses that are remembered."""


class CostBudget:
    """Allow work of ``per_second`` on average and ``burst`` at once.

    The cost of a request is known only afterwards. So one request may go over the budget, and the next one
    waits. No wait is longer than ``max_wait_us``.
    """

    __slots__ = ("_burst_us", "_most_us", "_paid_until_us", "_per_second")

    def __init__(self, per_second: int, burst: int, max_wait_us: int = MAX_WAIT_US) -> None:
        self._per_second = per_second
        self._burst_us = burst * 1_000_000 // per_second
        self._most_us = self._burst_us + max_wait_us
        self._paid_until_us = 0
        """When all work is paid, at ``per_second``."""

    def charge(self, cost: int, now_us: int) -> None:
        """Charge for work that was done."""
        paid_until_us = max(now_us, self._paid_until_us) + cost * 1_000_000 // self._per_second
        self._paid_until_us = min(paid_until_us, now_us + self._most_us)

    def wait_us(self, now_us: int) -> int:
        """Return how long until more work is allowed; 0: now."""
        # More was never charged, unless the time went back.
        self._paid_until_us = min(self._paid_until_us, now_us + self._most_us)
        return max(0, self._paid_until_us - now_us - self._burst_us)

    def wait_for_half_us(self, now_us: int) -> int:
        """Return how long until half of the burst is there; 0: now. Long work leaves it to other requests."""
        return max(0, self.wait_us(now_us), self._paid_until_us - now_us - self._burst_us // 2)

    def is_full(self, now_us: int) -> bool:
        """Return whether nothing is owed: the budget is as good as a new one."""
        return self._paid_until_us <= now_us


class ClientBudget:
    """The budget of one connection, and the one that it shares with others of its key or address."""

    __slots__ = ("_own", "_shared")

    def __init__(self, shared: CostBudget) -> None:
        self._own = CostBudget(CONNECTION_PER_S, CONNECTION_BURST)
        self._shared = shared

    def share(self, shared: CostBudget) -> None:
        """Share another budget from now on: the client has signed in."""
        self._shared = shared

    def charge(self, cost_us: int, now_us: int) -> None:
        """Charge both budgets."""
        self._own.charge(cost_us, now_us)
        self._shared.charge(cost_us, now_us)

    def wait_us(self, now_us: int) -> int:
        """Return how long until both allow more work; 0: now."""
        return max(self._own.wait_us(now_us), self._shared.wait_us(now_us))


class SharedBudgets:
    """The budget of each key and address. At most ``limit`` of them are remembered."""

    def __init__(self, limit: int = MAX_SUBJECTS) -> None:
        self._limit = limit
        self._budgets: dict[str, CostBudget] = {}

    def of(self, subject: str, now_us: int) -> CostBudget:
        """Return the budget of a key, or of an address (as ``network_of`` names it)."""
        budget = self._budgets.get(subject)
        if budget is None:
            self._make_room(now_us)
            budget = self._budgets[subject] = CostBudget(SHARED_PER_S, SHARED_BURST)
        return budget

    def _make_room(self, now_us: int) -> None:
        if len(self._budgets) < self._limit:
            return
        # A full budget is as good as a new one: drop it. If that is not enough, forget the older half.
        owing = [item for item in self._budgets.items() if not item[1].is_full(now_us)]
        self._budgets = dict(owing[-(self._limit // 2) :])
