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
from floorwire.core.order_commands import Amend, Cancel, Place
from floorwire.core.orders import Order, OrderTicket, OrderType, TimeInForce
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
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


class TradingWorld:
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
def world() -> TradingWorld:
    return TradingWorld()


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
    world = TradingWorld(limits)
    banded = replace(BTC, price_band="0.2")
    world.order_manager.list_instruments([banded], NOW)
    world.market.other("buy", 1, 201, ioc=True)  # the last price is 201
    for ticket, code, details in (
        (world.ticket(symbol="XRP-USDT"), Code.UNKNOWN_SYMBOL, {"symbol": "XRP-USDT"}),
        (world.ticket(tif="gtd", expires_us=NOW), Code.BAD_REQUEST, {"field": "expires"}),
        (world.ticket(lots=1), Code.MIN_NOTIONAL, {"limit": "1.000", "notional": "0.950"}),
        (
            world.ticket(lots=None, spend=200, price=None, type="market", tif="ioc"),
            Code.MIN_NOTIONAL,
            {"limit": "1.005", "notional": "1.000"},
        ),
        (world.ticket(lots=201), Code.MAX_QUANTITY, {"limit": "2.00"}),
        (world.ticket("sell", 200, 400), Code.MAX_NOTIONAL, {"limit": "300.000", "notional": "400.000"}),
        (world.ticket(price=160), Code.PRICE_BAND, {"rule": "band", "limit": "80.5"}),
        (world.ticket("sell", price=250), Code.PRICE_BAND, {"rule": "band", "limit": "120.5"}),
        (world.ticket(price=222), Code.PRICE_BAND, {"rule": "collar", "limit": "110.5"}),
        (world.ticket("sell", price=179), Code.PRICE_BAND, {"rule": "collar", "limit": "90.0"}),
        (
            world.ticket(price=221, stop=200, type="stop_limit"),
            Code.PRICE_BAND,
            {"rule": "collar", "limit": "110.0"},
        ),
        (world.ticket(reduce_only=True), Code.REDUCE_ONLY, {}),
        (world.ticket(lots=51), Code.POSITION_LIMIT, {"limit": "10.50", "position": "10.51000000"}),
    ):
        before = world.order_manager.state_hash()
        caught = refusal(lambda asked=ticket: world.order_manager.place(asked, AT))  # type: ignore[misc]
        assert (caught.code, caught.details) == (code, details)
        assert world.order_manager.state_hash() == before
    for _ in range(3):
        world.place(world.ticket())
    caught = refusal(lambda: world.order_manager.place(world.ticket(), AT))
    assert (caught.code, caught.details) == (Code.MAX_OPEN_ORDERS, {"limit": 3, "of": "account"})


def test_what_is_held_is_not_there_for_the_next(world: TradingWorld) -> None:
    world.place(world.ticket(lots=1_000, price=190))  # 950 and 2.375 of fees
    caught = refusal(lambda: world.order_manager.place(world.ticket(lots=100), AT))
    assert caught.code is Code.INSUFFICIENT_BALANCE
    assert caught.details == {"asset": "USDT", "needed": "95.23750000", "available": "47.62500000"}
    caught = refusal(lambda: world.order_manager.place(world.ticket("sell", 1_001, 205), AT))
    assert caught.details["available"] == "10.00000000"


def test_position_limits_count_open_buys_of_every_instrument(world: TradingWorld) -> None:
    world.order_manager.set_limits("ann", Limits(max_position={"BTC": "10.25"}), NOW)
    world.place(world.ticket(lots=15))
    assert refusal(lambda: world.order_manager.place(world.ticket(lots=11), AT)).code is Code.POSITION_LIMIT
    world.place(world.ticket(lots=10))
    world.order_manager.set_limits("ann", Limits(max_position={"ETH": "1"}), NOW)
    eth = world.ticket(lots=9, price=2_000, symbol=ETH.symbol)
    world.place(eth)
    cross = world.ticket(lots=2, price=5_000, symbol=CROSS.symbol)
    assert refusal(lambda: world.order_manager.place(cross, AT)).code is Code.POSITION_LIMIT


