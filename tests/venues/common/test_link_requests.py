from __future__ import annotations

from collections.abc import Iterator, Mapping

from floorwire.core.capabilities import StreamKind
from floorwire.venues.common.exchange import Operation
from floorwire.venues.common.link_requests import MAX_WAITING, LinkRequests

SECOND = 1_000_000
BOOK: frozenset[StreamKind] = frozenset(("book",))
BOTH: frozenset[StreamKind] = frozenset(("book", "trades"))


def render(op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
    """Return one request, such as ``+A:book,trades B:book``."""
    yield {"subscribe": "+", "unsubscribe": "-"}[op] + " ".join(
        f"{native}:{','.join(sorted(kinds))}" for native, kinds in streams.items()
    )


def test_requests_are_sent_in_order_within_the_rate_limit() -> None:
    requests = LinkRequests(2, SECOND, 0, render)
    requests.put("abcd")
    assert list(requests.due(0)) == ["a", "b"]
    assert not requests.is_empty
    assert list(requests.due(SECOND - 1)) == []
    requests.put("e")
    assert list(requests.due(SECOND)) == ["c"]
    assert list(requests.due(9 * SECOND)) == ["d", "e"]
    assert requests.is_empty


def test_too_many_that_wait_are_told() -> None:
    requests = LinkRequests(1, SECOND, 0, render)
    requests.put(str(number) for number in range(MAX_WAITING))
    assert not requests.is_overfull
    requests.put(["one more"])
    assert requests.is_overfull


def test_streams_that_wait_are_put_together() -> None:
    requests = LinkRequests(1, SECOND, 0, render)
    requests.subscribe({"A": BOOK})
    assert list(requests.due(0)) == ["+A:book"]
    for native in "BCD":
        requests.subscribe({native: BOOK})
        assert list(requests.due(0)) == []
    requests.subscribe({"B": BOTH})
    requests.unsubscribe({"A": BOOK})
    assert not requests.is_empty
    assert list(requests.due(9 * SECOND)) == ["-A:book"], "what ends comes first"
    assert list(requests.due(10 * SECOND)) == ["+B:book,trades C:book D:book"]
    assert requests.is_empty


def test_what_was_not_subscribed_yet_needs_no_end() -> None:
    requests = LinkRequests(1, SECOND, 0, render)
    requests.put(["first"])
    list(requests.due(0))
    requests.subscribe({"A": BOTH, "B": BOOK})
    requests.unsubscribe({"A": BOOK, "B": BOOK})
    assert list(requests.due(SECOND)) == ["+A:trades"]
    assert requests.is_empty


def test_a_subscription_that_ends_and_begins_again_while_it_waits_is_renewed() -> None:
    requests = LinkRequests(2, SECOND, 0, render)
    requests.subscribe({"A": BOOK})
    list(requests.due(0))
    requests.put(["first"])
    list(requests.due(0))
    requests.unsubscribe({"A": BOOK})
    requests.subscribe({"A": BOOK})
    assert list(requests.due(2 * SECOND)) == ["-A:book", "+A:book"]
