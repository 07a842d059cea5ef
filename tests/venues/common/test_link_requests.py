from __future__ import annotations

from floorwire.venues.common.link_requests import MAX_WAITING, LinkRequests

SECOND = 1_000_000


def test_requests_are_sent_in_order_within_the_rate_limit() -> None:
    requests = LinkRequests(2, SECOND, 0)
    requests.put("abcd")
    assert list(requests.due(0)) == ["a", "b"]
    assert not requests.is_empty
    assert list(requests.due(SECOND - 1)) == []
    requests.put("e")
    assert list(requests.due(SECOND)) == ["c"]
    assert list(requests.due(9 * SECOND)) == ["d", "e"]
    assert requests.is_empty


def test_too_many_that_wait_are_told() -> None:
    requests = LinkRequests(1, SECOND, 0)
    requests.put(str(number) for number in range(MAX_WAITING))
    assert not requests.is_overfull
    requests.put(["one more"])
    assert requests.is_overfull
