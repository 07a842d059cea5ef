"""Which trades were told before, by the venue's own rising numbers; also after the venue restarts them."""

from __future__ import annotations

from typing import Literal, TypeAlias

Number: TypeAlias = Literal["new", "repeated", "restarted"]


class TradeIds:
    """The last trade id of one symbol and its time.

    Ids rise with time. A lower id with a later time than any trade so far cannot be one that was told before:
    the venue began to count anew. From then on the ids and times of before are kept apart, so that an old
    trade that comes again is still recognised.
    """

    __slots__ = ("_before", "_latest_us", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        """The last id that was told; None before any."""
        self._latest_us = 0
        self._before: tuple[int, int] | None = None
        """The last id and the latest time before the venue began to count anew."""

    def take(self, trade_id: int, ts_us: int) -> Number:
        """Take in a trade, and return whether it is to be told."""
        if self.last is None or trade_id > self.last:
            if self._is_of_before(trade_id, ts_us):
                return "repeated"
            said: Number = "new"
        elif ts_us > self._latest_us:
            self._before = (self.last, self._latest_us)
            said = "restarted"
        else:
            return "repeated"
        self.last = trade_id
        self._latest_us = max(self._latest_us, ts_us)
        return said

    def _is_of_before(self, trade_id: int, ts_us: int) -> bool:
        return self._before is not None and trade_id <= self._before[0] and ts_us <= self._before[1]
