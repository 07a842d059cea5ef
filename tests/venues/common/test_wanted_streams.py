"""What clients want, and what that changes."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.capabilities import StreamKind
from floorwire.core.market_events import FeedStatus, StreamsEnded
from floorwire.core.ports import Open, Send, VenueOutput
from floorwire.venues.common.subscribed_symbol import EVERYTHING
from tests.venues.common.plain_exchange import LINK, SECOND, URL, A, B, Parts

BOOK: frozenset[StreamKind] = frozenset(("book",))
BOTH: frozenset[StreamKind] = frozenset(("book", "trades"))
LISTED = {"A": A, "B": B}


def ended(out: list[VenueOutput]) -> list[tuple[str, frozenset[StreamKind]]]:
    """Return the streams that end, by symbol."""
    return [(one.symbol, one.kinds) for one in out if isinstance(one, StreamsEnded)]


def connected() -> Parts:
    parts = Parts()
    parts.want(A, kinds=BOOK)
    parts.up()
    parts.now_us = 9 * SECOND
    parts.message("A", "book")
    return parts


def test_before_the_first_wish_all_named_symbols_are_wanted_and_no_others() -> None:
    named, unnamed = Parts(is_named=True), Parts()
    assert Open(LINK, URL) in list(named.wanted.apply(LISTED, 0))
    assert list(named.followed.by_native) == ["A", "B"]
    assert list(unnamed.wanted.apply(LISTED, 0)) == []
    assert not unnamed.followed.by_native


def test_a_wanted_symbol_is_followed_and_connecting_and_the_others_unwanted() -> None:
    parts = Parts()
    out = parts.want(A)
    assert list(parts.followed.by_native) == ["A"]
    parts.up()
    out += parts.message("A", "book")
    said = [(one.symbol, one.feed, one.reason) for one in out if isinstance(one, FeedStatus)]
    assert (B.symbol, "connecting", "unwanted") in said
    assert said[-2:] == [(None, "live", "synced"), (A.symbol, "live", "synced")]


def test_a_symbol_that_nobody_wants_is_forgotten_and_its_streams_end() -> None:
    parts = connected()
    out = parts.want(B)
    assert ended(out)[0] == (A.symbol, BOOK)
    assert list(parts.followed.by_native) == ["B"]
    assert Send(LINK, "unsubscribe A") in out


def test_a_book_stays_while_other_streams_come_and_go() -> None:
    parts = connected()
    for kinds in (BOTH, BOOK):
        parts.want(A, kinds=kinds)
        assert parts.followed.by_native["A"].is_synced
        assert parts.followed.by_native["A"].wanted == kinds
    assert ended(parts.want(A, kinds=BOTH)) == []
    assert ended(parts.want(A, kinds=BOOK)) == [(A.symbol, frozenset(("trades",)))]
    parts.want(A, kinds=BOTH - BOOK)
    assert not parts.followed.by_native["A"].is_synced


def test_a_new_symbol_tells_which_streams_it_will_not_have() -> None:
    assert (A.symbol, EVERYTHING - BOOK) in ended(Parts().want(A, kinds=BOOK))


def test_a_venue_of_which_nothing_is_wanted_is_live() -> None:
    parts = connected()
    list(parts.followed.statuses.set_all("stale", "link_lost", parts.now_us))
    assert parts.want()[-1] == FeedStatus(None, "live", "unwanted", parts.now_us)


def test_a_delisted_symbol_is_followed_but_not_subscribed_to() -> None:
    parts = Parts()
    parts.wanted.streams = {A.symbol: BOOK, B.symbol: BOOK}
    listed = LISTED | {"A": replace(A, state="closed")}
    out = list(parts.wanted.apply(listed, 0))
    assert [send.text for send in parts.up() if isinstance(send, Send)] == ["hello", "subscribe B"]
    out += parts.message("B", "book")
    assert FeedStatus(A.symbol, "stale", "delisted", 0) in out
    assert list(dict(parts.followed.on(LINK))) == ["B"]
    assert Send(LINK, "subscribe A") in list(parts.wanted.apply(LISTED, 9 * SECOND))
    assert list(dict(parts.followed.on(LINK))) == ["A", "B"]
    assert Send(LINK, "unsubscribe A") in list(parts.wanted.apply(listed, 18 * SECOND))