def test_deadline_and_duplicates_come_before_everything(world: TradingWorld) -> None:
    ticket = world.ticket()
    order = world.place(ticket)
    world.order_manager.halt("all", "", NOW)
    again = world.order_manager.place(ticket, AT, deadline_us=NOW - 1)
    assert (again.duplicate, again.order, again.commands) == (True, order, ())
    other = replace(ticket, lots=11)
    caught = refusal(lambda: world.order_manager.place(other, AT))
    assert caught.code is Code.DUPLICATE_CLIENT_ORDER_ID
    assert caught.details == {"client_order_id": "1", "order_id": "1"}
    late = refusal(lambda: world.order_manager.place(world.ticket(), AT, deadline_us=NOW - 7))
    assert (late.code, late.details) == (Code.DEADLINE_PASSED, {"late_us": 7})
    assert (
        refusal(lambda: world.order_manager.amend(order, AT, lots=5, deadline_us=1)).code
        is Code.DEADLINE_PASSED
    )


@pytest.mark.parametrize(
    ("scope", "name"), [("all", ""), ("account", "ann"), ("key", "k"), ("symbol", "BTC-USDT")]
)
def test_halts_stop_orders_and_amends_but_not_cancels(world: TradingWorld, scope: str, name: str) -> None:
    order = world.place(world.ticket())
    world.order_manager.halt(scope, name, NOW)  # type: ignore[arg-type]
    assert world.order_manager.halts() == [(scope, name)]
    caught = refusal(lambda: world.order_manager.place(world.ticket(), AT, key="k"))
    assert (caught.code, caught.details) == (Code.MARKET_HALTED, {"scope": scope})
    assert refusal(lambda: world.order_manager.amend(order, AT, lots=5, key="k")).code is Code.MARKET_HALTED
    world.carry_out(world.order_manager.cancel(order))
    assert world.order_manager.open_orders("ann") == []
    world.order_manager.resume(scope, name, NOW)  # type: ignore[arg-type]
    assert world.place(world.ticket()).is_open


def test_a_closed_instrument_and_a_stale_feed_take_no_orders(world: TradingWorld) -> None:
    world.market.feed = "stale"
    caught = refusal(lambda: world.order_manager.place(world.ticket(), AT))
    assert (caught.code, caught.details) == (Code.STALE_MARKET, {"feed": "stale"})
    world.order_manager.list_instruments([replace(BTC, trades_stale=True)], NOW)
    order = world.place(world.ticket())
    world.order_manager.list_instruments([replace(BTC, state="halted")], NOW)
    assert refusal(lambda: world.order_manager.place(world.ticket(), AT)).code is Code.MARKET_HALTED
    assert world.order_manager.find("ann", order.order_id).is_open


def test_market_orders_need_somebody_on_the_other_side(world: TradingWorld) -> None:
    ticket = world.ticket(price=None, type="market", tif="ioc", symbol=ETH.symbol)
    assert refusal(lambda: world.order_manager.place(ticket, AT)).code is Code.NO_LIQUIDITY


def test_rates_of_account_and_key() -> None:
    world = TradingWorld(Limits(price_collar="0.1", orders_per_second=2))
    for _ in range(2):
        world.place(world.ticket())
    caught = refusal(lambda: world.order_manager.place(world.ticket(), AT))
    assert (caught.code, caught.wait_us) == (Code.RATE_LIMITED, 500_000)
    assert caught.details == {"limit": 2, "of": "account"}
    later = NOW + 2_000_000
    world.order_manager.set_limits("ann", Limits(orders_per_second=1, max_open_orders=3), NOW, key="k")
    order = world.order_manager.find("ann", 1)
    world.carry_out(world.order_manager.amend(order, moment(later), lots=5, key="k"))
    caught = refusal(lambda: world.order_manager.place(world.ticket(), moment(later), key="k"))
    assert caught.details == {"limit": 1, "of": "key"}
    world.order_manager.place(world.ticket(), moment(later + 500_000), key="another")


