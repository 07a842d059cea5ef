"""Limits at their edges, and what the refusal of one tells programs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.effective_limits import MOST, check, effective_limits
from floorwire.engine.instrument_units import InstrumentUnits
from tests.engine.market import BTC

TERMS = InstrumentUnits.of(BTC, 8, 8)
COLLARED = Limits(price_collar="0.1")


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_order_notional="-1"),
        Limits(max_order_quantity={"BTC": "x"}),
        Limits(max_position={"BTC": "1e3"}),
        Limits(price_collar="1"),
        Limits(orders_per_second=0),
        Limits(orders_per_second=MOST + 1),
        Limits(max_open_orders=-1),
        Limits(max_open_orders=MOST + 1),
    ],
)
def test_what_is_no_limit_is_refused_with_its_field(limits: Limits) -> None:
    with pytest.raises(Refusal) as caught:
        check(limits)
    assert (caught.value.code, caught.value.details) == (Code.BAD_REQUEST, {"field": "limits"})


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_order_notional="0", max_order_quantity={"BTC": "0"}, max_position={"BTC": "0"}),
        Limits(orders_per_second=1),
        Limits(orders_per_second=MOST),
        Limits(max_open_orders=0),
        Limits(max_open_orders=MOST),
        Limits(),
    ],
)
def test_the_least_and_the_most_are_limits(limits: Limits) -> None:
    check(limits)


def test_of_two_limits_the_tighter_holds() -> None:
    account = Limits(
        max_order_notional="300",
        max_order_quantity={"BTC": "2", "ETH": "0"},
        max_position={"BTC": "10"},
        price_collar="0.1",
        max_open_orders=3,
    )
    key = Limits(
        max_order_notional="200",
        max_order_quantity={"BTC": "3"},
        max_position={"BTC": "9.999"},
        price_collar="0.0000019",
        max_open_orders=5,
    )
    found = effective_limits(TERMS, account, key, None)
    assert (found.max_turnover, found.max_lots, found.max_position_lots) == (40_000, 200, 999)
    assert (found.collar_ppm, found.max_open, found.max_open_of_key) == (1, 3, 5)
    assert effective_limits(TERMS, account, key, Decimal("1E+2")).max_turnover == 20_000
    assert effective_limits(TERMS, account, key, Decimal("1E+9")).max_turnover == 40_000


def test_a_collar_of_nothing_is_nothing() -> None:
    for nothing in ("0", "0.0000009"):
        assert (
            effective_limits(TERMS, replace(COLLARED, price_collar=nothing), Limits(), None).collar_ppm == 0
        )


def test_without_limits_there_are_none() -> None:
    found = effective_limits(TERMS, COLLARED, Limits(), None)
    assert (found.max_turnover, found.max_lots, found.max_position_lots) == (None, None, None)
    assert (found.max_open, found.max_open_of_key, found.collar_ppm) == (None, None, 100_000)


@pytest.mark.parametrize(
    ("account", "key", "cancels"),
    [
        (None, None, True),
        ("allow", None, False),
        ("cancel_newest", None, True),
        ("allow", "cancel_newest", True),
        ("cancel_newest", "allow", False),
    ],
)
def test_a_keys_own_rule_of_self_trades_goes_before_the_accounts(
    account: str | None, key: str | None, cancels: bool
) -> None:
    levels = (replace(COLLARED, self_trade=account), Limits(self_trade=key))  # type: ignore[arg-type]
    assert effective_limits(TERMS, *levels, None).cancels_self_trade is cancels
