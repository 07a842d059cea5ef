"""What the gateway counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.ops.stats import LATENCY_BUCKETS_US, OTHER, Latencies, Stats


@given(st.lists(st.integers(0, 2_000_000), max_size=50))
def test_each_latency_is_in_the_bucket_that_holds_it(durations_us: list[int]) -> None:
    latencies = Latencies()
    for duration_us in durations_us:
        latencies.observe(duration_us)
    assert (sum(latencies.counts), latencies.total_us) == (len(durations_us), sum(durations_us))
    for place, bound_us in enumerate(LATENCY_BUCKETS_US):
        within = sum(duration_us <= bound_us for duration_us in durations_us)
        assert sum(latencies.counts[: place + 1]) == within


def test_deliveries_and_their_bytes_add_up() -> None:
    stats = Stats()
    stats.delivered(3, 100)
    stats.delivered(2, 50)
    assert (stats.deliveries, stats.sent_bytes) == (5, 150)


def test_unknown_close_codes_count_as_other() -> None:
    stats = Stats()
    for code in (1000, 4008, *range(3000, 4000), 0, 65_535):
        stats.closed(code)
    assert stats.closes == {"1000": 1, "4008": 1, OTHER: 1002}