def test_a_keys_limits_come_on_top_of_its_accounts(world: TradingWorld) -> None:
    world.order_manager.set_limits("ann", Limits(max_order_notional="500", self_trade="allow"), NOW)
    world.order_manager.set_limits("ann", Limits(max_open_orders=1, max_order_notional="20"), NOW, key="k")
    caught = refusal(lambda: world.order_manager.place(world.ticket(lots=22), AT, key="k"))
    assert (caught.code, caught.details["limit"]) == (Code.MAX_NOTIONAL, "20.000")
    world.place(world.ticket(lots=22), key="other")
    world.place(world.ticket(), key="k")
    caught = refusal(lambda: world.order_manager.place(world.ticket(), AT, key="k"))
    assert (caught.code, caught.details) == (Code.MAX_OPEN_ORDERS, {"limit": 1, "of": "key"})
    caught = refusal(lambda: world.order_manager.place(world.ticket(), AT, max_notional=Decimal("9.49")))
    assert (caught.code, caught.details) == (Code.MAX_NOTIONAL, {"limit": "9.490", "notional": "9.500"})
    assert world.order_manager.limits("ann").price_collar == "0.1"
    assert world.order_manager.limits("ann", "k").max_open_orders == 1
    assert world.order_manager.limits("bob", "k") == Limits()
    assert world.order_manager.limits("bob") == RULES.limits
    bad = (Limits(price_collar="x"), Limits(max_order_notional="-1"), Limits(max_open_orders=-1))
    huge = (Limits(orders_per_second=1 << 64), Limits(max_open_orders=1 << 64))
    for limits in (*bad, *huge, Limits(orders_per_second=0), Limits(max_position={"BTC": ""})):
        assert refusal(lambda given=limits: world.order_manager.set_limits("ann", given, NOW)).code is (  # type: ignore[misc]
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
    world: TradingWorld, side: Side, price: int | None, stop: int | None, kind: OrderType, worth: str
) -> None:
    def ask(most: str) -> OrderDecision:
        ticket = world.ticket(side, 100, price, kind, "ioc" if price is None else "gtc", stop)
        return world.order_manager.place(ticket, AT, max_notional=Decimal(most))

    least = Decimal(worth) - Decimal("0.005")
    caught = refusal(lambda: ask(str(least)))
    assert (caught.code, caught.details) == (Code.MAX_NOTIONAL, {"limit": str(least), "notional": worth})
    assert ask(worth).order is not None
    world.order_manager.list_instruments(
        [replace(BTC, min_notional=str(Decimal(worth) + Decimal("0.005")))], NOW
    )
    caught = refusal(lambda: ask("1000"))
    assert (caught.code, caught.details["notional"]) == (Code.MIN_NOTIONAL, worth)
    world.order_manager.list_instruments([replace(BTC, min_notional=worth)], NOW)
    assert ask("1000").order is not None


def test_an_amend_is_worth_what_the_market_gives_for_it(world: TradingWorld) -> None:
    order = world.place(world.ticket("sell", 10, None, "stop", "ioc", stop=190))
    amend = world.order_manager.amend
    caught = refusal(lambda: amend(order, AT, lots=100, max_notional=Decimal("94.999")))
    assert (caught.code, caught.details["notional"]) == (Code.MAX_NOTIONAL, "95.000")
    assert amend(order, AT, lots=100, max_notional=Decimal(95)).commands
    resting = world.place(world.ticket("sell", 10, 210))
    caught = refusal(lambda: amend(resting, AT, price_ticks=181, max_notional=Decimal("9.949")))
    assert (caught.code, caught.details["notional"]) == (Code.MAX_NOTIONAL, "9.950")
    world.order_manager.settle(world.market.other("buy", 1, 210), NOW)


