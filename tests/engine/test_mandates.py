from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.instrument import Instrument
from floorwire.core.limits import Limits
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.engine import mandates as mandates_module
from floorwire.engine.house import House, Rules
from floorwire.engine.ticket import write
from tests.engine.market import BTC, ETH

NOW = 1_000_000
RULES = Rules(limits=Limits(price_collar="0.05", orders_per_second=2))


@pytest.fixture
def house() -> House:
    made = House(RULES, lambda _: Prices(199, 201, 200, "live"))
    made.list_instruments([BTC, ETH], NOW)
    made.deposit("ann", "USDT", "1000000", 1, NOW)
    return made


def place(
    house: House, number: int, instrument: Instrument = BTC, now_us: int = NOW, at: Moment | None = None
) -> None:
    ticket = write(
        house.terms(instrument.symbol),
        account="ann",
        client_order_id=str(number),
        side="buy",
        type="limit",
        quantity=instrument.lot_size,
        price=instrument.price.format(200),
    )
    house.place(ticket, now_us, key="k", at=at)


def refused(house: House, number: int, instrument: Instrument = BTC, now_us: int = NOW) -> Code:
    with pytest.raises(Refusal) as caught:
        place(house, number, instrument, now_us)
    return caught.value.code


def test_all_symbols_of_an_account_count_against_one_rate(house: House) -> None:
    place(house, 1)
    place(house, 2, ETH)
    assert refused(house, 3) is Code.RATE_LIMITED
    assert refused(house, 3, ETH) is Code.RATE_LIMITED


def test_a_rule_that_changes_holds_for_the_next_order(house: House) -> None:
    place(house, 1)
    house.halt("key", "k", NOW)
    assert refused(house, 2) is Code.MARKET_HALTED
    house.resume("key", "k", NOW)
    house.set_limits("ann", Limits(max_open_orders=1), NOW)
    assert refused(house, 2) is Code.MAX_OPEN_ORDERS
    house.set_limits("ann", Limits(orders_per_second=1_000), NOW)
    for number in range(2, 12):
        place(house, number)


def test_who_was_fast_stays_so_when_mandates_are_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mandates_module, "MOST", 1)
    place(house, 1)
    place(house, 2, ETH)
    assert refused(house, 3) is Code.RATE_LIMITED
    place(house, 3, now_us=NOW + 1_000_000)


def test_a_clock_that_is_set_back_slows_nobody_down(house: House) -> None:
    place(house, 1, at=Moment(NOW, NOW, NOW))
    hour_us = 3_600_000_000
    for number in (2, 3):
        place(house, number, at=Moment(NOW + 1_000_000, NOW - hour_us, NOW + 500_000))
    with pytest.raises(Refusal) as caught:
        place(house, 4, at=Moment(NOW + 1_000_001, NOW + hour_us, NOW + hour_us))
    assert caught.value.code is Code.RATE_LIMITED
    assert 0 < (caught.value.wait_us or 0) <= 1_000_000


def test_an_account_that_nothing_ever_happened_to_is_known_as_soon_as_it_is_there() -> None:
    made = House(RULES, lambda _: Prices(199, 201, 200, "live"))
    made.list_instruments([BTC], NOW)
    assert refused(made, 1) is Code.INSUFFICIENT_BALANCE
    made.deposit("ann", "USDT", "1000000", 1, NOW)
    place(made, 2)
    assert [order.ticket.client_order_id for order in made.open_orders("ann")] == ["2"]
