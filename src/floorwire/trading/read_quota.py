"""Reading: how much an account may have read out to it, so that long answers hold up nobody else.

What is asked for in a few bytes may be a thousand rows long: made on the event loop, and in memory until it
has left.
"""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal

ROWS_PER_S = 20_000
"""Rows a second on average; some 3 us each."""
AHEAD_US = 1_000_000
"""So far an account may be ahead of that and still be answered, however many rows it will be."""
MOST = 10_000
"""Accounts that are kept; where there are more, those that owe nothing are forgotten."""


class ReadQuota:
    """All accounts'."""

    def __init__(self) -> None:
        self._paid_us: dict[str, int] = {}
        """When what each was told will have been paid for."""

    def take(self, account: str, rows: int, now_us: int) -> None:
        """Count an answer of so many rows. Raises Refusal: ``rate_limited``, and counts nothing."""
        if not rows:
            return
        paid_us = max(now_us, self._paid_us.get(account, 0))
        wait_us = paid_us - now_us - AHEAD_US
        if wait_us > 0:
            raise Refusal(Code.RATE_LIMITED, "too many rows asked for", wait_us=wait_us)
        self._paid_us[account] = paid_us + rows * 1_000_000 // ROWS_PER_S
        if len(self._paid_us) > MOST:
            self._paid_us = {name: us for name, us in self._paid_us.items() if us > now_us}
