"""Faults are counted, and logged with a traceback once a minute for each place."""

from __future__ import annotations

from collections import Counter

from structlog.testing import capture_logs

from floorwire.ops.fault_log import INTERVAL_US, MAX_PLACES, FaultLog

NOW_US = 1_800_000_000_000_000


def raised(code: str) -> Exception:
    """Return what the code raises."""
    try:
        exec(code)
    except (ArithmeticError, LookupError) as error:
        return error
    raise AssertionError(code)


def test_the_first_of_a_place_is_logged_and_more_are_counted() -> None:
    counts: Counter[str] = Counter()
    faults = FaultLog(counts)
    with capture_logs() as logs:
        for at_us in range(100):
            faults.add(raised("1 / 0"), NOW_US + at_us)
        faults.add(raised("\n1 / 0"), NOW_US)
        faults.add(raised("[][0]"), NOW_US)
        faults.add(raised("1 / 0"), NOW_US + INTERVAL_US)
    assert counts == {"ZeroDivisionError": 102, "IndexError": 1}
    assert [line["count"] for line in logs] == [1, 1, 1, 100]
    assert all(isinstance(line["exc_info"], Exception) for line in logs)
    assert str(logs[0]["place"]).startswith("ZeroDivisionError at ")


def test_places_are_bounded() -> None:
    faults = FaultLog(Counter())
    with capture_logs() as logs:
        for line in range(MAX_PLACES + 50):
            faults.add(raised("\n" * line + "1 / 0"), NOW_US)
        faults.add(ValueError("never raised"), NOW_US)
    assert len(logs) == MAX_PLACES + 1
    assert logs[-1]["place"] == "elsewhere"
