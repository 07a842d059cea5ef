"""Pages of trades of the past, in the order in which the exchange gives them: back in time, or on.

A full answer may end between two trades of one time. So it tells everything only up to that time, and the
trades of it wait for the next answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredUnits
from floorwire.core.past_candles import PastWanted
from floorwire.core.past_trades import PastTradesPage
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.past_paging import PageRead
from floorwire.venues.common.trade_history import TradeHistory, TradeRow

MOST_WAITING: Final = 20_000
"""So many trades of one time, and of one answer, may wait for the rest of it."""


class TradePages:
    """The pages of one exchange."""

    __slots__ = ("_cursor", "_history", "_waiting", "weight")

    def __init__(self, history: TradeHistory) -> None:
        self.weight = history.weight
        self._history = history
        self._cursor = ""
        self._waiting: list[TradeRow] = []
        """Rows of a time of which there may be more, in order."""

    def begin(self, wanted: PastWanted) -> None:
        """Begin at the end of the time that is wanted, or at its start."""
        self._cursor = self._history.first_cursor(wanted)
        self._waiting = []

    def url(self, of: Instrument, native: str, wanted: PastWanted) -> str:
        """Return the address of the next page."""
        return self._history.url(of, native, wanted, self._cursor)

    def read(self, of: Instrument, wanted: PastWanted, body: bytes) -> PageRead:
        """Return the page of an answer. Raises ValueError, RecursionError, TooManyRequestsError."""
        history = self._history
        came, cursor, is_all = history.rows(body, self._cursor)
        rows = _joined(self._waiting, came) if history.is_oldest_first else _joined(came, self._waiting)
        from_us, to_us = wanted.from_us, wanted.to_us
        if not is_all:
            if cursor and (cursor == self._cursor or len(rows) > MOST_WAITING):
                raise ValueError("more trades of one time than can be read")
            if history.is_oldest_first:
                to_us = max(from_us, min(to_us, rows[-1].ts_us))
            else:
                from_us = min(to_us, max(from_us, rows[0].ts_us + 1))
            self._waiting = [row for row in rows if not from_us <= row.ts_us < to_us]
        made = _page(of, [row for row in rows if from_us <= row.ts_us < to_us], from_us, to_us)
        self._cursor = cursor
        rest = replace(wanted, from_us=to_us) if history.is_oldest_first else replace(wanted, to_us=from_us)
        return PageRead(
            replace(made, are_parts=history.are_parts) if from_us < to_us else None,
            None if is_all or not cursor or rest.from_us >= rest.to_us else rest,
        )


def _joined(first: Iterable[TradeRow], then: Iterable[TradeRow]) -> list[TradeRow]:
    """Return rows of two answers, each trade once."""
    return list({row.trade_id: row for rows in (first, then) for row in rows}.values())


def _page(of: Instrument, rows: Iterable[TradeRow], from_us: int, to_us: int) -> PastTradesPage:
    reader = LevelReader(of)
    trades: list[Trade] = []
    refused: list[int] = []
    for row in rows:
        try:
            ticks, lots = reader.trade(of, row.price, row.size)
        except OffTickError:
            refused.append(row.ts_us)
        else:
            trades.append(Trade(of.symbol, row.trade_id, ticks, lots, row.side, row.ts_us))
    return PastTradesPage(of.symbol, from_us, to_us, trades, refused, StoredUnits(of.price, of.size))
