from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.remote_orders import AmendAnswer, CancelAnswer, PlaceAnswer
from floorwire.venues.common.order_outcomes import rejected
from floorwire.venues.common.socket_requests import MOST_PENDING, SocketRequests
from tests.venues.order_driver import amend, cancel, place


def test_answer_then_stream() -> None:
    requests = SocketRequests(10)
    number = requests.add(place("a"), 0)
    assert requests.take(number) == place("a")
    assert requests.shown("a", "88") == []


def test_stream_then_answer() -> None:
    requests = SocketRequests(10)
    number = requests.add(place("a"), 0)
    assert requests.shown("other", "87") == []
    assert requests.shown("a", "88") == [PlaceAnswer("a", "accepted", "88")]
    assert requests.get(number) is None
    assert len(requests) == 0


def test_what_is_overdue_or_lost_is_unknown() -> None:
    requests = SocketRequests(10)
    requests.add(place("a"), 0)
    requests.add(cancel("b"), 1)
    requests.add(amend("c"), 2)
    assert requests.due_us() == 10
    assert requests.overdue(10) == [PlaceAnswer("a", "unknown")]
    assert requests.shown("a", "88") == []  # the outcome was told
    assert requests.lost() == [CancelAnswer("b", "unknown"), AmendAnswer("c", "unknown")]
    assert requests.lost() == []


def test_says_when_it_is_full() -> None:
    requests = SocketRequests(10)
    for number in range(MOST_PENDING):
        assert not requests.is_full
        requests.add(place(str(number)), 0)
    assert requests.is_full


def test_words_of_a_venue_are_cut() -> None:
    assert len(rejected(place(), Code.VENUE_REJECTED, "x" * 5000).message) == 200
