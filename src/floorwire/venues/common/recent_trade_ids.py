"""Leaves out trades that came before, where a venue's trade ids do not rise: by the latest ids."""

from __future__ import annotations

MAX_IDS = 2_000
"""Trades of one symbol. More than a venue repeats after a subscription."""


class RecentTradeIds:
    """The latest trade ids of one symbol. Beyond ``MAX_IDS`` the oldest is forgotten."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        """In the order in which they came."""

    def add(self, trade_id: str) -> bool:
        """Record a trade; return False if it came before."""
        if trade_id in self._ids:
            return False
        self._ids[trade_id] = None
        if len(self._ids) > MAX_IDS:
            del self._ids[next(iter(self._ids))]
        return True
