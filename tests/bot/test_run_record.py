"""What a run has made: cash, fees, positions at the last prices."""

from __future__ import annotations

from decimal import Decimal

from floorwire.bot.price_marks import PriceMarks
from floorwire.bot.run_record import RunRecord
from tests.bot.rows import SYMBOL, fill, ticker


def record() -> tuple[RunRecord, PriceMarks]:
    marks = PriceMarks()
    made = RunRecord(marks)
    made.add_symbol(SYMBOL)
    return made, marks


def test_profit_is_cash_and_position_less_fees() -> None:
    made, marks = record()
    made.fill(fill("buy", "2", "100", fee="0.5"))
    made.sample(1)
    assert made.profits == {"USDT": Decimal("-0.5")}
    marks.last["ABC-USDT"] = ticker("109", "111")
    made.sample(2)
    assert made.profits == {"USDT": Decimal("19.5")}
    made.fill(fill("sell", "2", "111", fee="1"))
    made.sample(3)
    assert made.profits == {"USDT": Decimal("20.5")}
    assert made.turnover == {"USDT": Decimal(422)}
    assert made.fees == {"USDT": Decimal("1.5")}
    assert made.positions == {"ABC-USDT": 0}
    assert made.fill_count == 2
    curve = made.curves["USDT"]
    assert (curve.max_exposure, curve.max_drawdown) == (Decimal(220), Decimal("0.5"))


def test_fees_in_the_base_asset_make_the_position_smaller() -> None:
    made, marks = record()
    made.fill(fill("buy", "2", "100", fee="0.1", fee_asset="here:ABC"))
    marks.last["ABC-USDT"] = ticker("100", "100.02")
    made.sample(1)
    assert made.positions == {"ABC-USDT": Decimal("1.9")}
    assert made.profits == {"USDT": Decimal("1.9") * Decimal("100.01") - 200}


def test_fees_in_a_third_asset_are_listed_alone() -> None:
    made, _ = record()
    made.fill(fill("sell", "1", "100", fee="3", fee_asset="BNB"))
    made.sample(1)
    assert made.fees == {"BNB": Decimal(3)}
    assert made.profits == {"USDT": Decimal(0)}


def test_orders_and_refusals_are_counted() -> None:
    made, _ = record()
    made.order("rejected", "no_liquidity")
    made.order("cancelled", "disconnected")
    made.refused("stale_market")
    assert made.orders == {"rejected": 1, "cancelled": 1, "refused": 1}
    assert made.refusals == {"no_liquidity": 1, "stale_market": 1}
