"""Which streams of which symbol somebody wants: counted, and kept for a while after the last one left.

A venue with live prices streams only what is wanted. Whoever subscribes adds its interest and later
removes it. Whoever only looks (an order that needs a price) keeps it up to a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from floorwire.core.capabilities import StreamKind

Streams: TypeAlias = Mapping[str, frozenset[StreamKind]]
"""Symbol, by its identity -> kinds of its streams."""


class Interest:
    """Who wants one stream."""

    __slots__ = ("count", "until_us")

    def __init__(self) -> None:
        self.count = 0
        """How many subscriptions need it."""
        self.until_us = 0
        """It is wanted up to this time, also without one."""


class StreamInterest:
    """The wishes of a whole process, by venue."""

    def __init__(self, linger_us: int) -> None:
        """``linger_us``: how long a stream is wanted after the last subscription ended."""
        self.linger_us = linger_us
        self._interests: dict[str, dict[str, dict[StreamKind, Interest]]] = {}
        """Venue -> symbol -> kind -> who wants it."""
        self._on_change: dict[str, Callable[[], None]] = {}

    def on_change(self, venue: str, call: Callable[[], None]) -> None:
        """Call this as soon as a stream of the venue is wanted that was not."""
        self._on_change[venue] = call

    def add(self, symbol: str, kinds: Iterable[StreamKind]) -> None:
        """Count one more subscription that needs these streams."""
        for kind in kinds:
            self._interest_in(symbol, kind).count += 1

    def remove(self, symbol: str, kinds: Iterable[StreamKind], now_us: int) -> None:
        """Count one subscription less."""
        for kind in kinds:
            interest = self._interest_in(symbol, kind)
            assert interest.count > 0, f"nobody is subscribed to {kind} of {symbol}"
            interest.count -= 1
            if not interest.count:
                interest.until_us = max(interest.until_us, now_us + self.linger_us)

    def keep(self, symbol: str, kinds: Iterable[StreamKind], until_us: int) -> None:
        """Want these streams at least up to a time."""
        for kind in kinds:
            interest = self._interest_in(symbol, kind)
            interest.until_us = max(interest.until_us, until_us)

    def wanted(self, venue: str, now_us: int) -> Streams:
        """Return all that is wanted of a venue now, and forget what is not any more."""
        wanted: dict[str, frozenset[StreamKind]] = {}
        wishes = self._interests.get(venue, {})
        for symbol, by_kind in list(wishes.items()):
            for kind, interest in list(by_kind.items()):
                if not interest.count and interest.until_us <= now_us:
                    del by_kind[kind]
            if by_kind:
                wanted[symbol] = frozenset(by_kind)
            else:
                del wishes[symbol]
        return wanted

    def _interest_in(self, symbol: str, kind: StreamKind) -> Interest:
        venue = symbol.partition(":")[0]
        by_kind = self._interests.setdefault(venue, {}).setdefault(symbol, {})
        interest = by_kind.get(kind)
        if interest is None:
            interest = by_kind[kind] = Interest()
            call = self._on_change.get(venue)
            if call is not None:
                call()
        return interest