def test_an_orders_fee_is_capped_at_the_rate_that_it_was_accepted_with(world: TradingWorld) -> None:
    """Fees were raised by a restart with other settings: running orders pay the old rate at most."""
    world.place(world.ticket("sell", 10, 205))
    world.place(world.ticket("buy", 10, 190))
    dearer = replace(RULES, maker_ppm=50_000, taker_ppm=60_000)
    back = OrderManager.restored(world.order_manager.snapshot(), dearer, world.market.prices)
    back.settle([Filled(1, "t", 205, 10, 0, "maker", NOW), Filled(2, "u", 190, 10, 0, "taker", NOW)], NOW)
    bought, sold = back.fills("ann")
    assert sold.fee == 2_562_500  # 0.25% of 10.25 USDT, the worst rate as it was accepted
    assert bought.fee == 2_375_000  # 0.25% of 9.50 USDT
    balances = {balance.asset: balance for balance in back.balances("ann")}
    assert balances["USDT"].held == 0
    assert balances["USDT"].total == 1000 * 10**8 + 1025_000_000 - 2_562_500 - 950_000_000 - 2_375_000
    assert back.conserved()
    cheaper = replace(RULES, maker_ppm=10, taker_ppm=20)
    world.place(world.ticket("sell", 10, 205))
    again = OrderManager.restored(world.order_manager.snapshot(), cheaper, world.market.prices)
    again.settle([Filled(3, "v", 205, 10, 0, "maker", NOW)], NOW)
    assert again.fills("ann")[0].fee == 10_250  # a cheaper rate holds at once


def test_assets_that_nothing_trades_are_named(world: TradingWorld) -> None:
    limits = Limits(max_position={"BTC": "1", "btc": "1"}, max_order_quantity={"": "1", "USDT": "1"})
    assert world.order_manager.unknown_assets(limits) == ["", "USDT", "btc"]
    assert world.order_manager.unknown_assets(Limits()) == []


def test_self_trade_ends_the_newest_unless_it_is_allowed(world: TradingWorld) -> None:
    world.place(world.ticket("sell", 10, 200))
    order = world.place(world.ticket("buy", 10, 200))
    assert (order.state, order.code) == ("cancelled", Code.SELF_TRADE)
    world.order_manager.set_limits("ann", Limits(self_trade="allow"), NOW)
    assert world.place(world.ticket("buy", 10, 200)).state == "filled"
    assert world.order_manager.conserved()


# --- money ------------------------------------------------------------------------------------------


def test_a_buy_pays_price_and_fee_and_gives_back_what_it_held_too_much(world: TradingWorld) -> None:
    order = world.place(world.ticket(lots=10, price=205))
    assert (order.state, order.filled_turnover, order.held) == ("filled", 2010, 0)
    assert world.has("USDT") == (1000 * 10**8 - 10_05000000 - 2512500, 0)  # 0.25% of 10.05
    (fill,) = world.order_manager.fills("ann")
    assert (fill.fill_id, fill.liquidity, fill.fee, fill.side) == (1, "taker", 2512500, "buy")
    (position,) = world.order_manager.positions("ann")
    assert (position.quantity, position.bought, position.cost) == (1010000000, 10000000, 1005000000)
    world.place(world.ticket("sell", lots=5, price=199))
    (position,) = world.order_manager.positions("ann")
    assert (position.bought, position.cost, position.realised) == (5000000, 502500000, -5000000)
    world.place(world.ticket("sell", lots=10, price=199))  # half of it never bought: no profit, no loss
    (position,) = world.order_manager.positions("ann")
    assert (position.bought, position.cost, position.realised) == (0, 0, -10000000)
    world.place(world.ticket("sell", lots=10, price=199))
    assert world.order_manager.positions("ann")[0].realised == -10000000
    world.order_manager.deposit("ann", "BTC", "1", 3, NOW)
    assert world.order_manager.positions("ann")[0].quantity == world.has("BTC")[0]


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


def test_a_market_buy_spends_no_more_than_it_said(world: TradingWorld) -> None:
    world.market.other("sell", 10, 200)
    spend = world.ticket(lots=None, spend=20 * 200, price=None, type="market", tif="ioc")
    order = world.place(spend)
    assert (order.state, order.lots, order.filled_turnover) == ("filled", 19, 10 * 200 + 9 * 201)
    assert refusal(lambda: world.order_manager.amend(order, AT, lots=1)).code is Code.ORDER_CLOSED


def test_deposits_are_booked_once_and_within_bounds(world: TradingWorld) -> None:
    assert world.order_manager.deposit("ann", "BTC", "1", 2, NOW) == []
    world.order_manager.deposit("ann", "XMR", "0.1234567891", 3, NOW)
    assert world.has("XMR") == (12345678, 0)
    for amount in ("x", "-1", "100000000000"):
        assert refusal(lambda text=amount: world.order_manager.deposit("ann", "XMR", text, 4, NOW)).code is (  # type: ignore[misc]
            Code.BAD_REQUEST
        )


