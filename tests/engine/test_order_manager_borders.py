"""Orders at the edges of what is allowed: deadlines, ids, the last unit of money, amends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from floorwire.core.account_events import Deposited, Listed, OrderEnded
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Filled, Triggered
from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import Order, OrderTicket, OrderType
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.units import Scale
from floorwire.engine.account import NO_GUARD
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC, ETH

NOW = 1_000_000
AT = moment(NOW)
COLLAR = Limits(price_collar="0.1")
FINE = replace(BTC, tick_size="0.000001", min_notional="0")
"""One tick times one lot is one unit of money."""


class Desk:
    """Ann's orders, at prices as a test says; no market answers."""

    def __init__(
        self,
        usdt: str = "1000000",
        instrument: Instrument = BTC,
        limits: Limits = COLLAR,
        ppm: int = 0,
    ) -> None:
        self.prices = Prices(199, 201, 200, "live")
        rules = TradingRules(limits=limits, maker_ppm=ppm, taker_ppm=ppm)
        self.order_manager = OrderManager(rules, lambda _: self.prices)
        self.order_manager.list_instruments([instrument], 0)
        self.order_manager.deposit("ann", "BTC", "10", 1, 0)
        self.order_manager.deposit("ann", "USDT", usdt, 2, 0)
        self.placed = 0

    def ticket(
        self, side: Side = "buy", price: int | None = 190, lots: int | None = 10, **more: object
    ) -> OrderTicket:
        self.placed += 1
        kind: OrderType = "limit" if price is not None else "market"
        made = OrderTicket("ann", str(self.placed), BTC.symbol, side, kind, lots, None, price)
        return replace(made, **more)

    def place(self, ticket: OrderTicket) -> Order:
        order = self.order_manager.place(ticket, AT).order
        assert order is not None
        return order

    def find(self, order: Order) -> Order:
        return self.order_manager.find("ann", order.order_id)


