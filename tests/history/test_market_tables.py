"""Market history as rows of tables."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorwire.connectors import csv_file
from floorwire.core.market_history import StoredCandle, StoredTrade, StoredUnits
from floorwire.core.units import Scale
from floorwire.history import market_tables
from tests.history.market import SYMBOL

UNITS = StoredUnits(Scale.of("0.5"), Scale.of("0.001"))


@pytest.mark.parametrize(("is_incomplete", "said"), [(True, "true"), (False, "false")])
def test_a_candle_says_whether_it_is_whole(is_incomplete: bool, said: str) -> None:
    candle = StoredCandle(60, 120, 61, 3, 5, 2, 4, 7, 2, True, is_incomplete, False, UNITS)
    row = market_tables.candle_row(SYMBOL, "1m", candle)
    line = csv_file.lines(market_tables.CANDLES, [row])
    assert line == f"{SYMBOL},1m,60,1.5,2.5,1.0,2.0,0.007,2,true,{said},false\r\n"
    assert row["high"] == Decimal("2.5")
    assert set(row) == set(market_tables.CANDLES)


def test_a_trade() -> None:
    row = market_tables.trade_row(SYMBOL, StoredTrade(9, 8, "id", 3, 7, "buy", UNITS))
    assert csv_file.lines(market_tables.TRADES, [row]) == f"{SYMBOL},id,1.5,0.007,buy,8\r\n"
    assert set(row) == set(market_tables.TRADES)
