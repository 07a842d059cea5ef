"""Requests for the past of an exchange: one at a time, with what the rate limit has to spare.

A fault costs a page: it is requested again, later after each one that failed. After some the adapter gives
up, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastEnded, PastWanted
from floorwire.core.ports import Answer, Fetch, VenueOutput
from floorwire.venues.common.backoff import Backoff, Jitter
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.candle_paging import CandlePages
from floorwire.venues.common.past_paging import PastPages
from floorwire.venues.common.rate_limits import REST, RateLimits, TooManyRequestsError
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.trade_paging import TradePages

RETRY_S: Final = (2, 4, 8, 16)
TRIES: Final = 5
"""So many requests for one page fail before the adapter gives up."""


class PastFetches:
    """What is asked of one exchange, and how far that is. A new wish takes the place of the one before."""

    __slots__ = (
        "_answer_to",
        "_candles",
        "_failed",
        "_ids",
        "_limits",
        "_next_us",
        "_trades",
        "_waits",
        "_wanted",
        "intervals",
    )

    def __init__(
        self,
        candles: CandleHistory | None,
        trades: TradeHistory | None,
        limits: RateLimits,
        ids: Iterator[int],
        jitter: Jitter,
    ) -> None:
        """``candles``, ``trades`` None: the exchange tells none. ``ids``: of the adapter's requests."""
        self.intervals: Sequence[str] = () if candles is None else tuple(candles.intervals)
        """The intervals that can be asked for."""
        self._candles = None if candles is None else CandlePages(candles)
        self._trades = None if trades is None else TradePages(trades)
        self._limits = limits
        self._ids = ids
        self._wanted: PastWanted | None = None
        """What is left of the wish. None: nothing is wanted."""
        self._answer_to: int | None = None
        """The request that is under way. The answer to any other one is not used."""
        self._failed = 0
        self._next_us = 0
        self._waits = Backoff(RETRY_S, jitter)

    @property
    def tells_trades(self) -> bool:
        """Whether trades can be asked for."""
        return self._trades is not None

    def want(self, wanted: PastWanted) -> None:
        """Take in a wish."""
        self._wanted = wanted
        self._answer_to = None
        self._failed = self._next_us = 0
        self._waits.succeeded()
        pages = self._pages(wanted)
        if pages is not None:
            pages.begin(wanted)

    def due(self, listed: Mapping[str, Instrument], now_us: int) -> Iterator[VenueOutput]:
        """Request the next page, if one is wanted and it is time. ``listed``: instruments by native name."""
        wanted = self._wanted
        if wanted is None or self._answer_to is not None or now_us < self._next_us:
            return
        named, pages = _named(wanted.symbol, listed), self._pages(wanted)
        if pages is None or named is None:
            yield self._end(wanted, "nothing is known of it")
            return
        if not self._limits.allow_spare(REST, pages.weight, now_us):
            return
        native, instrument = named
        self._answer_to = next(self._ids)
        yield Fetch(self._answer_to, pages.url(instrument, native, wanted))

    def is_answered_by(self, answer: Answer) -> bool:
        """Return whether the answer is the page that was requested. ``apply`` follows."""
        return answer.request == self._answer_to

    def apply(self, answer: Answer, listed: Mapping[str, Instrument], now_us: int) -> Iterator[VenueOutput]:
        """Return the page of an answer. Raises TooManyRequestsError; the page is requested again then."""
        wanted = self._wanted
        assert wanted is not None, "its page was requested"
        pages = self._pages(wanted)
        assert pages is not None, "it has requested a page"
        self._answer_to = None
        named = _named(wanted.symbol, listed)
        if answer.status != 200 or named is None:
            yield from self._fail(wanted, f"status {answer.status}", now_us)
            return
        try:
            page, rest = pages.read(named[1], wanted, answer.body)
        except TooManyRequestsError:
            yield from self._fail(wanted, "too many requests", now_us)
            raise
        except (ValueError, RecursionError):
            yield from self._fail(wanted, "an answer that cannot be read", now_us)
            return
        self._failed = 0
        self._waits.succeeded()
        if page is not None:
            yield page
        if rest is None:
            yield self._end(wanted)
            return
        self._wanted = rest
        yield from self.due(listed, now_us)

    def _pages(self, wanted: PastWanted) -> PastPages | None:
        """Return how what is wanted is read; None: the exchange does not tell it."""
        if wanted.interval is None:
            return self._trades
        return self._candles if wanted.interval in self.intervals else None

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
