"""Kraken: how long it takes until orders are taken, and how queries leave the count of reads to that.

The exchange is its documented count of reads alone, and time is stepped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from floorwire.core.order_ports import KrakenTier
from floorwire.core.remote_order_messages import (
    LinkDown,
    LinkUp,
    OrderAnswer,
    QueryFailed,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
)
from floorwire.venues.common.request_sequences import LONGEST_US
from floorwire.venues.kraken import limits
from tests.venues.kraken.order_session import (
    ID,
    LISTED,
    ORDER_ID,
    PAIRS,
    SUBSCRIBED,
    TIME,
    TOKEN,
    new,
    rest,
    rows,
)
from tests.venues.order_driver import NOW, SECOND, OrderDriver, path_of, query

MOST = 15
STEP_S = 0.05
OPEN_ORDERS = "/0/private/OpenOrders"
CLOSED_ORDERS = "/0/private/ClosedOrders"
QUERY_ORDERS = "/0/private/QueryOrders"
TRADES = "/0/private/TradesHistory"
BALANCE = "/0/private/BalanceEx"
TRADE = {
    "ordertxid": ORDER_ID,
    "pair": "XBTUSDT",
    "price": "1",
    "vol": "1",
    "fee": "0",
    "time": 1767225601.5,
    "trade_id": 1,
    "maker": True,
}
WEIGHTS = {TRADES: 2, CLOSED_ORDERS: 2}
ANSWERS: Mapping[str, object] = {
    TOKEN: {"token": "t"},
    OPEN_ORDERS: {"open": {}},
    CLOSED_ORDERS: {"closed": {}},
    QUERY_ORDERS: {},
    TRADES: {"trades": {}, "count": 0},
    BALANCE: {"XXBT": {"balance": "1"}},
}
INTERVAL = limits.TIERS["starter"].reads.interval_us / SECOND
COUNTS: Mapping[KrakenTier, tuple[int, float]] = {
    "starter": (15, 0.33),
    "intermediate": (20, 0.5),
    "pro": (20, 1.0),
}
"""By tier: the most of the count, and what is taken off each second."""


class Kraken:
    """Answers the adapter at once, as its count allows."""

    def __init__(self, used: float, tier: KrakenTier = "starter") -> None:
        """``used``: what an earlier process has left in the count."""
        self.driver: OrderDriver = new(tier)
        self._most, self._off_a_second = COUNTS[tier]
        self._used, self._since_us = used, NOW
        self.asked: list[tuple[float, str]] = []
        """When something was read, in seconds from the start."""
        self.refused = 0
        self.pages: list[dict[str, object]] = []
        """Executions, the next page first."""
        self._looks = 0

    @property
    def seconds(self) -> float:
        return (self.driver.now_us - NOW) / SECOND

    def until(self, seconds: float) -> None:
        """Let time pass, and answer what is asked meanwhile."""
        self.answer()
        while self.seconds < seconds:
            self.driver.wait(STEP_S)
            self.driver.frame({"channel": "heartbeat"})
            self.answer()

    def answer(self) -> None:
        """Answer all that was asked."""
        while fetches := self.driver.fetches():
            path = path_of(fetches[0])
            if path == TIME:
                self.driver.answer(TIME, rest({"unixtime": self.driver.date_us // SECOND}))
            elif path == PAIRS:
                self.driver.answer(PAIRS, rest(LISTED))
            elif not self._counts(path):
                self.driver.answer(path, rest(None, "EAPI:Rate limit exceeded"))
            elif path == TRADES and self.pages:
                self.driver.answer(path, rest(self.pages.pop(0)))
            else:
                self.driver.answer(path, rest(ANSWERS[path]))
            if path == TOKEN:
                self.driver.opened()
                self.driver.frame(rows([], kind="snapshot", sequence=1))
                self.driver.frame(SUBSCRIBED)

    def reconcile(self, *, is_second_look: bool = False) -> float:
        """Reconcile; return how many seconds that took."""
        self._looks += 1
        began = self.seconds
        self.driver.command(Reconcile(self._looks, "", is_second_look))
        self._until(lambda one: isinstance(one, ReconcileAnswer) and one.request == self._looks)
        return self.seconds - began

    def until_up(self) -> float:
        """Wait for the private link; return when it came up, in seconds from the start."""
        self._until(lambda one: one == LinkUp())
        return self.seconds

    def _until(self, is_wanted: Callable[[object], bool]) -> None:
        self.answer()
        while not any(map(is_wanted, self.driver.out)):
            assert self.seconds < 300, self.asked
            self.until(self.seconds + STEP_S / 2)

    def _counts(self, path: str) -> bool:
        now_us = self.driver.now_us
        self._used = max(0.0, self._used - (now_us - self._since_us) / SECOND * self._off_a_second)
        self._since_us = now_us
        weight = WEIGHTS.get(path, 1)
        if self._used + weight > self._most:
            self.refused += 1
            return False
        self._used += weight
        self.asked.append((self.seconds, path))
        return True


def test_where_the_count_has_room_nothing_waits() -> None:
    kraken = Kraken(used=9)
    for number in range(4):  # orders that were on their way when the process ended
        kraken.driver.command(query(number, f"{ID[:-1]}{number}"))
    assert kraken.until_up() == 0
    assert kraken.reconcile() == 0
    assert kraken.reconcile(is_second_look=True) == 0
    assert kraken.refused == 0


@pytest.mark.parametrize("tier", COUNTS)
def test_where_an_earlier_process_used_the_count_up_it_takes_what_kraken_needs_to_count_down(
    tier: KrakenTier,
) -> None:
    most, off_a_second = COUNTS[tier]
    interval = limits.TIERS[tier].reads.interval_us / SECOND
    kraken = Kraken(used=most, tier=tier)
    for number in range(4):
        kraken.driver.command(query(number, f"{ID[:-1]}{number}"))
    kraken.until_up()
    kraken.reconcile()
    assert kraken.seconds == pytest.approx(5 * interval, abs=0.2)  # the token, and the four of a whole look
    assert kraken.seconds < 1.03 * 5 / off_a_second + 0.2
    kraken.reconcile(is_second_look=True)
    assert kraken.seconds == pytest.approx(6 * interval, abs=0.3)
    assert kraken.refused == 1  # which told that the count is used up
    assert [path for _, path in kraken.asked] == [TOKEN, OPEN_ORDERS, TRADES, BALANCE, BALANCE]


def test_queries_go_on_when_the_account_is_open_and_leave_what_a_new_link_needs() -> None:
    kraken = Kraken(used=0)
    kraken.until_up()
    kraken.reconcile()
    for number in range(4):
        kraken.driver.command(query(number, f"{ID[:-1]}{number}"))
    kraken.until(60)
    answered = [one for one in kraken.driver.out if isinstance(one, OrderAnswer)]
    assert answered
    kraken.driver.out = []
    kraken.driver.closed()
    lost = kraken.seconds
    assert kraken.until_up() - lost < 0.7  # the pause before the next try
    assert kraken.reconcile() == 0
    assert kraken.reconcile(is_second_look=True) == 0
    assert kraken.refused == 0


def test_a_reconciliation_of_a_lost_link_ends_with_it() -> None:
    kraken = Kraken(used=MOST)
    kraken.until_up()
    kraken.driver.command(Reconcile(7, ""))
    kraken.until(kraken.seconds + 1)
    outputs = kraken.driver.closed()
    assert LinkDown() in outputs
    assert ReconcileFailed(7) in outputs


def test_one_reconciliation_at_a_time_and_one_query_of_an_order() -> None:
    kraken = Kraken(used=0)
    kraken.until_up()
    kraken.driver.command(Reconcile(1, ""))
    assert ReconcileFailed(2) in kraken.driver.command(Reconcile(2, ""))
    kraken.driver.command(query(3, ID, ORDER_ID))
    assert QueryFailed(4) in kraken.driver.command(query(4, ID, ORDER_ID))
    kraken.until(40)
    found = [one for one in kraken.driver.out if isinstance(one, ReconcileAnswer | OrderAnswer)]
    assert [type(one) for one in found] == [ReconcileAnswer, OrderAnswer]


def test_a_long_history_is_read_though_the_count_is_used_up() -> None:
    kraken = Kraken(used=MOST)
    kraken.until_up()
    pages = [{f"{page}{one}": TRADE for one in range(50)} for page in range(4)]
    kraken.pages = [{"trades": page, "count": 200} for page in pages]
    took = kraken.reconcile()
    assert took == pytest.approx(10 * INTERVAL, abs=0.2)  # orders, four pages, balances
    assert took > LONGEST_US / SECOND
    assert kraken.refused == 1
