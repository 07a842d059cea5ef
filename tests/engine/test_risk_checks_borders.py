"""Each limit at its edge: what is just allowed, and what is one step beyond."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import Order, OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC

NOW = 1_000_000
AT = moment(NOW)
LIMITS = Limits(price_collar="0.1")


class Desk:
    """Ann, with much money, at a market whose prices are as a test says."""

    def __init__(self, instrument: Instrument = BTC, limits: Limits = LIMITS) -> None:
        self.prices = Prices(199, 201, 200, "live")
        self.order_manager = OrderManager(TradingRules(limits=limits), lambda _: self.prices)
        self.order_manager.list_instruments([instrument], 0)
        for number, asset in enumerate(("BTC", "USDT"), 1):
            self.order_manager.deposit("ann", asset, "1000000", number, 0)
        self.placed = 0

    def limit(self, side: Side, price: int, lots: int = 10) -> Order:
        return self._place(OrderTicket("ann", self._name(), BTC.symbol, side, "limit", lots, None, price))

    def market(self, side: Side, lots: int = 10) -> Order:
        ticket = OrderTicket("ann", self._name(), BTC.symbol, side, "market", lots, None, None, None, "ioc")
        return self._place(ticket)

    def spend(self, amount: int) -> Order:
        of = BTC.symbol
        ticket = OrderTicket("ann", self._name(), of, "buy", "market", None, amount, None, None, "ioc")
        return self._place(ticket)

    def _name(self) -> str:
        self.placed += 1
        return str(self.placed)

    def _place(self, ticket: OrderTicket) -> Order:
        order = self.order_manager.place(ticket, AT, key="k").order
        assert order is not None
        return order


def refusal(act: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value


def test_an_instrument_that_is_not_open_says_that_it_is_the_symbol() -> None:
    caught = refusal(lambda: Desk(replace(BTC, state="halted")).limit("buy", 190))
    assert (caught.code, caught.details) == (Code.MARKET_HALTED, {"scope": "symbol"})


@pytest.mark.parametrize(("side", "prices"), [("sell", (0, 201)), ("buy", (199, 0))])
def test_a_market_order_needs_its_own_other_side(side: Side, prices: tuple[int, int]) -> None:
    desk = Desk()
    desk.prices = Prices(*prices, 200, "live")
    assert refusal(lambda: desk.market(side)).code is Code.NO_LIQUIDITY
    other: Side = "buy" if side == "sell" else "sell"
    assert desk.market(other).lots == 10


def test_a_market_sell_may_go_down_to_one_tick_and_not_below() -> None:
    desk = Desk()
    for bid, worst in ((1, 1), (2, 2), (10, 9)):
        desk.prices = Prices(bid, 201, 200, "live")
        assert desk.market("sell", 1_000).price_ticks == worst


def test_worth_as_much_as_is_allowed_is_allowed() -> None:
    assert Desk(limits=replace(LIMITS, max_order_notional="9.5")).limit("buy", 190).lots == 10
    caught = refusal(lambda: Desk(limits=replace(LIMITS, max_order_notional="9.499")).limit("buy", 190))
    assert (caught.code, caught.details) == (Code.MAX_NOTIONAL, {"limit": "9.495", "notional": "9.500"})


def test_worth_as_little_as_is_allowed_is_allowed() -> None:
    assert Desk(replace(BTC, min_notional="9.5")).limit("buy", 190).lots == 10
    caught = refusal(lambda: Desk(replace(BTC, min_notional="9.501")).limit("buy", 190))
    assert caught.code is Code.MIN_NOTIONAL


@pytest.mark.parametrize(
    ("least", "lots"), [("0.1", 10), ("0.095", 10), ("0.101", 11), ("0", 1), ("0.001", 1)]
)
def test_the_least_quantity_is_in_whole_lots(least: str, lots: int) -> None:
    desk = Desk(replace(BTC, min_quantity=least, min_notional="0"))
    assert desk.limit("buy", 190, lots).lots == lots
    if lots > 1:
        caught = refusal(lambda: desk.limit("buy", 190, lots - 1))
        assert (caught.code, caught.details) == (Code.MIN_QUANTITY, {"limit": BTC.size.format(lots)})


def test_an_amount_that_buys_less_than_the_least_quantity_is_refused() -> None:
    desk = Desk(replace(BTC, min_quantity="0.1", min_notional="0"))
    assert desk.spend(201 * 10).lots == 10
    assert refusal(lambda: desk.spend(201 * 9)).code is Code.MIN_QUANTITY
    assert refusal(lambda: desk.spend(200)).code is Code.MIN_NOTIONAL


@pytest.mark.parametrize(("side", "inside", "outside"), [("buy", 160, 159), ("sell", 240, 241)])
def test_a_price_at_the_end_of_the_band_is_in_it(side: Side, inside: int, outside: int) -> None:
    desk = Desk(replace(BTC, price_band="0.2"))
    assert desk.limit(side, inside).price_ticks == inside
    caught = refusal(lambda: desk.limit(side, outside))
    assert (caught.code, caught.details["rule"]) == (Code.PRICE_BAND, "band")


@pytest.mark.parametrize(("side", "inside", "outside"), [("buy", 221, 222), ("sell", 180, 179)])
def test_a_price_at_the_end_of_the_collar_is_in_it(side: Side, inside: int, outside: int) -> None:
    desk = Desk()
    assert desk.limit(side, inside).price_ticks == inside
    caught = refusal(lambda: desk.limit(side, outside))
    assert caught.details == {"rule": "collar", "limit": BTC.price.format(inside)}
