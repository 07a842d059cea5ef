"""Leaves out trades that came before, by the venue's trade ids: rising ones, and those in any order."""

from __future__ import annotations

from typing import Literal, TypeAlias

IdCheck: TypeAlias = Literal["new", "repeated", "restarted"]
MAX_IDS = 2_000
"""Trades of one symbol. More than a venue repeats after a subscription."""


class TradeIds:
    """The last trade id of one symbol and its time, where ids rise.

    Ids rise with time. A lower id with a later time than any trade so far cannot be a repeated trade: the
    venue restarted its ids. The last id and time from before the restart are kept, so that an old trade that
    comes again is still recognised.
    """

    __slots__ = ("_before_restart", "_latest_us", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        """The last id that was not repeated; None before the first trade."""
        self._latest_us = 0
        self._before_restart: tuple[int, int] | None = None
        """The last id and the latest time before the venue restarted its ids."""

    def check(self, trade_id: int, ts_us: int) -> IdCheck:
        """Record a trade. Return ``repeated`` if it came before; ``restarted`` if the ids restarted with it.

        ``ts_us`` is the venue's time of the trade.
        """
        result: IdCheck
        if self.last is None or trade_id > self.last:
            if self._before_restart is not None and self._is_from_before_restart(trade_id, ts_us):
                return "repeated"
            result = "new"
        elif ts_us > self._latest_us:
            self._before_restart = (self.last, self._latest_us)
            result = "restarted"
        else:
            return "repeated"
        self.last = trade_id
        self._latest_us = max(self._latest_us, ts_us)
        return result

    def _is_from_before_restart(self, trade_id: int, ts_us: int) -> bool:
        before = self._before_restart
        return before is not None and trade_id <= before[0] and ts_us <= before[1]


class RecentTradeIds:
    """The latest trade ids, where they do not rise. Beyond ``MAX_IDS`` the oldest is forgotten."""

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
