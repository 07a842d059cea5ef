from __future__ import annotations

from collections.abc import Callable

import pytest

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.ports import Answer, Fetch
from floorwire.core.remote_order_messages import QueryFailed, RemoteReport
from floorwire.venues.common.request_budgets import BudgetRule, RequestBudgets
from floorwire.venues.common.request_sequences import (
    LONGEST_US,
    MOST_SEQUENCES,
    HttpRequest,
    RequestSequences,
    Steps,
    Urgency,
)

SECOND = 1_000_000
FAILED = (QueryFailed(99),)


def new(
    capacity: int = 100, most_sent: int = MOST_SEQUENCES, *, for_urgent: int = 0, reading_us: int = 0
) -> RequestSequences:
    budgets = RequestBudgets({"read": BudgetRule(capacity, SECOND, for_urgent=for_urgent)})
    return RequestSequences(
        lambda number, request, _: Fetch(number, request.path), budgets, most_sent, reading_us
    )


def reads(*requests: HttpRequest) -> Steps:
    for request in requests:  # noqa: UP028 - answers are sent to it
        yield request
    return ()


def two_steps(number: int) -> Steps:
    first = yield HttpRequest("/first")
    second = yield HttpRequest(f"/second/{first.status}")
    return (QueryFailed(number + second.status),)


def urls(outputs: list[OrderAdapterOutput]) -> list[str]:
    return [one.url for one in outputs if isinstance(one, Fetch)]


def test_each_request_follows_from_the_answer_before() -> None:
    sequences = new()
    (fetch,) = sequences.start(two_steps(0), FAILED, 0, 0)
    assert isinstance(fetch, Fetch)
    (second,) = sequences.answered(Answer(fetch.request, 200, b""), 1, 1)
    assert isinstance(second, Fetch)
    assert second.url == "/second/200"
    assert sequences.answered(Answer(second.request, 7, b""), 2, 2) == [QueryFailed(7)]
    assert sequences.answered(Answer(second.request, 7, b""), 2, 2) == []
    assert sequences.answered(Answer(1234, 7, b""), 2, 2) == []


def raises(error: Callable[[], Exception]) -> Steps:
    yield HttpRequest("/first")
    raise error()


@pytest.mark.parametrize("error", [ValueError, KeyError, IndexError, ArithmeticError, RecursionError])
def test_answer_that_is_of_no_use_fails_the_sequence(error: Callable[[], Exception]) -> None:
    sequences = new()
    (fetch,) = sequences.start(raises(error), FAILED, 0, 0)
    assert isinstance(fetch, Fetch)
    assert sequences.answered(Answer(fetch.request, 200, b""), 1, 1) == list(FAILED)


def test_requests_wait_for_their_budget_in_order() -> None:
    sequences = new(capacity=1)
    assert urls(sequences.start(two_steps(0), FAILED, 0, 0)) == ["/first"]
    assert sequences.start(two_steps(1), FAILED, 0, 0) == []
    assert sequences.start(two_steps(2), FAILED, 0, 0) == []
    assert sequences.due_us(0) == SECOND
    assert urls(sequences.wake(SECOND, SECOND)) == ["/first"]
    assert urls(sequences.wake(SECOND, SECOND)) == []
    assert urls(sequences.wake(2 * SECOND, 2 * SECOND)) == ["/first"]


def test_one_at_a_time_if_the_venue_wants_that() -> None:
    sequences = new(most_sent=1)
    (fetch,) = sequences.start(two_steps(0), FAILED, 0, 0)
    assert sequences.start(two_steps(5), FAILED, 0, 0) == []
    assert isinstance(fetch, Fetch)
    outputs = sequences.answered(Answer(fetch.request, 200, b""), 0, 0)
    assert urls(outputs) == ["/second/200"]  # what began first ends first
    (fetch,) = outputs
    assert isinstance(fetch, Fetch)
    assert urls(sequences.answered(Answer(fetch.request, 201, b""), 0, 0)) == ["/first"]


def test_the_more_urgent_go_first() -> None:
    sequences = new(capacity=1)
    sequences.start(reads(HttpRequest("/used")), FAILED, 0, 0)
    sequences.start(reads(HttpRequest("/query")), FAILED, 0, 0, Urgency.READ)
    sequences.start(reads(HttpRequest("/account")), FAILED, 0, 0, Urgency.ACCOUNT)
    sequences.start(reads(HttpRequest("/token")), FAILED, 0, 0, Urgency.ORDER)
    sent = [urls(sequences.wake(second * SECOND, 0)) for second in (1, 2, 3)]
    assert sent == [["/token"], ["/account"], ["/query"]]


