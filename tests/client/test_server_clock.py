"""The server's date is known within bounds that always hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.client.server_clock import DRIFT_PPM, ServerClock

HOUR_US = 3_600_000_000


def test_the_soonest_answer_counts() -> None:
    clock = ServerClock()
    assert not clock.is_set
    clock.measured(server_us=1_000_500, sent_us=0, received_us=1_000)
    assert clock.date_us(1_000) == 1_001_000
    clock.measured(server_us=1_900_000, sent_us=2_000, received_us=900_000)
    assert clock.date_us(900_000) == 1_900_000, "a slow answer says less than the first one"
    assert 1_900_000 - 1_000 < clock.least_us(900_000) < 1_900_000


def test_an_old_measurement_gives_way() -> None:
    clock = ServerClock()
    clock.measured(server_us=0, sent_us=0, received_us=10)
    clock.measured(server_us=HOUR_US + 500_000, sent_us=HOUR_US, received_us=HOUR_US + 1_000_000)
    assert clock.date_us(HOUR_US + 1_000_000) == HOUR_US + 1_000_000, "the drift of an hour is more than that"


@given(
    pings=st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(0, 5_000_000)), min_size=1, max_size=10),
    offset_us=st.integers(-(10**12), 10**12),
    drift_ppm=st.integers(-DRIFT_PPM, DRIFT_PPM),
)
def test_the_server_has_reached_the_least(
    pings: list[tuple[int, int]], offset_us: int, drift_ppm: int
) -> None:
    def server(now_us: int) -> int:
        return now_us + offset_us + now_us * drift_ppm // 1_000_000

    clock, now_us = ServerClock(), 0
    for there_us, back_us in pings:
        clock.measured(server(now_us + there_us), now_us, now_us + there_us + back_us)
        now_us += there_us + back_us
        assert clock.least_us(now_us) <= server(now_us)
        now_us += 1_000_000
        assert clock.least_us(now_us) <= server(now_us)