# --- amend, cancel, stops -----------------------------------------------------------------------------


def test_an_amend_holds_for_both_until_the_venue_has_answered(world: TradingWorld) -> None:
    order = world.place(world.ticket(lots=10, price=190))
    held = order.held
    asked = world.order_manager.amend(order, AT, price_ticks=180, lots=20)
    assert asked.order is not None
    assert asked.order.held == 20 * 190 * 500_000 + 4_750_000  # the higher price, the larger quantity
    second = world.order_manager.amend(asked.order, AT, lots=15)
    assert second.order is not None
    world.order_manager.settle([Filled(1, "t", 190, 5, 5, "maker", NOW)], NOW)
    (entry,) = world.order_manager.settle([Refused(1, "amend", Code.VENUE_REJECTED, NOW)], NOW)
    assert isinstance(entry.event, AmendRefused)
    assert entry.event.code is Code.VENUE_REJECTED
    assert world.order_manager.find("ann", 1).amending == 1
    world.order_manager.settle([Amended(1, 180, 15, NOW)], NOW)
    order = world.order_manager.find("ann", 1)
    assert (order.amending, order.asked_lots, order.lots, order.price_ticks) == (0, 0, 15, 180)
    assert order.held == world.has("USDT")[1] < held


def test_what_cannot_be_amended(world: TradingWorld) -> None:
    order = world.place(world.ticket())
    amend = world.order_manager.amend
    assert refusal(lambda: amend(order, AT)).details == {"field": "price"}
    assert refusal(lambda: amend(order, AT, price_ticks=250)).code is Code.PRICE_BAND
    assert refusal(lambda: amend(order, AT, lots=5_000)).code is Code.INSUFFICIENT_BALANCE
    stop = world.place(world.ticket(price=None, stop=210, type="stop", tif="ioc"))
    assert refusal(lambda: amend(stop, AT, price_ticks=200)).details == {"field": "price"}
    spend = world.order_manager.place(
        world.ticket(lots=None, spend=4_000, price=None, type="market", tif="ioc"), AT
    ).order
    assert spend is not None
    assert refusal(lambda: amend(spend, AT, lots=1)).details == {"field": "quantity"}
    world.carry_out(world.order_manager.cancel(order))
    closed = world.order_manager.find("ann", order.order_id)
    caught = refusal(lambda: world.order_manager.cancel(closed))
    assert (caught.code, caught.details) == (Code.ORDER_CLOSED, {"order_id": "1", "state": "cancelled"})


def test_amending_to_what_is_filled_cancels_the_rest(world: TradingWorld) -> None:
    world.place(world.ticket("sell", 10, 200))
    world.order_manager.settle(world.market.other("buy", 4, 200), NOW)
    world.carry_out(world.order_manager.amend(world.order_manager.find("ann", 1), AT, lots=4))
    assert world.order_manager.find("ann", 1).state == "cancelled"
    assert world.has("BTC")[1] == 0


def test_a_stop_waits_and_then_takes_no_worse_than_its_collar(world: TradingWorld) -> None:
    order = world.place(world.ticket("sell", 10, None, "stop", "ioc", stop=198))
    assert (order.price_ticks, order.triggered) == (179, False)
    world.order_manager.settle(
        world.market.other("sell", 1_010, 198, ioc=True), NOW
    )  # takes all of 199, no 198
    assert not world.order_manager.find("ann", order.order_id).triggered
    world.market.other("buy", 5, 197)
    world.order_manager.settle(world.market.other("sell", 1, 197, ioc=True), NOW)
    order = world.order_manager.find("ann", order.order_id)
    assert (order.triggered, order.state, order.filled_lots) == (True, "cancelled", 4)
    limit = world.place(world.ticket("buy", 10, 205, "stop_limit", stop=204))
    world.order_manager.settle(world.market.other("buy", 1_000, None, ioc=True), NOW)
    world.market.other("sell", 5, 206)
    world.order_manager.settle(world.market.other("buy", 1, 206, ioc=True), NOW)
    limit = world.order_manager.find("ann", limit.order_id)
    assert (limit.triggered, limit.state) == (True, "new")
    world.carry_out(world.order_manager.amend(limit, AT, price_ticks=206))
    assert world.order_manager.find("ann", limit.order_id).filled_lots == 4


