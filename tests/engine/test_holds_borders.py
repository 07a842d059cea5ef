"""Holds and fees to the last unit: what is rounded, what is credited, what an amend on its way may need."""

from __future__ import annotations

import pytest

from floorwire.core.account_events import Balance
from floorwire.core.orders import Order, OrderTicket
from floorwire.engine.fees import fee
from floorwire.engine.holds import answered, asking, held, holding
from floorwire.engine.instrument_units import InstrumentUnits
from tests.engine.market import BTC

TERMS = InstrumentUnits.of(BTC, 8, 8)
UNIT = TERMS.quote_units
BUY = OrderTicket("ann", "1", BTC.symbol, "buy", "limit", 10, None, 190)
SELL = OrderTicket("ann", "2", BTC.symbol, "sell", "limit", 10, None, 190)
SPEND = OrderTicket("ann", "3", BTC.symbol, "buy", "market", None, 1_000, None, None, "ioc")


def test_a_fee_is_rounded_up_and_what_was_paid_too_much_is_the_next_ones() -> None:
    assert fee(1, 1, 0) == (1, 999_999)
    assert fee(1, 1, 999_999) == (0, 999_998)
    assert fee(999_998, 1, 999_998) == (0, 0)
    assert fee(1_000_001, 1, 1_000_000) == (1, 999_999), "one millionth of a unit is a unit"
    assert fee(0, 2_500, 0) == (0, 0)


def test_a_hold_has_the_worst_fee_less_what_was_paid_too_much() -> None:
    notional = 190 * 10 * UNIT
    assert held(BUY, TERMS, 190, 10, 0, 0, 0) == notional
    assert held(BUY, TERMS, 190, 10, 0, 2_500, 0) == notional + notional * 2_500 // 1_000_000
    one = notional * 1 - 1
    assert held(BUY, TERMS, 190, 10, 0, 1, one) == notional + 1, "one millionth of a unit is a unit"
    assert held(BUY, TERMS, 190, 10, 0, 1, one + 1) == notional
    assert held(SELL, TERMS, 190, 10, 0, 2_500, 0) == 10 * TERMS.base_units


@pytest.mark.parametrize(("left_lots", "spent", "turnover"), [(10, 0, 1_000), (10, 900, 100), (2, 0, 380)])
def test_an_order_that_spends_holds_no_more_than_is_left_to_spend(
    left_lots: int, spent: int, turnover: int
) -> None:
    assert held(SPEND, TERMS, 190, left_lots, spent, 0, 0) == turnover * UNIT


def test_a_hold_on_what_an_account_never_had() -> None:
    assert holding({}, TERMS, "buy", 7) == Balance("USDT", 0, 7, 8)
    assert holding({}, TERMS, "sell", 7) == Balance("BTC", 0, 7, 8)
    has = {"USDT": Balance("USDT", 10, 2, 8)}
    assert holding(has, TERMS, "buy", 7) == Balance("USDT", 10, 9, 8)


def order(filled_lots: int = 0) -> Order:
    return Order(1, BUY, "k", 10, 190, "new", 1, 1, filled_lots)


@pytest.mark.parametrize(
    ("price", "lots", "highest", "most"),
    [(195, 12, 195, 12), (195, 8, 195, 10), (180, 12, 190, 12), (180, 8, 190, 10), (190, 10, 190, 10)],
)
def test_an_amend_on_its_way_holds_for_the_higher_price_and_the_larger_quantity(
    price: int, lots: int, highest: int, most: int
) -> None:
    asked = asking(order(4), TERMS, price, lots)
    assert (asked.price_ticks, asked.lots, asked.amending) == (190, 10, 1)
    assert asked.held == highest * (most - 4) * UNIT
    again = asking(asked, TERMS, 185, 9)
    assert (again.amending, again.held) == (2, asked.held)
    first = answered(again, TERMS, price, lots, 5)
    assert (first.amending, first.asked_ticks, first.asked_lots) == (1, again.asked_ticks, again.asked_lots)
    last = answered(first, TERMS, 185, 9, 6)
    assert (last.amending, last.asked_ticks, last.asked_lots) == (0, 0, 0)
    assert (last.price_ticks, last.lots, last.updated_us) == (185, 9, 6)
    assert last.held == 185 * 5 * UNIT
