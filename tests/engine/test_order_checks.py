"""The list of an order's checks is the order in which they are made."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.orders import OrderTicket
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine import order_checks
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC, Market, order_manager

NOW = 1_000_000


def test_of_an_order_with_every_fault_the_first_of_the_list_is_told() -> None:
    """One fault after another is removed; the next of the list is the answer then."""
    market = Market(BTC)
    made = order_manager(market, BTC, rules=TradingRules(Limits(price_collar="0.1", orders_per_second=1)))
    made.deposit("ann", "USDT", "100", 1, NOW)
    market.other("buy", 1_000, 199)
    market.other("sell", 1_000, 201)
    rest = OrderTicket("ann", "first", BTC.symbol, "buy", "limit", 10, None, 190)
    for command in made.place(rest, moment(NOW), key="k").commands:
        made.settle(market.execute(command), NOW)  # the second's rate is used up
    tight = Limits(
        max_order_notional="500",
        max_order_quantity={"BTC": "9"},
        max_position={"BTC": "5"},
        max_open_orders=1,
    )
    made.set_limits("ann", tight, NOW)
    made.halt("all", "", NOW)
    market.feed = "stale"
    wrong = OrderTicket(
        "ann", "first", BTC.symbol, "buy", "limit", 1_000, None, 300, None, "gtd", NOW, reduce_only=True
    )
    told: list[Code] = []

    def ask(ticket: OrderTicket, now_us: int = NOW, deadline_us: int | None = None) -> None:
        with pytest.raises(Refusal) as caught:
            made.place(ticket, moment(now_us), key="k", deadline_us=deadline_us)
        told.append(caught.value.code)

    ask(wrong, deadline_us=NOW - 1)
    wrong = replace(wrong, client_order_id="second")
    ask(wrong, deadline_us=NOW - 1)
    ask(wrong)
    made.resume("all", "", NOW)
    ask(wrong)
    market.feed = "live"
    ask(wrong)
    later = NOW + 2_000_000
    ask(wrong, later)
    wrong = replace(wrong, time_in_force="gtc", expires_us=None)
    made.set_limits("ann", replace(tight, orders_per_second=1_000), NOW)
    ask(wrong, later)
    wrong = replace(wrong, lots=800)
    ask(wrong, later)
    wrong = replace(wrong, lots=8, price_ticks=300)
    made.list_instruments([replace(BTC, min_quantity="0.09", min_notional="13")], NOW)
    ask(wrong, later)
    made.list_instruments([replace(BTC, min_notional="13")], NOW)
    ask(wrong, later)
    made.list_instruments([BTC], NOW)
    ask(wrong, later)
    wrong = replace(wrong, lots=800, price_ticks=120)
    ask(wrong, later)
    wrong = replace(wrong, reduce_only=False)
    ask(wrong, later)
    made.set_limits("ann", replace(tight, orders_per_second=1_000, max_open_orders=9), NOW)
    ask(wrong, later)
    wrong = replace(wrong, lots=400)
    ask(wrong, later)
    assert told == [
        Code.DUPLICATE_CLIENT_ORDER_ID,
        Code.DEADLINE_PASSED,
        Code.MARKET_HALTED,
        Code.STALE_MARKET,
        Code.RATE_LIMITED,
        Code.BAD_REQUEST,
        Code.MAX_QUANTITY,
        Code.MAX_NOTIONAL,
        Code.MIN_QUANTITY,
        Code.MIN_NOTIONAL,
        Code.PRICE_BAND,
        Code.REDUCE_ONLY,
        Code.MAX_OPEN_ORDERS,
        Code.POSITION_LIMIT,
        Code.INSUFFICIENT_BALANCE,
    ]


def test_the_list_names_codes_that_there_are() -> None:
    listed = re.findall(r"^ +\d+ \w+ +(\w+)", order_checks.__doc__ or "", re.MULTILINE)
    assert len(listed) == 19
    assert set(listed) <= {code.value for code in Code}
