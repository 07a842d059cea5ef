"""The clock of an exchange: how far it is ahead, and when it is read."""

from __future__ import annotations

import pytest

from floorwire.core.ports import Answer
from floorwire.venues.common.order_clock import (
    MISSING_US,
    REFRESH_US,
    RETRY_US,
    DateRequest,
    InstrumentReads,
    OrderClock,
)
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import HttpRequest

SECOND = 1_000_000
NOW, DATE = 50 * SECOND, 1_700_000_000 * SECOND
TIME = DateRequest(HttpRequest("/time"), lambda answer: int(answer.body))
INSTRUMENTS = HttpRequest("/instruments")


def answer(date_us: int) -> Answer:
    return Answer(1, 200, str(date_us).encode())


def clock(read: list[Answer] | None = None) -> OrderClock:
    """Return a clock; the answers with instruments are added to ``read``."""

    def instruments() -> InstrumentReads:
        assert read is not None
        read.append((yield INSTRUMENTS))

    made = OrderClock(TIME, None if read is None else instruments)
    made.at(NOW, DATE)
    return made


def test_half_of_the_way_is_taken_off() -> None:
    made = clock()
    steps = made.read()
    assert next(steps) is TIME.request
    made.at(NOW + 2 * SECOND, DATE + 2 * SECOND)
    with pytest.raises(StopIteration):
        steps.send(answer(DATE + 8 * SECOND))
    assert made.venue_us == DATE + 9 * SECOND  # the answer is of a second ago
    made.at(NOW + 3 * SECOND, DATE + 3 * SECOND)
    assert made.venue_us == DATE + 10 * SECOND


def test_the_instruments_are_read_after_the_date() -> None:
    read: list[Answer] = []
    made = clock(read)
    assert (made.is_due, made.is_complete) == (True, False)
    steps = made.read()
    next(steps)
    assert (made.is_due, made.wake_us) == (False, NEVER_US)
    assert steps.send(answer(DATE)) is INSTRUMENTS
    assert not made.is_complete
    with pytest.raises(StopIteration):
        steps.send(answer(7))
    assert read == [answer(7)]
    assert (made.is_complete, made.is_due, made.wake_us) == (True, False, NOW + REFRESH_US)


@pytest.fixture
def known() -> OrderClock:
    """A clock that was read just now."""
    made = clock()
    steps = made.read()
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(answer(DATE))
    return made


def test_what_fails_is_read_again_soon() -> None:
    made = clock()
    steps = made.read()
    next(steps)
    with pytest.raises(ValueError, match="invalid literal"):
        steps.send(Answer(1, 200, b"no date"))
    assert (made.is_complete, made.wake_us) == (False, NOW + RETRY_US)


def test_a_refused_date_and_a_missing_instrument_are_reasons_to_read_again(known: OrderClock) -> None:
    known.read_for_missing()
    assert known.wake_us == NOW + MISSING_US
    known.at(NOW + 2 * MISSING_US, DATE)
    known.read_for_missing()
    assert known.wake_us == NOW + MISSING_US
    known.at(NOW, DATE)
    known.read_soon(7 * SECOND)
    known.read_soon()
    known.read_soon(9 * SECOND)
    assert known.wake_us == NOW + SECOND


def test_where_our_date_serves_nothing_is_read() -> None:
    made = OrderClock()
    made.at(NOW, DATE)
    assert (made.is_complete, made.is_due, made.venue_us) == (True, False, DATE)
