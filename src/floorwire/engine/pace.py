"""Pace: how fast accounts and keys send orders. Not account state: a restart forgives."""

from __future__ import annotations

from floorwire.protocol.bucket import Bucket

MOST = 10_000
"""Buckets kept; where there are more, the full ones, which are as good as new ones, are dropped."""


class Pace:
    """A token bucket for each name; a new rate begins with a full one."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[int, Bucket]] = {}

    def wait_us(self, name: str, per_second: int, now_us: int) -> int:
        """Take a token and return 0, or return how long until there is one."""
        known = self._buckets.get(name)
        if known is None or known[0] != per_second:
            if len(self._buckets) >= MOST:
                self._sweep(now_us)
            known = self._buckets[name] = per_second, Bucket(per_second, per_second)
        bucket = known[1]
        return 0 if bucket.allow(now_us) else bucket.wait_us(now_us)

    def _sweep(self, now_us: int) -> None:
        self._buckets = {name: one for name, one in self._buckets.items() if not one[1].is_full(now_us)}