def test_cancel_all_by_account_symbol_and_key(world: TradingWorld) -> None:
    world.place(world.ticket(), key="a")
    world.place(world.ticket(), key="b")
    world.place(world.ticket(price=2_000, symbol=ETH.symbol), key="b")
    manager = world.order_manager
    for decision, ids in (
        (cancel_all(manager, symbol=ETH.symbol), [3]),
        (cancel_all(manager, key="b"), [2, 3]),
        (cancel_all(manager, account="ann"), [1, 2, 3]),
        (cancel_all(manager, account="bob"), []),
        (cancel_all(manager), [1, 2, 3]),
    ):
        assert [command.order_id for command in decision.commands] == ids
        assert all(isinstance(one, Cancel) and one.code is None for one in decision.commands)
    world.carry_out(cancel_all(manager, key="b", code=Code.MARKET_HALTED))
    world.carry_out(cancel_all(manager))
    codes = [world.order_manager.find("ann", order_id).code for order_id in (1, 2, 3)]
    assert codes == [None, Code.MARKET_HALTED, Code.MARKET_HALTED]


def test_a_keys_orders_are_withdrawn_without_any_market(world: TradingWorld) -> None:
    order = world.place(world.ticket("buy", 10, 180), key="b")
    world.order_manager.amend(order, AT, lots=20)  # and the process ends before the venue answered
    world.place(world.ticket(), key="a")
    decision = cancel_all(world.order_manager, account="ann", key="b", code=Code.DEADMAN)
    (entry,) = at_no_venue(world.order_manager, decision, NOW)
    assert isinstance(entry.event, OrderEnded)
    assert (entry.event.order.state, entry.event.order.code) == ("cancelled", Code.DEADMAN)
    (left,) = world.order_manager.open_orders("ann")
    assert left.key == "a"
    assert sum(balance.held for balance in world.order_manager.balances("ann")) == left.held
    assert world.order_manager.conserved()
    assert cancel_all(world.order_manager, account="nobody", key="b").commands == []


# --- the venue's word -----------------------------------------------------------------------------------


def test_a_refused_place_is_a_rejected_order(world: TradingWorld) -> None:
    ticket = world.ticket("sell", 10, 199, post_only=True)
    order = world.place(ticket)
    assert (order.state, order.code, order.held) == ("rejected", Code.POST_ONLY_WOULD_CROSS, 0)
    assert world.order_manager.place(ticket, AT).order == order
    assert world.has("BTC")[1] == 0


def test_reports_of_orders_that_are_not_open(world: TradingWorld) -> None:
    world.place(world.ticket("sell", 10, 199))
    late = [Refused(1, "cancel", Code.UNKNOWN_ORDER, NOW), Refused(1, "amend", Code.UNKNOWN_ORDER, NOW)]
    assert world.order_manager.settle(late, NOW) == []
    open_order = world.place(world.ticket())
    assert world.order_manager.settle([Refused(open_order.order_id, "cancel", Code.INTERNAL, NOW)], NOW) == []
    assert world.order_manager.settle([Working(99, NOW)], NOW) == []
    for report in (
        Filled(1, "t", 199, 1, 0, "maker", NOW),
        Ended(99, 1, "cancelled", None, NOW),
        Triggered(1, NOW),
        Refused(1, "place", Code.INTERNAL, NOW),
    ):
        world.order_manager.settle([report], NOW)
    (closed, unknown) = world.order_manager.quarantine()
    assert (closed.order_id, closed.account, unknown.order_id, unknown.account) == (1, "ann", 99, "")
    assert "Filled" in closed.report
    snapshot = list(world.order_manager.snapshot())
    restored = OrderManager.restored(snapshot, TradingRules(), world.market.prices)
    assert restored.state_hash() == world.order_manager.state_hash()
    for number in (1, 2):
        world.order_manager.release(number, NOW, NOW, is_over=False)
    assert world.order_manager.quarantine() == []
    with pytest.raises(Refusal, match="nothing in quarantine has the number 2"):
        world.order_manager.release(2, NOW, NOW, is_over=False)


