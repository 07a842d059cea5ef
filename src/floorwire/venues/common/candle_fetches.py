"""Requests for candles of the past: one at a time, the latest first, with what the rate limit has to spare.

A fault costs a page: it is requested again, later after each one that failed. After some the adapter gives
up, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastEnded, PastWanted
from floorwire.core.ports import Answer, Fetch, VenueOutput
from floorwire.venues.common.backoff import Backoff, Jitter
from floorwire.venues.common.candle_history import CandleHistory, page, told
from floorwire.venues.common.rate_limits import REST, RateLimits, TooManyRequestsError

RETRY_S: Final = (2, 4, 8, 16)
TRIES: Final = 5
"""So many requests for one page fail before the adapter gives up."""


class CandleFetches:
    """What is asked of one exchange, and how far that is. A new wish takes the place of the one before."""

    __slots__ = (
        "_answer_to",
        "_failed",
        "_history",
        "_ids",
        "_jitter",
        "_limits",
        "_next_us",
        "_waits",
        "_wanted",
        "_window_us",
    )

    def __init__(
        self, history: CandleHistory | None, limits: RateLimits, ids: Iterator[int], jitter: Jitter
    ) -> None:
        """``history`` None: the exchange tells no past. ``ids``: the ids of the adapter's requests."""
        self._history = history
        self._limits = limits
        self._ids = ids
        self._jitter = jitter
        self._wanted: PastWanted | None = None
        """What is left of the wish: pages move its end. None: nothing is wanted."""
        self._answer_to: int | None = None
        """The request that is under way. The answer to any other one is not used."""
        self._window_us = 0
        """From where on that request asks."""
        self._failed = 0
        self._next_us = 0
        self._waits = Backoff(RETRY_S, jitter)

    @property
    def intervals(self) -> Sequence[str]:
        """The intervals that can be asked for."""
        return () if self._history is None else tuple(self._history.intervals)

    def want(self, wanted: PastWanted) -> None:
        """Take in a wish."""
        self._wanted = wanted
        self._answer_to = None
        self._failed = self._next_us = 0
        self._waits.succeeded()

    def due(self, listed: Mapping[str, Instrument], now_us: int) -> Iterator[VenueOutput]:
        """Request the next page, if one is wanted and it is time. ``listed``: instruments by native name."""
        history, wanted = self._history, self._wanted
        if wanted is None or self._answer_to is not None or now_us < self._next_us:
            return
        named = _named(wanted.symbol, listed)
        if history is None or wanted.interval not in history.intervals or named is None:
            yield self._end(wanted, "nothing is known of it")
            return
        if not self._limits.allow_spare(REST, history.weight, now_us):
            return
        native, instrument = named
        rows_of, most = history.intervals[wanted.interval], history.most_rows
        self._window_us = max(wanted.from_us, _back(rows_of, wanted.to_us, most))
        self._answer_to = next(self._ids)
        yield Fetch(
            self._answer_to,
            history.url(instrument, native, wanted.interval, self._window_us, wanted.to_us),
        )

    def is_answered_by(self, answer: Answer) -> bool:
        """Return whether the answer is the page that was requested. ``apply`` follows."""
        return answer.request == self._answer_to

    def apply(self, answer: Answer, listed: Mapping[str, Instrument], now_us: int) -> Iterator[VenueOutput]:
        """Return the page of an answer. Raises TooManyRequestsError; the page is requested again then."""
        history, wanted = self._history, self._wanted
        assert history is not None, "it has requested a page"
        assert wanted is not None, "its page was requested"
        self._answer_to = None
        named = _named(wanted.symbol, listed)
        if answer.status != 200 or named is None:
            yield from self._fail(wanted, f"status {answer.status}", now_us)
            return
        interval, rows_of = INTERVALS[wanted.interval], history.intervals[wanted.interval]
        try:
            rows = sorted(history.rows(answer.body), key=lambda row: row.start_us)
            starts_us = [row.start_us for row in rows]
            if any(rows_of.start_of(start_us) != start_us for start_us in starts_us):
                raise ValueError("candles that begin at other times")
            if len(set(starts_us)) != len(starts_us):
                raise ValueError("a candle came twice")
            row_us = rows_of.length_us or 0
            time_us = told(rows, history, self._window_us, wanted.to_us, row_us)
            from_us = _up(interval, time_us.start)
            to_us = max(from_us, interval.start_of(time_us.stop))
            made = page(named[1], interval, rows, from_us, to_us)
        except TooManyRequestsError:
            yield from self._fail(wanted, "too many requests", now_us)
            raise
        except (ValueError, RecursionError):
            yield from self._fail(wanted, "an answer that cannot be read", now_us)
            return
        self._failed = 0
        self._waits.succeeded()
        if from_us < to_us:
            yield made
        is_last = history.is_latest_only or (history.has_all_rows and not rows)
        if is_last or not wanted.from_us < from_us < wanted.to_us:
            yield self._end(wanted)
            return
        self._wanted = replace(wanted, to_us=from_us)
        yield from self.due(listed, now_us)

    def _fail(self, wanted: PastWanted, fault: str, now_us: int) -> Iterator[VenueOutput]:
        self._failed += 1
        if self._failed == TRIES:
            yield self._end(wanted, fault)
        else:
            self._next_us = now_us + self._waits.next_us()

    def _end(self, wanted: PastWanted, fault: str = "") -> PastEnded:
        self._wanted = None
        return PastEnded(wanted.symbol, wanted.interval, fault)


def _named(symbol: str, listed: Mapping[str, Instrument]) -> tuple[str, Instrument] | None:
    found = ((native, one) for native, one in listed.items() if one.symbol == symbol)
    return next(found, None)


def _back(interval: CandleInterval, to_us: int, rows: int) -> int:
    """Return the start of the first of so many candles before a time."""
    assert interval.length_us is not None, "no exchange is asked for months"
    return to_us - rows * interval.length_us


def _up(interval: CandleInterval, ts_us: int) -> int:
    """Return the earliest start that is not before this time."""
    start_us = interval.start_of(ts_us)
    return start_us if start_us == ts_us else interval.end_of(start_us)
