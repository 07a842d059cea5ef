from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import AmendAnswer, CancelAnswer, PlaceAnswer
from floorwire.venues.common.order_outcomes import rejected
from floorwire.venues.common.request_sequences import LONGEST_US
from floorwire.venues.common.unanswered_requests import ANSWER_US, MOST_PENDING, UnansweredRequests
from tests.venues.order_driver import amend, cancel, place


def test_answer_then_stream() -> None:
    requests = UnansweredRequests()
    number = requests.add(place("a"), "private", 0)
    assert requests.take(number) == place("a")
    assert requests.shown("a", "88") == []


def test_stream_then_answer() -> None:
    requests = UnansweredRequests()
    for link in ("private", ""):
        number = requests.next_number
        assert requests.add(place("a"), link, 0) == number
        assert requests.shown("other", "87") == []
        assert requests.shown("a", "88") == [PlaceAnswer("a", "accepted", "88")]
        assert requests.get(number) is None
        assert len(requests) == 0


def test_what_is_overdue_is_unknown_and_by_rest_that_takes_longer() -> None:
    requests = UnansweredRequests()
    by_rest = requests.add(place("r"), "", 0)
    requests.add(place("a"), "private", 0)
    requests.add(cancel("b"), "private", 1)
    assert requests.due_us() == ANSWER_US
    assert requests.overdue(ANSWER_US) == [PlaceAnswer("a", "unknown")]
    assert requests.shown("a", "88") == []  # the outcome was told
    assert requests.get(by_rest) == place("r")
    assert requests.overdue(LONGEST_US) == [CancelAnswer("b", "unknown"), PlaceAnswer("r", "unknown")]
    assert requests.overdue(LONGEST_US) == []


def test_a_lost_link_costs_its_own_requests() -> None:
    requests = UnansweredRequests()
    requests.add(place("a"), "trade", 0)
    requests.add(amend("b"), "trade_2", 0)
    requests.add(cancel("c"), "", 0)
    assert not requests.is_idle("trade")
    assert requests.lost("trade") == [PlaceAnswer("a", "unknown")]
    assert requests.lost("trade") == []
    assert requests.is_idle("trade")
    assert requests.lost("trade_2") == [AmendAnswer("b", "unknown")]
    assert len(requests) == 1


def test_a_request_is_given_up_once() -> None:
    requests = UnansweredRequests()
    number = requests.add(cancel("c"), "", 0)
    assert requests.give_up(number) == [CancelAnswer("c", "unknown")]
    assert requests.give_up(number) == []


def test_says_when_no_more_may_be_sent_on_a_link() -> None:
    requests = UnansweredRequests()
    requests.add(place("by rest"), "", 0)
    for number in range(MOST_PENDING):
        assert not requests.is_full
        requests.add(place(str(number)), "private", 0)
    assert requests.is_full


def test_words_of_a_venue_are_cut() -> None:
    assert len(rejected(place(), Code.VENUE_REJECTED, "x" * 5000).message) == 200