# --- state ------------------------------------------------------------------------------------------


def test_queries_of_nobody(world: TradingWorld) -> None:
    assert world.order_manager.open_orders("bob") == []
    assert world.order_manager.fills("bob") == []
    assert world.order_manager.balances("bob") == []
    assert world.order_manager.positions("bob") == []
    assert world.order_manager.seqs("bob") == Seqs()
    world.place(world.ticket())
    for ask in (
        lambda: world.order_manager.find("bob", 1),
        lambda: world.order_manager.find("ann", 2),
        lambda: world.order_manager.find("ann", client_order_id="x"),
        lambda: world.order_manager.find("bob", client_order_id="1"),
    ):
        assert refusal(ask).code is Code.UNKNOWN_ORDER
    assert list(world.order_manager.accounts()) == ["ann"]


def test_entries_carry_the_seqs_of_their_messages(world: TradingWorld) -> None:
    decision = world.order_manager.place(world.ticket("sell", 10, 199), AT)
    assert [(type(entry.event), entry.seqs) for entry in decision.entries] == [
        (OrderAccepted, Seqs(orders=1, balances=3))
    ]
    entries = world.order_manager.settle(world.market.execute(decision.commands[0]), NOW)
    assert [(type(entry.event), entry.seqs) for entry in entries] == [(OrderFilled, Seqs(2, 1, 4, 1))]


def test_closed_orders_and_fills_are_kept_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "KEPT_CLOSED", 2)
    monkeypatch.setattr(chunked_history, "CHUNK_SIZE", 2)
    world = TradingWorld()
    tickets = [world.ticket("sell", 2, 199) for _ in range(3)]
    for ticket in tickets:
        world.place(ticket)
    assert refusal(lambda: world.order_manager.find("ann", 1)).code is Code.UNKNOWN_ORDER
    assert world.order_manager.place(tickets[1], AT).duplicate
    assert [fill.order.order_id for fill in world.order_manager.fills("ann")] == [3, 2, 1]
    pieces = list(world.order_manager.snapshot())
    assert list(OrderManager.restored(pieces, RULES, world.market.prices).snapshot()) == pieces


def test_other_steps_end_open_orders(world: TradingWorld) -> None:
    world.place(world.ticket())
    world.place(world.ticket(price=2_000, symbol=ETH.symbol))
    assert world.order_manager.list_instruments([BTC, ETH], NOW) == []
    ended, _ = world.order_manager.list_instruments([replace(BTC, tick_size="0.1"), ETH], NOW)
    assert isinstance(ended.event, OrderEnded)
    assert (ended.event.order.state, ended.event.order.code) == ("cancelled", Code.MARKET_HALTED)
    assert [order.ticket.symbol for order in world.order_manager.open_orders("ann")] == [ETH.symbol]


@pytest.mark.parametrize("why", [None, Code.DISCONNECTED])
def test_other_steps_end_what_a_cancel_was_on_its_way_to_for_its_reason(
    world: TradingWorld, why: Code | None
) -> None:
    order = world.place(world.ticket())
    world.order_manager.mark_cancelling(Cancel(BTC.symbol, order.order_id, why), NOW)
    ended, _ = world.order_manager.list_instruments([replace(BTC, tick_size="0.1")], NOW)
    assert isinstance(ended.event, OrderEnded)
    assert (ended.event.order.state, ended.event.order.code) == ("cancelled", why)


def test_orders_go_back_into_another_market(world: TradingWorld) -> None:
    world.place(world.ticket("sell", 10, 200, post_only=True))
    world.order_manager.settle(world.market.other("buy", 4, 200), NOW)
    world.place(world.ticket("sell", 5, None, "stop", "ioc", stop=150))
    order = world.place(world.ticket("buy", 10, 180))
    world.order_manager.amend(order, AT, lots=20)  # and the process ends before the venue answered
    spend = world.ticket(lots=None, spend=4_000, price=None, type="market", tif="ioc")
    world.order_manager.place(spend, AT)
    market = Market(BTC)
    market.other("buy", 3, 201)
    back = OrderManager.restored(world.order_manager.snapshot(), RULES, market.prices)
    decision = place_again(back, {BTC.symbol}, NOW)
    assert len(decision.entries) == 1
    assert back.find("ann", order.order_id).amending == 0
    for command in decision.commands:
        back.settle(market.execute(command), NOW)
    assert back.find("ann", 1).filled_lots == 7  # it crosses now, and fills
    assert market.exchange.markets[BTC.symbol].waiting.keys() == {2}
    assert back.conserved()


