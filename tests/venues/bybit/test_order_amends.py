"""The limits of open orders, and amends whose result is to come."""

from __future__ import annotations

from floorwire.venues.bybit.order_amends import OrderAmends
from tests.venues.bybit.order_session import ID, seen
from tests.venues.order_driver import amend


def test_of_an_unknown_limit_all_is_sent() -> None:
    argument = OrderAmends().argument(amend(), "BTCUSDT")
    assert argument is not None
    assert (argument["price"], argument["qty"]) == ("30001.0", "0.020")


def test_an_amend_is_done_once() -> None:
    amends = OrderAmends()
    amends.sent(amend(), 5)
    assert amends.seen(seen()) is None
    assert amends.seen(seen(price="30001", quantity="0.0200")) == 5
    assert amends.seen(seen(price="30001", quantity="0.0200")) is None


def test_an_order_that_ended_is_forgotten() -> None:
    amends = OrderAmends()
    amends.limit(ID, "30001", "0.02")
    amends.sent(amend(), 5)
    assert amends.argument(amend(), "BTCUSDT") is None
    assert amends.seen(seen(state="filled", price="30001", quantity="0.02")) is None
    assert amends.seen(seen(price="30001", quantity="0.02")) is None


def test_a_refused_amend_is_not_done_by_what_the_stream_shows() -> None:
    amends = OrderAmends()
    amends.sent(amend(), 5)
    amends.ended(ID)
    assert amends.seen(seen(price="30001", quantity="0.02")) is None


def test_texts_that_are_no_amounts_are_the_same_as_nothing() -> None:
    amends = OrderAmends()
    amends.limit(ID, "x", "y")
    assert amends.argument(amend(), "BTCUSDT") is not None
