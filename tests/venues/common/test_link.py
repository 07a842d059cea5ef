from __future__ import annotations

import pytest

from floorwire.core.ports import Close, Open
from floorwire.venues.common.link import BACKOFF_S, SECOND_US, STUCK_US, Link
from floorwire.venues.common.links import Links

SILENT = 60 * SECOND_US


def test_line_is_asked_for_at_once() -> None:
    line = Link("a", "wss://x", SILENT)
    assert line.due(0) == "open"
    assert line.open(0) == Open("a", "wss://x")
    assert line.due(STUCK_US - 1) == "nothing"


def test_each_failed_try_waits_longer_up_to_a_minute() -> None:
    line = Link("a", "wss://x", SILENT)
    now = 0
    waited = []
    for _ in range(len(BACKOFF_S) + 2):
        line.open(now)
        line.lost(now)
        lost = now
        while line.due(now) == "nothing":
            now += SECOND_US
        waited.append((now - lost) // SECOND_US)
    assert waited == [*BACKOFF_S, BACKOFF_S[-1], BACKOFF_S[-1]]


def test_a_link_that_lasted_is_tried_again_soon() -> None:
    line = Link("a", "wss://x", SILENT)
    for _ in range(4):
        line.lost(0)
    line.opened(0)
    line.lost(60 * SECOND_US)
    assert line.due(61 * SECOND_US) == "open"


def test_a_link_that_did_not_last_is_not_forgiven() -> None:
    line = Link("a", "wss://x", SILENT)
    line.lost(0)
    line.opened(SECOND_US)
    line.lost(59 * SECOND_US)
    assert line.due(60 * SECOND_US) == "nothing"
    assert line.due(61 * SECOND_US) == "open"


def test_silence_is_counted_from_the_last_message() -> None:
    line = Link("a", "wss://x", SILENT)
    line.opened(0)
    line.heard(30 * SECOND_US)
    assert line.due(30 * SECOND_US + SILENT - 1) == "nothing"
    assert line.due(30 * SECOND_US + SILENT) == "silent"


@pytest.mark.parametrize("closing", [False, True])
def test_a_shell_that_never_reports_is_not_waited_for_for_ever(closing: bool) -> None:
    line = Link("a", "wss://x", SILENT)
    line.open(0)
    if closing:
        assert line.close("silent", 0) == Close("a", "silent")
    assert line.due(STUCK_US) == "stuck"


def test_time_up_is_counted_while_up_only() -> None:
    line = Link("a", "wss://x", SILENT)
    line.open(0)
    assert line.up_us(5) == 0
    line.opened(5)
    assert line.up_us(12) == 7


def test_lines_watch_opens_closes_and_ignores_strangers() -> None:
    lines = Links(SILENT, None, SILENT)
    assert lines.add("a", "wss://x", 0) == Open("a", "wss://x")
    assert not lines.opened("b", 0)
    assert not lines.lost("b", 0)
    assert lines.heard("b", 0) == "deaf"
    assert lines.heard("a", 0) == "deaf", "not up yet"
    assert lines.opened("a", 0)
    assert lines.heard("a", 0) == "heard"
    assert lines.any_up()
    assert list(lines.watch(SILENT)) == [Close("a", "silent")]
    assert lines.up_us("a", SILENT) is None
    assert not lines.lost("a", SILENT), "the venue gave it up itself"
    assert list(lines.watch(SILENT + SECOND_US)) == [Open("a", "wss://x")]
    assert list(lines.watch(SILENT + SECOND_US + STUCK_US)) == [Close("a", "link_lost")]


def test_symbols_are_spread_over_links() -> None:
    assert list(Links(SILENT, 2, SILENT).spread("abcde")) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(Links(SILENT, None, SILENT).spread("abcde")) == [["a", "b", "c", "d", "e"]]
    assert list(Links(SILENT, 2, SILENT).spread("")) == [[]]