def test_what_needs_much_of_a_budget_is_not_passed_by_what_needs_little() -> None:
    sequences = new(capacity=2)
    sequences.start(reads(HttpRequest("/used", weight=2)), FAILED, 0, 0)
    sequences.start(reads(HttpRequest("/much", weight=2)), FAILED, 0, 0)
    sequences.start(reads(HttpRequest("/little")), FAILED, 0, 0)
    assert urls(sequences.wake(SECOND, 0)) == []
    assert sequences.due_us(SECOND) == 2 * SECOND
    assert urls(sequences.wake(2 * SECOND, 0)) == ["/much"]
    assert urls(sequences.wake(3 * SECOND, 0)) == ["/little"]


def test_what_no_budget_counts_waits_for_nobody() -> None:
    sequences = new(capacity=1)
    sequences.start(reads(HttpRequest("/used")), FAILED, 0, 0)
    sequences.start(reads(HttpRequest("/waits")), FAILED, 0, 0)
    assert urls(sequences.start(reads(HttpRequest("/cancel", weight=0)), FAILED, 0, 0)) == ["/cancel"]


def test_reads_that_can_wait_leave_a_part_to_the_others() -> None:
    sequences = new(capacity=3, for_urgent=2)
    queries = [
        sequences.start(reads(HttpRequest("/query")), FAILED, SECOND * second, 0, Urgency.READ)
        for second in (0, 1, 1)
    ]
    # a process begins with what is left to the others
    assert [urls(outputs) for outputs in queries] == [[], ["/query"], []]
    for name in ("/token", "/orders"):
        assert urls(sequences.start(reads(HttpRequest(name)), FAILED, SECOND, 0)) == [name]
    assert sequences.due_us(SECOND) == 4 * SECOND


def test_reads_may_take_longer_than_requests_about_orders_once_they_have_begun() -> None:
    sequences = new(capacity=1, reading_us=60 * SECOND)
    twice = (HttpRequest("/first"), HttpRequest("/second"))
    (fetch,) = sequences.start(reads(*twice), FAILED, 0, 0, Urgency.ACCOUNT)
    assert isinstance(fetch, Fetch)
    assert sequences.wake(59 * SECOND, 0) == []
    assert urls(sequences.answered(Answer(fetch.request, 200, b""), 59 * SECOND, 0)) == ["/second"]
    assert sequences.wake(60 * SECOND, 0) == list(FAILED)


def test_a_read_that_has_not_begun_in_time_is_given_up_and_has_used_nothing() -> None:
    sequences = new(capacity=1, most_sent=1, reading_us=60 * SECOND)
    sequences.start(reads(HttpRequest("/used")), (), 0, 0, Urgency.READ)
    sequences.start(reads(HttpRequest("/late")), FAILED, 0, 0, Urgency.READ)
    assert sequences.wake(LONGEST_US, 0) == list(FAILED)


def test_a_sequence_of_no_use_ends_and_its_last_answer_is_waited_for() -> None:
    sequences = new(most_sent=1)
    first, second = two_steps(0), two_steps(1)
    (fetch,) = sequences.start(first, FAILED, 0, 0)
    sequences.start(second, FAILED, 0, 0)
    assert sequences.give_up(second) == list(FAILED)
    assert not sequences.is_running(second)
    assert sequences.give_up(first) == []
    assert sequences.start(two_steps(2), FAILED, 0, 0) == []  # one at a time
    assert isinstance(fetch, Fetch)
    failed, after = sequences.answered(Answer(fetch.request, 200, b""), 1, 1)
    assert failed == FAILED[0]
    assert urls([after]) == ["/first"]


def test_sequence_that_takes_too_long_is_given_up() -> None:
    sequences = new()
    (fetch,) = sequences.start(two_steps(0), FAILED, 0, 0)
    assert sequences.wake(LONGEST_US - 1, 0) == []
    assert sequences.wake(LONGEST_US, 0) == list(FAILED)
    assert isinstance(fetch, Fetch)
    assert sequences.answered(Answer(fetch.request, 200, b""), LONGEST_US, 0) == []


def test_one_too_many_fails_at_once_and_sends_nothing() -> None:
    sequences = new(capacity=1)
    for number in range(MOST_SEQUENCES):
        assert not sequences.is_full
        sequences.start(two_steps(number), FAILED, 0, 0)
    failed: list[RemoteReport] = list(FAILED)
    assert sequences.start(two_steps(0), FAILED, 0, 0) == failed
