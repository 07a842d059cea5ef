"""Pages of candles of the past, the latest first."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.common.candle_history import CandleHistory, page, told
from floorwire.venues.common.past_paging import PageRead


class CandlePages:
    """The pages of one exchange."""

    __slots__ = ("_history", "_window_us", "weight")

    def __init__(self, history: CandleHistory) -> None:
        self.weight = history.weight
        self._history = history
        self._window_us = 0
        """From where on the last request asks."""

    def begin(self, wanted: PastWanted) -> None:
        """Do nothing: what is left of a wish says all."""

    def url(self, of: Instrument, native: str, wanted: PastWanted) -> str:
        """Return the address of the latest candles that are wanted."""
        history, interval = self._history, wanted.interval or ""
        rows_of = history.intervals[interval]
        self._window_us = max(wanted.from_us, _back(rows_of, wanted.to_us, history.most_rows))
        return history.url(of, native, interval, self._window_us, wanted.to_us)

    def read(self, of: Instrument, wanted: PastWanted, body: bytes) -> PageRead:
        """Return the page of an answer. Raises ValueError, RecursionError, TooManyRequestsError."""
        history, name = self._history, wanted.interval or ""
        interval, rows_of = INTERVALS[name], history.intervals[name]
        rows = sorted(history.rows(body), key=lambda row: row.start_us)
        starts_us = [row.start_us for row in rows]
        if any(rows_of.start_of(start_us) != start_us for start_us in starts_us):
            raise ValueError("candles that begin at other times")
        if len(set(starts_us)) != len(starts_us):
            raise ValueError("a candle came twice")
        time_us = told(rows, history, self._window_us, wanted.to_us, rows_of.length_us or 0)
        from_us = _up(interval, time_us.start)
        to_us = max(from_us, interval.start_of(time_us.stop))
        made = page(of, interval, rows, from_us, to_us)
        is_last = history.is_latest_only or (history.has_all_rows and not rows)
        is_last = is_last or not wanted.from_us < from_us < wanted.to_us
        return PageRead(
            made if from_us < to_us else None, None if is_last else replace(wanted, to_us=from_us)
        )


def _back(interval: CandleInterval, to_us: int, rows: int) -> int:
    """Return the start of the first of so many candles before a time."""
    assert interval.length_us is not None, "no exchange is asked for months"
    return to_us - rows * interval.length_us


def _up(interval: CandleInterval, ts_us: int) -> int:
    """Return the earliest start that is not before this time."""
    start_us = interval.start_of(ts_us)
    return start_us if start_us == ts_us else interval.end_of(start_us)
