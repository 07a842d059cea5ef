"""Links with subscriptions: what each carries, what is requested on it, and its replacement."""

from __future__ import annotations

from floorwire.core.ports import Close, Open, Send
from tests.venues.common.plain_exchange import LINK, SECOND, URL, A, B, C, Parts, PlainExchange

NEW = "main-0-b"


def texts(parts: Parts) -> list[str]:
    """Return the texts that are sent now."""
    return [send.text for send in parts.streams.due_requests(parts.now_us)]


def connected(exchange: PlainExchange | None = None) -> Parts:
    """Return the parts with one link that carries A and B."""
    parts = Parts(exchange)
    parts.want(A, B)
    parts.up()
    parts.now_us += 5 * SECOND
    texts(parts)
    return parts


def test_a_link_opens_for_what_is_wanted_and_subscribes_when_it_is_up() -> None:
    parts = Parts()
    assert [one for one in parts.want(A, B) if isinstance(one, Open)] == [Open(LINK, URL)]
    assert parts.up() == [Send(LINK, "hello"), Send(LINK, "subscribe A")]
    assert texts(parts) == []  # two at once
    parts.now_us += SECOND
    assert texts(parts) == ["subscribe B"]


def test_a_further_symbol_goes_to_a_link_with_room_and_then_to_another() -> None:
    parts = Parts()
    parts.want(A)
    parts.up()
    parts.now_us += 5 * SECOND
    assert Send(LINK, "subscribe B") in parts.want(A, B)
    assert Open("main-1", URL) in parts.want(A, B, C)
    assert (parts.streams.link_of("B"), parts.streams.link_of("C")) == (LINK, "main-1")


def test_what_is_not_wanted_is_unsubscribed_and_a_link_without_streams_is_closed() -> None:
    parts = connected()
    assert Send(LINK, "unsubscribe B") in parts.want(A)
    assert parts.streams.link_of("B") is None
    assert Close(LINK, "unwanted") in parts.want()


def test_a_quiet_link_is_pinged() -> None:
    parts = connected()
    parts.now_us += 9 * SECOND
    parts.links.received(LINK, parts.now_us)
    parts.now_us += 10 * SECOND - 1
    assert texts(parts) == []
    parts.now_us += 1
    assert texts(parts) == ["ping"]
    assert texts(parts) == []


def test_a_link_that_is_down_gets_no_requests() -> None:
    parts = connected()
    parts.links.lost(LINK, parts.now_us)
    parts.streams.closed(LINK)
    assert list(parts.streams.request(LINK, ["x"], parts.now_us)) == []
    parts.now_us += 20 * SECOND
    assert texts(parts) == []


def test_a_book_is_not_renewed_while_other_requests_wait() -> None:
    parts = connected()
    streams, wanted = parts.streams, parts.followed.by_native["A"].wanted
    assert list(streams.resubscribe(LINK, "A", wanted, parts.now_us)) == [Send(LINK, "renew A")]
    list(streams.request(LINK, ["1", "2", "3", "4"], parts.now_us))
    parts.now_us += SECOND
    assert list(streams.resubscribe(LINK, "A", wanted, parts.now_us)) == []


def test_more_requests_than_can_be_of_use_are_told() -> None:
    parts = connected()
    assert parts.streams.overfull() == []
    list(parts.streams.request(LINK, ["x"] * 10_000, parts.now_us))
    assert parts.streams.overfull() == [LINK]


def test_an_old_link_is_replaced_and_the_new_one_carries_its_streams() -> None:
    parts = connected(PlainExchange(link_age_us=3_600 * SECOND))
    parts.now_us = 3_599 * SECOND
    assert parts.streams.oldest_due(parts.now_us) is None
    parts.now_us += SECOND
    assert parts.streams.oldest_due(parts.now_us) == LINK
    assert parts.streams.replace(LINK, parts.now_us) == NEW
    assert parts.streams.oldest_due(parts.now_us) is None or parts.streams.streams(NEW)
    assert list(parts.links.due_opens(parts.now_us)) == [Open(NEW, URL)]
    assert parts.up(NEW)[1:] == [Send(NEW, "subscribe A")]
    assert list(parts.streams.finish_replacement(NEW, parts.now_us)) == [Close(LINK, "replaced")]
    assert parts.streams.link_of("A") == NEW


def test_a_replacement_that_is_given_up_leaves_the_old_link() -> None:
    parts = connected()
    assert parts.streams.replace(LINK, parts.now_us) == NEW
    list(parts.links.due_opens(parts.now_us))
    assert list(parts.streams.abandon_replacement(NEW, parts.now_us)) == [Close(NEW, "unwanted")]
    assert parts.streams.link_of("A") == LINK
    assert parts.streams.replace("main-7", parts.now_us) is None
