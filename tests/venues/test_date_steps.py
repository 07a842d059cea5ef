"""Venues that take orders, where the date is set while they run."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.core.execution_reports import Ended, Report
from floorwire.core.market_events import MarketEvent, VenueTime
from floorwire.core.order_commands import Place
from floorwire.core.ports import Reported, VenueOutput, Wake, Woke
from floorwire.venues.paper import PaperVenue
from floorwire.venues.sim import SimVenue, venue
from tests.venues.test_paper import Outside

S = "BTC-USDT"
NOW = 1_700_000_000_000_000
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
STEPS = [3 * SECOND, -3 * SECOND, HOUR, -HOUR, DAY, -DAY]


class Shell:
    """Wakes the venue when it asks to be, and tells it the date."""

    def __init__(self, made: SimVenue | PaperVenue) -> None:
        self.venue = made
        self.now_us = NOW
        self.offset_us = 0
        self.wakes = 0
        self.outputs: list[VenueOutput] = []
        self._wake_us = NOW
        self._take(made.start(NOW))

    def _take(self, outputs: object) -> None:
        assert isinstance(outputs, list | tuple)
        self.outputs += outputs
        for output in outputs:
            if isinstance(output, Wake):
                self._wake_us = output.at_us

    def run(self, us: int) -> list[VenueOutput]:
        """Let time pass; return what the venue said."""
        before, end_us = len(self.outputs), self.now_us + us
        while self._wake_us <= end_us:
            self.now_us = max(self.now_us, self._wake_us)
            self._wake_us = end_us + 1
            self.wakes += 1
            self.venue.date(self.offset_us)
            self._take(self.venue.receive(Woke(), self.now_us))
        self.now_us = end_us
        return self.outputs[before:]

    def place(self, order_id: int, expires_us: int) -> list[Report]:
        """Place an order far from the market, good until a date."""
        self.venue.date(self.offset_us)
        place = Place(S, order_id, 1, "buy", 1, 1, "gtd", expires_us=expires_us)
        execution = self.venue.execute(place, self.now_us)
        self._take(execution.outputs)
        return list(execution.reports)

    @property
    def date_us(self) -> int:
        return self.now_us + self.offset_us


def ended(outputs: list[VenueOutput]) -> list[tuple[int, str]]:
    reports = [report for output in outputs if isinstance(output, Reported) for report in output.reports]
    return [(report.order_id, report.state) for report in reports if isinstance(report, Ended)]


def events(outputs: list[VenueOutput]) -> list[MarketEvent]:
    return [output for output in outputs if isinstance(output, MarketEvent)]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from([*STEPS, 0]), st.integers(1, 4)), min_size=1, max_size=6))
def test_the_simulated_market_never_goes_back_and_never_stands_still(moves: list[tuple[int, int]]) -> None:
    shell = Shell(venue(Random(5), (S,)))
    for step_us, seconds in moves:
        shell.offset_us += step_us
        for _ in range(seconds):
            shown = events(shell.run(3 * SECOND))
            assert any(isinstance(event, VenueTime) for event in shown), "half speed is the slowest"
            assert any(not isinstance(event, VenueTime) for event in shown), "the market stands still"
    dates = [event.ts_us for event in events(shell.outputs)]
    assert all(early <= late for early, late in pairwise(dates))
    assert shell.wakes < shell.now_us - NOW


@pytest.mark.parametrize("step_us", STEPS)
def test_a_forward_step_is_followed_and_a_back_step_waited_for(step_us: int) -> None:
    shell = Shell(venue(Random(5), (S,)))
    shell.run(SECOND)
    shell.offset_us = step_us
    last = events(shell.run(10 * SECOND))[-1]
    behind_us = shell.date_us - last.ts_us
    if step_us >= -5 * SECOND:
        assert 0 <= behind_us <= SECOND, "at the date"
    else:
        assert abs(behind_us - (step_us + 5 * SECOND)) <= SECOND, (
            "ahead of it, by half the time that passed less"
        )


@pytest.mark.parametrize("step_us", STEPS)
def test_orders_expire_by_the_date_in_the_simulated_market(step_us: int) -> None:
    shell = Shell(venue(Random(5), (S,)))
    shell.run(SECOND)
    assert not ended([Reported(tuple(shell.place(1, shell.date_us + 2 * HOUR)))])
    shell.offset_us = step_us
    assert bool(ended(shell.run(SECOND))) is (step_us > 2 * HOUR)
    assert not ended([Reported(tuple(shell.place(2, shell.date_us + 5 * SECOND)))])
    assert not ended(shell.run(4 * SECOND))
    assert ended(shell.run(2 * SECOND)) == [(2, "expired")]
    assert ended([Reported(tuple(shell.place(3, shell.date_us - 1)))]) == [(3, "expired")]


def test_a_date_that_comes_nearer_does_not_bring_an_expiry_into_the_markets_past() -> None:
    shell = Shell(venue(Random(5), (S,)))
    shell.run(SECOND)
    shell.offset_us = -HOUR
    shell.run(SECOND)
    for order_id in range(1, 40):
        shell.place(order_id, shell.date_us + order_id * 50_000)
    said = shell.run(3 * SECOND)
    assert len(ended(said)) == 39
    dates = [report.ts_us for o in said if isinstance(o, Reported) for report in o.reports]
    assert dates == sorted(dates)
    shown = [event.ts_us for event in events(shell.outputs)]
    assert shown == sorted(shown)


@pytest.mark.parametrize("step_us", STEPS)
def test_paper_orders_expire_by_the_date_and_travel_in_monotonic_time(step_us: int) -> None:
    shell = Shell(PaperVenue(Outside(), latency_us=SECOND))
    shell.offset_us = step_us
    assert shell.place(1, shell.date_us + 5 * SECOND) == []
    assert len([o for o in shell.run(SECOND) if isinstance(o, Reported)]) == 1, "it has arrived"
    assert not ended(shell.run(3 * SECOND))
    assert ended(shell.run(2 * SECOND)) == [(1, "expired")]
