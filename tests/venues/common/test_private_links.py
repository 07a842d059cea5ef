"""Links of an account, and one that takes the place of another."""

from __future__ import annotations

from floorwire.core.ports import Close, Open, Send
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import OVERLAP_US, PrivateLinkKind, PrivateLinks
from tests.venues.order_driver import SECOND, FixedRandom

TIMES = LinkTimes(silent_us=30 * SECOND, ping_us=20 * SECOND)
HOUR = 3_600 * SECOND
KIND = PrivateLinkKind("private", "ws://venue", TIMES, takes_orders=True, ping="ping", age_us=24 * HOUR)


def due(links: PrivateLinks, now_us: int, *, is_idle: bool = True) -> list[Open | Send | Close]:
    return links.due(now_us, may_open=True, is_idle=lambda _: is_idle)


def up(name: str, links: PrivateLinks, now_us: int) -> None:
    assert links.opened(name, now_us)
    link = links.of(name)
    assert link is not None
    link.accepted(now_us)


def connected(kind: PrivateLinkKind = KIND) -> PrivateLinks:
    links = PrivateLinks(kind, FixedRandom())
    assert due(links, 0) == [Open("private", "ws://venue")]
    up("private", links, 0)
    return links


def test_no_link_opens_before_it_may() -> None:
    links = PrivateLinks(KIND, FixedRandom())
    assert links.is_opening_due(0)
    assert links.due(0, may_open=False, is_idle=lambda _: True) == []
    assert links.due_us(0, may_open=False) > 24 * HOUR
    links.postpone(0, SECOND)
    assert not links.is_opening_due(SECOND - 1)
    assert links.is_opening_due(SECOND)


def test_a_link_that_gets_old_is_replaced_before_it_ends() -> None:
    links = connected()
    old_us = 24 * HOUR - 900 * SECOND  # the middle of the spread
    found: list[Open | Send | Close] = []
    for now_us in range(0, 24 * HOUR, 10 * SECOND):
        link = links.of("private")
        assert link is not None
        link.received(now_us)
        found = due(links, now_us, is_idle=False)
        if found:
            assert old_us <= now_us < 24 * HOUR
            break
    assert found == [Open("private_2", "ws://venue")]
    assert links.active() == "private"
    up("private_2", links, now_us)
    assert links.active() == "private_2"
    assert due(links, now_us + OVERLAP_US - 1) == []  # what is on its way still comes on the first one
    now_us += OVERLAP_US
    assert due(links, now_us, is_idle=False) == []
    assert due(links, now_us) == [Close("private", "another link takes its place")]
    links.closed("private", now_us)
    assert links.of("private") is None
    assert links.is_up


def test_one_that_takes_no_requests_is_left_at_once_when_it_is_idle() -> None:
    links = connected()
    links.replace("private", takes_requests=False)
    assert links.active() is None
    assert links.is_up
    assert due(links, 0, is_idle=False) == [Open("private_2", "ws://venue")]
    assert due(links, 0) == [Close("private", "another link takes its place")]


def test_a_link_is_replaced_once() -> None:
    links = connected()
    links.replace("private")
    links.replace("private")
    up_links = [one.name for one in links.links()]
    assert up_links == ["private", "private_2"]
    due(links, 0)
    up("private_2", links, 0)
    links.replace("private_2")  # there is no third one
    assert [one.name for one in links.links()] == up_links


def test_a_link_that_is_down_is_opened_again_and_one_that_retires_is_not() -> None:
    links = connected()
    links.closed("private", 0)
    assert due(links, 30 * SECOND) == [Open("private", "ws://venue")]
    up("private", links, 30 * SECOND)
    links.replace("private")
    links.closed("private", 30 * SECOND)
    assert due(links, 60 * SECOND) == [Open("private_2", "ws://venue")]


def test_pings_and_silence() -> None:
    links = connected()
    assert due(links, 20 * SECOND) == [Send("private", "ping")]
    assert due(links, 30 * SECOND) == [Close("private", "silent")]
    assert not links.is_up
    assert due(links, 60 * SECOND) == []  # closing takes too long: it is given up
    assert due(links, 100 * SECOND) == [Open("private", "ws://venue")]


def test_a_new_link_that_fails_leaves_the_old_one() -> None:
    links = connected()
    links.replace("private")
    due(links, 0)
    links.opened("private_2", 0)
    links.closed("private_2", 1)
    assert links.active() == "private"
    assert due(links, SECOND) == [Open("private_2", "ws://venue")]


def test_links_that_nobody_wanted() -> None:
    links = connected()
    assert not links.opened("other", 0)
    links.closed("other", 0)
    links.replace("other")
    assert not links.opened("private", 1)
    assert [one.name for one in links.ready()] == ["private"]
