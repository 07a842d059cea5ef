"""Stalls of the event loop are counted and logged, and timers wait until input is read."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from floorwire.ops import loop_stalls
from floorwire.ops.loop_stalls import SETTLE_S, STALL_S, LoopStalls
from floorwire.ops.stats import Stats


def test_a_timer_waits_after_a_stall_only() -> None:
    stalls = LoopStalls(Stats())
    assert stalls.wait_s(100.0, 100.0 + STALL_S / 2) == 0
    assert stalls.wait_s(100.0, 130.0) == SETTLE_S
    assert stalls.wait_s(130.1, 130.1) == pytest.approx(SETTLE_S - 0.1), "others that are due then wait too"
    assert stalls.wait_s(130.0 + SETTLE_S, 130.0 + SETTLE_S) == 0


async def test_a_stall_is_counted_and_a_long_one_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_stalls, "TICK_S", 0.001)
    monkeypatch.setattr(loop_stalls, "LOGGED_S", 0.3)
    stats = Stats()
    measuring = asyncio.create_task(LoopStalls(stats).run())
    with capture_logs() as lines:
        await asyncio.sleep(0.01)
        before = stats.loop_stalls
        time.sleep(0.35)
        while stats.loop_stalls == before:
            await asyncio.sleep(0.001)
    measuring.cancel()
    assert stats.loop_stalled_us >= 300_000
    assert [line["log_level"] for line in lines if "stood still" in line["event"]][:1] == ["warning"]


def lines_of(stalls: LoopStalls, *late: tuple[float, float]) -> list[tuple[object, object, object]]:
    """Return what is logged of timers that were so late at these times."""
    with capture_logs() as lines:
        for now_s, late_s in late:
            stalls._observe(now_s - late_s, now_s)
    return [(line["log_level"], line.get("times"), line.get("longest_seconds")) for line in lines]


def test_short_stalls_share_a_line_a_minute() -> None:
    stats = Stats()
    stalls = LoopStalls(stats)
    assert lines_of(stalls, (100.0, 0.09)) == []
    assert lines_of(stalls, (101.0, 0.125)) == [("warning", 1, 0.125)], "the first at once"
    assert lines_of(stalls, (102.0, 0.2), (130.0, 0.9), (160.9, 0.11)) == []
    assert lines_of(stalls, (161.0, 0.3)) == [("warning", 4, 0.9)]
    assert lines_of(stalls, (162.0, 1.0), (163.0, 1.1)) == [("warning", None, None)] * 2, "each long one"
    assert lines_of(stalls, (221.0, 0.5)) == [("warning", 1, 0.5)], "long ones are told of already"
    assert stats.loop_stalls == 5, "from STALL_S on"
