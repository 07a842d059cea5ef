from __future__ import annotations

from floorwire.core.remote_order_messages import Reconcile, RemotePolicy
from floorwire.engine.reconciliation import MOST_ASKED, RETRY_US, Reconciliation

SECOND = 1_000_000
POLICY = RemotePolicy(answer_us=2 * SECOND, reconcile_us=60 * SECOND)
GIVEN_UP_US = 3 * POLICY.answer_us


def new() -> Reconciliation:
    reconciliation = Reconciliation(POLICY, 0)
    reconciliation.start(0)
    return reconciliation


def ask(reconciliation: Reconciliation, now_us: int) -> Reconcile:
    request = reconciliation.ask(now_us, "")
    assert request is not None
    return request


def confirm(reconciliation: Reconciliation, now_us: int, *, is_quiet: bool = True, **more: int) -> list[str]:
    return reconciliation.confirm(more, 0, now_us, is_quiet=is_quiet)


def test_an_answer_that_comes_after_the_next_request_counts() -> None:
    reconciliation = new()
    first = ask(reconciliation, 0)
    second = ask(reconciliation, GIVEN_UP_US)
    reconciliation.failed(second.request, GIVEN_UP_US)  # the first one is still carried out
    assert reconciliation.due_us() == 2 * GIVEN_UP_US
    assert reconciliation.answered(first.request) == 0
    confirm(reconciliation, GIVEN_UP_US + 1)
    assert reconciliation.is_ready
    assert reconciliation.due_us() == GIVEN_UP_US + 1 + POLICY.reconcile_us


def test_what_was_asked_before_an_answered_request_is_not_awaited_any_more() -> None:
    reconciliation = new()
    first = ask(reconciliation, 0)
    second = ask(reconciliation, GIVEN_UP_US)
    assert reconciliation.answered(second.request) == GIVEN_UP_US
    assert reconciliation.answered(first.request) is None


def test_an_answer_to_what_was_asked_before_the_stream_came_up_counts_for_nothing() -> None:
    reconciliation = new()
    first = ask(reconciliation, 0)
    reconciliation.stop()
    reconciliation.start(1)
    assert reconciliation.answered(first.request) is None


def test_where_all_fail_it_is_asked_again_after_a_pause() -> None:
    reconciliation = new()
    first, second = ask(reconciliation, 0), ask(reconciliation, GIVEN_UP_US)
    for one in (second, first):
        reconciliation.failed(one.request, GIVEN_UP_US)
    assert reconciliation.ask(GIVEN_UP_US + RETRY_US - 1, "") is None
    ask(reconciliation, GIVEN_UP_US + RETRY_US)


def test_requests_that_are_never_answered_are_forgotten() -> None:
    reconciliation = new()
    requests = [ask(reconciliation, number * GIVEN_UP_US) for number in range(MOST_ASKED + 1)]
    assert reconciliation.answered(requests[0].request) is None
    assert reconciliation.answered(requests[1].request) == GIVEN_UP_US


def test_what_is_open_is_looked_at_again_by_balances_alone() -> None:
    reconciliation = new()
    first = ask(reconciliation, 0)
    assert not first.is_second_look
    reconciliation.answered(first.request)
    assert confirm(reconciliation, 0, BTC=5) == []
    second = ask(reconciliation, RETRY_US)
    assert second.is_second_look
    reconciliation.answered(second.request)
    assert confirm(reconciliation, RETRY_US, BTC=5) == ["BTC"]
    assert reconciliation.is_ready
    assert not ask(reconciliation, RETRY_US + POLICY.reconcile_us).is_second_look


def test_all_is_read_in_each_interval_whatever_is_open() -> None:
    reconciliation, looks = new(), list[bool]()
    for _ in range(12):
        now_us = reconciliation.due_us()
        request = ask(reconciliation, now_us)
        looks.append(request.is_second_look)
        reconciliation.answered(request.request)
        confirm(reconciliation, now_us, is_quiet=False)
    assert looks == [False, True, True, True, True, True, False, False, False, False, False, False]


def test_after_a_lost_stream_all_is_read_again() -> None:
    reconciliation = new()
    reconciliation.answered(ask(reconciliation, 0).request)
    confirm(reconciliation, 0, is_quiet=False)
    reconciliation.stop()
    reconciliation.start(1)
    assert not ask(reconciliation, 1).is_second_look
