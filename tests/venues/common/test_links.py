from __future__ import annotations

import pytest

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Close, Open
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.links import BACKOFF_S, STUCK_US, Link, Links

SILENT = 60 * SECOND_US


def test_a_new_link_is_to_be_opened_at_once() -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    assert link.due(0) == "open"
    assert link.open(0) == Open("a", "wss://x")
    assert link.due(STUCK_US - 1) == "nothing"


def test_each_failed_try_waits_longer_up_to_a_minute() -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    now = 0
    waited = []
    for _ in range(len(BACKOFF_S) + 2):
        link.open(now)
        link.lost(now)
        lost = now
        while link.due(now) == "nothing":
            now += SECOND_US
        waited.append((now - lost) // SECOND_US)
    assert waited == [*BACKOFF_S, BACKOFF_S[-1], BACKOFF_S[-1]]


def test_a_link_that_lasted_is_tried_again_soon() -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    for _ in range(4):
        link.lost(0)
    link.opened(0)
    link.lost(60 * SECOND_US)
    assert link.due(61 * SECOND_US) == "open"


def test_a_link_that_did_not_last_waits_as_long_as_before() -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    link.lost(0)
    link.opened(SECOND_US)
    link.lost(59 * SECOND_US)
    assert link.due(60 * SECOND_US) == "nothing"
    assert link.due(61 * SECOND_US) == "open"


def test_silence_is_counted_from_the_last_message() -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    link.opened(0)
    link.received(30 * SECOND_US)
    assert link.due(30 * SECOND_US + SILENT - 1) == "nothing"
    assert link.due(30 * SECOND_US + SILENT) == "silent"


@pytest.mark.parametrize("closing", [False, True])
def test_opening_or_closing_that_takes_too_long_is_stuck(closing: bool) -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    link.open(0)
    if closing:
        assert link.close("silent", 0) == Close("a", "silent")
    assert link.due(STUCK_US) == "stuck"


def test_time_up_is_counted_while_up_only() -> None:
    link = Link("a", "wss://x", SILENT, no_jitter)
    link.open(0)
    assert link.up_us(5) == 0
    link.opened(5)
    assert link.up_us(12) == 7


def test_links_are_opened_and_closed_when_due_and_unknown_ones_are_ignored() -> None:
    links = Links(SILENT, SILENT, lambda _: True, no_jitter)
    assert links.add("a", "wss://x", 0) == Open("a", "wss://x")
    assert not links.opened("b", 0)
    assert not links.lost("b", 0)
    assert links.received("b", 0) == "ignored"
    assert links.received("a", 0) == "ignored", "not up yet"
    assert links.opened("a", 0)
    assert links.received("a", 0) == "received"
    assert links.any_active()
    assert list(links.due_effects(SILENT)) == [Close("a", "silent")]
    assert links.up_us("a", SILENT) is None
    assert not links.lost("a", SILENT), "the venue gave it up itself"
    assert list(links.due_effects(SILENT + SECOND_US)) == [Open("a", "wss://x")]
    assert list(links.due_effects(SILENT + SECOND_US + STUCK_US)) == [Close("a", "link_lost")]
