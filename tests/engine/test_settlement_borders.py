"""What a venue's report leaves of an order and of an account, field by field."""

from __future__ import annotations

from floorwire.core.account_events import Balance, Quarantined
from floorwire.core.execution_reports import Ended, Filled, Report, Triggered
from floorwire.core.instrument import Side
from floorwire.core.order_commands import Cancel
from floorwire.core.orders import Order, OrderTicket
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC, RULES, Market, order_manager

NOW, LATER = 1_000_000, 2_000_000
AT = moment(NOW)
RULED = TradingRules(limits=RULES.limits, maker_ppm=1, taker_ppm=1)


def made(asset: str, amount: str) -> OrderManager:
    """Return an order manager where ann has this and nothing else."""
    trading = order_manager(Market(BTC), BTC, rules=RULED)
    trading.deposit("ann", asset, amount, 1, 0)
    return trading


def placed(trading: OrderManager, side: Side, price: int = 199, **more: object) -> Order:
    ticket = OrderTicket("ann", "1", BTC.symbol, side, "limit", 10, None, price, **more)  # type: ignore[arg-type]
    order = trading.place(ticket, AT, key="k").order
    assert order is not None
    return order


def filled(order: Order, lots: int, left: int) -> Report:
    return Filled(order.order_id, "t", 199, lots, left, "maker", LATER)


def test_who_sells_has_exactly_what_was_paid_of_an_asset_never_had() -> None:
    trading = made("BTC", "1")
    trading.settle([filled(placed(trading, "sell"), 10, 0)], LATER)
    (fill,) = trading.fills("ann")
    assert trading.balances("ann") == [
        Balance("BTC", 90_000_000, 0, 8),
        Balance("USDT", 995_000_000 - fill.fee, 0, 8),
    ]


def test_who_buys_has_exactly_what_was_bought_of_an_asset_never_had() -> None:
    trading = made("USDT", "100")
    trading.settle([filled(placed(trading, "buy"), 4, 6)], LATER)
    btc, _ = trading.balances("ann")
    assert btc == Balance("BTC", 4_000_000, 0, 8)
    assert trading.conserved()


def test_a_filled_order_is_not_being_cancelled_any_more() -> None:
    trading = made("USDT", "100")
    order = placed(trading, "buy")
    trading.mark_cancelling(Cancel(BTC.symbol, order.order_id), LATER)
    trading.settle([filled(order, 4, 6)], LATER)
    assert trading.find("ann", order.order_id).cancelling
    trading.settle([filled(order, 6, 0)], LATER)
    done = trading.find("ann", order.order_id)
    assert (done.state, done.cancelling, done.code, done.held) == ("filled", False, None, 0)


def test_an_order_that_ended_keeps_what_it_was_charged_at() -> None:
    trading = made("USDT", "100")
    order = placed(trading, "buy")
    trading.settle([filled(order, 3, 7)], LATER)
    before = trading.find("ann", order.order_id)
    assert before.fee_ppm
    assert before.fee_credit
    trading.settle([Ended(order.order_id, 7, "cancelled", None, LATER)], LATER)
    after = trading.find("ann", order.order_id)
    assert (after.fee_ppm, after.fee_credit) == (before.fee_ppm, before.fee_credit)
    assert (after.filled_lots, after.held, after.updated_us) == (3, 0, LATER)


def test_a_triggered_order_says_when() -> None:
    trading = made("USDT", "100")
    ticket = OrderTicket("ann", "1", BTC.symbol, "buy", "stop_limit", 10, None, 199, 198)
    order = trading.place(ticket, AT, key="k").order
    assert order is not None
    trading.settle([Triggered(order.order_id, LATER)], LATER)
    after = trading.find("ann", order.order_id)
    assert (after.triggered, after.created_us, after.updated_us) == (True, NOW, LATER)


def test_a_report_of_an_order_that_is_not_open_goes_into_quarantine() -> None:
    trading = made("USDT", "100")
    order = placed(trading, "buy")
    trading.settle([filled(order, 10, 0)], LATER)
    before = trading.find("ann", order.order_id)
    late = filled(order, 1, 0)
    unknown = Ended(7, 1, "cancelled", None, LATER)
    events = [entry.event for entry in trading.settle([late, unknown, late], LATER)]
    why = "the venue reports on an order that is not open"
    assert events == [
        Quarantined("ann", 1, "test", order.order_id, "", why, repr(late), LATER),
        Quarantined("", 2, "", 7, "", why, repr(unknown), LATER),
    ]
    assert trading.find("ann", order.order_id) == before
