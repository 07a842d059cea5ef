"""The order adapter of exchanges, at an exchange that has nothing but what is tested."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

import pytest

from floorwire.core.codes import Code
from floorwire.core.ports import Answer, Close, Fetch, Open, Send
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    LinkDown,
    LinkUp,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    QueryOrder,
    Reconcile,
    ReconcileFailed,
    RemotePolicy,
)
from floorwire.venues.bybit.orders import BybitOrders
from floorwire.venues.coinbase.orders import CoinbaseOrders
from floorwire.venues.common.order_adapter import ExchangeOrderAdapter
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_clock import DateRequest, OrderClock
from floorwire.venues.common.order_exchange import (
    Answered,
    LinkEndsSoon,
    OrderCall,
    OrderReading,
    RestSteps,
    ShownOrder,
    SignedIn,
    SignInStep,
    TryAgain,
    UnplaceableError,
    UselessLink,
)
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest
from floorwire.venues.common.prepared_order import FRESH_US
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import Preparation, PrivateLinkKind
from floorwire.venues.common.request_budgets import BudgetRule, RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, HttpRequest, Steps
from floorwire.venues.kraken.orders import KrakenOrders
from floorwire.venues.okx.orders import OkxOrders
from tests.venues.order_driver import (
    DATE,
    SECOND,
    FixedRandom,
    OrderDriver,
    amend,
    cancel,
    of,
    place,
    query,
    reports,
)

SEEN = OrderSeen("a", "88", "open", "0")
READINGS: dict[str, Sequence[OrderReading[str]]] = {
    "sign in": (SignInStep(["subscribe"]),),
    "signed in": (SignedIn(),),
    "refused": (UselessLink("refused", 30 * SECOND),),
    "ends": (LinkEndsSoon(),),
    "shown": (ShownOrder("a", "88", (SEEN,)),),
}


class HasPolicy(Protocol):
    """What is read of an exchange."""

    policy: RemotePolicy
    reading_us: int


TIME = DateRequest(HttpRequest("/time", budget="any"), lambda _: DATE)


class PlainExchange:
    """Its answers are words: ``ok``, ``no``, ``again``, ``later``. Orders with an id on r go by REST."""

    name = "Plain"
    policy = RemotePolicy()
    most_sent = 64
    reading_us = 0
    patience_us = 10 * SECOND
    switch = None

    def __init__(self, *, needs_token: bool = False, cancels_per_request: int = 1) -> None:
        self.clock = OrderClock(TIME)
        times = LinkTimes(60 * SECOND)
        self.links = (
            PrivateLinkKind("private", "ws://plain", times, takes_orders=True, prepare=self._preparation),
        )
        self.budgets = RequestBudgets({"any": BudgetRule(50, SECOND)})
        self.cancels_per_request = cancels_per_request
        self.needs_token = needs_token
        self.free_us = 0
        self.closed_links: list[str] = []
        self.made = 0
        """How many requests to place an order were made."""

    def _preparation(self) -> Preparation | None:
        return self._token() if self.needs_token else None

    def _token(self) -> Preparation:
        answer = yield HttpRequest("/token", budget="any")
        if answer.status != 200:
            return 5 * SECOND
        self.needs_token = False
        return None

    def opened(self, link: str) -> Sequence[str]:
        return ("log in",)

    def closed(self, link: str) -> None:
        self.closed_links.append(link)

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[str]]:
        assert isinstance(data, str)
        if data in READINGS:
            return READINGS[data]
        number, word = data.split()
        return (Answered(int(number), word),)

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> OrderCall[str]:
        self.made += 1
        if command.client_id == "none":
            raise UnplaceableError(Code.TICK_SIZE, "no such order")
        if command.client_id == "bad":
            raise AmountError("no amount")
        if command.client_id.startswith("r"):
            return _by_rest([number])
        return f"place {number}"

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> OrderCall[str]:
        if command.client_id == "none":
            raise UnplaceableError(Code.VENUE_UNAVAILABLE, "no such amend")
        return f"amend {number}"

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> OrderCall[str]:
        numbers = list(commands)
        return f"cancel {' '.join(map(str, numbers))}" if on_link else _by_rest(numbers)

    def can_cancel(self, command: CancelOrder) -> bool:
        return command.client_id != "none"

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        return self.free_us <= self.clock.now_us

    def cancel_free_us(self, symbol: str) -> int:
        return self.free_us

    def outcome(self, request: OrderRequest, answer: str) -> OrderOutcome | TryAgain | None:
        if answer == "later":
            return None
        if answer == "again":
            return TryAgain(SECOND)
        if isinstance(request, PlaceOrder):
            return PlaceAnswer(request.client_id, "accepted" if answer == "ok" else "rejected", "88")
        if isinstance(request, AmendOrder):
            return AmendAnswer(request.client_id, "amended" if answer == "ok" else "refused")
        return CancelAnswer(request.client_id, "taken" if answer == "ok" else "refused")

    def query(self, command: QueryOrder) -> Steps:
        return _fails()

    def reconcile(self, command: Reconcile) -> Steps:
        return _fails()

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        return Fetch(number, f"http://plain{request.path}")

    def look_at(self, answer: Answer) -> None:
        if answer.status == 429:
            self.free_us = self.clock.now_us + SECOND


def _by_rest(numbers: Sequence[int]) -> RestSteps[str]:
    answer = yield HttpRequest("/order", budget="any")
    word = answer.body.decode()
    if not word:
        raise ValueError("no answer")
    return [Answered(number, word) for number in numbers]


def _fails() -> Generator[HttpRequest, Answer, Sequence[PlaceAnswer]]:
    yield HttpRequest("/read", budget="any")
    raise ValueError("no use")


def connected(exchange: PlainExchange | None = None) -> OrderDriver:
    driver = OrderDriver(ExchangeOrderAdapter(exchange or PlainExchange(), FixedRandom()))
    driver.answer("/time", "")
    driver.opened()
    driver.frame("signed in")
    assert driver.reports() == [LinkUp()]
    return driver


def texts(driver: OrderDriver) -> list[str]:
    """Return what was sent on links, and forget it."""
    found = [one.text for one in of(driver.out, Send)]
    driver.out = [one for one in driver.out if not isinstance(one, Send)]
    return found


# --- orders that are prepared ---------------------------------------------------------------------------


def prepared(driver: OrderDriver, client_id: str = "a") -> PlaceOrder:
    command = place(client_id)
    driver.adapter.prepare(command, driver.now_us, driver.date_us)
    return command


def test_a_prepared_order_is_sent_as_it_was_made() -> None:
    exchange = PlainExchange()
    driver = connected(exchange)
    command = prepared(driver)
    made = exchange.made
    assert not of(driver.out, Send)[1:]
    driver.command(command)
    assert (exchange.made, texts(driver)[-1]) == (made, "place 1")
    driver.frame("1 ok")
    assert driver.reports() == [PlaceAnswer("a", "accepted", "88")]


@pytest.mark.parametrize("between", ["another order", "another command", "time", "a link"])
def test_what_was_prepared_is_not_sent_where_it_does_not_fit(between: str) -> None:
    exchange = PlainExchange()
    driver = connected(exchange)
    command = prepared(driver)
    if between == "another order":
        driver.command(place("b"))
    elif between == "another command":
        command = place("a")
    elif between == "time":
        driver.now_us += FRESH_US + 1
    else:
        driver.frame("ends")
        driver.opened("private_2")
        driver.frame("signed in", "private_2")
    made = exchange.made
    out = driver.command(command)
    assert exchange.made == made + 1
    [sent] = [one for one in of(out, Send) if one.text.startswith("place")]
    assert (sent.link, sent.text) == {
        "another order": ("private", "place 2"),
        "a link": ("private_2", "place 1"),
    }.get(between, ("private", "place 1"))


@pytest.mark.parametrize("client_id", ["none", "bad", "rest"])
def test_an_order_that_cannot_be_prepared_is_answered_when_it_comes(client_id: str) -> None:
    driver = connected()
    driver.out = []
    command = prepared(driver, client_id)
    assert driver.out == []
    driver.command(command)
    assert bool(driver.fetches()) is (client_id == "rest")


def test_nothing_is_prepared_while_the_link_is_down() -> None:
    exchange = PlainExchange()
    driver = connected(exchange)
    driver.closed()
    prepared(driver)
    assert exchange.made == 0


# --- links -------------------------------------------------------------------------------------------


def test_the_link_opens_after_the_reference_and_what_it_needs() -> None:
    driver = OrderDriver(ExchangeOrderAdapter(PlainExchange(needs_token=True), FixedRandom()))
    assert not of(driver.answer("/time", ""), Open)
    assert not of(driver.answer("/token", "", 503), Open)
    driver.wait(4.9)
    assert not driver.fetches()
    driver.wait(0.2)
    assert of(driver.answer("/token", "the token"), Open) == [Open("private", "ws://plain")]
    driver.opened()
    driver.frame("sign in")
    assert texts(driver) == ["log in", "subscribe"]
    driver.frame("signed in")
    driver.frame("signed in")
    assert driver.reports() == [LinkUp()]


def test_a_refused_link_is_opened_again_after_its_wait() -> None:
    exchange = PlainExchange()
    driver = connected(exchange)
    driver.command(place("a"))
    assert reports(driver.frame("refused")) == [PlaceAnswer("a", "unknown"), LinkDown()]
    assert of(driver.out, Close) == [Close("private", "refused")]
    driver.closed()
    assert set(exchange.closed_links) == {"private"}
    assert not of(driver.wait(29), Open)
    assert of(driver.wait(2), Open)


def test_a_stream_that_tells_nothing_of_an_accepted_order_is_opened_again() -> None:
    driver = connected()
    driver.command(place("a"))
    driver.frame("1 ok")
    driver.command(place("b"))
    driver.frame("shown")
    driver.frame("2 ok")
    driver.reports()
    assert of(driver.wait(9), Close) == []
    (close,) = of(driver.wait(2), Close)  # nothing was told of b
    assert close.reason == "its events do not come"


# --- requests ----------------------------------------------------------------------------------------


def test_what_cannot_be_sent_is_answered_at_once() -> None:
    exchange = PlainExchange()
    driver = connected(exchange)
    for client_id, code in (("none", Code.TICK_SIZE), ("bad", Code.VENUE_REJECTED)):
        (answer,) = reports(driver.command(place(client_id)))
        assert isinstance(answer, PlaceAnswer)
        assert (answer.outcome, answer.code) == ("rejected", code)
    none = AmendAnswer("none", "refused", Code.VENUE_UNAVAILABLE)
    assert reports(driver.command(amend("none"))) == [none]
    assert reports(driver.command(cancel("none"))) == [CancelAnswer("none", "unknown")]
    exchange.free_us = driver.now_us + SECOND
    (answer,) = reports(driver.command(place("a")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.RATE_LIMITED)
    assert reports(driver.command(amend("a"))) == [AmendAnswer("a", "refused", Code.RATE_LIMITED)]
    driver.closed()
    (answer,) = reports(driver.command(place("a")))
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_UNAVAILABLE)
    assert texts(driver) == []


def test_what_comes_first_accepts_an_order_and_its_answer_says_nothing_more() -> None:
    driver = connected()
    texts(driver)
    driver.command(place("a"))
    assert texts(driver) == ["place 1"]
    assert reports(driver.frame("shown")) == [PlaceAnswer("a", "accepted", "88"), SEEN]
    assert reports(driver.frame("1 no")) == []


def test_an_amend_whose_result_is_to_come_waits_for_it() -> None:
    driver = connected()
    driver.command(amend("a"))
    assert reports(driver.frame("1 later")) == []
    assert reports(driver.frame("1 ok")) == [AmendAnswer("a", "amended")]
    driver.command(amend("b"))
    driver.frame("2 later")
    assert AmendAnswer("b", "unknown") in driver.wait(11)


@pytest.mark.parametrize(("body", "outcome"), [("ok", "accepted"), ("no", "rejected"), ("", "unknown")])
def test_an_order_by_rest(body: str, outcome: str) -> None:
    driver = connected()
    driver.command(place("r1"))
    (answer,) = reports(driver.answer("/order", body))
    assert isinstance(answer, PlaceAnswer)
    assert answer.outcome == outcome


def test_an_order_by_rest_is_unknown_once_when_no_answer_comes() -> None:
    driver = connected()
    driver.command(place("r1"))
    assert reports(driver.wait(24)) == []
    assert reports(driver.wait(30)) == [PlaceAnswer("r1", "unknown")]
    assert reports(driver.answer("/order", "ok")) == []


def test_reads_that_are_of_no_use_fail() -> None:
    driver = connected()
    driver.command(query(7))
    assert reports(driver.answer("/read", "")) == [QueryFailed(7)]
    driver.command(Reconcile(9, ""))
    assert reports(driver.answer("/read", "")) == [ReconcileFailed(9)]


@pytest.mark.parametrize("exchange", [BybitOrders, CoinbaseOrders, KrakenOrders, OkxOrders])
def test_no_query_is_asked_again_while_its_answer_may_come(exchange: type[HasPolicy]) -> None:
    assert exchange.policy.answer_us > LONGEST_US + exchange.reading_us


def test_an_order_is_asked_for_once_at_a_time() -> None:
    driver = connected()
    driver.command(query(7, "a"))
    assert reports(driver.command(query(8, "a"))) == [QueryFailed(8)]
    assert reports(driver.command(query(9, "b"))) == []
    assert reports(driver.answer("/read", "")) == [QueryFailed(7)]
    assert reports(driver.command(query(10, "a"))) == []


def test_the_account_is_reconciled_once_at_a_time_and_not_over_a_lost_link() -> None:
    driver = connected()
    driver.command(Reconcile(1, ""))
    assert reports(driver.command(Reconcile(2, ""))) == [ReconcileFailed(2)]
    assert reports(driver.closed()) == [LinkDown()]
    assert reports(driver.answer("/read", "ok")) == [ReconcileFailed(1)]


# --- cancels -----------------------------------------------------------------------------------------


def test_cancels_wait_for_the_limit_and_go_together() -> None:
    exchange = PlainExchange(cancels_per_request=2)
    driver = connected(exchange)
    texts(driver)
    exchange.free_us = driver.now_us + 2 * SECOND
    for client_id in "abc":
        assert reports(driver.command(cancel(client_id))) == []
    driver.wait(1.9)
    assert texts(driver) == []
    driver.wait(0.2)
    assert texts(driver) == ["cancel 1 2", "cancel 3"]
    assert reports(driver.frame("2 ok")) == [CancelAnswer("b", "taken")]


def test_a_cancel_without_effect_is_sent_again_and_delays_no_other() -> None:
    driver = connected()
    texts(driver)
    driver.command(cancel("a"))
    assert reports(driver.frame("1 again")) == []
    driver.command(cancel("b"))
    assert texts(driver) == ["cancel 1", "cancel 2"]
    driver.wait(1.1)
    assert texts(driver) == ["cancel 3"]
    assert reports(driver.frame("3 no")) == [CancelAnswer("a", "refused")]


def test_cancels_go_by_rest_while_the_link_is_down() -> None:
    driver = connected()
    driver.closed()
    driver.command(cancel("a"))
    assert reports(driver.answer("/order", "again", 429)) == []
    driver.wait(1.1)
    assert CancelAnswer("a", "taken") in reports(driver.answer("/order", "ok"))
