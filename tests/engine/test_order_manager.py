from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEntry,
    AmendRefused,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    Seqs,
)
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Triggered, Working
from floorwire.core.instrument import Side
from floorwire.core.limits import Limits
from floorwire.core.order_commands import Amend, Cancel, Place
from floorwire.core.orders import Order, OrderTicket, OrderType, TimeInForce
from floorwire.core.refusal import Refusal
from floorwire.engine import account as account_module
from floorwire.engine import chunked_history
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import (
    BTC,
    CROSS,
    ETH,
    RULES,
    Market,
    at_no_venue,
    cancel_all,
    order_manager,
    place_again,
)

NOW = 1_000_000
AT = moment(NOW)


class Floor:
    """Ann, with 10 BTC and 1,000 USDT, at a market whose best are 99.5 (199 ticks) and 100.5 (201)."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.market = Market(BTC, ETH, CROSS)
        rules = RULES if limits is None else replace(RULES, limits=limits)
        self.order_manager = order_manager(self.market, BTC, ETH, CROSS, rules=rules)
        self.order_manager.deposit("ann", "BTC", "10", 1, 0)
        self.order_manager.deposit("ann", "USDT", "1000", 2, 0)
        self.market.other("buy", 1_000, 199)
        self.market.other("sell", 1_000, 201)
        self.placed = 0

    def ticket(
        self,
        side: Side = "buy",
        lots: int | None = 10,
        price: int | None = 190,
        type: OrderType = "limit",
        tif: TimeInForce = "gtc",
        stop: int | None = None,
        **more: object,
    ) -> OrderTicket:
        self.placed += 1
        made = OrderTicket("ann", str(self.placed), BTC.symbol, side, type, lots, None, price, stop, tif)
        return replace(made, **more)

    def place(self, ticket: OrderTicket, key: str = "k") -> Order:
        self.carry_out(self.order_manager.place(ticket, AT, key=key))
        return self.order_manager.find(ticket.account, client_order_id=ticket.client_order_id)

    def carry_out(self, decision: OrderDecision) -> None:
        for command in decision.commands:
            self.order_manager.settle(self.market.execute(command), NOW)

    def has(self, asset: str) -> tuple[int, int]:
        found = {balance.asset: balance for balance in self.order_manager.balances("ann")}[asset]
        return found.total, found.held


@pytest.fixture
def floor() -> Floor:
    return Floor()


def refusal(act: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value


# --- checks, in their order ---------------------------------------------------------------------------


def test_each_check_gives_its_code_and_its_details() -> None:
    limits = Limits(
        max_order_notional="300",
        max_order_quantity={"BTC": "2"},
        max_position={"BTC": "10.5"},
        price_collar="0.1",
        max_open_orders=3,
    )
    floor = Floor(limits)
    banded = replace(BTC, price_band="0.2")
    floor.order_manager.list_instruments([banded], NOW)
    floor.market.other("buy", 1, 201, ioc=True)  # the last price is 201
    for ticket, code, details in (
        (floor.ticket(symbol="XRP-USDT"), Code.UNKNOWN_SYMBOL, {"symbol": "XRP-USDT"}),
        (floor.ticket(tif="gtd", expires_us=NOW), Code.BAD_REQUEST, {"field": "expires"}),
        (floor.ticket(lots=1), Code.MIN_NOTIONAL, {"limit": "1.000", "notional": "0.950"}),
        (
            floor.ticket(lots=None, spend=200, price=None, type="market", tif="ioc"),
            Code.MIN_NOTIONAL,
            {"limit": "1.005", "notional": "1.000"},
        ),
        (floor.ticket(lots=201), Code.MAX_QUANTITY, {"limit": "2.00"}),
        (floor.ticket("sell", 200, 400), Code.MAX_NOTIONAL, {"limit": "300.000", "notional": "400.000"}),
        (floor.ticket(price=160), Code.PRICE_BAND, {"rule": "band", "limit": "80.5"}),
        (floor.ticket("sell", price=250), Code.PRICE_BAND, {"rule": "band", "limit": "120.5"}),
        (floor.ticket(price=222), Code.PRICE_BAND, {"rule": "collar", "limit": "110.5"}),
        (floor.ticket("sell", price=179), Code.PRICE_BAND, {"rule": "collar", "limit": "90.0"}),
        (
            floor.ticket(price=221, stop=200, type="stop_limit"),
            Code.PRICE_BAND,
            {"rule": "collar", "limit": "110.0"},
        ),
        (floor.ticket(reduce_only=True), Code.REDUCE_ONLY, {}),
        (floor.ticket(lots=51), Code.POSITION_LIMIT, {"limit": "10.50", "position": "10.51000000"}),
    ):
        before = floor.order_manager.state_hash()
        caught = refusal(lambda asked=ticket: floor.order_manager.place(asked, AT))  # type: ignore[misc]
        assert (caught.code, caught.details) == (code, details)
        assert floor.order_manager.state_hash() == before
    for _ in range(3):
        floor.place(floor.ticket())
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), AT))
    assert (caught.code, caught.details) == (Code.MAX_OPEN_ORDERS, {"limit": 3, "of": "account"})


def test_what_is_held_is_not_there_for_the_next(floor: Floor) -> None:
    floor.place(floor.ticket(lots=1_000, price=190))  # 950 and 2.375 of fees
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(lots=100), AT))
    assert caught.code is Code.INSUFFICIENT_BALANCE
    assert caught.details == {"asset": "USDT", "needed": "95.23750000", "available": "47.62500000"}
    caught = refusal(lambda: floor.order_manager.place(floor.ticket("sell", 1_001, 205), AT))
    assert caught.details["available"] == "10.00000000"


def test_position_limits_count_open_buys_of_every_instrument(floor: Floor) -> None:
    floor.order_manager.set_limits("ann", Limits(max_position={"BTC": "10.25"}), NOW)
    floor.place(floor.ticket(lots=15))
    assert refusal(lambda: floor.order_manager.place(floor.ticket(lots=11), AT)).code is Code.POSITION_LIMIT
    floor.place(floor.ticket(lots=10))
    floor.order_manager.set_limits("ann", Limits(max_position={"ETH": "1"}), NOW)
    eth = floor.ticket(lots=9, price=2_000, symbol=ETH.symbol)
    floor.place(eth)
    cross = floor.ticket(lots=2, price=5_000, symbol=CROSS.symbol)
    assert refusal(lambda: floor.order_manager.place(cross, AT)).code is Code.POSITION_LIMIT


def test_deadline_and_duplicates_come_before_everything(floor: Floor) -> None:
    ticket = floor.ticket()
    order = floor.place(ticket)
    floor.order_manager.halt("all", "", NOW)
    again = floor.order_manager.place(ticket, AT, deadline_us=NOW - 1)
    assert (again.duplicate, again.order, again.commands) == (True, order, ())
    other = replace(ticket, lots=11)
    caught = refusal(lambda: floor.order_manager.place(other, AT))
    assert caught.code is Code.DUPLICATE_CLIENT_ORDER_ID
    assert caught.details == {"client_order_id": "1", "order_id": "1"}
    late = refusal(lambda: floor.order_manager.place(floor.ticket(), AT, deadline_us=NOW - 7))
    assert (late.code, late.details) == (Code.DEADLINE_PASSED, {"late_us": 7})
    assert (
        refusal(lambda: floor.order_manager.amend(order, AT, lots=5, deadline_us=1)).code
        is Code.DEADLINE_PASSED
    )


@pytest.mark.parametrize(
    ("scope", "name"), [("all", ""), ("account", "ann"), ("key", "k"), ("symbol", "BTC-USDT")]
)
def test_halts_stop_orders_and_amends_but_not_cancels(floor: Floor, scope: str, name: str) -> None:
    order = floor.place(floor.ticket())
    floor.order_manager.halt(scope, name, NOW)  # type: ignore[arg-type]
    assert floor.order_manager.halts() == [(scope, name)]
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), AT, key="k"))
    assert (caught.code, caught.details) == (Code.MARKET_HALTED, {"scope": scope})
    assert refusal(lambda: floor.order_manager.amend(order, AT, lots=5, key="k")).code is Code.MARKET_HALTED
    floor.carry_out(floor.order_manager.cancel(order))
    assert floor.order_manager.open_orders("ann") == []
    floor.order_manager.resume(scope, name, NOW)  # type: ignore[arg-type]
    assert floor.place(floor.ticket()).is_open


def test_a_closed_instrument_and_a_stale_feed_take_no_orders(floor: Floor) -> None:
    floor.market.feed = "stale"
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), AT))
    assert (caught.code, caught.details) == (Code.STALE_MARKET, {"feed": "stale"})
    floor.order_manager.list_instruments([replace(BTC, trades_stale=True)], NOW)
    order = floor.place(floor.ticket())
    floor.order_manager.list_instruments([replace(BTC, state="halted")], NOW)
    assert refusal(lambda: floor.order_manager.place(floor.ticket(), AT)).code is Code.MARKET_HALTED
    assert floor.order_manager.find("ann", order.order_id).is_open


def test_market_orders_need_somebody_on_the_other_side(floor: Floor) -> None:
    ticket = floor.ticket(price=None, type="market", tif="ioc", symbol=ETH.symbol)
    assert refusal(lambda: floor.order_manager.place(ticket, AT)).code is Code.NO_LIQUIDITY


def test_rates_of_account_and_key() -> None:
    floor = Floor(Limits(price_collar="0.1", orders_per_second=2))
    for _ in range(2):
        floor.place(floor.ticket())
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), AT))
    assert (caught.code, caught.wait_us) == (Code.RATE_LIMITED, 500_000)
    assert caught.details == {"limit": 2, "of": "account"}
    later = NOW + 2_000_000
    floor.order_manager.set_limits("ann", Limits(orders_per_second=1, max_open_orders=3), NOW, key="k")
    order = floor.order_manager.find("ann", 1)
    floor.carry_out(floor.order_manager.amend(order, moment(later), lots=5, key="k"))
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), moment(later), key="k"))
    assert caught.details == {"limit": 1, "of": "key"}
    floor.order_manager.place(floor.ticket(), moment(later + 500_000), key="another")


def test_a_keys_limits_come_on_top_of_its_accounts(floor: Floor) -> None:
    floor.order_manager.set_limits("ann", Limits(max_order_notional="500", self_trade="allow"), NOW)
    floor.order_manager.set_limits("ann", Limits(max_open_orders=1, max_order_notional="20"), NOW, key="k")
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(lots=22), AT, key="k"))
    assert (caught.code, caught.details["limit"]) == (Code.MAX_NOTIONAL, "20.000")
    floor.place(floor.ticket(lots=22), key="other")
    floor.place(floor.ticket(), key="k")
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), AT, key="k"))
    assert (caught.code, caught.details) == (Code.MAX_OPEN_ORDERS, {"limit": 1, "of": "key"})
    caught = refusal(lambda: floor.order_manager.place(floor.ticket(), AT, max_notional=Decimal("9.49")))
    assert (caught.code, caught.details) == (Code.MAX_NOTIONAL, {"limit": "9.490", "notional": "9.500"})
    assert floor.order_manager.limits("ann").price_collar == "0.1"
    assert floor.order_manager.limits("ann", "k").max_open_orders == 1
    assert floor.order_manager.limits("bob", "k") == Limits()
    assert floor.order_manager.limits("bob") == RULES.limits
    bad = (Limits(price_collar="x"), Limits(max_order_notional="-1"), Limits(max_open_orders=-1))
    huge = (Limits(orders_per_second=1 << 64), Limits(max_open_orders=1 << 64))
    for limits in (*bad, *huge, Limits(orders_per_second=0), Limits(max_position={"BTC": ""})):
        assert refusal(lambda given=limits: floor.order_manager.set_limits("ann", given, NOW)).code is (  # type: ignore[misc]
            Code.BAD_REQUEST
        )


@pytest.mark.parametrize(
    ("side", "price", "stop", "kind", "worth"),
    [
        ("sell", None, None, "market", "99.500"),  # the best bid, not the collar's 89.6
        ("buy", None, None, "market", "100.500"),  # the best ask, not the collar's 110.5
        ("sell", None, 190, "stop", "95.000"),
        ("buy", None, 210, "stop", "105.000"),
        ("sell", 180, None, "limit", "99.500"),  # it gets the best bid
        ("sell", 210, None, "limit", "105.000"),
        ("buy", 210, None, "limit", "105.000"),  # the most that it may cost
        ("sell", 180, 190, "stop_limit", "95.000"),
        ("buy", 215, 210, "stop_limit", "107.500"),
    ],
)
def test_an_order_is_worth_what_the_market_gives_for_it(
    floor: Floor, side: Side, price: int | None, stop: int | None, kind: OrderType, worth: str
) -> None:
    def ask(most: str) -> OrderDecision:
        ticket = floor.ticket(side, 100, price, kind, "ioc" if price is None else "gtc", stop)
        return floor.order_manager.place(ticket, AT, max_notional=Decimal(most))

    least = Decimal(worth) - Decimal("0.005")
    caught = refusal(lambda: ask(str(least)))
    assert (caught.code, caught.details) == (Code.MAX_NOTIONAL, {"limit": str(least), "notional": worth})
    assert ask(worth).order is not None
    floor.order_manager.list_instruments(
        [replace(BTC, min_notional=str(Decimal(worth) + Decimal("0.005")))], NOW
    )
    caught = refusal(lambda: ask("1000"))
    assert (caught.code, caught.details["notional"]) == (Code.MIN_NOTIONAL, worth)
    floor.order_manager.list_instruments([replace(BTC, min_notional=worth)], NOW)
    assert ask("1000").order is not None


def test_an_amend_is_worth_what_the_market_gives_for_it(floor: Floor) -> None:
    order = floor.place(floor.ticket("sell", 10, None, "stop", "ioc", stop=190))
    amend = floor.order_manager.amend
    caught = refusal(lambda: amend(order, AT, lots=100, max_notional=Decimal("94.999")))
    assert (caught.code, caught.details["notional"]) == (Code.MAX_NOTIONAL, "95.000")
    assert amend(order, AT, lots=100, max_notional=Decimal(95)).commands
    resting = floor.place(floor.ticket("sell", 10, 210))
    caught = refusal(lambda: amend(resting, AT, price_ticks=181, max_notional=Decimal("9.949")))
    assert (caught.code, caught.details["notional"]) == (Code.MAX_NOTIONAL, "9.950")
    floor.order_manager.settle(floor.market.other("buy", 1, 210), NOW)


def test_an_orders_fee_is_capped_at_the_rate_that_it_was_accepted_with(floor: Floor) -> None:
    """Fees were raised by a restart with other settings: running orders pay the old rate at most."""
    floor.place(floor.ticket("sell", 10, 205))
    floor.place(floor.ticket("buy", 10, 190))
    dearer = replace(RULES, maker_ppm=50_000, taker_ppm=60_000)
    back = OrderManager.restored(floor.order_manager.snapshot(), dearer, floor.market.prices)
    back.settle([Filled(1, "t", 205, 10, 0, "maker", NOW), Filled(2, "u", 190, 10, 0, "taker", NOW)], NOW)
    bought, sold = back.fills("ann")
    assert sold.fee == 2_562_500  # 0.25% of 10.25 USDT, the worst rate as it was accepted
    assert bought.fee == 2_375_000  # 0.25% of 9.50 USDT
    balances = {balance.asset: balance for balance in back.balances("ann")}
    assert balances["USDT"].held == 0
    assert balances["USDT"].total == 1000 * 10**8 + 1025_000_000 - 2_562_500 - 950_000_000 - 2_375_000
    assert back.conserved()
    cheaper = replace(RULES, maker_ppm=10, taker_ppm=20)
    floor.place(floor.ticket("sell", 10, 205))
    again = OrderManager.restored(floor.order_manager.snapshot(), cheaper, floor.market.prices)
    again.settle([Filled(3, "v", 205, 10, 0, "maker", NOW)], NOW)
    assert again.fills("ann")[0].fee == 10_250  # a cheaper rate holds at once


def test_assets_that_nothing_trades_are_named(floor: Floor) -> None:
    limits = Limits(max_position={"BTC": "1", "btc": "1"}, max_order_quantity={"": "1", "USDT": "1"})
    assert floor.order_manager.unknown_assets(limits) == ["", "USDT", "btc"]
    assert floor.order_manager.unknown_assets(Limits()) == []


def test_self_trade_ends_the_newest_unless_it_is_allowed(floor: Floor) -> None:
    floor.place(floor.ticket("sell", 10, 200))
    order = floor.place(floor.ticket("buy", 10, 200))
    assert (order.state, order.code) == ("cancelled", Code.SELF_TRADE)
    floor.order_manager.set_limits("ann", Limits(self_trade="allow"), NOW)
    assert floor.place(floor.ticket("buy", 10, 200)).state == "filled"
    assert floor.order_manager.conserved()


# --- money ------------------------------------------------------------------------------------------


def test_a_buy_pays_price_and_fee_and_gives_back_what_it_held_too_much(floor: Floor) -> None:
    order = floor.place(floor.ticket(lots=10, price=205))
    assert (order.state, order.filled_turnover, order.held) == ("filled", 2010, 0)
    assert floor.has("USDT") == (1000 * 10**8 - 10_05000000 - 2512500, 0)  # 0.25% of 10.05
    (fill,) = floor.order_manager.fills("ann")
    assert (fill.fill_id, fill.liquidity, fill.fee, fill.side) == (1, "taker", 2512500, "buy")
    (position,) = floor.order_manager.positions("ann")
    assert (position.quantity, position.bought, position.cost) == (1010000000, 10000000, 1005000000)
    floor.place(floor.ticket("sell", lots=5, price=199))
    (position,) = floor.order_manager.positions("ann")
    assert (position.bought, position.cost, position.realised) == (5000000, 502500000, -5000000)
    floor.place(floor.ticket("sell", lots=10, price=199))  # half of it never bought: no profit, no loss
    (position,) = floor.order_manager.positions("ann")
    assert (position.bought, position.cost, position.realised) == (0, 0, -10000000)
    floor.place(floor.ticket("sell", lots=10, price=199))
    assert floor.order_manager.positions("ann")[0].realised == -10000000
    floor.order_manager.deposit("ann", "BTC", "1", 3, NOW)
    assert floor.order_manager.positions("ann")[0].quantity == floor.has("BTC")[0]


def test_fees_are_rounded_up_once_however_the_fills_are_cut() -> None:
    fees = []
    for cuts in ([30], [10] * 3, [1] * 30):
        market = Market(BTC)
        rules = TradingRules(limits=RULES.limits, maker_ppm=1, taker_ppm=1)
        made = order_manager(market, replace(BTC, tick_size="0.000001"), rules=rules)
        made.deposit("ann", "USDT", "100", 1, 0)
        decision = made.place(OrderTicket("ann", "1", BTC.symbol, "buy", "limit", 30, None, 3_333_337), AT)
        assert isinstance(decision.commands[0], Place)
        left = 30
        for cut in cuts:
            left -= cut
            made.settle([Filled(1, "t", 3_333_337, cut, left, "maker", NOW)], NOW)
            (usdt,) = (balance for balance in made.balances("ann") if balance.asset == "USDT")
            assert 0 <= usdt.held <= usdt.total
        fees.append(sum(fill.fee for fill in made.fills("ann")))
    assert fees == [101, 101, 101]  # 1.0000011 USDT at a millionth are 100.00011 units


def test_a_market_buy_spends_no_more_than_it_said(floor: Floor) -> None:
    floor.market.other("sell", 10, 200)
    spend = floor.ticket(lots=None, spend=20 * 200, price=None, type="market", tif="ioc")
    order = floor.place(spend)
    assert (order.state, order.lots, order.filled_turnover) == ("filled", 19, 10 * 200 + 9 * 201)
    assert refusal(lambda: floor.order_manager.amend(order, AT, lots=1)).code is Code.ORDER_CLOSED


def test_deposits_are_booked_once_and_within_bounds(floor: Floor) -> None:
    assert floor.order_manager.deposit("ann", "BTC", "1", 2, NOW) == []
    floor.order_manager.deposit("ann", "XMR", "0.1234567891", 3, NOW)
    assert floor.has("XMR") == (12345678, 0)
    for amount in ("x", "-1", "100000000000"):
        assert refusal(lambda text=amount: floor.order_manager.deposit("ann", "XMR", text, 4, NOW)).code is (  # type: ignore[misc]
            Code.BAD_REQUEST
        )


# --- amend, cancel, stops -----------------------------------------------------------------------------


def test_an_amend_holds_for_both_until_the_venue_has_answered(floor: Floor) -> None:
    order = floor.place(floor.ticket(lots=10, price=190))
    held = order.held
    asked = floor.order_manager.amend(order, AT, price_ticks=180, lots=20)
    assert asked.order is not None
    assert asked.order.held == 20 * 190 * 500_000 + 4_750_000  # the higher price, the larger quantity
    second = floor.order_manager.amend(asked.order, AT, lots=15)
    assert second.order is not None
    floor.order_manager.settle([Filled(1, "t", 190, 5, 5, "maker", NOW)], NOW)
    (entry,) = floor.order_manager.settle([Refused(1, "amend", Code.VENUE_REJECTED, NOW)], NOW)
    assert isinstance(entry.event, AmendRefused)
    assert entry.event.code is Code.VENUE_REJECTED
    assert floor.order_manager.find("ann", 1).amending == 1
    floor.order_manager.settle([Amended(1, 180, 15, NOW)], NOW)
    order = floor.order_manager.find("ann", 1)
    assert (order.amending, order.asked_lots, order.lots, order.price_ticks) == (0, 0, 15, 180)
    assert order.held == floor.has("USDT")[1] < held


def test_what_cannot_be_amended(floor: Floor) -> None:
    order = floor.place(floor.ticket())
    amend = floor.order_manager.amend
    assert refusal(lambda: amend(order, AT)).details == {"field": "price"}
    assert refusal(lambda: amend(order, AT, price_ticks=250)).code is Code.PRICE_BAND
    assert refusal(lambda: amend(order, AT, lots=5_000)).code is Code.INSUFFICIENT_BALANCE
    stop = floor.place(floor.ticket(price=None, stop=210, type="stop", tif="ioc"))
    assert refusal(lambda: amend(stop, AT, price_ticks=200)).details == {"field": "price"}
    spend = floor.order_manager.place(
        floor.ticket(lots=None, spend=4_000, price=None, type="market", tif="ioc"), AT
    ).order
    assert spend is not None
    assert refusal(lambda: amend(spend, AT, lots=1)).details == {"field": "quantity"}
    floor.carry_out(floor.order_manager.cancel(order))
    closed = floor.order_manager.find("ann", order.order_id)
    caught = refusal(lambda: floor.order_manager.cancel(closed))
    assert (caught.code, caught.details) == (Code.ORDER_CLOSED, {"order_id": "1", "state": "cancelled"})


def test_amending_to_what_is_filled_cancels_the_rest(floor: Floor) -> None:
    floor.place(floor.ticket("sell", 10, 200))
    floor.order_manager.settle(floor.market.other("buy", 4, 200), NOW)
    floor.carry_out(floor.order_manager.amend(floor.order_manager.find("ann", 1), AT, lots=4))
    assert floor.order_manager.find("ann", 1).state == "cancelled"
    assert floor.has("BTC")[1] == 0


def test_a_stop_waits_and_then_takes_no_worse_than_its_collar(floor: Floor) -> None:
    order = floor.place(floor.ticket("sell", 10, None, "stop", "ioc", stop=198))
    assert (order.price_ticks, order.triggered) == (179, False)
    floor.order_manager.settle(
        floor.market.other("sell", 1_010, 198, ioc=True), NOW
    )  # takes all of 199, no 198
    assert not floor.order_manager.find("ann", order.order_id).triggered
    floor.market.other("buy", 5, 197)
    floor.order_manager.settle(floor.market.other("sell", 1, 197, ioc=True), NOW)
    order = floor.order_manager.find("ann", order.order_id)
    assert (order.triggered, order.state, order.filled_lots) == (True, "cancelled", 4)
    limit = floor.place(floor.ticket("buy", 10, 205, "stop_limit", stop=204))
    floor.order_manager.settle(floor.market.other("buy", 1_000, None, ioc=True), NOW)
    floor.market.other("sell", 5, 206)
    floor.order_manager.settle(floor.market.other("buy", 1, 206, ioc=True), NOW)
    limit = floor.order_manager.find("ann", limit.order_id)
    assert (limit.triggered, limit.state) == (True, "new")
    floor.carry_out(floor.order_manager.amend(limit, AT, price_ticks=206))
    assert floor.order_manager.find("ann", limit.order_id).filled_lots == 4


def test_cancel_all_by_account_symbol_and_key(floor: Floor) -> None:
    floor.place(floor.ticket(), key="a")
    floor.place(floor.ticket(), key="b")
    floor.place(floor.ticket(price=2_000, symbol=ETH.symbol), key="b")
    manager = floor.order_manager
    for decision, ids in (
        (cancel_all(manager, symbol=ETH.symbol), [3]),
        (cancel_all(manager, key="b"), [2, 3]),
        (cancel_all(manager, account="ann"), [1, 2, 3]),
        (cancel_all(manager, account="bob"), []),
        (cancel_all(manager), [1, 2, 3]),
    ):
        assert [command.order_id for command in decision.commands] == ids
        assert all(isinstance(one, Cancel) and one.code is None for one in decision.commands)
    floor.carry_out(cancel_all(manager, key="b", code=Code.MARKET_HALTED))
    floor.carry_out(cancel_all(manager))
    codes = [floor.order_manager.find("ann", order_id).code for order_id in (1, 2, 3)]
    assert codes == [None, Code.MARKET_HALTED, Code.MARKET_HALTED]


def test_a_keys_orders_are_withdrawn_without_any_market(floor: Floor) -> None:
    order = floor.place(floor.ticket("buy", 10, 180), key="b")
    floor.order_manager.amend(order, AT, lots=20)  # and the process ends before the venue answered
    floor.place(floor.ticket(), key="a")
    decision = cancel_all(floor.order_manager, account="ann", key="b", code=Code.DEADMAN)
    (entry,) = at_no_venue(floor.order_manager, decision, NOW)
    assert isinstance(entry.event, OrderEnded)
    assert (entry.event.order.state, entry.event.order.code) == ("cancelled", Code.DEADMAN)
    (left,) = floor.order_manager.open_orders("ann")
    assert left.key == "a"
    assert sum(balance.held for balance in floor.order_manager.balances("ann")) == left.held
    assert floor.order_manager.conserved()
    assert cancel_all(floor.order_manager, account="nobody", key="b").commands == []


# --- the venue's word -----------------------------------------------------------------------------------


def test_a_refused_place_is_a_rejected_order(floor: Floor) -> None:
    ticket = floor.ticket("sell", 10, 199, post_only=True)
    order = floor.place(ticket)
    assert (order.state, order.code, order.held) == ("rejected", Code.POST_ONLY_WOULD_CROSS, 0)
    assert floor.order_manager.place(ticket, AT).order == order
    assert floor.has("BTC")[1] == 0


def test_reports_of_orders_that_are_not_open(floor: Floor) -> None:
    floor.place(floor.ticket("sell", 10, 199))
    late = [Refused(1, "cancel", Code.UNKNOWN_ORDER, NOW), Refused(1, "amend", Code.UNKNOWN_ORDER, NOW)]
    assert floor.order_manager.settle(late, NOW) == []
    open_order = floor.place(floor.ticket())
    assert floor.order_manager.settle([Refused(open_order.order_id, "cancel", Code.INTERNAL, NOW)], NOW) == []
    assert floor.order_manager.settle([Working(99, NOW)], NOW) == []
    for report in (
        Filled(1, "t", 199, 1, 0, "maker", NOW),
        Ended(99, 1, "cancelled", None, NOW),
        Triggered(1, NOW),
        Refused(1, "place", Code.INTERNAL, NOW),
    ):
        floor.order_manager.settle([report], NOW)
    (closed, unknown) = floor.order_manager.quarantine()
    assert (closed.order_id, closed.account, unknown.order_id, unknown.account) == (1, "ann", 99, "")
    assert "Filled" in closed.report
    snapshot = list(floor.order_manager.snapshot())
    restored = OrderManager.restored(snapshot, TradingRules(), floor.market.prices)
    assert restored.state_hash() == floor.order_manager.state_hash()
    for number in (1, 2):
        floor.order_manager.release(number, NOW, NOW, is_over=False)
    assert floor.order_manager.quarantine() == []
    with pytest.raises(Refusal, match="nothing in quarantine has the number 2"):
        floor.order_manager.release(2, NOW, NOW, is_over=False)


# --- state ------------------------------------------------------------------------------------------


def test_queries_of_nobody(floor: Floor) -> None:
    assert floor.order_manager.open_orders("bob") == []
    assert floor.order_manager.fills("bob") == []
    assert floor.order_manager.balances("bob") == []
    assert floor.order_manager.positions("bob") == []
    assert floor.order_manager.seqs("bob") == Seqs()
    floor.place(floor.ticket())
    for ask in (
        lambda: floor.order_manager.find("bob", 1),
        lambda: floor.order_manager.find("ann", 2),
        lambda: floor.order_manager.find("ann", client_order_id="x"),
        lambda: floor.order_manager.find("bob", client_order_id="1"),
    ):
        assert refusal(ask).code is Code.UNKNOWN_ORDER
    assert list(floor.order_manager.accounts()) == ["ann"]


def test_entries_carry_the_seqs_of_their_messages(floor: Floor) -> None:
    decision = floor.order_manager.place(floor.ticket("sell", 10, 199), AT)
    assert [(type(entry.event), entry.seqs) for entry in decision.entries] == [
        (OrderAccepted, Seqs(orders=1, balances=3))
    ]
    entries = floor.order_manager.settle(floor.market.execute(decision.commands[0]), NOW)
    assert [(type(entry.event), entry.seqs) for entry in entries] == [(OrderFilled, Seqs(2, 1, 4, 1))]


def test_closed_orders_and_fills_are_kept_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "KEPT_CLOSED", 2)
    monkeypatch.setattr(chunked_history, "CHUNK_SIZE", 2)
    floor = Floor()
    tickets = [floor.ticket("sell", 2, 199) for _ in range(3)]
    for ticket in tickets:
        floor.place(ticket)
    assert refusal(lambda: floor.order_manager.find("ann", 1)).code is Code.UNKNOWN_ORDER
    assert floor.order_manager.place(tickets[1], AT).duplicate
    assert [fill.order.order_id for fill in floor.order_manager.fills("ann")] == [3, 2, 1]
    pieces = list(floor.order_manager.snapshot())
    assert list(OrderManager.restored(pieces, RULES, floor.market.prices).snapshot()) == pieces


def test_other_steps_end_open_orders(floor: Floor) -> None:
    floor.place(floor.ticket())
    floor.place(floor.ticket(price=2_000, symbol=ETH.symbol))
    assert floor.order_manager.list_instruments([BTC, ETH], NOW) == []
    ended, _ = floor.order_manager.list_instruments([replace(BTC, tick_size="0.1"), ETH], NOW)
    assert isinstance(ended.event, OrderEnded)
    assert (ended.event.order.state, ended.event.order.code) == ("cancelled", Code.MARKET_HALTED)
    assert [order.ticket.symbol for order in floor.order_manager.open_orders("ann")] == [ETH.symbol]


@pytest.mark.parametrize("why", [None, Code.DISCONNECTED])
def test_other_steps_end_what_a_cancel_was_on_its_way_to_for_its_reason(
    floor: Floor, why: Code | None
) -> None:
    order = floor.place(floor.ticket())
    floor.order_manager.mark_cancelling(Cancel(BTC.symbol, order.order_id, why), NOW)
    ended, _ = floor.order_manager.list_instruments([replace(BTC, tick_size="0.1")], NOW)
    assert isinstance(ended.event, OrderEnded)
    assert (ended.event.order.state, ended.event.order.code) == ("cancelled", why)


def test_orders_go_back_into_another_market(floor: Floor) -> None:
    floor.place(floor.ticket("sell", 10, 200, post_only=True))
    floor.order_manager.settle(floor.market.other("buy", 4, 200), NOW)
    floor.place(floor.ticket("sell", 5, None, "stop", "ioc", stop=150))
    order = floor.place(floor.ticket("buy", 10, 180))
    floor.order_manager.amend(order, AT, lots=20)  # and the process ends before the venue answered
    spend = floor.ticket(lots=None, spend=4_000, price=None, type="market", tif="ioc")
    floor.order_manager.place(spend, AT)
    market = Market(BTC)
    market.other("buy", 3, 201)
    back = OrderManager.restored(floor.order_manager.snapshot(), RULES, market.prices)
    decision = place_again(back, {BTC.symbol}, NOW)
    assert len(decision.entries) == 1
    assert back.find("ann", order.order_id).amending == 0
    for command in decision.commands:
        back.settle(market.execute(command), NOW)
    assert back.find("ann", 1).filled_lots == 7  # it crosses now, and fills
    assert market.exchange.markets[BTC.symbol].waiting.keys() == {2}
    assert back.conserved()


def test_an_order_whose_cancel_was_on_its_way_does_not_come_back(floor: Floor) -> None:
    order = floor.place(floor.ticket("sell", 10, 200))
    gone = floor.place(floor.ticket())
    floor.carry_out(floor.order_manager.cancel(gone))
    decision = floor.order_manager.cancel(order)
    (entry,) = floor.order_manager.mark_cancelling(Cancel(BTC.symbol, order.order_id), NOW)
    assert (entry.event.account, entry.seqs) == ("ann", floor.order_manager.seqs("ann"))
    for known in (order.order_id, gone.order_id, 99):  # once, and only where the venue owes the answer
        assert floor.order_manager.mark_cancelling(Cancel(BTC.symbol, known, Code.DEADMAN), NOW) == []
    floor.order_manager.settle(floor.market.other("buy", 4, 200), NOW)  # the fill overtakes the cancel
    floor.order_manager.amend(floor.order_manager.find("ann", order.order_id), AT, lots=12)
    back = OrderManager.restored(floor.order_manager.snapshot(), RULES, floor.market.prices)
    assert decision.commands != place_again(back, {BTC.symbol}, NOW).commands == []
    ended = back.find("ann", order.order_id)
    assert (ended.state, ended.filled_lots, ended.held, ended.cancelling) == ("cancelled", 4, 0, False)
    assert ended.code is None, "its client had asked"
    assert back.conserved()


@pytest.mark.parametrize("ends", ["put back", "withdrawn", "filled"])
def test_why_a_cancel_was_on_its_way_outlives_the_market(floor: Floor, ends: str) -> None:
    order = floor.place(floor.ticket("sell", 10, 200))
    (cancel,) = cancel_all(floor.order_manager, code=Code.MARKET_HALTED).commands
    assert isinstance(cancel, Cancel)
    (kept,) = floor.order_manager.mark_cancelling(cancel, NOW)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=AccountEntry) == kept
    floor.order_manager.amend(floor.order_manager.find("ann", order.order_id), AT, lots=12)
    floor.order_manager.settle(floor.market.execute(Amend(BTC.symbol, order.order_id, lots=12)), NOW)
    floor.order_manager.settle(floor.market.other("buy", 4, 200), NOW)
    back = OrderManager.restored(floor.order_manager.snapshot(), RULES, floor.market.prices)
    assert back.find("ann", order.order_id).code is Code.MARKET_HALTED
    if ends == "put back":
        place_again(back, {BTC.symbol}, NOW)
    elif ends == "withdrawn":
        at_no_venue(back, cancel_all(back, account="ann", code=Code.DISCONNECTED), NOW)
    else:
        back.settle(floor.market.other("buy", 8, 200), NOW)
    ended = back.find("ann", order.order_id)
    expected = ("filled", None) if ends == "filled" else ("cancelled", Code.MARKET_HALTED)
    assert (ended.state, ended.code) == expected


def test_a_snapshot_of_something_else_is_refused(floor: Floor) -> None:
    pieces = list(floor.order_manager.snapshot())
    for wrong in ([], [b"\x91\x01"], pieces[:-1], [*pieces, b"\x01"], [pieces[0], *pieces[2:]]):
        with pytest.raises(msgspec.DecodeError):
            OrderManager.restored(wrong, RULES, floor.market.prices)


def test_a_snapshot_is_of_its_moment(floor: Floor) -> None:
    floor.place(floor.ticket("sell", 2, 199))
    resting = floor.place(floor.ticket())
    pieces, snapshot = list(floor.order_manager.snapshot()), floor.order_manager.snapshot()
    floor.place(floor.ticket("sell", 2, 199))
    floor.carry_out(floor.order_manager.cancel(resting))
    floor.order_manager.deposit("ann", "BTC", "1", 1_000, NOW)
    assert list(snapshot) == pieces != list(floor.order_manager.snapshot())
