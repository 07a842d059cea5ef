"""Refusals are counted one by one, and logged at first and then once a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from structlog.testing import capture_logs

from floorwire.ops.refusal_log import INTERVAL_US, RefusalLog

NOW_US = 1_800_000_000_000_000


def lines(logs: Sequence[Mapping[str, object]]) -> list[tuple[object, object, object]]:
    """Return the reason, the count and the address of each line."""
    return [(line["reason"], line["count"], line.get("address")) for line in logs]


def test_the_first_of_a_reason_is_logged_and_a_flood_is_counted() -> None:
    counts: Counter[str] = Counter()
    refusals = RefusalLog(counts)
    with capture_logs() as logs:
        for at_us in range(1_000):
            refusals.add("bad_http", NOW_US + at_us, address="192.0.2.1")
        refusals.add("too_fast", NOW_US, address="192.0.2.2")
        refusals.add("bad_http", NOW_US + INTERVAL_US, address="192.0.2.3")
    assert counts == {"bad_http": 1_001, "too_fast": 1}
    assert lines(logs) == [
        ("bad_http", 1, "192.0.2.1"),
        ("too_fast", 1, "192.0.2.2"),
        ("bad_http", 1_000, "192.0.2.3"),
    ]


def test_a_flood_that_ended_is_told_of_once() -> None:
    refusals = RefusalLog(Counter())
    with capture_logs() as logs:
        for _ in range(3):
            refusals.add("bad_http", NOW_US)
        refusals.write_due(NOW_US + INTERVAL_US - 1)
        for after_us in range(3):
            refusals.write_due(NOW_US + INTERVAL_US + after_us)
    assert lines(logs) == [("bad_http", 1, None), ("bad_http", 2, None)]


def test_what_happens_once_a_minute_is_logged_each_time() -> None:
    refusals = RefusalLog(Counter())
    with capture_logs() as logs:
        for minute in range(3):
            refusals.add("bad_http", NOW_US + minute * INTERVAL_US)
            refusals.write_due(NOW_US + minute * INTERVAL_US + 1)
    assert lines(logs) == [("bad_http", 1, None)] * 3
