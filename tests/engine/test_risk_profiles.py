from __future__ import annotations

import pytest

from floorwire.core.account_events import LimitsSet, Listed
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.instrument import Instrument
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine import risk_profiles as risk_profiles_module
from floorwire.engine.accounts import Accounts
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.order_parsing import parse_order
from floorwire.engine.risk_profiles import RiskProfile, RiskProfiles
from floorwire.engine.trading_rules import TradingRules
from floorwire.protocol.trading_requests import OrderPlace
from tests.clocks import moment
from tests.engine.market import BTC, ETH

NOW = 1_000_000
AT = moment(NOW)
RULES = TradingRules(limits=Limits(price_collar="0.05", orders_per_second=2))


@pytest.fixture
def order_manager() -> OrderManager:
    made = OrderManager(RULES, lambda _: Prices(199, 201, 200, "live"))
    made.list_instruments([BTC, ETH], NOW)
    made.deposit("ann", "USDT", "1000000", 1, NOW)
    return made


def place(
    order_manager: OrderManager,
    number: int,
    instrument: Instrument = BTC,
    at: Moment = AT,
) -> None:
    ticket = parse_order(
        order_manager.instrument_units(instrument.symbol),
        "ann",
        OrderPlace(
            client_order_id=str(number),
            symbol=instrument.symbol,
            side="buy",
            quantity=instrument.lot_size,
            price=instrument.price.format(200),
        ),
    )
    order_manager.place(ticket, at, key="k")


def refused(order_manager: OrderManager, number: int, instrument: Instrument = BTC) -> Code:
    with pytest.raises(Refusal) as caught:
        place(order_manager, number, instrument)
    return caught.value.code


def test_all_symbols_of_an_account_count_against_one_rate(order_manager: OrderManager) -> None:
    place(order_manager, 1)
    place(order_manager, 2, ETH)
    assert refused(order_manager, 3) is Code.RATE_LIMITED
    assert refused(order_manager, 3, ETH) is Code.RATE_LIMITED


def test_a_rule_that_changes_holds_for_the_next_order(order_manager: OrderManager) -> None:
    place(order_manager, 1)
    order_manager.halt("key", "k", NOW)
    assert refused(order_manager, 2) is Code.MARKET_HALTED
    order_manager.resume("key", "k", NOW)
    order_manager.set_limits("ann", Limits(max_open_orders=1), NOW)
    assert refused(order_manager, 2) is Code.MAX_OPEN_ORDERS
    order_manager.set_limits("ann", Limits(orders_per_second=1_000), NOW)
    for number in range(2, 12):
        place(order_manager, number)


def test_who_was_fast_stays_so_when_risk_profiles_are_dropped(
    order_manager: OrderManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(risk_profiles_module, "MOST", 1)
    place(order_manager, 1)
    place(order_manager, 2, ETH)
    assert refused(order_manager, 3) is Code.RATE_LIMITED
    place(order_manager, 3, at=moment(NOW + 1_000_000))


def test_a_clock_that_is_set_back_slows_nobody_down(order_manager: OrderManager) -> None:
    place(order_manager, 1, at=moment(NOW))
    hour_us = 3_600_000_000
    for number in (2, 3):
        place(order_manager, number, at=Moment(NOW + 1_000_000, NOW - hour_us, NOW + 500_000))
    with pytest.raises(Refusal) as caught:
        place(order_manager, 4, at=Moment(NOW + 1_000_001, NOW + hour_us, NOW + hour_us))
    assert caught.value.code is Code.RATE_LIMITED
    assert 0 < (caught.value.wait_us or 0) <= 1_000_000


def test_an_account_that_nothing_ever_happened_to_is_known_as_soon_as_it_is_there() -> None:
    made = OrderManager(RULES, lambda _: Prices(199, 201, 200, "live"))
    made.list_instruments([BTC], NOW)
    assert refused(made, 1) is Code.INSUFFICIENT_BALANCE
    made.deposit("ann", "USDT", "1000000", 1, NOW)
    place(made, 2)
    assert [order.ticket.client_order_id for order in made.open_orders("ann")] == ["2"]


def test_what_is_worked_out_is_bounded_and_slow_rates_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound all risk profiles are dropped, and the rates with a full bucket."""
    monkeypatch.setattr(risk_profiles_module, "MOST", 5)
    accounts = Accounts()
    accounts.apply(Listed(BTC, NOW))
    for key in ("fast", "slow", "c", "d", "e"):
        accounts.apply(LimitsSet("ann", key, Limits(orders_per_second=1), NOW))
    risk_profiles = RiskProfiles(accounts, RULES.limits)

    def ask(key: str, now_us: int) -> RiskProfile:
        return risk_profiles.of(("ann", key, BTC.symbol, None), now_us)

    fast, slow = ask("fast", NOW), ask("slow", NOW)
    assert fast.key_rate is not None
    assert fast.key_rate.allow(NOW)
    assert (ask("c", NOW), ask("d", NOW), ask("fast", NOW), ask("slow", NOW))[2:] == (fast, slow)
    assert ask("fast", NOW) is fast
    ask("e", NOW)  # one too many
    again, slow_again = ask("fast", NOW), ask("slow", NOW)
    assert again is not fast
    assert again.key_rate is fast.key_rate, "else whoever was fast could be fast again"
    assert slow_again.key_rate is not slow.key_rate


def test_so_many_keys_of_an_account_have_limits(
    order_manager: OrderManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(risk_profiles_module, "MOST_KEYS", 2)
    for key in ("k1", "k2", "k1"):
        order_manager.set_limits("ann", Limits(max_open_orders=1), NOW, key)
    with pytest.raises(Refusal) as refused:
        order_manager.set_limits("ann", Limits(max_open_orders=1), NOW, "k3")
    assert refused.value.code is Code.BAD_REQUEST
    order_manager.set_limits("ann", Limits(max_open_orders=1), NOW)