def refusal(act: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value


def test_a_deadline_has_passed_one_microsecond_after_it() -> None:
    desk = Desk()
    order = desk.order_manager.place(desk.ticket(), AT, deadline_us=NOW).order
    assert order is not None
    assert order.key == "", "nobody's key where none is said"
    desk.order_manager.amend(order, AT, lots=5, deadline_us=NOW)
    late = refusal(lambda: desk.order_manager.place(desk.ticket(), AT, deadline_us=NOW - 1))
    assert (late.code, late.details) == (Code.DEADLINE_PASSED, {"late_us": 1})
    late = refusal(lambda: desk.order_manager.amend(desk.find(order), AT, lots=5, deadline_us=NOW - 1))
    assert late.code is Code.DEADLINE_PASSED


def test_ids_go_on_after_those_that_are_skipped() -> None:
    desk = Desk()
    assert desk.place(desk.ticket()).order_id == desk.order_manager.last_order_id() == 1
    desk.order_manager.skip_ids(100)
    assert desk.order_manager.last_order_id() == 100
    assert [desk.place(desk.ticket()).order_id for _ in range(2)] == [101, 102]
    assert desk.order_manager.last_order_id() == 102
    desk.order_manager.skip_ids(50)
    assert desk.place(desk.ticket()).order_id == desk.order_manager.last_order_id() == 103


def test_all_of_ones_money_may_be_held_and_not_one_unit_more() -> None:
    desk = Desk(usdt="0.00000199", instrument=FINE)
    order = desk.place(desk.ticket(price=199, lots=1))
    assert order.held == 199
    short = refusal(lambda: desk.order_manager.amend(order, AT, price_ticks=200))
    assert (short.code, short.details["needed"]) == (Code.INSUFFICIENT_BALANCE, "0.00000001")
    assert refusal(lambda: Desk("0.00000198", FINE).place(desk.ticket(price=199, lots=1))).code is (
        Code.INSUFFICIENT_BALANCE
    )


def test_a_hold_is_price_times_quantity_and_the_fee_of_that_rounded_up() -> None:
    desk = Desk(instrument=FINE, ppm=1)
    desk.prices = Prices(1_000_000, 1_000_001, 0, "live")
    assert desk.place(desk.ticket(price=1_000_001, lots=1)).held == 1_000_003


def test_a_market_buy_holds_what_it_may_spend() -> None:
    desk = Desk()
    order = desk.place(desk.ticket(price=None, lots=None, spend=4_021, time_in_force="ioc"))
    assert (order.lots, order.price_ticks) == (20, 221)
    assert order.held == 4_021 * 500_000, "its worst price would be more"


def test_the_decision_of_a_cancel_has_the_order() -> None:
    desk = Desk()
    order = desk.place(desk.ticket())
    assert desk.order_manager.cancel(order).order == order


def test_to_set_no_guard_where_there_is_none_is_nothing_to_journal() -> None:
    assert Desk().order_manager.set_guard("ann", "k", NO_GUARD, NOW) == []


def test_amends_of_buys_count_against_the_position_limit_by_what_they_add() -> None:
    desk = Desk(limits=replace(COLLAR, max_position={"BTC": "10.1"}))
    order = desk.place(desk.ticket())
    desk.order_manager.amend(order, AT, price_ticks=191)
    assert (
        refusal(lambda: desk.order_manager.amend(desk.find(order), AT, lots=11)).code is Code.POSITION_LIMIT
    )
    desk.order_manager.amend(desk.find(order), AT, lots=9)
    sell = desk.place(desk.ticket("sell", 210))
    desk.order_manager.amend(sell, AT, lots=500)
    desk = Desk(limits=replace(COLLAR, max_position={"BTC": "10.2"}))
    order = desk.place(desk.ticket())
    desk.order_manager.amend(order, AT, lots=20)


def test_an_amend_to_what_is_filled_is_a_cancel_and_no_price_is_wrong_for_it() -> None:
    desk = Desk()
    order = desk.place(desk.ticket())
    desk.order_manager.settle([Filled(order.order_id, "t", 190, 4, 6, "maker", NOW)], NOW)
    assert refusal(lambda: desk.order_manager.amend(desk.find(order), AT, price_ticks=400, lots=5)).code is (
        Code.PRICE_BAND
    )
    assert desk.order_manager.amend(desk.find(order), AT, price_ticks=400, lots=4).commands


def test_a_stop_is_measured_at_its_stop_price_and_at_the_market_once_it_is_there() -> None:
    desk = Desk()
    order = desk.place(desk.ticket(price=200, type="stop_limit", stop_ticks=198))
    desk.prices = Prices(299, 300, 300, "live")
    assert (
        refusal(lambda: desk.order_manager.amend(desk.find(order), AT, price_ticks=320)).code
        is Code.PRICE_BAND
    )
    desk.order_manager.settle([Triggered(order.order_id, NOW)], NOW)
    desk.order_manager.amend(desk.find(order), AT, price_ticks=320)
    desk.order_manager.settle([Amended(order.order_id, 320, 10, NOW)], NOW)
    assert desk.find(order).price_ticks == 320


def test_a_deposit_may_be_nothing_and_as_much_as_there_may_be() -> None:
    desk = Desk()
    (entry,) = desk.order_manager.deposit("ann", "XMR", "0.000000001", 3, NOW)
    assert isinstance(entry.event, Deposited)
    assert (entry.event.units, entry.event.balance.total) == (0, 0)
    most = Scale(8, 1).format(MOST_UNITS)
    (entry,) = desk.order_manager.deposit("ann", "XMR", most, 4, NOW)
    assert isinstance(entry.event, Deposited)
    assert entry.event.balance.total == MOST_UNITS
    for amount in ("0.00000001", "-1", "x"):
        refused = refusal(lambda given=amount: desk.order_manager.deposit("ann", "XMR", given, 5, NOW))  # type: ignore[misc]
        assert (refused.code, refused.details) == (Code.BAD_REQUEST, {"field": "amount"})


def test_all_that_ends_when_several_instruments_change_is_journalled() -> None:
    desk = Desk()
    desk.order_manager.list_instruments([ETH], NOW)
    for symbol, price in ((BTC.symbol, 190), (ETH.symbol, 190)):
        desk.place(desk.ticket(price=price, symbol=symbol))
    changed = [replace(one, tick_size="0.1") for one in (BTC, ETH)]
    entries = desk.order_manager.list_instruments(changed, NOW)
    assert [type(entry.event) for entry in entries] == [OrderEnded, Listed, OrderEnded, Listed]
    assert desk.order_manager.open_orders("ann") == []
