"""Limits of a run: each alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorwire.bot.bot_limits import BotLimits, Exposure, LimitChecks
from floorwire.client.order import OrderTerms
from floorwire.core.codes import Code
from floorwire.core.instrument import Side

NONE = Exposure(Decimal(0), Decimal(0), 0, Decimal(100))


def order(side: Side = "buy", quantity: str | None = "2", spend: str | None = None) -> OrderTerms:
    return OrderTerms(symbol="ABC-USDT", side=side, quantity=quantity, spend=spend)


def code(limits: BotLimits, terms: OrderTerms, exposure: Exposure = NONE) -> Code | None:
    found = LimitChecks(limits).refusal(terms, exposure, 0)
    return None if found is None else found[0]


def test_value() -> None:
    limits = BotLimits(max_order_notional=Decimal(200))
    assert code(limits, order()) is None
    assert code(limits, order(quantity="2.01")) is Code.MAX_NOTIONAL
    assert code(limits, order(quantity=None, spend="200")) is None
    assert code(limits, order(quantity=None, spend="201")) is Code.MAX_NOTIONAL
    assert code(limits, order(), Exposure(Decimal(0), Decimal(0), 0, None)) is Code.MAX_NOTIONAL


@pytest.mark.parametrize(
    ("side", "position", "is_open", "allowed"),
    [
        ("buy", "1", "0", True),
        ("buy", "1", "0.1", False),
        ("buy", "-5", "6", True),
        ("sell", "-1", "0", True),
        ("sell", "-1.1", "0", False),
        ("sell", "3", "4", True),
    ],
)
def test_position(side: Side, position: str, is_open: str, *, allowed: bool) -> None:
    limits = BotLimits(max_position={"ABC-USDT": Decimal(3)})
    exposure = Exposure(Decimal(position), Decimal(is_open), 1, Decimal(1))
    assert code(limits, order(side), exposure) is (None if allowed else Code.POSITION_LIMIT)


def test_position_of_an_order_by_money_is_not_known() -> None:
    limits = BotLimits(max_position={"ABC-USDT": Decimal(3)})
    assert code(limits, order(quantity=None, spend="1")) is Code.POSITION_LIMIT
    assert code(BotLimits(max_position={"XYZ-USDT": Decimal(3)}), order(quantity=None, spend="1")) is None


def test_open_orders() -> None:
    limits = BotLimits(max_open_orders=2)
    assert code(limits, order(), Exposure(Decimal(0), Decimal(0), 1, None)) is None
    assert code(limits, order(), Exposure(Decimal(0), Decimal(0), 2, None)) is Code.MAX_OPEN_ORDERS


def test_rate_counts_orders_that_were_sent() -> None:
    checks = LimitChecks(BotLimits(orders_per_second=2, max_order_notional=Decimal(200)))
    assert checks.refusal(order(), NONE, 0) is None
    assert checks.refusal(order(quantity="9"), NONE, 0) is not None
    assert checks.refusal(order(), NONE, 400_000) is None
    refusal = checks.refusal(order(), NONE, 999_999)
    assert refusal is not None
    assert refusal[0] is Code.RATE_LIMITED
    assert checks.refusal(order(), NONE, 1_000_000) is None
    assert checks.refusal(order(), NONE, 1_399_999) is not None
