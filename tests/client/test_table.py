"""Rows as frames."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import pytest

from floorwire.client import MissingLibraryError
from floorwire.client.table import AMOUNTS, TIMES, Table, column_types
from floorwire.protocol import account_rows, market_replies
from floorwire.protocol.market_replies import CandleRow

START_US = 1_764_000_000_000_000
ROWS = [
    CandleRow(
        start=START_US, open="0.10", high="0.30", low="0.10", close="0.20", volume="5", trades=2, closed=True
    ),
    CandleRow(
        start=START_US + 60_000_000,
        open="0.20",
        high="0.20",
        low="0.20",
        close="0.20",
        volume="0",
        trades=0,
        closed=False,
        incomplete=True,
    ),
]
TABLE = Table(ROWS, CandleRow)


def test_it_is_a_sequence() -> None:
    assert (len(TABLE), TABLE[0], TABLE[-1:], list(TABLE)) == (2, ROWS[0], [ROWS[1]], ROWS)
    assert repr(TABLE) == "Table of 2 CandleRow"


def test_columns_are_exact_and_lack_nothing() -> None:
    columns = TABLE.columns()
    assert list(columns) == list(CandleRow.__struct_fields__)
    assert columns["open"] == [Decimal("0.10"), Decimal("0.20")]
    assert columns["incomplete"] == [None, True]
    assert TABLE.columns(float)["high"] == [0.3, 0.2]


def test_every_field_of_a_row_that_is_an_amount_or_a_time_is_named() -> None:
    """A field is a decimal, a date, or a word: a new one has to be put in one of these."""
    words = {
        "order_id",
        "client_order_id",
        "symbol",
        "side",
        "type",
        "state",
        "time_in_force",
        "post_only",
        "reduce_only",
        "code",
        "triggered",
        "fill_id",
        "trade_id",
        "fee_asset",
        "liquidity",
        "asset",
        "entry_id",
        "cause",
        "reference",
        "account",
        "trades",
        "closed",
        "incomplete",
        "simulated",
        "feed",
    }
    for kind in (
        account_rows.OrderRow,
        account_rows.FillRow,
        account_rows.BalanceRow,
        account_rows.PositionRow,
        account_rows.LedgerRow,
        market_replies.TradeRow,
        market_replies.CandleRow,
        market_replies.TickerRow,
    ):
        for name in kind.__struct_fields__:
            assert (name in AMOUNTS) + (name in TIMES) + (name in words) == 1, (kind.__name__, name)


def test_a_column_has_a_type_without_any_row() -> None:
    types = column_types(account_rows.OrderRow)
    assert (types["average_price"], types["expires"], types["triggered"]) == ("amount", "time", "flag")
    assert (types["symbol"], column_types(CandleRow)["trades"]) == ("text", "number")


def test_a_frame_of_pandas() -> None:
    import pandas

    frame = TABLE.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["start"][0] == datetime.fromtimestamp(START_US / 1e6, UTC)
    assert frame["open"].sum() == Decimal("0.30")
    assert TABLE.to_frame(decimals="float")["open"].dtype == float
    assert dict(Table([], CandleRow).to_frame().dtypes) == dict(frame.dtypes), "also without rows"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_not_installed_is_a_sentence(
    library: Literal["pandas", "polars"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=f"^to_frame needs {library}: pip install {library}$"):
        Table(ROWS, CandleRow).to_frame(library)


def test_a_frame_of_polars() -> None:
    polars = pytest.importorskip("polars")
    frame = TABLE.to_frame("polars")
    assert isinstance(frame, polars.DataFrame)
    assert frame["start"][0] == datetime.fromtimestamp(START_US / 1e6, UTC)
    assert frame["open"].to_list() == [Decimal("0.10"), Decimal("0.20")]
    assert Table([], CandleRow).to_frame("polars").schema.names() == frame.schema.names()
    assert frame.schema["simulated"] == polars.Boolean, "also where every row lacks it"
    assert TABLE.to_frame("polars", decimals="float")["open"].dtype == polars.Float64
