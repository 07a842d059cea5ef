"""Rate limit on rows: how many rows of orders and fills an account may read.

A request of a few bytes may return a thousand rows. They are built on the event loop and stay in memory until
they are sent, so long replies would delay all other clients.
"""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal

ROWS_PER_S = 20_000
"""Rows a second on average; some 3 us each."""
MAX_AHEAD_US = 1_000_000
"""How far an account may be over its rate and still get a reply, of any length. In microseconds."""
MAX_ACCOUNTS = 10_000
"""Accounts kept in memory. When there are more, those within their rate are removed."""


class ReadQuota:
    """The rate limit of all accounts."""

    def __init__(self) -> None:
        self._paid_until_us: dict[str, int] = {}
        """By account: when the rows it has read are within its rate again (monotonic microseconds)."""

    def charge(self, account: str, rows: int, now_us: int) -> None:
        """Charge the account for ``rows``. Raises Refusal ``rate_limited``, and then charges nothing."""
        if not rows:
            return
        paid_until_us = max(now_us, self._paid_until_us.get(account, 0))
        wait_us = paid_until_us - now_us - MAX_AHEAD_US
        if wait_us > 0:
            raise Refusal(Code.RATE_LIMITED, "too many rows asked for", wait_us=wait_us)
        self._paid_until_us[account] = paid_until_us + rows * 1_000_000 // ROWS_PER_S
        if len(self._paid_until_us) > MAX_ACCOUNTS:
            self._paid_until_us = {name: us for name, us in self._paid_until_us.items() if us > now_us}
