"""The outcome of an order is never wrong, whatever is lost, late, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from floorwire.client.order_outcome import OrderOutcome, OutcomeState, SendAgain
from floorwire.core.codes import Code
from floorwire.protocol.replies import Error, Fate, OrderAcceptedReply, OrderError, OrderReply
from floorwire.protocol.trading_requests import OrderPlace, OrderStatus
from tests.client.events import order_row

DEADLINE_US = 10_000_000
PLACE = OrderPlace(client_order_id="a", symbol="BTC-USDT", side="buy", quantity="1", deadline=DEADLINE_US)
ACCEPTED = OrderAcceptedReply(order_id="1", client_order_id="a")
LATE_US = DEADLINE_US + 1


def refusal(code: Code, fate: Fate = "rejected", *, duplicate: bool = False, wait_ms: int = 0) -> OrderError:
    return OrderError(
        code=code.value,
        message="",
        retry=code.retry,
        order=fate,
        duplicate=duplicate or UNSET,
        retry_after_ms=wait_ms or UNSET,
    )


def cut() -> OrderOutcome:
    outcome = OrderOutcome(PLACE)
    outcome.cut()
    return outcome


def test_a_reply_on_the_first_connection_is_the_outcome() -> None:
    outcome = OrderOutcome(PLACE)
    assert outcome.replied(ACCEPTED, 0) is None
    assert outcome.state is OutcomeState.EXISTS
    outcome = OrderOutcome(PLACE)
    assert outcome.replied(refusal(Code.STALE_MARKET), 0) is None
    assert outcome.state is OutcomeState.REJECTED
    assert outcome.refusal is not None


def test_after_a_cut_the_same_request_is_sent_again() -> None:
    outcome = cut()
    assert not outcome.is_known
    assert outcome.request is PLACE
    assert outcome.replied(ACCEPTED, 0) is None
    assert outcome.state is OutcomeState.EXISTS


@pytest.mark.parametrize(
    "proof",
    [
        refusal(Code.DEADLINE_PASSED),
        refusal(Code.DUPLICATE_CLIENT_ORDER_ID),
        refusal(Code.POST_ONLY_WOULD_CROSS, duplicate=True),
    ],
)
def test_some_refusals_prove_that_no_copy_is_an_order(proof: OrderError) -> None:
    outcome = cut()
    assert outcome.replied(proof, 0) is None
    assert outcome.state is OutcomeState.REJECTED


def test_other_refusals_prove_nothing_until_the_deadline() -> None:
    outcome = cut()
    waits = []
    for _ in range(5):
        again = outcome.replied(refusal(Code.INSUFFICIENT_BALANCE), 0)
        assert isinstance(again, SendAgain)
        waits.append(again.after_s)
        assert outcome.request is PLACE
    assert waits == [0.25, 0.5, 1.0, 2.0, 2.0]
    assert outcome.replied(refusal(Code.RATE_LIMITED, wait_ms=5_000), 0) == SendAgain(5.0)


def test_after_the_deadline_it_asks_for_the_order() -> None:
    outcome = cut()
    outcome.replied(refusal(Code.STALE_MARKET), LATE_US)
    assert outcome.request == OrderStatus(client_order_id="a")
    assert outcome.replied(refusal(Code.INTERNAL), LATE_US) is not None, "that says nothing"
    assert outcome.replied(refusal(Code.UNKNOWN_ORDER), LATE_US) is None
    assert outcome.state is OutcomeState.REJECTED
    assert outcome.refusal is not None
    assert outcome.refusal.code == Code.STALE_MARKET
    found = cut()
    found.replied(refusal(Code.STALE_MARKET), LATE_US)
    assert found.replied(OrderReply(order=order_row("a")), LATE_US) is None
    assert found.state is OutcomeState.EXISTS


def test_a_key_that_may_not_ask_sends_the_order_again() -> None:
    outcome = cut()
    outcome.replied(refusal(Code.DRAINING), LATE_US)
    again = outcome.replied(Error(code="forbidden", message="", retry=False), LATE_US)
    assert again is not None
    assert outcome.request is PLACE


def test_unknown_is_no_outcome() -> None:
    outcome = OrderOutcome(PLACE)
    assert outcome.replied(refusal(Code.INTERNAL, "unknown"), 0) is not None
    assert outcome.state is OutcomeState.UNCLEAR


def test_an_event_is_proof() -> None:
    outcome = cut()
    outcome.seen()
    assert outcome.state is OutcomeState.EXISTS
    assert outcome.replied(refusal(Code.STALE_MARKET), 0) is None
    assert outcome.state is OutcomeState.EXISTS


class Exchange:
    """A server as docs/trading.md tells: it looks for the id, then at the deadline, then at the rest."""

    def __init__(self) -> None:
        self.now_us = 0
        self.has_order = False

    def place(self, mood: str) -> OrderAcceptedReply | OrderError:
        if mood == "draining":  # refused before the id is looked for
            return refusal(Code.DRAINING)
        if self.has_order:
            return ACCEPTED
        if self.now_us > DEADLINE_US:
            return refusal(Code.DEADLINE_PASSED)
        if mood == "poor":
            return refusal(Code.INSUFFICIENT_BALANCE)
        if mood == "broken":
            return refusal(Code.INTERNAL, "unknown")
        self.has_order = True
        return refusal(Code.INTERNAL, "unknown") if mood == "broken later" else ACCEPTED

    def status(self) -> OrderReply | OrderError:
        return OrderReply(order=order_row("a")) if self.has_order else refusal(Code.UNKNOWN_ORDER)

    def answer(
        self, request: OrderPlace | OrderStatus, mood: str
    ) -> OrderAcceptedReply | OrderReply | OrderError:
        return self.place(mood) if isinstance(request, OrderPlace) else self.status()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["arrives", "arrives", "reply lost", "cut before it arrives", "old copy arrives"]),
        st.sampled_from(["well", "poor", "draining", "broken", "broken later"]),
        st.integers(0, 4_000_000),
    ),
    max_size=40,
)


@given(steps=STEPS, behind_us=st.integers(0, 3_000_000))
def test_what_it_says_is_true_and_stays_true(steps: list[tuple[str, str, int]], behind_us: int) -> None:
    exchange, outcome = Exchange(), OrderOutcome(PLACE)
    copies: list[OrderPlace | OrderStatus] = []
    """Requests on connections that were lost: each may arrive, at any time."""
    for what, mood, passed_us in steps:
        if outcome.is_known:
            break
        exchange.now_us += passed_us
        if what == "old copy arrives":
            if copies:
                exchange.answer(copies.pop(), mood)
            continue
        request = outcome.request
        if what == "cut before it arrives":
            copies.append(request)
            outcome.cut()
            continue
        reply = exchange.answer(request, mood)
        if what == "reply lost":
            outcome.cut()
        else:
            outcome.replied(reply, exchange.now_us - behind_us)
    if outcome.state is OutcomeState.EXISTS:
        assert exchange.has_order
    if outcome.state is OutcomeState.REJECTED:
        for copy in copies:
            exchange.answer(copy, "well")
        assert not exchange.has_order


@given(steps=STEPS)
def test_it_comes_to_an_end(steps: list[tuple[str, str, int]]) -> None:
    exchange, outcome = Exchange(), OrderOutcome(PLACE)
    for what, mood, passed_us in steps:
        exchange.now_us += passed_us
        reply = exchange.answer(outcome.request, mood)
        outcome.cut() if what == "reply lost" else outcome.replied(reply, exchange.now_us)
    exchange.now_us += LATE_US
    for _ in range(2):
        outcome.replied(exchange.answer(outcome.request, "well"), exchange.now_us)
    assert outcome.is_known
