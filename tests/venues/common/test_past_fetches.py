"""Requests for candles of the past: page by page, after all others, and with an end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count

import pytest

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastEnded, PastPage, PastWanted
from floorwire.core.ports import Answer, Fetch, VenueOutput
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.common.past_fetches import TRIES, PastFetches
from floorwire.venues.common.rate_limits import REST, Allowance, RateLimits, TooManyRequestsError

MINUTE = 60_000_000
SECOND = 1_000_000
OF = Instrument("v:A-B", "A", "B", "v", "1", "1")
LISTED = {"ab": OF}


class History:
    """Answers are lists of minutes; each has a candle of price 5 and volume 1. Pages have 10 minutes."""

    weight = 1
    most_rows = 10
    has_all_rows = True
    is_latest_only = False
    intervals: Mapping[str, CandleInterval] = {"1m": INTERVALS["1m"]}

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        return f"{native} {interval} {from_us // MINUTE} {to_us // MINUTE}"

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        if body == b"too many":
            raise TooManyRequestsError
        return [CandleRow(int(at * MINUTE), "5", "5", "5", "5", "1") for at in json.loads(body)]


class Fetches:
    """The requests, at a time that the test sets."""

    def __init__(self, capacity: int = 1_000, history: History | None = None) -> None:
        self.limits = RateLimits({REST: Allowance(capacity, SECOND)})
        self.fetches = PastFetches(history or History(), None, self.limits, count(1), no_jitter)
        self.now_us = 0
        self.last: Fetch | None = None

    def want(
        self, first: int, last: int, symbol: str = "v:A-B", interval: str | None = "1m"
    ) -> list[VenueOutput]:
        self.fetches.want(PastWanted(symbol, interval, first * MINUTE, last * MINUTE))
        return self.due()

    def due(self) -> list[VenueOutput]:
        return self._take(list(self.fetches.due(LISTED, self.now_us)))

    def answer(self, body: bytes, status: int = 200) -> list[VenueOutput]:
        assert self.last is not None
        answer = Answer(self.last.request, status, body)
        if not self.fetches.is_answered_by(answer):
            return []
        return self._take(list(self.fetches.apply(answer, LISTED, self.now_us)))

    def minutes(self, *minutes: float) -> list[VenueOutput]:
        return self.answer(json.dumps(minutes).encode())

    def _take(self, outputs: list[VenueOutput]) -> list[VenueOutput]:
        for output in outputs:
            if isinstance(output, Fetch):
                self.last = output
        return outputs


def urls(outputs: Sequence[VenueOutput]) -> list[str]:
    return [output.url for output in outputs if isinstance(output, Fetch)]


def pages(outputs: Sequence[VenueOutput]) -> list[tuple[int, int, int]]:
    """First minute, last minute and number of candles of each page."""
    return [
        (one.from_us // MINUTE, one.to_us // MINUTE, len(one.candles))
        for one in outputs
        if isinstance(one, PastPage)
    ]


def ends(outputs: Sequence[VenueOutput]) -> list[str]:
    return [one.fault for one in outputs if isinstance(one, PastEnded)]


def test_pages_come_the_latest_first() -> None:
    f = Fetches()
    assert urls(f.want(3, 25)) == ["ab 1m 15 25"]
    out = f.minutes(*range(15, 25))
    assert (pages(out), urls(out)) == ([(15, 25, 10)], ["ab 1m 5 15"])
    out = f.minutes(*range(14, 4, -1))  # in any order
    assert (pages(out), urls(out)) == ([(5, 15, 10)], ["ab 1m 3 5"])
    out = f.minutes(3, 4)
    assert (pages(out), urls(out), ends(out)) == ([(3, 5, 2)], [], [""])
    assert f.due() == []


def test_a_page_shorter_than_it_could_be_is_followed_by_what_is_before_it() -> None:
    f = Fetches()
    f.want(0, 20)
    out = f.minutes(17, 18, 19)
    assert (pages(out), urls(out)) == ([(17, 20, 3)], ["ab 1m 7 17"])
    out = f.minutes()
    assert (pages(out), urls(out), ends(out)) == ([], [], [""])


def test_an_exchange_that_leaves_quiet_minutes_out_is_asked_to_the_end() -> None:
    history = History()
    history.has_all_rows = False
    f = Fetches(history=history)
    f.want(0, 20)
    assert pages(f.minutes()) == [(10, 20, 0)]
    out = f.minutes(4)
    assert (pages(out), ends(out)) == ([(0, 10, 1)], [""])


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 0), (b"no", 503), (b"[", 200), (b'{"a":1}', 200), (b"[1.5]", 200), (b"[5,5]", 200)],
)  # fmt: skip
def test_what_cannot_be_read_is_requested_again_later_and_later_and_then_given_up(
    body: bytes, status: int
) -> None:
    f = Fetches()
    f.want(0, 10)
    waits = []
    for _ in range(TRIES - 1):
        assert f.answer(body, status) == []
        begun_us = f.now_us
        while not urls(f.due()):
            f.now_us += SECOND
        waits.append((f.now_us - begun_us) // SECOND)
    assert waits == [2, 4, 8, 16]
    (fault,) = ends(f.answer(body, status))
    assert fault
    assert f.due() == []


def test_a_page_that_came_lets_the_next_one_fail_as_often() -> None:
    f = Fetches()
    f.want(0, 20)
    for _ in range(TRIES - 1):
        f.answer(b"", 503)
        f.now_us += 20 * SECOND
        f.due()
    assert pages(f.minutes(*range(10, 20))) == [(10, 20, 10)]
    assert ends(f.answer(b"", 503)) == []


def test_too_many_requests_are_said_to_whoever_has_the_limits() -> None:
    f = Fetches()
    f.want(0, 10)
    with pytest.raises(TooManyRequestsError):
        f.answer(b"too many")
    f.now_us += 2 * SECOND
    assert urls(f.due()) == ["ab 1m 0 10"]


def test_half_of_the_rate_limit_is_left_to_others() -> None:
    f = Fetches(capacity=4)
    f.want(0, 100)
    f.minutes(*range(90, 100))
    out = f.minutes(*range(80, 90))  # two of four are used
    assert (pages(out), urls(out)) == ([(80, 90, 10)], [])
    assert f.limits.allow(REST, 2, f.now_us)
    f.now_us += 3 * SECOND
    assert urls(f.due()) == ["ab 1m 70 80"]


def test_nothing_is_requested_while_the_exchange_wants_a_pause() -> None:
    f = Fetches()
    f.limits.block(60 * SECOND, REST)
    assert f.want(0, 10) == []
    f.now_us = 60 * SECOND
    assert urls(f.due()) == ["ab 1m 0 10"]


def test_a_new_wish_takes_the_place_of_the_one_before() -> None:
    f = Fetches()
    f.want(0, 10)
    before = f.last
    assert urls(f.want(20, 30)) == ["ab 1m 20 30"]
    assert before is not None
    assert not f.fetches.is_answered_by(Answer(before.request, 200, b"[]"))


@pytest.mark.parametrize(("symbol", "interval"), [("v:C-B", "1m"), ("v:A-B", "5m"), ("v:A-B", None)])
def test_what_the_exchange_does_not_have_is_given_up_at_once(symbol: str, interval: str | None) -> None:
    (fault,) = ends(Fetches().want(0, 10, symbol, interval))
    assert fault


def test_an_exchange_without_a_past_tells_no_intervals() -> None:
    fetches = PastFetches(None, None, RateLimits({}), count(1), no_jitter)
    assert fetches.intervals == ()
    assert not fetches.tells_trades
