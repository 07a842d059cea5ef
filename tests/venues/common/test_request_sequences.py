from __future__ import annotations

from collections.abc import Callable

import pytest

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.ports import Answer, Fetch
from floorwire.core.remote_orders import QueryFailed, RemoteReport
from floorwire.venues.common.request_budgets import BudgetRule, RequestBudgets
from floorwire.venues.common.request_sequences import (
    LONGEST_US,
    MOST_SEQUENCES,
    HttpRequest,
    RequestSequences,
    Steps,
)

SECOND = 1_000_000
FAILED = (QueryFailed(99),)


def new(capacity: int = 100, most_sent: int = MOST_SEQUENCES) -> RequestSequences:
    budgets = RequestBudgets({"read": BudgetRule(capacity, SECOND)})
    return RequestSequences(lambda number, request, _: Fetch(number, request.path), budgets, most_sent)


def two_steps(number: int) -> Steps:
    first = yield HttpRequest("/first")
    second = yield HttpRequest(f"/second/{first.status}")
    return (QueryFailed(number + second.status),)


def urls(outputs: list[OrderAdapterOutput]) -> list[str]:
    return [one.url for one in outputs if isinstance(one, Fetch)]


def test_each_request_follows_from_the_answer_before() -> None:
    sequences = new()
    (fetch,) = sequences.begin(two_steps(0), FAILED, 0, 0)
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
    (fetch,) = sequences.begin(raises(error), FAILED, 0, 0)
    assert isinstance(fetch, Fetch)
    assert sequences.answered(Answer(fetch.request, 200, b""), 1, 1) == list(FAILED)


def test_requests_wait_for_their_budget_in_order() -> None:
    sequences = new(capacity=1)
    assert urls(sequences.begin(two_steps(0), FAILED, 0, 0)) == ["/first"]
    assert sequences.begin(two_steps(1), FAILED, 0, 0) == []
    assert sequences.begin(two_steps(2), FAILED, 0, 0) == []
    assert sequences.due_us(0) == SECOND
    assert urls(sequences.wake(SECOND, SECOND)) == ["/first"]
    assert urls(sequences.wake(SECOND, SECOND)) == []
    assert urls(sequences.wake(2 * SECOND, 2 * SECOND)) == ["/first"]


def test_one_at_a_time_if_the_venue_wants_that() -> None:
    sequences = new(most_sent=1)
    (fetch,) = sequences.begin(two_steps(0), FAILED, 0, 0)
    assert sequences.begin(two_steps(5), FAILED, 0, 0) == []
    assert isinstance(fetch, Fetch)
    outputs = sequences.answered(Answer(fetch.request, 200, b""), 0, 0)
    assert urls(outputs) == ["/first"]  # the one that waited longer
    (fetch,) = outputs
    assert isinstance(fetch, Fetch)
    assert urls(sequences.answered(Answer(fetch.request, 201, b""), 0, 0)) == ["/second/200"]


def test_sequence_that_takes_too_long_is_given_up() -> None:
    sequences = new()
    (fetch,) = sequences.begin(two_steps(0), FAILED, 0, 0)
    assert sequences.wake(LONGEST_US - 1, 0) == []
    assert sequences.wake(LONGEST_US, 0) == list(FAILED)
    assert isinstance(fetch, Fetch)
    assert sequences.answered(Answer(fetch.request, 200, b""), LONGEST_US, 0) == []


def test_one_too_many_fails_at_once_and_sends_nothing() -> None:
    sequences = new(capacity=1)
    for number in range(MOST_SEQUENCES):
        assert not sequences.is_full
        sequences.begin(two_steps(number), FAILED, 0, 0)
    failed: list[RemoteReport] = list(FAILED)
    assert sequences.begin(two_steps(0), FAILED, 0, 0) == failed