def test_an_order_whose_cancel_was_on_its_way_does_not_come_back(world: TradingWorld) -> None:
    order = world.place(world.ticket("sell", 10, 200))
    gone = world.place(world.ticket())
    world.carry_out(world.order_manager.cancel(gone))
    decision = world.order_manager.cancel(order)
    (entry,) = world.order_manager.mark_cancelling(Cancel(BTC.symbol, order.order_id), NOW)
    assert (entry.event.account, entry.seqs) == ("ann", world.order_manager.seqs("ann"))
    for known in (order.order_id, gone.order_id, 99):  # once, and only where the venue owes the answer
        assert world.order_manager.mark_cancelling(Cancel(BTC.symbol, known, Code.DEADMAN), NOW) == []
    world.order_manager.settle(world.market.other("buy", 4, 200), NOW)  # the fill overtakes the cancel
    world.order_manager.amend(world.order_manager.find("ann", order.order_id), AT, lots=12)
    back = OrderManager.restored(world.order_manager.snapshot(), RULES, world.market.prices)
    assert decision.commands != place_again(back, {BTC.symbol}, NOW).commands == []
    ended = back.find("ann", order.order_id)
    assert (ended.state, ended.filled_lots, ended.held, ended.cancelling) == ("cancelled", 4, 0, False)
    assert ended.code is None, "its client had asked"
    assert back.conserved()


@pytest.mark.parametrize("ends", ["put back", "withdrawn", "filled"])
def test_why_a_cancel_was_on_its_way_outlives_the_market(world: TradingWorld, ends: str) -> None:
    order = world.place(world.ticket("sell", 10, 200))
    (cancel,) = cancel_all(world.order_manager, code=Code.MARKET_HALTED).commands
    assert isinstance(cancel, Cancel)
    (kept,) = world.order_manager.mark_cancelling(cancel, NOW)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=AccountEntry) == kept
    world.order_manager.amend(world.order_manager.find("ann", order.order_id), AT, lots=12)
    world.order_manager.settle(world.market.execute(Amend(BTC.symbol, order.order_id, lots=12)), NOW)
    world.order_manager.settle(world.market.other("buy", 4, 200), NOW)
    back = OrderManager.restored(world.order_manager.snapshot(), RULES, world.market.prices)
    assert back.find("ann", order.order_id).code is Code.MARKET_HALTED
    if ends == "put back":
        place_again(back, {BTC.symbol}, NOW)
    elif ends == "withdrawn":
        at_no_venue(back, cancel_all(back, account="ann", code=Code.DISCONNECTED), NOW)
    else:
        back.settle(world.market.other("buy", 8, 200), NOW)
    ended = back.find("ann", order.order_id)
    expected = ("filled", None) if ends == "filled" else ("cancelled", Code.MARKET_HALTED)
    assert (ended.state, ended.code) == expected


def test_a_snapshot_of_something_else_is_refused(world: TradingWorld) -> None:
    pieces = list(world.order_manager.snapshot())
    for wrong in ([], [b"\x91\x01"], pieces[:-1], [*pieces, b"\x01"], [pieces[0], *pieces[2:]]):
        with pytest.raises(msgspec.DecodeError):
            OrderManager.restored(wrong, RULES, world.market.prices)


def test_a_snapshot_is_of_its_moment(world: TradingWorld) -> None:
    world.place(world.ticket("sell", 2, 199))
    resting = world.place(world.ticket())
    pieces, snapshot = list(world.order_manager.snapshot()), world.order_manager.snapshot()
    world.place(world.ticket("sell", 2, 199))
    world.carry_out(world.order_manager.cancel(resting))
    world.order_manager.deposit("ann", "BTC", "1", 1_000, NOW)
    assert list(snapshot) == pieces != list(world.order_manager.snapshot())
